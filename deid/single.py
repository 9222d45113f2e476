"""One file end to end: read, pipeline, verdict, publication.

Everything is held in memory until `verify` has passed; only then a file is staged and moved to its place whole. What
needs a person waits, as it came, in DEID_HOME/review; what failed goes nowhere.
"""

from __future__ import annotations

import hashlib
import logging
import uuid
from collections.abc import Callable
from dataclasses import replace
from pathlib import PurePosixPath

from deid.codecs.raw import pixel_format, stored_frame_hashes
from deid.counting import count_words, failed_checks
from deid.errors import QuarantineError, RefusedError, StoppedError
from deid.identifiers import Needles
from deid.inputs import InputFile
from deid.ledger import Done, Seen
from deid.load import HEAD_BYTES, is_dicom
from deid.manifest import Batch
from deid.pipeline import Case, Engines, Options, Step, run, verdict
from deid.publishing import output_place, publish, staging_folder
from deid.redact import way_taken
from deid.review import Suggested
from deid.settings import Settings
from deid.store import crosswalk
from deid.values import FileRecord, Outcome
from deid.waiting import Note, alike, hold
from deid.workers import TOO_LARGE

LOG = logging.getLogger(__name__)

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
    )


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
        modified_ns = source.path.stat().st_mtime_ns
        data = source.path.read_bytes()
    except OSError:
        return Done(source, FileRecord(name, Outcome.REFUSED, "The file cannot be read."), True, False)
    dicom = is_dicom(data[:HEAD_BYTES])
    seen = Seen(len(data), modified_ns, hashlib.sha256(data).hexdigest())

    def ended(record: FileRecord, *, dicom: bool = True, published: bool = False) -> Done:
        return Done(source, record, dicom, published, seen)

    try:
        case = run(data, engines, batch.options, lambda step: watch(source, step))
    except RefusedError as exc:
        return ended(FileRecord(name, Outcome.REFUSED, str(exc), made_by=engines.made_by), dicom=dicom)
    except QuarantineError as exc:
        return ended(FileRecord(name, Outcome.QUARANTINED, str(exc), made_by=engines.made_by))
    except MemoryError:
        return ended(FileRecord(name, Outcome.QUARANTINED, TOO_LARGE.reason, made_by=engines.made_by))
    except StoppedError:
        raise
    except Exception as exc:
        # The one broad catch: whatever surprises here costs this file alone, and its text may hold values.
        fault = uuid.uuid4().hex[:8]
        told = {"fault": fault, "run": run_id}
        LOG.error("fault %s: %s in a file of run %s", fault, type(exc).__name__, run_id, extra=told)
        reason = f"A fault stopped the work on this file (fault {fault}, {type(exc).__name__})."
        return ended(FileRecord(name, Outcome.QUARANTINED, reason, made_by=engines.made_by))
    outcome, reason = verdict(case)
    place = output_place(source.relative, case.needles or Needles(), engines.key, rename=batch.rename)
    record = record_of(case, outcome, reason, str(place), engines.made_by)
    if outcome is Outcome.NEEDS_REVIEW and batch.hold_review:
        hold(settings.home, run_id, note_of(case, source, place, batch.options), data)
        return ended(record)
    if outcome is Outcome.QUARANTINED or case.written is None:
        return ended(record)
    try:
        if batch.crosswalk and case.cleaned is not None:
            crosswalk.keep(settings.home, crosswalk.pairs_of(case.dataset, case.cleaned))
        publish(case.written, batch.out / source.folder / place, staging_folder(batch.out, run_id))
    except OSError:
        reason = "The output folder or DEID_HOME cannot be written."
        return ended(replace(record, outcome=Outcome.QUARANTINED, reason=reason))
    return ended(record, published=True)


def note_of(case: Case, source: InputFile, place: PurePosixPath, options: Options) -> Note:
    """What a person who has to decide about the file is told, and what makes it anew afterwards."""
    suggested = Suggested(case.effective or (), case.residue)
    series, device = alike(case.dataset)
    return Note(
        source.relative, source.folder / place, verdict(case)[1], case.frames, suggested, options, series, device
    )
