"""Deleting what was kept long enough: files of runs, never what waits for a person unless that is asked for."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from deid.bench import last
from deid.runfiles import RunFiles, older_than
from deid.store import CONSOLE, Action, Store


@dataclass(frozen=True, slots=True)
class Purged:
    """What was deleted, or would be."""

    runs: int
    """Whose files went: what came in and what came out."""
    size: int
    """Bytes."""
    waiting: int
    """Files that wait for a person and are that old; they stay, or went where that was asked for."""
    measured: bool = False
    """Whether the results of a measurement are that old, and went."""


def purge(home: Path, store: Store, hours: float, *, waiting: bool = False, really: bool = True) -> Purged:
    """Delete the files of runs, and the last measurement, to which nothing was added for so many hours; figures stay.

    A run that is still being worked on is left alone. `waiting` also deletes what waits for a person and is as old;
    without `really` nothing is deleted, only counted.
    """
    old = [run_id for run_id in older_than(home, hours) if not _is_worked_on(store, run_id)]
    size = sum(_size(RunFiles(home, run_id).folder) for run_id in old)
    held = list(_held(home, hours, store))
    if waiting:
        size += sum(_size(folder) for folder in held)
    count = sum(1 for folder in held for path in folder.rglob("*") if path.is_file())
    measured = last.is_older(home, hours)
    size += _size(last.folder(home)) if measured else 0
    if really:
        for run_id in old:
            RunFiles(home, run_id).remove(waiting=False)
            store.record(CONSOLE, Action.PURGED, f"run {run_id}")
        for folder in held if waiting else ():
            shutil.rmtree(folder, ignore_errors=True)
            store.record(CONSOLE, Action.PURGED, f"waiting of run {folder.name}")
        if measured:
            last.forget(home)
            store.record(CONSOLE, Action.PURGED, "measurement")
    return Purged(len(old), size, count, measured)


def _held(home: Path, hours: float, store: Store) -> Iterator[Path]:
    """Folders of what waits for a person, of runs that have ended and to which nothing was added for so long."""
    oldest = time.time() - hours * 3600
    for folder in sorted((home / "review").glob("*")):
        old = folder.name.isdecimal() and folder.is_dir() and folder.stat().st_mtime < oldest
        if old and not _is_worked_on(store, int(folder.name)):
            yield folder


def _is_worked_on(store: Store, run_id: int) -> bool:
    run = store.run(run_id)
    return run is not None and run.state.goes_on


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file() and not path.is_symlink())
