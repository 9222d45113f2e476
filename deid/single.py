"""One file end to end: read, pipeline, verdict, publication.

Everything is held in memory, or in files without a name, until `verify` has passed; only then a file is staged and
moved to its place whole. What needs a person waits, as it came, in DEID_HOME/review; what failed goes nowhere.
"""

from __future__ import annotations

import logging
import multiprocessing
import os
import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from deid.cautions import CODE, cautions
from deid.codecs.raw import pixel_format, stored_frame_hashes
from deid.counting import count_words, failed_checks
from deid.errors import QuarantineError, RefusedError, StoppedError, StoreError
from deid.faults import cannot_be_written, places_of
from deid.identifiers import Needles
from deid.inputs import InputFile
from deid.ledger import Done, Seen
from deid.load import HEAD_BYTES, is_dicom
from deid.manifest import Batch
from deid.pipeline import Case, Engines, Options, Step, run, verdict
from deid.places import Place, Stat
from deid.publishing import output_place, publish, scratch_of, staging_folder
from deid.redact import way_taken
from deid.review import Suggested
from deid.scratch import Content, mapped, sha256
from deid.settings import Settings
from deid.store import crosswalk
from deid.values import FileRecord, Outcome
from deid.waiting import Note, alike, hold
from deid.workers import TOO_LARGE

LOG = logging.getLogger(__name__)
_NO_PLACE = "The output folder or DEID_HOME cannot be written."
_CHANGED = "The file was changed while it was worked on: run it again."

Watch = Callable[[InputFile, Step], None]


def unwatched(source: InputFile, step: Step) -> None:
    """Nobody wants to know how far the work is."""


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
        phi_words=count_words(case.findings or (), len(case.codes or ())),
        failed_checks=failed_checks(case.checks or ()),
        cautions=told_of(case),
        warnings=warnings_of(case),
    )


def told_of(case: Case) -> tuple[str, ...]:
    """What a person should know of a file, as sentences."""
    return tuple(each.sentence for each in cautions(case.dataset, case.words or ()))


def warnings_of(case: Case) -> tuple[str, ...]:
    """Names of what a person should know of a file, and whether it held a code."""
    return (*(each.name for each in cautions(case.dataset, case.words or ())), *((CODE,) if case.codes else ()))


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
        before = source.path.stat()
        data = _content(source.path)
    except OSError:
        return Done(source, FileRecord(name, Outcome.REFUSED, "The file cannot be read."), True, False)
    dicom = is_dicom(bytes(data[:HEAD_BYTES]))
    seen = Seen(len(data), before.st_mtime_ns, sha256(data))

    def ended(record: FileRecord, *, dicom: bool = True, published: bool = False) -> Done:
        return Done(source, record, dicom, published, seen)

    try:
        case = run(data, engines, batch.options, lambda step: watch(source, step), scratch_of(batch.out, run_id))
        if _has_changed(source.path, before):
            return ended(FileRecord(name, Outcome.QUARANTINED, _CHANGED, made_by=engines.made_by))
        record, published = _come_out(case, source, data, _Job(batch, engines, settings, run_id))
        return ended(record, published=published)
    except RefusedError as exc:
        return ended(FileRecord(name, Outcome.REFUSED, str(exc), made_by=engines.made_by), dicom=dicom)
    except QuarantineError as exc:
        return ended(FileRecord(name, Outcome.QUARANTINED, str(exc), made_by=engines.made_by))
    except MemoryError:
        return ended(FileRecord(name, Outcome.QUARANTINED, TOO_LARGE.reason, made_by=engines.made_by))
    except (StoppedError, StoreError):
        raise
    except Exception as exc:
        if cannot_be_written(exc):
            return ended(FileRecord(name, Outcome.QUARANTINED, _NO_PLACE, made_by=engines.made_by))
        # The one broad catch: whatever surprises here costs this file alone, and its text may hold values.
        fault = uuid.uuid4().hex[:8]
        told = {"fault": fault, "run": run_id}
        LOG.error("fault %s in a file of run %s: %s", fault, run_id, places_of(exc), extra=told)
        reason = f"A fault stopped the work on this file, and nothing was written. Fault id: {fault}."
        return ended(FileRecord(name, Outcome.QUARANTINED, reason, made_by=engines.made_by))


@dataclass(frozen=True, slots=True, eq=False)
class _Job:
    """What a file is worked on with, and for."""

    batch: Batch
    engines: Engines
    settings: Settings
    run_id: int


def _come_out(case: Case, source: InputFile, data: Content, job: _Job) -> tuple[FileRecord, bool]:
    """(record, whether the file was published): what passed is at its place now, what is in doubt waits."""
    batch, home = job.batch, job.settings.home
    outcome, reason = verdict(case)
    place = output_place(source.relative, case.needles or Needles(), job.engines.key, rename=batch.rename)
    record = record_of(case, outcome, reason, str(place), job.engines.made_by)
    if batch.with_text:
        record = replace(record, text=case.findings or ())
    try:
        if outcome is Outcome.NEEDS_REVIEW and batch.hold_review:
            hold(home, job.run_id, note_of(case, source, place, batch.options), data)
            return record, False
        if outcome is Outcome.QUARANTINED or case.written is None:
            return record, False
        if batch.crosswalk and case.cleaned is not None:
            crosswalk.keep(home, crosswalk.pairs_of(case.dataset, case.cleaned))
        publish(case.written, batch.out / source.folder / place, staging_folder(batch.out, job.run_id))
    except OSError:
        return replace(record, outcome=Outcome.QUARANTINED, reason=_NO_PLACE), False
    return record, True


def _content(path: Place) -> Content:
    """What the file holds. A worker reads it as it is looked at: it may be lost to a file that is cut short."""
    is_worker = multiprocessing.parent_process() is not None
    return mapped(path) if is_worker and isinstance(path, Path) else path.read_bytes()


def _has_changed(path: Place, before: os.stat_result | Stat) -> bool:
    """Whether the file is not what it was: what was read of it at different times may not belong together."""
    try:
        now = path.stat()
    except OSError:
        return True
    return (now.st_size, now.st_mtime_ns) != (before.st_size, before.st_mtime_ns)


def note_of(case: Case, source: InputFile, place: PurePosixPath, options: Options) -> Note:
    """What a person who has to decide about the file is told, and what makes it anew afterwards."""
    suggested = Suggested(case.effective or (), case.residue)
    series, device = alike(case.dataset)
    return Note(
        source.relative,
        source.folder / place,
        verdict(case)[1],
        case.frames,
        suggested,
        options,
        series,
        device,
        cautions=told_of(case),
    )
