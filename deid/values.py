"""The values that flow through the stages: frozen, without I/O.

Boxes are half-open, in pixels, with the origin at the top left of the frame. A picture made by `render` has the
size of the stored frame, so picture coordinates are stored-pixel coordinates. Frames count from 0.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum


class Stage(StrEnum):
    """The parts of the pipeline that are timed, in their order."""

    LOAD = "load"
    RENDER = "render"
    OCR = "ocr"
    CLASSIFY = "classify"
    REDACT = "redact"
    HEADER = "header"
    VERIFY = "verify"
    WRITE = "write"


class Outcome(StrEnum):
    """How one file ended."""

    CLEANED = "cleaned"
    NEEDS_REVIEW = "needs_review"
    QUARANTINED = "quarantined"
    REFUSED = "refused"


class View(StrEnum):
    """A way of mapping stored values to 8 bits."""

    WINDOW = "window"
    FULL = "full"
    MIDDLE = "middle"
    """What 99 % of the pixels hold."""
    LOCAL = "local"


class Policy(StrEnum):
    """Which text goes: what may be PHI, or all of it."""

    PHI = "phi"
    ALL_TEXT = "all-text"


class Reason(StrEnum):
    """Why a word goes or stays, in the order in which they are asked; one colour each in every picture."""

    DRAWN = "drawn"
    VERIFY = "verify"
    POLICY = "policy"
    CODE = "code"
    """A bar code or a QR code, whatever it says."""
    HEADER = "header"
    PATTERN = "pattern"
    CONTEXT = "context"
    LEXICON = "lexicon"
    UNREADABLE = "unreadable"
    UNKNOWN = "unknown"
    MODEL = "model"


def in_order(reasons: Iterable[Reason]) -> tuple[Reason, ...]:
    """Each reason once, the one that settles the matter first."""
    given = set(reasons)
    return tuple(each for each in Reason if each in given)


class Category(StrEnum):
    """What a word that goes is, as far as the rules can tell."""

    NAME = "name"
    NUMBER = "number"
    DATE = "date"
    PLACE = "place"
    CONTACT = "contact"
    OTHER = "other"


@dataclass(frozen=True, slots=True, order=True)
class Box:
    """A rectangle of at least one pixel, not left of or above the frame."""

    left: int
    top: int
    width: int
    height: int

    def __post_init__(self) -> None:
        if self.left < 0 or self.top < 0 or self.width < 1 or self.height < 1:
            raise ValueError(f"not a box: {self.left},{self.top} {self.width}x{self.height}")

    @property
    def right(self) -> int:
        """The first column that is no longer inside."""
        return self.left + self.width

    @property
    def bottom(self) -> int:
        """The first row that is no longer inside."""
        return self.top + self.height

    @property
    def area(self) -> int:
        """In pixels."""
        return self.width * self.height

    @classmethod
    def from_edges(cls, left: int, top: int, right: int, bottom: int) -> Box:
        """A box from its half-open edges."""
        return cls(left, top, right - left, bottom - top)

    def overlap(self, other: Box) -> int:
        """Area in pixels that both boxes cover."""
        width = min(self.right, other.right) - max(self.left, other.left)
        height = min(self.bottom, other.bottom) - max(self.top, other.top)
        return max(width, 0) * max(height, 0)

    def around(self, other: Box) -> Box:
        """The smallest box that holds both."""
        left, top = min(self.left, other.left), min(self.top, other.top)
        return Box.from_edges(left, top, max(self.right, other.right), max(self.bottom, other.bottom))


@dataclass(frozen=True, slots=True)
class Search:
    """How a reader that finds lines looks for them in a picture."""

    side_px: int | None = None
    """Of the longer side while it is searched; without one, as the reader thinks best."""
    share: float = 1.0
    """What of the longer side of the whole picture this part of it has: all sides are as much shorter."""


CLOSE = Search()
"""At the size that misses least."""

UNREAD = "\N{REPLACEMENT CHARACTER}"
"""The text of a line that is there and that no reader could read: another script, letters that ran together."""
UNNAMED = "\N{WHITE SQUARE}"
"""Stands in a reading for a letter or digit of a script that the reader has no names for, Cyrillic say."""
KNOWN = ""
"""The text of a line of which every word was known, so that it was not read again."""


@dataclass(frozen=True, slots=True)
class Word:
    """A piece of text without white space, as one or more readers saw it."""

    text: str
    box: Box
    confidence: float
    """0 to 1; 0 means that something is there that no reader could read."""
    readers: tuple[str, ...]
    line: int = 0
    """Words of one line of text in a frame share this number; they stand in reading order."""
    vertical: bool = False
    others: tuple[str, ...] = ()
    """What other readers, or other views of the frame, made of the same pixels."""

    @property
    def readings(self) -> tuple[str, ...]:
        """Every distinct reading, the most trusted first."""
        return tuple(dict.fromkeys((self.text, *self.others)))


@dataclass(frozen=True, slots=True)
class Hint:
    """An identifying value of the header: `keyword` is the DICOM keyword that it stood in."""

    keyword: str
    value: str


@dataclass(frozen=True, slots=True)
class Evidence:
    """One rule's or engine's verdict on a word. `rule` never holds text of the image or of the header."""

    reason: Reason
    rule: str
    p_phi: float


@dataclass(frozen=True, slots=True)
class Finding:
    """A word with the decision about it and everything that led there."""

    word: Word
    p_phi: float
    """Calibrated: 0.5 is the decision."""
    evidence: tuple[Evidence, ...]
    threshold: float = 0.5

    @property
    def is_phi(self) -> bool:
        """Whether the word goes."""
        return self.p_phi >= self.threshold

    @property
    def reasons(self) -> tuple[Reason, ...]:
        """Distinct reasons that speak for the decision taken, the one that settled it first."""
        return in_order(each.reason for each in self.evidence if (each.p_phi >= 0.5) == self.is_phi)


@dataclass(frozen=True, slots=True)
class FrameWords:
    """What the readers saw in one frame."""

    frame: int
    repeats: tuple[int, ...]
    """Later frames whose stored pixels are the same; they are not read again."""
    words: tuple[Word, ...]


@dataclass(frozen=True, slots=True)
class FrameFindings:
    """The decision about each word of one frame (and of its repeats)."""

    frame: int
    repeats: tuple[int, ...]
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class Region:
    """Pixels to overwrite: `frame` None means in every frame."""

    frame: int | None
    box: Box
    reasons: tuple[Reason, ...]
    score: float


@dataclass(frozen=True, slots=True)
class Removal:
    """What the header stage did to one element. `path` names tags and item numbers, never a value."""

    path: str
    keyword: str
    action: str
    """The PS3.15 action code applied: X, Z, D, U, C, K."""


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that `verify` looked at. `detail` holds no PHI."""

    name: str
    passed: bool
    detail: str
    review: bool = False
    """A failed check sends the file to a person where this is true, to quarantine otherwise."""


@dataclass(frozen=True, slots=True)
class WordCount:
    """How many words go for a reason, and what they are; never which."""

    reason: Reason
    """The strongest."""
    category: Category
    words: int


@dataclass(frozen=True, slots=True)
class FileRecord:
    """What is reported of one file: a line of the report, a row of the store."""

    file: str
    """Relative to its INPUT, parts that hold removed values replaced."""
    outcome: Outcome
    reason: str
    """A sentence without PHI; empty for a file that came out cleaned."""
    modality: str = ""
    syntax_in: str = ""
    """Transfer syntax UID."""
    syntax_out: str = ""
    frames: int = 0
    signed: bool | None = None
    """PixelRepresentation = 1; None without integer pixels."""
    boxes: tuple[Region, ...] = ()
    """As overwritten, after padding and snapping."""
    kept: int = 0
    """Words that were read and left."""
    way: str = ""
    """How the pixels were changed: a module of deid/codecs, or untouched; empty before they were."""
    decoder: str = ""
    """What the comparison of the written pixels with the original's read both with."""
    frame_hashes: tuple[str, ...] = ()
    """SHA-256 of each written frame as it is stored: its codestream, or its native bytes."""
    seconds: tuple[tuple[Stage, float], ...] = ()
    made_by: tuple[tuple[str, str], ...] = ()
    """(engine, version or hash)."""
    phi_words: tuple[WordCount, ...] = ()
    failed_checks: tuple[str, ...] = ()
    """Names of the checks of `verify` that the file did not pass."""
    cautions: tuple[str, ...] = ()
    """Sentences about what wants eyes although no check can tell."""
    warnings: tuple[str, ...] = ()
    """Names of what those are about, and `code` where a bar or QR code was covered: for figures."""
    text: tuple[FrameFindings, ...] | None = field(default=None, repr=False)
    """What was read, where somebody asked for it to be reported: PHI. None: nobody did."""
