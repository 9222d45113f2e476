"""The files of a run that was started in the pages: what came in, what came out, and what is known of each.

They lie in DEID_HOME/runs/<number>, for this program alone, until the run's owner closes it or its time is over.

    in/...         as it came, names included
    out/...        clean files, where `jobs` put them
    index.jsonl    one line a file: the report's fields, and `source`, its path below in/
"""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from deid.errors import StoreError
from deid.intake import Image
from deid.report import as_object
from deid.store.secrets import private_folder, write_private
from deid.values import Box, FileRecord, Outcome, Reason, Region


@dataclass(frozen=True, slots=True)
class Entry:
    """What became of one file of a run."""

    source: PurePosixPath
    """Below in/; may be PHI."""
    place: PurePosixPath
    """Below out/, where it is there."""
    outcome: Outcome
    reason: str
    modality: str
    frames: int
    boxes: tuple[Region, ...]
    kept: int
    seconds: float
    published: bool

    def __repr__(self) -> str:
        return f"Entry({self.outcome.value})"


class RunFiles:
    """The folder of one run."""

    def __init__(self, home: Path, run_id: int) -> None:
        self._home = home
        self.folder = home / "runs" / str(run_id)
        self.inputs = self.folder / "in"
        self.outputs = self.folder / "out"
        self._index = self.folder / "index.jsonl"
        self._waiting = home / "review" / str(run_id)

    @property
    def exist(self) -> bool:
        """Whether they are still kept."""
        return self.folder.is_dir()

    @property
    def changed(self) -> float:
        """When something was last added, in seconds of the epoch."""
        newest = self._index if self._index.exists() else self.folder
        return newest.stat().st_mtime

    def lay_down(self, images: Iterable[Image]) -> None:
        """Keep the images as they came, readable by this program's user only.

        Raises
        ------
        StoreError
            Where there is no room, or DEID_HOME cannot be written; nothing is left then.
        """
        private_folder(private_folder(private_folder(self._home) / "runs") / self.folder.name)
        try:
            private_folder(self.inputs)
            for image in images:
                path = self.inputs.joinpath(*image.path.parts)
                for parent in reversed(path.relative_to(self.inputs).parents):
                    private_folder(self.inputs / parent)
                write_private(path, image.data)
        except OSError as exc:
            self.remove()
            raise StoreError(f"The files cannot be kept in DEID_HOME: {exc.strerror}.") from exc

    def note(self, source: PurePosixPath, record: FileRecord, *, published: bool) -> None:
        """Add what became of a file."""
        line = json.dumps({"source": str(source), "published": published, **as_object(record)}, ensure_ascii=False)
        descriptor = os.open(self._index, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        with os.fdopen(descriptor, "a", encoding="utf-8") as file:
            file.write(line + "\n")

    def entries(self) -> tuple[Entry, ...]:
        """What became of each file, in the order in which they ended."""
        return tuple(_entry(told) for told in self._told())

    def report(self, *, names: bool) -> str:
        """The report of the run, a line a file; without `names`, files that did not come out clean have none."""
        lines = []
        for told in self._told():
            published = told.pop("published")
            del told["source"]
            if not (names or published):
                told["file"] = ""
            lines.append(json.dumps(told, ensure_ascii=False) + "\n")
        return "".join(lines)

    def original(self, source: PurePosixPath) -> bytes:
        """A file as it came.

        Raises
        ------
        OSError
            Where it is gone.
        """
        return self.inputs.joinpath(*source.parts).read_bytes()

    def clean(self, entry: Entry) -> bytes:
        """A file as it came out.

        Raises
        ------
        OSError
            Where it did not come out, or is gone.
        """
        return self.outputs.joinpath(*entry.place.parts).read_bytes()

    def left(self) -> tuple[PurePosixPath, ...]:
        """Files that came in and have no end yet."""
        ended = {entry.source for entry in self.entries()}
        found = (path.relative_to(self.inputs) for path in sorted(self.inputs.rglob("*")) if path.is_file())
        return tuple(each for each in map(PurePosixPath, found) if each not in ended)

    def remove(self, *, waiting: bool = True) -> None:
        """Delete everything of the run; `waiting` says whether also what waits for a person's decision."""
        shutil.rmtree(self.folder, ignore_errors=True)
        if waiting:
            shutil.rmtree(self._waiting, ignore_errors=True)

    def _told(self) -> Iterable[dict[str, Any]]:
        """The last line about each file, in the order of the first ones: a person's decision is added at the end."""
        latest: dict[str, dict[str, Any]] = {}
        if self._index.exists():
            with self._index.open(encoding="utf-8") as file:
                for line in file:
                    if line.endswith("\n"):
                        told = json.loads(line)
                        latest[told["source"]] = told
        return latest.values()


def kept_runs(home: Path) -> tuple[int, ...]:
    """Numbers of the runs whose files are kept, oldest first."""
    folder = home / "runs"
    return tuple(sorted(int(each.name) for each in folder.glob("*") if each.name.isdecimal() and each.is_dir()))


def older_than(home: Path, hours: float) -> tuple[int, ...]:
    """Those of the kept runs to which nothing was added for so long."""
    oldest = time.time() - hours * 3600
    return tuple(each for each in kept_runs(home) if RunFiles(home, each).changed < oldest)


def _entry(told: dict[str, Any]) -> Entry:
    return Entry(
        PurePosixPath(told["source"]),
        PurePosixPath(told["file"]),
        Outcome(told["outcome"]),
        told["reason"],
        told["modality"],
        told["frames"],
        tuple(_region(each) for each in told["boxes"]),
        told["kept"],
        sum(told["seconds"].values()),
        told["published"],
    )


def _region(told: dict[str, Any]) -> Region:
    box = Box(told["left"], told["top"], told["width"], told["height"])
    return Region(told["frame"], box, tuple(Reason(each) for each in told["reasons"]), told["score"])
