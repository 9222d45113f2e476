"""A run's rows in the store and its private files, kept in agreement whatever happens to the process.

A file's end is told in this order: its output is at its place, its line is in the index, its row has an outcome. A row
without an outcome is therefore done again, and gives the same bytes; a row with one is looked at before it is believed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from functools import cached_property, partial
from typing import Any

from deid import __version__
from deid.errors import StoreLostError
from deid.inputs import InputFile
from deid.manifest import Batch, Manifest
from deid.patience import Patience
from deid.places import Place
from deid.publishing import clear_staging
from deid.runfiles import RunFiles
from deid.settings import Settings
from deid.store import Pending, PlannedFile, RunState, Store, secret
from deid.values import FileRecord, Outcome


@dataclass(frozen=True, slots=True)
class Seen:
    """What a file was when it was worked on."""

    size: int
    modified_ns: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Done:
    """What became of one file."""

    source: InputFile
    record: FileRecord
    dicom: bool
    published: bool
    seen: Seen | None = None
    """None where it could not be read, or cost the process that did."""

    @property
    def held(self) -> bool:
        """Whether it waits for review, is quarantined, or is a DICOM file that was refused."""
        return self.dicom and not self.published


class Ledger:
    """One run."""

    def __init__(self, store: Store, settings: Settings, run_id: int) -> None:
        self.run_id = run_id
        self._store, self._settings = store, settings
        self._files = RunFiles(settings.home, run_id)
        self._manifest = Manifest(settings.home, run_id)
        self._ask = Patience(settings.database_wait_seconds)

    @property
    def is_planned(self) -> bool:
        """Whether all files of the run are known."""
        return self._manifest.is_complete

    def batch(self) -> Batch:
        """What the run was asked to do.

        Raises
        ------
        UsageError
            Where that is not known any more.
        """
        return self._manifest.batch()

    def plan(self, batch: Batch, sources: Iterable[InputFile], beside: int = 0) -> None:
        """Write down what the run is about and all its files; `beside` counts files of it that are not planned.

        What an attempt that broke off had written down is forgotten.
        """
        self._manifest.order(batch)
        count = 0
        for some in self._manifest.plan(sources):
            hashes = [self._store.name_hash(str(source.relative)) for source in some]
            self._ask(partial(self._store.plan, self.run_id, count, hashes))
            count += len(some)
        self._ask(partial(self._store.plan_run, self.run_id, count + beside))

    def begin(self) -> Iterator[dict[str, Any]]:
        """What the index tells of each file that need not be done again; after that, all others are planned.

        Files are done again where they were quarantined, where the input or what decides about it has changed, or
        where the output is gone. An output that no longer stands for its input is taken away first.
        """
        batch, chosen = self.batch(), self._chosen
        clear_staging(batch.out, self.run_id)
        self._files.index.repair()
        lines = self._files.index.by_number()
        planned = self._manifest.planned()
        after = -1
        while page := self._ask(partial(self._store.ended, self.run_id, after)):
            again = []
            for file in page:
                source, told = _numbered(planned, file.number), lines.of(file.number)
                if told is None:
                    again.append(file.number)
                elif file.settings_hash == chosen and _stands(file, source, told, batch):
                    yield told
                else:
                    again.append(file.number)
                    _withdraw(told, batch)
            if again:
                self._ask(partial(self._store.plan_again, self.run_id, again))
            after = page[-1].number
        lines.close()
        self._ask(partial(self._store.begin_run, self.run_id))

    def to_do(self) -> Iterator[InputFile]:
        """The files that are planned, each noted as being worked on when it is taken."""
        planned = self._manifest.planned()
        after = -1
        while page := self._ask(partial(self._store.planned_files, self.run_id, Pending.PLANNED, after)):
            for file in page:
                self._ask(partial(self._store.begin_image, self.run_id, file.number))
                yield _numbered(planned, file.number)
            after = page[-1].number

    def end(self, done: Done) -> None:
        """Note what became of a file."""
        source, seen = done.source, done.seen
        more = {
            "number": source.number,
            "folder": source.folder,
            "held": done.held,
            "seen": asdict(seen) if seen else None,
        }
        self._files.note(source.relative, done.record, published=done.published, **more)
        input_hash = self._store.content_hash(seen.sha256) if seen else ""
        self._ask(partial(self._store.end_image, self.run_id, source.number, done.record, input_hash, self._chosen))

    def close(self, state: RunState) -> None:
        """Note how the run ended, where the database still answers."""
        clear_staging(self.batch().out, self.run_id)
        with suppress(StoreLostError):
            self._store.finish_run(self.run_id, state)

    @cached_property
    def _chosen(self) -> str:
        return decides(self.batch(), self._settings)


def decides(batch: Batch, settings: Settings) -> str:
    """A hash of everything that decides what a file comes to beside its content."""
    key = hashlib.sha256(secret(settings.home, "pseudonym-key")).hexdigest()
    parts = (__version__, batch.chosen, settings.model, settings.adapter, key)
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def _numbered(planned: Iterator[InputFile], number: int) -> InputFile:
    """The file of that number, which must not lie behind."""
    return next(source for source in planned if source.number == number)


def _stands(file: PlannedFile, source: InputFile, told: dict[str, Any], batch: Batch) -> bool:
    """Whether what was noted of a file still holds."""
    if told["outcome"] != file.state.value or file.state is Outcome.QUARANTINED:
        return False
    if told["published"] and not _output(told, batch).is_file():
        return False
    return _is_unchanged(source, told["more"]["seen"])


def _is_unchanged(source: InputFile, seen: dict[str, Any] | None) -> bool:
    """Whether the input is what it was; one that is gone cannot be done again and counts as such."""
    try:
        now = source.path.stat()
        if seen is None or (now.st_size, now.st_mtime_ns) == (seen["size"], seen["modified_ns"]):
            return seen is not None
        return hashlib.sha256(source.path.read_bytes()).hexdigest() == str(seen["sha256"])
    except OSError:
        return True


def _withdraw(told: dict[str, Any], batch: Batch) -> None:
    if told["published"]:
        _output(told, batch).unlink(missing_ok=True)


def _output(told: dict[str, Any], batch: Batch) -> Place:
    return batch.out / str(told["more"]["folder"]) / str(told["file"])
