"""The results of the last `deid bench`, kept for the pages: in DEID_HOME/bench, for this program alone.

    results.json   figures, tables and each word that leaked or was lost, text included
    crops/         pictures of those words, before and after

Both are PHI where the cases are. Nothing of them is logged or stored in the database.
"""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from deid.bench.measure import GROUPS, CaseResult, as_object, crop_name
from deid.store.secrets import private_folder, write_private

RESULTS, CROPS = "results.json", "crops"


@dataclass(frozen=True, slots=True)
class Miss:
    """A word that leaked or was lost. Its repr tells nothing, since the word may be PHI."""

    leaked: bool
    case: str = field(repr=False)
    text: str = field(repr=False)
    category: str
    read_as: tuple[str, ...] = field(repr=False)
    """What readers made of it; empty where none saw it."""
    reason: str
    crop: Path | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Last:
    """What the last measurement found."""

    when: datetime
    """UTC without a zone."""
    total: dict[str, Any]
    tables: dict[str, dict[str, dict[str, Any]]]
    """By GROUPS, then by group: the figures."""
    misses: tuple[Miss, ...]


def crops_folder(home: Path) -> Path:
    """An empty private folder for the crops of a measurement that begins now; the last one's results are dropped."""
    forget(home)
    return private_folder(private_folder(folder(home)) / CROPS)


def keep(home: Path, results: Sequence[CaseResult]) -> None:
    """Keep the results as the last ones."""
    document = as_object(results, with_text=True) | {"when": datetime.now(UTC).replace(tzinfo=None).isoformat()}
    content = json.dumps(document, ensure_ascii=False).encode()
    write_private(private_folder(folder(home)) / RESULTS, content)


def last(home: Path) -> Last | None:
    """What was kept; None where nothing was measured, or by another version."""
    kept_in = folder(home)
    try:
        kept = json.loads((kept_in / RESULTS).read_text(encoding="utf-8"))
        misses = [_miss(kept_in, case, word) for case in kept["cases"] for word in case.get("words", ())]
        found = tuple(each for each in misses if each is not None)
        return Last(datetime.fromisoformat(kept["when"]), kept["total"], {by: kept[by] for by in GROUPS}, found)
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _miss(kept_in: Path, case: dict[str, Any], word: dict[str, Any]) -> Miss | None:
    if word["end"] not in ("leaked", "lost"):
        return None
    crop = kept_in / CROPS / crop_name(word["end"], case["name"], word["index"])
    return Miss(
        *(word["end"] == "leaked", case["name"], word["text"], word["category"], tuple(word["readings"])),
        word["reason"],
        crop if crop.is_file() else None,
    )


def folder(home: Path) -> Path:
    """Where it lies."""
    return home / "bench"


def is_older(home: Path, hours: float) -> bool:
    """Whether something is kept, or was begun, to which nothing was added for so many hours."""
    times = [path.stat().st_mtime for path in (folder(home), *folder(home).rglob("*")) if path.exists()]
    return bool(times) and max(times) < time.time() - hours * 3600


def forget(home: Path) -> None:
    """Drop what was kept."""
    shutil.rmtree(folder(home), ignore_errors=True)
