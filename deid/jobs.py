"""One file or a batch end to end: pipeline, publication, report and store.

Everything is held in memory until `verify` has passed; only then a file is staged beside its place and moved there
whole. What needs a person waits, as it came, in DEID_HOME/review; what failed is named in the report and goes nowhere.
"""

from __future__ import annotations

import hashlib
import hmac
import logging
import os
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath

from deid import logs
from deid.classify import Classifier
from deid.codecs.raw import pixel_format, stored_frame_hashes
from deid.counting import count_words, failed_checks
from deid.engines.llama import LlamaClassifier
from deid.engines.rapidocr import RapidOcr
from deid.engines.tesseract import Tesseract
from deid.errors import DeidError, QuarantineError, RefusedError, StoppedError, UsageError
from deid.examine import Examiner
from deid.identifiers import Needles
from deid.inputs import InputFile, check_inputs, walk_inputs
from deid.load import HEAD_BYTES, is_dicom
from deid.pipeline import Case, Engines, Options, Step, run, verdict
from deid.redact import way_taken
from deid.report import as_line, open_report
from deid.settings import NO_MODEL, Settings
from deid.store import RunState, Store, crosswalk, open_store, secret
from deid.store.secrets import private_folder, write_private
from deid.values import FileRecord, Outcome
from deid.workers import TOO_LARGE, Beat, Limits, Lost, Work, work_through

LOG = logging.getLogger(__name__)
_COPIES = 8
"""A file as read, redacted, cleaned and written, and decoded frames beside it, in multiples of its size."""
_examiner = Examiner()


@dataclass(frozen=True, slots=True)
class Batch:
    """What a run is asked to do."""

    inputs: tuple[Path, ...]
    out: Path
    options: Options = field(default_factory=Options)
    report: Path | None = None
    jobs: int = 1
    hold_review: bool = True
    rename: bool = False
    user: str = ""
    run_id: int = 0
    """The run in the store that this is the work of; 0 starts one."""
    crosswalk: bool = False
    """Keep which stand-in belongs to which original, encrypted in DEID_HOME."""


@dataclass(slots=True)
class Tally:
    """How a run's files ended."""

    outcomes: dict[Outcome, int] = field(default_factory=lambda: dict.fromkeys(Outcome, 0))
    held: int = 0
    """Files that wait for review or are quarantined, and DICOM files that were refused."""
    run_id: int = 0

    @property
    def total(self) -> int:
        """Files looked at."""
        return sum(self.outcomes.values())


@dataclass(frozen=True, slots=True)
class Done:
    """What became of one file."""

    source: InputFile
    record: FileRecord
    dicom: bool
    published: bool


Watch = Callable[[InputFile, Step], None]


def unwatched(source: InputFile, step: Step) -> None:
    """Nobody wants to know how far the work is."""


def make_engines(settings: Settings) -> Engines:
    """The engines of these settings, ready to read.

    Raises
    ------
    EngineError
        Where a reader or the model cannot be started.
    """
    return Engines((RapidOcr(), Tesseract()), secret(settings.home, "pseudonym-key"), make_classifier(settings))


def make_classifier(settings: Settings) -> Classifier | None:
    """The model that judges words, the bundled one where the settings name no other; None where they switch it off.

    Raises
    ------
    EngineError
        Where it cannot be started.
    """
    if settings.model == NO_MODEL:
        return None
    return LlamaClassifier(settings.model, settings.adapter, settings.model_threads, settings.home / "models")


def options_of(settings: Settings) -> Options:
    """The pipeline options that the settings choose."""
    return Options(
        padding_px=settings.box_padding,
        threshold=settings.phi_threshold,
        max_frames=settings.max_frames,
        max_pixels_per_frame=settings.max_pixels_per_frame,
    )


def record_of(
    case: Case, outcome: Outcome, reason: str, file: str, made_by: tuple[tuple[str, str], ...] = ()
) -> FileRecord:
    """The record of a case that has come to its end."""
    layout = pixel_format(case.dataset) if case.frames else None
    kept = sum(not finding.is_phi for frame in case.findings or () for finding in frame.findings)
    out_meta = case.cleaned.file_meta if case.cleaned is not None else None
    return FileRecord(
        file=file,
        outcome=outcome,
        reason=reason,
        modality=str(case.dataset.get("Modality") or ""),
        syntax_in=str(case.dataset.file_meta.TransferSyntaxUID),
        syntax_out=str(out_meta.TransferSyntaxUID) if out_meta else "",
        frames=case.frames,
        signed=None if layout is None or layout.is_float else layout.signed,
        boxes=case.effective or (),
        way=way_taken(case.dataset, case.redacted, case.effective or ())
        if layout and case.redacted is not None
        else "",
        decoder=case.difference.decoder if case.difference is not None else "",
        frame_hashes=stored_frame_hashes(case.cleaned) if layout and case.cleaned is not None else (),
        kept=kept,
        seconds=tuple(case.seconds.items()),
        made_by=made_by,
        phi_words=count_words(case.findings or ()),
        failed_checks=failed_checks(case.checks or ()),
    )


def run_batch(
    batch: Batch,
    settings: Settings,
    progress: Callable[[Done], None] = lambda done: None,
    store: Store | None = None,
    engines: Engines | None = None,
    watch: Watch = unwatched,
) -> Tally:
    """The tally of a run over all files of the batch; `progress` is told of each file as it ends.

    Files are worked on in processes of their own, one at a time in each, within the limits of the settings. Where
    `engines` are given they do the work in this process, after another one has survived decoding the file. `watch` is
    told there of each step before it begins; where it or an engine raises StoppedError the run ends, and the file at
    hand has no outcome.

    Raises
    ------
    UsageError
        Where inputs or output cannot be used as given, or there is no file at all.
    EngineError, StoreError
        Where a reader, the model or the database cannot be started.
    """
    check_inputs(batch.inputs, batch.out)
    first = next(walk_inputs(batch.inputs), None)
    if first is None:
        raise UsageError("There is no file in INPUT.")
    opened = store or open_store(settings)
    chosen = f"policy={batch.options.policy.value} preset={batch.options.profile.name}"
    tally = Tally(run_id=batch.run_id or opened.start_run(batch.user, "batch", 0, chosen))
    report = open_report(batch.report) if batch.report else None
    state = RunState.FAILED
    try:
        for done in _each_done(batch, settings, tally.run_id, engines, watch):
            tally.outcomes[done.record.outcome] += 1
            tally.held += done.dicom and not done.published
            if report:
                report.write(as_line(done.record) + "\n")
                report.flush()
            image_id = opened.add_image(tally.run_id, done.record, opened.name_hash(str(done.source.relative)))
            seconds = round(sum(each for _, each in done.record.seconds), 3)
            ids = {"run": tally.run_id, "file": image_id, "outcome": done.record.outcome.value, "seconds": seconds}
            LOG.info("a file ended", extra=ids)
            progress(done)
        state = RunState.FINISHED
    except StoppedError:
        state = RunState.CANCELLED
    finally:
        opened.finish_run(tally.run_id, state)
        LOG.info("a run ended", extra={"run": tally.run_id, "state": state.value, "files": tally.total})
        if report:
            report.close()
        if store is None:
            opened.close()
    return tally


def _each_done(batch: Batch, settings: Settings, run_id: int, engines: Engines | None, watch: Watch) -> Iterator[Done]:
    """Each file's end, as the workers finish them."""
    sources = walk_inputs(batch.inputs)
    if engines is not None:
        for source in sources:
            yield _examined(source, settings) or process_file(source, batch, engines, settings, run_id, watch)
        return
    found = work_through(
        sources, batch.jobs, _start_worker, (batch, settings, run_id), lambda source: _limits(source, settings)
    )
    for source, outcome in found:
        yield _lost(source, outcome.reason) if isinstance(outcome, Lost) else outcome


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


def _limits(source: InputFile, settings: Settings) -> Limits:
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


def process_file(
    source: InputFile,
    batch: Batch,
    engines: Engines,
    settings: Settings,
    run_id: int,
    watch: Watch = unwatched,
) -> Done:
    """What became of one file, its output published where it passed; `watch` is told of each step before it begins.

    Raises
    ------
    StoppedError
        Where the run was cancelled meanwhile.
    """
    name = str(source.relative)
    try:
        data = source.path.read_bytes()
    except OSError:
        return Done(source, FileRecord(name, Outcome.REFUSED, "The file cannot be read."), True, False)
    dicom = is_dicom(data[:HEAD_BYTES])
    try:
        case = run(data, engines, batch.options, lambda step: watch(source, step))
    except RefusedError as exc:
        return Done(source, FileRecord(name, Outcome.REFUSED, str(exc), made_by=engines.made_by), dicom, False)
    except QuarantineError as exc:
        return Done(source, FileRecord(name, Outcome.QUARANTINED, str(exc), made_by=engines.made_by), True, False)
    except MemoryError:
        return Done(
            source, FileRecord(name, Outcome.QUARANTINED, TOO_LARGE.reason, made_by=engines.made_by), True, False
        )
    except StoppedError:
        raise
    except Exception as exc:
        # The one broad catch: whatever surprises here costs this file alone, and its text may hold values.
        fault = uuid.uuid4().hex[:8]
        told = {"fault": fault, "run": run_id}
        LOG.error("fault %s: %s in a file of run %s", fault, type(exc).__name__, run_id, extra=told)
        reason = f"A fault stopped the work on this file (fault {fault}, {type(exc).__name__})."
        return Done(source, FileRecord(name, Outcome.QUARANTINED, reason, made_by=engines.made_by), True, False)
    outcome, reason = verdict(case)
    place = output_place(source.relative, case.needles or Needles(), engines.key, rename=batch.rename)
    record = record_of(case, outcome, reason, str(place), engines.made_by)
    if outcome is Outcome.NEEDS_REVIEW and batch.hold_review:
        _hold(settings.home, run_id, place, data)
        return Done(source, record, True, False)
    if outcome is Outcome.QUARANTINED or case.written is None:
        return Done(source, record, True, False)
    try:
        if batch.crosswalk and case.cleaned is not None:
            crosswalk.keep(settings.home, crosswalk.pairs_of(case.dataset, case.cleaned))
        publish(case.written, batch.out / source.folder / place)
    except OSError:
        reason = "The output folder or DEID_HOME cannot be written."
        return Done(source, replace(record, outcome=Outcome.QUARANTINED, reason=reason), True, False)
    return Done(source, record, True, True)


def output_place(relative: PurePosixPath, needles: Needles, key: bytes, *, rename: bool) -> PurePosixPath:
    """The output's path: parts that hold a removed header value, or all of them, become pseudonyms."""
    parts = []
    for part in relative.parts:
        if rename or needles.are_in(part) or needles.are_in_number(part):
            digest = hmac.new(key, f"path:{part}".encode("utf-8", "surrogateescape"), hashlib.sha256).hexdigest()[:16]
            is_file = part is relative.parts[-1]
            parts.append(digest + (".dcm" if is_file else ""))
        else:
            parts.append(part)
    return PurePosixPath(*parts)


def publish(written: bytes, target: Path) -> None:
    """The verified bytes at their place, whole or not at all."""
    target.parent.mkdir(parents=True, exist_ok=True)
    staged = target.parent / f".{uuid.uuid4().hex}.part"
    try:
        with os.fdopen(os.open(staged, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(written)
            file.flush()
            os.fsync(file.fileno())
        staged.chmod(0o644)
        staged.replace(target)
    finally:
        staged.unlink(missing_ok=True)


def _hold(home: Path, run_id: int, place: PurePosixPath, data: bytes) -> None:
    """The file as it came, where only this installation's owner can read it, until a person decides."""
    folder = private_folder(private_folder(private_folder(home) / "review") / str(run_id))
    name = hashlib.sha256(str(place).encode("utf-8", "surrogateescape")).hexdigest()[:32]
    write_private(folder / f"{name}.dcm", data)


def tell(error: DeidError) -> str:
    """An error as one line."""
    return " ".join(str(error).split())
