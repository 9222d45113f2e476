"""A record as a line of the report, and back to nothing: reports are private files."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, TextIO

from deid.values import FileRecord, Finding, FrameFindings, Region, Stage


def open_report(path: Path) -> TextIO:
    """The report's file, empty, readable by its owner alone."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    os.fchmod(descriptor, 0o600)
    # A name that is not UTF-8 is told by JSON's escapes, as the rest of JSON that is not text is.
    return os.fdopen(descriptor, "w", encoding="utf-8", errors="backslashreplace")


def as_line(record: FileRecord) -> str:
    """One JSON object; see the README for its fields."""
    return json.dumps(as_object(record), ensure_ascii=False)


def as_object(record: FileRecord) -> dict[str, Any]:
    """The record in the report's terms."""
    seconds = dict(record.seconds)
    told = {
        "file": record.file,
        "outcome": record.outcome.value,
        "reason": record.reason,
        "modality": record.modality,
        "syntax_in": record.syntax_in,
        "syntax_out": record.syntax_out,
        "frames": record.frames,
        "signed": record.signed,
        "boxes": [region_object(region) for region in record.boxes],
        "kept": record.kept,
        "pixels": {"way": record.way, "decoder": record.decoder, "sha256": list(record.frame_hashes)},
        "seconds": {stage.value: round(seconds.get(stage, 0.0), 4) for stage in Stage},
        "made_by": dict(record.made_by),
        "cautions": list(record.cautions),
    }
    if record.text is not None:
        told["words"] = [_word_object(frame, finding) for frame in record.text for finding in frame.findings]
    return told


def _word_object(frame: FrameFindings, finding: Finding) -> dict[str, Any]:
    """A word that was read, in the coordinates of its picture: PHI."""
    box = finding.word.box
    return {
        "frames": [frame.frame, *frame.repeats],
        "left": box.left,
        "top": box.top,
        "width": box.width,
        "height": box.height,
        "text": finding.word.text,
        "phi": finding.is_phi,
        "p_phi": round(finding.p_phi, 4),
        "reasons": [reason.value for reason in finding.reasons],
    }


def region_object(region: Region) -> dict[str, Any]:
    """A box in stored pixels; frame null means every frame."""
    box = region.box
    return {
        "frame": region.frame,
        "left": box.left,
        "top": box.top,
        "width": box.width,
        "height": box.height,
        "reasons": [reason.value for reason in region.reasons],
        "score": region.score,
    }
