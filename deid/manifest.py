"""What a run was asked to do, and which files it has: private files in DEID_HOME/runs/<number>.

Paths may be PHI, so they stand here and in no table; a file's number in the plan is its number in the store.

    order.json     the batch
    plan.jsonl     one line a file; there once all files of the run are known
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import Any

from deid.errors import StoreError, UsageError
from deid.inputs import InputFile
from deid.pipeline import Options
from deid.places import Place, place
from deid.profile import HeaderOption, Profile
from deid.store.secrets import private_folder, write_private
from deid.values import Policy

NOTHING_KEPT = "There is nothing to go on with: no such run, or its private files are not kept any more."
_AT_ONCE = 5_000


@dataclass(frozen=True, slots=True)
class Batch:
    """What a run is asked to do."""

    inputs: tuple[Place, ...]
    out: Place
    options: Options = field(default_factory=Options)
    report: Path | None = None
    jobs: int = 1
    hold_review: bool = True
    rename: bool = False
    user: str = ""
    crosswalk: bool = False
    """Keep which stand-in belongs to which original, encrypted in DEID_HOME."""
    with_text: bool = False
    """Report the words that were read: PHI, in private files alone."""

    @property
    def chosen(self) -> str:
        """The choices that decide what a file comes to, as text that is the same for the same choices."""
        told = _told(self)
        return json.dumps({key: told[key] for key in ("options", "hold_review", "rename")}, sort_keys=True)


class Manifest:
    """The private files that say what a run is about."""

    def __init__(self, home: Path, run_id: int) -> None:
        self._home = home
        self.folder = home / "runs" / str(run_id)
        self._order, self._plan = self.folder / "order.json", self.folder / "plan.jsonl"

    @property
    def is_complete(self) -> bool:
        """Whether all files of the run are known."""
        return self._plan.exists()

    def order(self, batch: Batch) -> Batch:
        """The batch as it is kept: its paths no longer depend on where this process stands.

        Raises
        ------
        StoreError
            Where DEID_HOME cannot be written.
        """
        kept = replace(
            batch,
            inputs=tuple(each.absolute() for each in batch.inputs),
            out=batch.out.absolute(),
            report=batch.report.absolute() if batch.report else None,
        )
        private_folder(private_folder(private_folder(self._home) / "runs") / self.folder.name)
        with _saying_what_failed():
            write_private(self._order, json.dumps(_told(kept)).encode())
        return kept

    def batch(self) -> Batch:
        """What the run was asked to do.

        Raises
        ------
        UsageError
            Where that is not known: there is no such run, or its files are not kept any more.
        """
        try:
            return _batch(json.loads(self._order.read_bytes()))
        except (OSError, ValueError, KeyError, TypeError) as exc:
            raise UsageError(NOTHING_KEPT) from exc

    def plan(self, sources: Iterable[InputFile]) -> Iterator[list[InputFile]]:
        """The files, some thousand at a time, numbered from 0 and written down; the plan is there when all were taken.

        Raises
        ------
        StoreError
            Where DEID_HOME cannot be written.
        """
        staged = self._plan.with_suffix(".part")
        numbered = (replace(source, number=number) for number, source in enumerate(sources))
        with _saying_what_failed():
            descriptor = os.open(staged, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            while some := list(islice(numbered, _AT_ONCE)):
                with _saying_what_failed():
                    file.writelines(_line(source) for source in some)
                yield some
            with _saying_what_failed():
                file.flush()
                os.fsync(file.fileno())
        staged.replace(self._plan)

    def at(self, numbers: Iterable[int]) -> tuple[InputFile, ...]:
        """The planned files of these numbers, in the order of their numbers; none where the plan is not kept."""
        wanted = sorted(set(numbers))
        if not wanted or not self.is_complete:
            return ()
        asked = frozenset(wanted)
        with self._plan.open("rb") as file:
            lines = enumerate(islice(file, wanted[0], wanted[-1] + 1), wanted[0])
            return tuple(_planned(number, line) for number, line in lines if number in asked)

    def planned(self) -> Iterator[InputFile]:
        """The files in the order of their numbers."""
        with self._plan.open(encoding="ascii") as file:
            for number, line in enumerate(file):
                yield _planned(number, line)


class _saying_what_failed:
    """A block whose OSError becomes one line."""

    def __enter__(self) -> None: ...

    def __exit__(self, _kind: object, error: BaseException | None, _at: object) -> None:
        if isinstance(error, OSError):
            raise StoreError(f"What the run is about cannot be kept in DEID_HOME: {error.strerror}.") from error


def _line(source: InputFile) -> str:
    return json.dumps([str(source.path), str(source.relative), source.folder, source.frames]) + "\n"


def _planned(number: int, line: str | bytes) -> InputFile:
    path, relative, folder, frames = json.loads(line)
    return InputFile(place(path), PurePosixPath(relative), folder, number, frames)


def _told(batch: Batch) -> dict[str, Any]:
    options = batch.options
    return {
        "inputs": [str(each) for each in batch.inputs],
        "out": str(batch.out),
        "options": {
            "policy": options.policy.value,
            "profile": [options.profile.name, sorted(each.value for each in options.profile.options)],
            "padding_px": options.padding_px,
            "threshold": options.threshold,
            "max_frames": options.max_frames,
            "max_pixels_per_frame": options.max_pixels_per_frame,
        },
        "report": str(batch.report) if batch.report else None,
        "jobs": batch.jobs,
        "hold_review": batch.hold_review,
        "rename": batch.rename,
        "user": batch.user,
        "crosswalk": batch.crosswalk,
        "with_text": batch.with_text,
    }


def _batch(told: dict[str, Any]) -> Batch:
    options = told.pop("options")
    name, chosen = options.pop("profile")
    return Batch(
        inputs=tuple(place(each) for each in told.pop("inputs")),
        out=place(told.pop("out")),
        options=Options(
            policy=Policy(options.pop("policy")),
            profile=Profile(name, frozenset(map(HeaderOption, chosen))),
            **options,
        ),
        report=Path(report) if (report := told.pop("report")) else None,
        **told,
    )
