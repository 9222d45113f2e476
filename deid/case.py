"""One file on its way through the stages, what it is worked on with, and what may be chosen."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from pydicom import Dataset

from deid import __version__
from deid.classify import Classifier
from deid.codes import CodeFinder
from deid.compare import Difference
from deid.identifiers import Needles
from deid.ocr import OcrEngine
from deid.profile import STRICT, Profile
from deid.scratch import IN_MEMORY, Content, Scratch
from deid.values import Check, FrameFindings, FrameWords, Hint, Policy, Region, Removal, Stage


class Step(StrEnum):
    """What a person can trigger, in order."""

    CONVERT = "convert"
    READ = "read"
    FIND = "find"
    BOXES = "boxes"
    REDACT = "redact"
    HEADER = "header"
    VERIFY = "verify"


@dataclass(frozen=True, slots=True)
class Options:
    """What a run may choose."""

    policy: Policy = Policy.PHI
    profile: Profile = STRICT
    padding_px: int = 3
    threshold: float = 0.5
    max_frames: int = 20_000
    max_pixels_per_frame: int = 200_000_000


@dataclass(frozen=True, slots=True)
class Engines:
    """Outside engines, built once a process, and the secret of the pseudonyms."""

    readers: tuple[OcrEngine, ...]
    key: bytes
    classifier: Classifier | None = None
    codes: CodeFinder | None = None

    @property
    def made_by(self) -> tuple[tuple[str, str], ...]:
        """(engine, version) of everything that has a say."""
        model = ((self.classifier.name, self.classifier.version),) if self.classifier else ()
        codes = ((self.codes.name, self.codes.version),) if self.codes else ()
        return (("deid", __version__), *((reader.name, reader.version) for reader in self.readers), *codes, *model)


@dataclass(frozen=True, slots=True, eq=False)
class Case:
    """One file on its way; a part is None until its step is done."""

    dataset: Dataset
    """As loaded, never edited."""
    frames: int
    hints: tuple[Hint, ...]
    representative: tuple[tuple[int, tuple[int, ...]], ...] | None = None
    """(frame, later frames with the same stored pixels): after CONVERT."""
    words: tuple[FrameWords, ...] | None = None
    codes: tuple[Region, ...] | None = None
    """Bar codes and QR codes, in every frame: after READ."""
    findings: tuple[FrameFindings, ...] | None = None
    regions: tuple[Region, ...] | None = None
    redacted: Dataset | None = None
    effective: tuple[Region, ...] | None = None
    """The regions as they were overwritten."""
    cleaned: Dataset | None = None
    removals: tuple[Removal, ...] | None = None
    needles: Needles | None = None
    """What of the header must not be found in the output."""
    written: Content | None = None
    checks: tuple[Check, ...] | None = None
    difference: Difference | None = None
    """The written pixels against the original's; None before VERIFY, and where they cannot be compared."""
    residue: tuple[Region, ...] = ()
    """What could still be read in the written file."""
    kept: tuple[Region, ...] = ()
    """What a person decided to leave as it is: VERIFY tells whether it can be read, and does not overwrite it."""
    kept_readable: tuple[Region, ...] = ()
    """What of the residue lies there."""
    scratch: Scratch = IN_MEMORY
    """Where redacted pixels and the written file lie."""
    seconds: dict[Stage, float] = field(default_factory=dict)
