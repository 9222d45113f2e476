"""The private files of a run: what it is about, what came in, what came out, and what is known of each.

They lie in DEID_HOME/runs/<number>, for this program alone, until the run's owner closes it or its time is over.

    order.json     what was asked, and
    plan.jsonl     of which files (manifest.py)
    index.jsonl    one line a file: the report's fields, `source`, its path below its INPUT, and what resuming needs
    in/...         files that were handed in through the pages, as they came, names included
    out/...        what became of those, where `jobs` put it
    .lock          held by the process that works on the run
"""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Container, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any

from deid.errors import StoreError, UsageError
from deid.index import Index
from deid.intake import Image
from deid.manifest import NOTHING_KEPT
from deid.report import as_object
from deid.store.filelock import locked
from deid.store.secrets import private_folder, write_private
from deid.values import Box, FileRecord, Outcome, Reason, Region

_OURS = ("source", "published", "number", "more")
"""What the index has and the report has not."""


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
    cautions: tuple[str, ...] = ()
    """What a person should know of it."""

    @property
    def why(self) -> str:
        """Why it ended so, and what a person should know of it."""
        return " ".join((self.reason, *(each for each in self.cautions if each not in self.reason))).strip()

    def __repr__(self) -> str:
        return f"Entry({self.outcome.value})"


class RunFiles:
    """The folder of one run."""

    def __init__(self, home: Path, run_id: int) -> None:
        self._home = home
        self.folder = home / "runs" / str(run_id)
        self.inputs = self.folder / "in"
        self.outputs = self.folder / "out"
        self.index = Index(self.folder / "index.jsonl")
        self._lock = self.folder / ".lock"
        self._waiting = home / "review" / str(run_id)

    @property
    def exist(self) -> bool:
        """Whether they are still kept."""
        return self.folder.is_dir()

    @property
    def were_handed_in(self) -> bool:
        """Whether the files came through the pages, and clean ones lie here too."""
        return self.inputs.is_dir()

    @property
    def changed(self) -> float:
        """When something was last added, in seconds of the epoch."""
        newest = self.index.path if self.index.path.exists() else self.folder
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

    def note(self, source: PurePosixPath, record: FileRecord, *, published: bool, **more: object) -> None:
        """Add what became of a file; `more` is for this program, and in no report."""
        told = {"source": str(source), "published": published, "more": more, **as_object(record)}
        self.index.add({**told, "number": more.get("number")})

    def amend(self, place: PurePosixPath, record: FileRecord, *, published: bool) -> None:
        """Put another end in the place of the one that was noted of the file that goes there: a person's decision."""
        for told in self.index.lines():
            more = told["more"]
            if PurePosixPath(str(more.get("folder", "")), told["file"]) == place:
                source, same = PurePosixPath(told["source"]), replace(record, file=told["file"])
                self.note(source, same, published=published, **{**more, "held": False})
                return

    def withdraw(self, entry: Entry, reason: str) -> None:
        """Take a clean file away; it needs a review, for this reason.

        Raises
        ------
        OSError
            Where it cannot be taken away.
        """
        self.outputs.joinpath(*entry.place.parts).unlink(missing_ok=True)
        for told in self.index.lines():
            if told["source"] == str(entry.source):
                end = {"outcome": Outcome.NEEDS_REVIEW.value, "reason": reason, "published": False}
                self.index.add({**told, **end, "more": {**told["more"], "held": True}})
                return

    def entries(self) -> tuple[Entry, ...]:
        """What became of each file, in the order in which they ended."""
        return tuple(_entry(told) for told in self.index.lines())

    def report(self, *, names: bool) -> str:
        """The report of the run, a line a file; without `names`, files that did not come out clean have none."""
        lines = []
        for told in self.index.lines():
            shown = told if names or told["published"] else {**told, "file": ""}
            lines.append(report_line(shown) + "\n")
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

    def remove(self, *, waiting: bool = True) -> None:
        """Delete everything of the run; `waiting` says whether also what waits for a person's decision."""
        shutil.rmtree(self.folder, ignore_errors=True)
        if waiting:
            shutil.rmtree(self._waiting, ignore_errors=True)

    @contextmanager
    def worked_on(self) -> Iterator[None]:
        """Nobody else works on the run inside.

        Raises
        ------
        UsageError
            Where another process does, or the files of the run are not kept.
        """
        with ExitStack() as stack:
            try:
                stack.enter_context(locked(self._lock, wait=False))
            except BlockingIOError as exc:
                raise UsageError(f"Run {self.folder.name} is being worked on already.") from exc
            except FileNotFoundError as exc:
                raise UsageError(NOTHING_KEPT) from exc
            yield

    @property
    def is_worked_on(self) -> bool:
        """Whether a process that lives works on the run."""
        try:
            with self.worked_on():
                return False
        except UsageError:
            return True


def report_line(told: dict[str, Any]) -> str:
    """A line of the index as a line of the report."""
    shown = {key: value for key, value in told.items() if key not in _OURS}
    return json.dumps(shown, ensure_ascii=False)


def kept_runs(home: Path) -> tuple[int, ...]:
    """Numbers of the runs whose files are kept, oldest first."""
    folder = home / "runs"
    return tuple(sorted(int(each.name) for each in folder.glob("*") if each.name.isdecimal() and each.is_dir()))


def older_than(home: Path, hours: float) -> tuple[int, ...]:
    """Those of the kept runs to which nothing was added for so long."""
    oldest = time.time() - hours * 3600
    return tuple(each for each in kept_runs(home) if RunFiles(home, each).changed < oldest)


def purge(home: Path, hours: float, spared: Container[int] = ()) -> None:
    """Delete the files of runs whose time is over and that nobody works on; what waits for a person goes on waiting."""
    for run_id in older_than(home, hours):
        files = RunFiles(home, run_id)
        if run_id not in spared and not files.is_worked_on:
            files.remove(waiting=False)


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
        tuple(told.get("cautions", ())),
    )


def _region(told: dict[str, Any]) -> Region:
    box = Box(told["left"], told["top"], told["width"], told["height"])
    return Region(told["frame"], box, tuple(Reason(each) for each in told["reasons"]), told["score"])
