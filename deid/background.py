"""Batches that run in this process while people do something else: begun, looked at, cancelled, closed.

A run belongs to the user who began it. It is a row of the store and a private folder (runfiles.py), so that it is found
again after a refresh, in another browser, or after the server stopped.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from deid.errors import StoppedError, StoreError
from deid.inputs import InputFile
from deid.intake import Intake, Refusal
from deid.jobs import Hands, work_off
from deid.ledger import Done, Ledger
from deid.manifest import Batch, Manifest
from deid.pipeline import Engines, Options, Step
from deid.runfiles import RunFiles, kept_runs, purge
from deid.settings import Settings
from deid.store import Run, RunState, Selection, Store
from deid.turns import watched
from deid.values import FileRecord, Outcome

LOG = logging.getLogger(__name__)
KIND = "files"
"""What the store calls such a run."""
RESUMABLE = (RunState.CANCELLED, RunState.INTERRUPTED, RunState.FAILED)
"""Where a run is that can go on."""
AT_ONCE = 3
"""Runs that are worked on at the same time; they take turns at the engines, so none waits for another's end."""


_LATEST = 1000
"""Runs of a user that are searched for those whose files are kept."""


@dataclass(frozen=True, slots=True)
class Order:
    """What somebody wants done with an intake."""

    user: str
    intake: Intake
    options: Options = field(default_factory=Options)
    rename: bool = False


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run is."""

    total: int
    done: int
    outcomes: tuple[tuple[Outcome, int], ...]
    step: Step | None
    """Of the file at hand; None before the first."""
    pictures: int
    """Read so far of the file at hand."""
    seconds: float
    """Since the first file began."""
    share: float
    """Of the work, 0 to 1: a file of many frames counts more."""
    stopping: bool
    elsewhere: bool = False
    """Whether the workers of a scheduler do it: no step of theirs is known."""

    @property
    def waiting(self) -> bool:
        """Whether nothing has begun: other runs are before it, or the engines are being started."""
        return self.step is None and not self.done and not self.elsewhere

    @property
    def per_minute(self) -> float:
        """Files."""
        return 60 * self.done / self.seconds if self.seconds else 0.0

    @property
    def seconds_left(self) -> float | None:
        """None where nothing tells yet."""
        return self.seconds * (1 - self.share) / self.share if self.done and self.share else None


class _Work:
    """A run in progress; its thread writes, others look."""

    def __init__(self, run_id: int, frames: dict[PurePosixPath, int]) -> None:
        self.run_id = run_id
        self.stop = threading.Event()
        self.closing = False
        self._elsewhere = False
        self._frames = {path: max(count, 1) for path, count in frames.items()}
        self._all_frames = max(sum(self._frames.values()), 1)
        self._outcomes = dict.fromkeys(Outcome, 0)
        self._done = self._done_frames = self._pictures = 0
        self._step: Step | None = None
        self._began = 0.0

    def look(self) -> Progress:
        return Progress(
            len(self._frames),
            self._done,
            tuple((outcome, count) for outcome, count in self._outcomes.items() if count),
            self._step,
            self._pictures,
            time.monotonic() - self._began if self._began else 0.0,
            self._done_frames / self._all_frames,
            self.stop.is_set(),
            self._elsewhere,
        )

    def begin_elsewhere(self) -> None:
        self._elsewhere, self._began = True, time.monotonic()

    def begin_step(self, _source: InputFile, step: Step) -> None:
        self.go_on()
        self._began = self._began or time.monotonic()
        self._pictures = 0 if step is Step.CONVERT else self._pictures
        self._step = step

    def begin_picture(self) -> None:
        self.go_on()
        self._pictures += self._step is Step.READ

    def end_file(self, done: Done) -> None:
        self._outcomes[done.record.outcome] += 1
        self._done_frames += self._frames.get(done.source.relative, 1)
        self._done += 1

    def go_on(self) -> None:
        if self.stop.is_set():
            raise StoppedError("The run was cancelled.")


class Background:
    """The runs of this process."""

    def __init__(self, settings: Settings, store: Store) -> None:
        self._settings, self._store = settings, store
        self._pool = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="run")
        self._works: dict[int, _Work] = {}

    def begin(self, order: Order, engines: Callable[[], Engines]) -> int:
        """The number of a run that has been begun, or waits for its turn; it asks for the engines itself.

        Raises
        ------
        StoreError
            Where its files cannot be kept.
        """
        run_id, frames = self._planned(order)
        self._submit(run_id, frames, engines)
        return run_id

    def work_off(self, order: Order, engines: Callable[[], Engines]) -> int:
        """The number of a run that is begun at once and has ended on return: for a file that somebody waits for.

        Raises
        ------
        StoreError
            Where its files cannot be kept.
        """
        run_id, frames = self._planned(order)
        work = self._works[run_id] = _Work(run_id, frames)
        self._work(work, engines)
        return run_id

    def _planned(self, order: Order) -> tuple[int, dict[PurePosixPath, int]]:
        """A run whose files lie on disk, and the frames of each; their content is not kept in memory meanwhile."""
        images, refused = order.intake.images, order.intake.refused
        chosen = f"policy={order.options.policy.value} preset={order.options.profile.name}"
        run_id = self._store.start_run(order.user, KIND, len(images) + len(refused), chosen, RunState.PLANNED)
        files = RunFiles(self._settings.home, run_id)
        batch = Batch((files.inputs,), files.outputs, order.options, rename=order.rename, user=order.user)
        laid_down = (
            InputFile(files.inputs.joinpath(*image.path.parts), image.path, "", frames=image.frames)
            for image in sorted(images, key=lambda image: image.path)
        )
        try:
            files.lay_down(images)
            self._refuse(run_id, files, refused)
            Ledger(self._store, self._settings, run_id).plan(batch, laid_down, beside=len(refused))
        except StoreError:
            self._store.finish_run(run_id, RunState.FAILED)
            raise
        return run_id, {image.path: image.frames for image in images}

    def queue(self) -> tuple[Progress, ...]:
        """How far each run is that has not ended."""
        return tuple(work.look() for work in list(self._works.values()))

    def resume(self, user: str, run_id: int, engines: Callable[[], Engines]) -> bool:
        """Whether a run of this user's that stopped before its end goes on; what has come out is not done again."""
        run = self.find(user, run_id)
        manifest, files = Manifest(self._settings.home, run_id), self.files(run_id)
        if run is None or run.state not in RESUMABLE or run_id in self._works or not manifest.is_complete:
            return False
        ended = {entry.source for entry in files.entries() if entry.outcome is not Outcome.QUARANTINED}
        left = {source.relative: source.frames for source in manifest.planned() if source.relative not in ended}
        self._submit(run_id, left, engines)
        return True

    def _submit(self, run_id: int, frames: dict[PurePosixPath, int], engines: Callable[[], Engines]) -> None:
        work = self._works[run_id] = _Work(run_id, frames)
        self._pool.submit(self._work, work, engines)

    def look(self, run_id: int) -> Progress | None:
        """How far it is; None where it has ended."""
        work = self._works.get(run_id)
        return work.look() if work else None

    def cancel(self, run_id: int) -> None:
        """Let it end before its next picture; what has come out stays."""
        work = self._works.get(run_id)
        if work is None:
            return
        work.stop.set()
        if work.look().waiting:  # for its turn, or for the engines: nothing has begun, so nothing has to come to an end
            self._works.pop(run_id, None)
            self._store.finish_run(run_id, RunState.CANCELLED)

    def find(self, user: str, run_id: int) -> Run | None:
        """The run, where it is this user's and its files are kept."""
        run = self._store.run(run_id)
        mine = run is not None and run.kind == KIND and bool(user) and run.user == user
        return run if mine and self.files(run_id).exist else None

    def of(self, user: str) -> tuple[Run, ...]:
        """The user's runs whose files are kept, newest first."""
        kept = set(kept_runs(self._settings.home))
        mine = self._store.runs(_LATEST, Selection(user=user)) if user else ()
        return tuple(run for run in mine if run.kind == KIND and run.id in kept)

    def unworked(self, run_id: int, skip: int, limit: int) -> tuple[InputFile, ...]:
        """Some of its files that have no end yet."""
        return Manifest(self._settings.home, run_id).at(self._store.pending(run_id, skip, limit))

    def files(self, run_id: int) -> RunFiles:
        """Its files."""
        return RunFiles(self._settings.home, run_id)

    def close_run(self, user: str, run_id: int) -> None:
        """Delete the files of a run of this user's that has ended."""
        if self.find(user, run_id) and run_id not in self._works:
            self.files(run_id).remove()

    def recover(self) -> None:
        """Note which runs an earlier process of this installation left unfinished."""
        for run_id in kept_runs(self._settings.home):
            run = self._store.run(run_id)
            if run is None or not run.state.goes_on or run_id in self._works:
                continue
            if not self.files(run_id).is_worked_on:
                self._store.finish_run(run_id, RunState.INTERRUPTED)

    def purge(self) -> None:
        """Delete the files of runs whose time is over; what waits for a person's decision goes on waiting."""
        purge(self._settings.home, self._settings.run_hours, self._works)

    def close(self) -> None:
        """Stop everything at its next picture."""
        for work in list(self._works.values()):
            work.closing = True
            work.stop.set()
        self._pool.shutdown(cancel_futures=True)

    def _refuse(self, run_id: int, files: RunFiles, refused: Iterable[Refusal]) -> None:
        """Files that were refused on arrival are part of the run; of them only names and reasons are kept."""
        for each in refused:
            record = FileRecord(str(each.path), Outcome.REFUSED, each.reason)
            files.note(each.path, record, published=False)
            self._store.add_image(run_id, record, self._store.name_hash(str(each.path)))

    def _work(self, work: _Work, engines: Callable[[], Engines]) -> None:
        run_id = work.run_id
        try:
            if work.stop.is_set():
                return
            if self._settings.scheduler:
                work.begin_elsewhere()
                hands = Hands(work.end_file, beat=work.go_on)
            else:
                hands = Hands(work.end_file, watched(engines(), work.begin_picture), work.begin_step)
                if work.stop.is_set():
                    return
            work_off(run_id, self._settings, self._store, hands)
        except Exception as exc:
            # A run's thread has nobody above it; the run's row says failed, and the text may hold values.
            LOG.error("run %s stopped: %s", run_id, type(exc).__name__)
            self._end(run_id, RunState.FAILED)
        finally:
            if work.closing:
                self._end(run_id, RunState.INTERRUPTED)
            if self._works.get(run_id) is work:  # one that waited may have been cancelled, and resumed, meanwhile
                self._works.pop(run_id, None)

    def _end(self, run_id: int, state: RunState) -> None:
        with suppress(
            StoreError
        ):  # the database is gone too: the next start of the server notes the run as interrupted
            self._store.finish_run(run_id, state)
