"""What lies in DEID_HOME, in bytes."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

_REVIEW, _MODELS = "review", "models"


@dataclass(frozen=True, slots=True)
class Storage:
    """Bytes that each part of DEID_HOME takes, and bytes left on its disk."""

    database: int
    """0 where the database is a server."""
    review: int
    """Files that wait for a person."""
    models: int
    other: int
    free: int

    @property
    def used(self) -> int:
        """All parts together."""
        return self.database + self.review + self.models + self.other


def storage_of(home: Path) -> Storage:
    """What is there now; a file that goes away meanwhile is not counted."""
    parts = {entry.name: _size(Path(entry.path)) for entry in _entries(home)}
    database = sum(size for name, size in parts.items() if name.startswith("deid.sqlite"))
    known = database + parts.get(_REVIEW, 0) + parts.get(_MODELS, 0)
    return Storage(
        database,
        parts.get(_REVIEW, 0),
        parts.get(_MODELS, 0),
        sum(parts.values()) - known,
        shutil.disk_usage(home).free,
    )


def _size(path: Path) -> int:
    if path.is_symlink():
        return 0
    if path.is_dir():
        return sum(_size(Path(entry.path)) for entry in _entries(path))
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return list(entries)
    except OSError:
        return []
