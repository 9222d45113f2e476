"""How reasons, outcomes and steps look, the same in every picture, table and chart."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime

from pydicom.uid import UID

from deid.store import RunState
from deid.values import UNREAD, Outcome, Reason, Stage


@dataclass(frozen=True, slots=True)
class Look:
    """A colour that reads on black and on white and under white letters, never without its letter or icon; a word."""

    colour: str
    letter: str
    label: str


KEPT = Look("#677686", "", "kept")

REASONS: dict[Reason, Look] = {
    Reason.HEADER: Look("#E71713", "H", "header match"),
    Reason.PATTERN: Look("#AE6206", "P", "pattern"),
    Reason.CONTEXT: Look("#8E7200", "C", "context"),
    Reason.MODEL: Look("#8C52EC", "M", "model"),
    Reason.UNKNOWN: Look("#197CAA", "U", "unknown word"),
    Reason.UNREADABLE: Look("#D9218B", "X", "unreadable"),
    Reason.CODE: Look("#5E8000", "B", "bar or QR code"),
    Reason.POLICY: Look("#2F6EEA", "A", "all text"),
    Reason.VERIFY: Look("#E71713", "V", "seen at verify"),
    Reason.DRAWN: Look("#2B8456", "D", "drawn by a person"),
    Reason.LEXICON: Look("#677686", "L", "harmless word"),
}

OUTCOMES: dict[Outcome, Look] = {
    Outcome.CLEANED: Look("#268459", ":material/check_circle:", "cleaned"),
    Outcome.NEEDS_REVIEW: Look("#936F00", ":material/visibility:", "needs review"),
    Outcome.QUARANTINED: Look("#D33B54", ":material/gpp_bad:", "quarantined"),
    Outcome.REFUSED: Look("#6A7687", ":material/do_not_disturb_on:", "refused"),
}

RUN_STATES: dict[RunState, str] = {
    RunState.PLANNED: "waiting",
    RunState.RUNNING: "running",
    RunState.FINISHED: "finished",
    RunState.CANCELLED: "cancelled",
    RunState.FAILED: "failed",
    RunState.INTERRUPTED: "interrupted",
}

CHECKS = {"unseen": "hidden places", "envelope": "frame of the file", "elements": "header elements"}
"""What some checks of the last step are called on the pages; the others' own names are plain enough."""

STAGES: dict[Stage, str] = {
    Stage.LOAD: "Load",
    Stage.RENDER: "Convert",
    Stage.OCR: "Read text",
    Stage.CLASSIFY: "Find PHI",
    Stage.REDACT: "Redact",
    Stage.HEADER: "Clean header",
    Stage.VERIFY: "Verify",
    Stage.WRITE: "Write",
}

MODALITIES = {
    "CR": "Computed radiography",
    "CT": "Computed tomography",
    "DX": "Digital radiography",
    "ECG": "Electrocardiogram",
    "ES": "Endoscopy",
    "KO": "Key object selection",
    "MG": "Mammography",
    "MR": "Magnetic resonance",
    "NM": "Nuclear medicine",
    "OT": "Other",
    "PR": "Presentation state",
    "PT": "Positron emission",
    "REG": "Registration",
    "RF": "Fluoroscopy",
    "RTDOSE": "Radiotherapy dose",
    "RTPLAN": "Radiotherapy plan",
    "RTSTRUCT": "Radiotherapy structures",
    "SC": "Secondary capture",
    "SEG": "Segmentation",
    "SR": "Structured report",
    "US": "Ultrasound",
    "XA": "Angiography",
}


_LONGEST_SYNTAX = 35
_SYNTAX_WORDS = (("JPEGLS", "JPEG-LS"), ("JPEG2000", "JPEG 2000"))
"""What splitting a keyword at its capitals leaves joined."""
DRAWN = Reason.DRAWN
"""Why a box of a person's goes."""


def of_reasons(reasons: tuple[Reason, ...]) -> Look:
    """The look of a box: that of the reason that settled it."""
    return REASONS[reasons[0]] if reasons else KEPT


def check(name: str) -> str:
    """What a check of the last step is called, as a title."""
    return CHECKS.get(name, name).capitalize()


def told(text: str, *, hidden: bool) -> str:
    """Text of an original, in words where it could not be read, or as many dots where it is not to be shown."""
    shown = "•" * min(len(text), 12) if hidden else text
    return "(not readable)" if text == UNREAD else shown


def count(number: int, thing: str, things: str = "") -> str:
    """A number of things."""
    return f"{number:,} {thing if number == 1 else things or thing + 's'}"


def left(value: float) -> str:
    """A time to come, no finer than it can be known."""
    if value < 55:
        return f"about {max(round(value / 5) * 5, 5)} s"
    return f"about {round(value / 60)} min" if value < 5400 else f"about {value / 3600:.1f} h"


def seconds(value: float) -> str:
    """A time as people say it."""
    if value < 0.005:
        return "< 0.01 s"
    return f"{value:.2f} s" if value < 1 else f"{value:.1f} s" if value < 60 else f"{value / 60:.1f} min"


def size(count: int) -> str:
    """A number of bytes as people say it."""
    if count >= 1e9:
        return f"{count / 1e9:,.1f} GB"
    return f"{count / 1e6:.1f} MB" if count >= 1e6 else f"{count / 1e3:.0f} kB"


def per_cent(share: float) -> str:
    """A probability in whole per cent, and no surer than it is."""
    return "< 1 %" if 0 < share < 0.01 else "> 99 %" if 0.99 < share < 1 else f"{share:.0%}".replace("%", " %")


def syntax(uid: str) -> str:
    """A transfer syntax by its name, or by its keyword where the name is long: "JPEG Lossless SV1"."""
    name, keyword = UID(uid).name, UID(uid).keyword
    if len(name) <= _LONGEST_SYNTAX or not keyword:
        return name
    words = re.sub(r"(?<=[a-z])(?=[A-Z0-9])|(?<=[A-Z0-9])(?=[A-Z][a-z])|(?<=\d)(?=Bit)", " ", keyword)
    for joined, apart in _SYNTAX_WORDS:
        words = words.replace(joined, apart)
    return words


def ago(moment: datetime) -> str:
    """How long ago a moment (UTC without a zone) was."""
    minutes = int((datetime.now(UTC).replace(tzinfo=None) - moment).total_seconds() // 60)
    if minutes < 1:
        return "just now"
    if minutes < 60:
        return f"{minutes} min ago"
    if minutes < 48 * 60:
        return f"{minutes // 60} h ago"
    return f"{minutes // 1440} days ago"
