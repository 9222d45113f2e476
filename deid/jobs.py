"""A batch end to end: each file as single.py does it, report and store.

A run is planned first and then worked off, as often as it takes (ledger.py). What failed is named in the report.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Generator, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace

from deid import logs
from deid.classify import Classifier
from deid.engines.llama import LlamaClassifier
from deid.engines.rapidocr import RapidOcr
from deid.engines.tesseract import Tesseract
from deid.engines.zxing import Zxing
from deid.errors import CancelledRun, DeidError, QuarantineError, StoppedError, UsageError
from deid.examine import Examiner
from deid.inputs import InputFile, check_inputs, walk_inputs
from deid.ledger import Done, Ledger
from deid.manifest import Batch
from deid.pipeline import Engines, Options
from deid.report import as_line, open_report
from deid.runfiles import RunFiles, purge, report_line
from deid.settings import EXACT, NO_MODEL, Settings
from deid.single import Watch, process_file, unwatched
from deid.store import RunState, Store, open_store, secret
from deid.values import FileRecord, Outcome
from deid.workers import Beat, Limits, Lost, Work, work_through

LOG = logging.getLogger(__name__)
_COPIES = 8
"""A file as read, redacted, cleaned and written, and decoded frames beside it, in multiples of its size."""
MOST_THREADS = 4
"""More threads than this hardly hasten one picture, and a container may show more cores than it may use."""
_READERS_MB = 2048
"""What readers and model hold in a worker, rounded up."""
_examiner = Examiner()


@dataclass(slots=True)
class Tally:
    """How a run's files ended."""

    outcomes: dict[Outcome, int] = field(default_factory=lambda: dict.fromkeys(Outcome, 0))
    held: int = 0
    """Files that wait for review or are quarantined, and DICOM files that were refused."""
    run_id: int = 0

    def add(self, outcome: Outcome, *, held: bool) -> None:
        """Count a file."""
        self.outcomes[outcome] += 1
        self.held += held

    @property
    def total(self) -> int:
        """Files looked at."""
        return sum(self.outcomes.values())


def make_engines(settings: Settings) -> Engines:
    """The engines of these settings, ready to read.

    Raises
    ------
    EngineError
        Where a reader or the model cannot be started.
    """
    key = secret(settings.home, "pseudonym-key")
    reader = RapidOcr(_threads(settings), exact=settings.search == EXACT)
    return Engines((reader, Tesseract()), key, make_classifier(settings), Zxing())


def make_classifier(settings: Settings) -> Classifier | None:
    """The model that judges words, the bundled one where the settings name no other; None where they switch it off.

    Raises
    ------
    EngineError
        Where it cannot be started.
    """
    if settings.model == NO_MODEL:
        return None
    return LlamaClassifier(settings.model, settings.adapter, _threads(settings), settings.home / "models")


def options_of(settings: Settings) -> Options:
    """The pipeline options that the settings choose."""
    return Options(
        padding_px=settings.box_padding,
        threshold=settings.phi_threshold,
        max_frames=settings.max_frames,
        max_pixels_per_frame=settings.max_pixels_per_frame,
    )


def run_batch(
    batch: Batch,
    settings: Settings,
    progress: Callable[[Done], None] = lambda done: None,
    store: Store | None = None,
    engines: Engines | None = None,
) -> Tally:
    """The tally of a new run over all files of the batch: `plan_batch`, then `work_off`."""
    with _opened(store, settings) as opened:
        return work_off(plan_batch(batch, settings, opened), settings, opened, Hands(progress, engines))


def plan_batch(batch: Batch, settings: Settings, store: Store) -> int:
    """The number of a new run whose files are known and wait to be worked on.

    Raises
    ------
    UsageError
        Where inputs or output cannot be used as given, or there is no file at all.
    StoreError
        Where the database cannot be reached, or DEID_HOME not be written.
    """
    check_inputs(batch.inputs, batch.out)
    if next(walk_inputs(batch.inputs), None) is None:
        raise UsageError("There is no file in INPUT.")
    purge(settings.home, settings.run_hours)
    chosen = f"policy={batch.options.policy.value} preset={batch.options.profile.name}"
    run_id = store.start_run(batch.user, "batch", 0, chosen, RunState.PLANNED)
    ledger = Ledger(store, settings, run_id)
    ledger.plan(batch, walk_inputs(batch.inputs))
    return run_id


@dataclass(frozen=True, slots=True)
class Hands:
    """Who does the work of a run, and who is told of it."""

    progress: Callable[[Done], None] = lambda done: None
    """Told of each file as it ends."""
    engines: Engines | None = None
    """Where they are given they do the work in this process, after another one has survived decoding the file."""
    watch: Watch = unwatched
    """Told of each step in this process before it begins; where it or an engine raises StoppedError the run ends."""
    beat: Callable[[], None] = lambda: None
    """Called now and then while the workers of a scheduler do the work; where it raises StoppedError the run ends."""
    workers: int | None = None
    """Processes; None: as many as the batch says."""


def work_off(run_id: int, settings: Settings, store: Store | None = None, hands: Hands = Hands()) -> Tally:
    """The tally of a run that was planned, or that stopped before its end: what need not be done again is not.

    Files are worked on in processes of their own, one at a time in each, within the limits of the settings. When the
    run is cancelled, the files at hand have no outcome.

    Raises
    ------
    UsageError
        Where another process works on the run, or its files are not kept.
    EngineError, StoreError
        Where a reader, the model or the database cannot be started, or the database is gone for too long.
    """
    with _opened(store, settings) as opened, RunFiles(settings.home, run_id).worked_on():
        ledger = Ledger(opened, settings, run_id)
        batch = ledger.batch()
        tally = Tally(run_id=run_id)
        report = open_report(batch.report) if batch.report else None
        state = RunState.FAILED
        try:
            if not ledger.is_planned:
                ledger.plan(batch, walk_inputs(batch.inputs))
            for told in ledger.begin():
                tally.add(Outcome(told["outcome"]), held=told["more"]["held"])
                if report:
                    report.write(report_line(told) + "\n")
            with closing(_each_done(batch, settings, ledger, hands)) as ends:
                for done in ends:
                    ledger.end(done)
                    LOG.info("a file ended", extra=_ids(run_id, done))
                    tally.add(done.record.outcome, held=done.held)
                    if report:
                        report.write(as_line(done.record) + "\n")
                        report.flush()
                    hands.progress(done)
            state = RunState.FINISHED
        except StoppedError:
            state = RunState.CANCELLED
        except KeyboardInterrupt as exc:
            state = RunState.CANCELLED
            raise CancelledRun(run_id) from exc
        finally:
            ledger.close(state)
            if report:
                report.close()
            LOG.info("a run ended", extra={"run": run_id, "state": state.value, "files": tally.total})
    return tally


def _ids(run_id: int, done: Done) -> dict[str, object]:
    """What the log says of a file: its number in the run's plan, no name."""
    seconds = round(sum(each for _, each in done.record.seconds), 3)
    return {"run": run_id, "file": done.source.number, "outcome": done.record.outcome.value, "seconds": seconds}


@contextmanager
def _opened(store: Store | None, settings: Settings) -> Iterator[Store]:
    """The store that was given, or one of our own."""
    opened = store or open_store(settings)
    try:
        yield opened
    finally:
        if store is None:
            opened.close()


def _each_done(batch: Batch, settings: Settings, ledger: Ledger, hands: Hands) -> Generator[Done, None, None]:
    """Each file's end, as the workers finish them."""
    sources, run_id = ledger.to_do(), ledger.run_id
    if hands.engines is not None:
        for source in sources:
            yield _examined(source, settings) or process_file(
                source, batch, hands.engines, settings, run_id, hands.watch
            )
        return
    found: Iterator[tuple[InputFile, Done | Lost]]
    if settings.scheduler:
        from deid.cluster import work_through_cluster  # Dask is large, and few need it

        found = work_through_cluster(sources, batch, settings, run_id, hands.beat)
    else:
        count = batch.jobs if hands.workers is None else hands.workers
        found = work_through(
            sources,
            count,
            _start_worker,
            (batch, one_of(count, settings), run_id),
            lambda source: limits_of_file(source, settings),
        )
    for source, outcome in found:
        yield _lost(source, outcome.reason) if isinstance(outcome, Lost) else outcome


def workers_that_fit(settings: Settings) -> int:
    """How many processes can work here at once: one a core, as far as memory for readers and files goes."""
    try:
        megabytes = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") >> 20
    except (AttributeError, ValueError, OSError):  # not told here
        return 1
    return max(1, min(_cores(), megabytes // (_READERS_MB + settings.worker_mb)))


def one_of(processes: int, settings: Settings) -> Settings:
    """The settings of each of so many processes that share this machine's cores."""
    return replace(settings, threads=_threads(settings, processes))


def _threads(settings: Settings, processes: int = 1) -> int:
    return settings.threads or min(max(_cores() // processes, 1), MOST_THREADS)


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def limits_of(size: int, settings: Settings) -> Limits:
    """What a file of so many bytes may take: it lies in memory several times, and longer loops take longer."""
    megabytes = size >> 20
    return Limits(settings.step_seconds * (1 + megabytes), settings.worker_mb + _COPIES * megabytes)


def examine(data: bytes, settings: Settings) -> None:
    """Nothing, where a process of its own survives decoding the file: then this one may open it.

    Raises
    ------
    QuarantineError
        Where that process stopped, or took too long or too much memory.
    """
    _examiner.examine(data, limits_of(len(data), settings))


def _examined(source: InputFile, settings: Settings) -> Done | None:
    """The end of a file that this process had better not open."""
    try:
        examine(source.path.read_bytes(), settings)
    except OSError:
        return None  # `process_file` says so
    except QuarantineError as exc:
        return _lost(source, str(exc))
    return None


def limits_of_file(source: InputFile, settings: Settings) -> Limits:
    """What the work on a file may take, by its size."""
    try:
        size = source.path.stat().st_size
    except OSError:
        size = 0
    return limits_of(size, settings)


def _lost(source: InputFile, reason: str) -> Done:
    return Done(source, FileRecord(str(source.relative), Outcome.QUARANTINED, reason), True, False)


def _start_worker(batch: Batch, settings: Settings, run_id: int) -> Work:
    """What a worker process does with a file; engines are built once a process."""
    logs.set_up(settings)
    engines = make_engines(settings)

    def work(source: InputFile, beat: Beat) -> Done:
        return process_file(source, batch, engines, settings, run_id, lambda source, step: beat())

    return work


def tell(error: DeidError) -> str:
    """An error as one line."""
    return " ".join(str(error).split())
