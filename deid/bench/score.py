"""What is left of the words of a case: which can still be seen, which are gone, what else was touched.

A character is *visible* where its patch still has its shape: correlation with the original above 0.6 (dimming,
inverting or coding again hides no letter), or more than 35 % of its glyph untouched and correlation above 0.3.

    leak_words   PHI words with more than a quarter of their characters visible in some frame / PHI words
    leak_any     PHI words with a visible character / PHI words
    leak_cells   visible PHI characters / PHI characters
    lost_words   other words with more than half of their characters gone / other words
    stray_ppm    pixels changed farther than 12 pixels or a word's height from every word, per million
    missing      cases without a readable output
    header_hits  identifying header values of the original that still stand, whole, in some element / those looked for
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path

import numpy as np
import pydicom
from numpy.typing import NDArray
from PIL import Image
from pydicom import Dataset
from pydicom.datadict import keyword_for_tag

import deid.quiet  # noqa: F401

LEAKED_SHARE = 0.25
LOST_SHARE = 0.5
ALIKE, STRENGTH = 0.6, 0.05
UNTOUCHED_SHARE, HALF_ALIKE = 0.35, 0.3
NEAR_PX = 12
FEWEST_PIXELS = 4
SHORTEST_VALUE = 4
_FLAT = 1e-6
_LONGEST_BYTES = 1 << 20
_PARTIAL = "partial-truth"
"""Tag of a case whose picture holds words that are not in its truth."""
_KEYWORDS = (
    *("PatientName", "PatientID", "PatientBirthDate", "AccessionNumber", "ReferringPhysicianName", "OperatorsName"),
    *("PerformingPhysicianName", "InstitutionName", "InstitutionAddress", "StudyID", "PatientAddress"),
    *("OtherPatientIDs", "PatientTelephoneNumbers"),
)
_COMMON = frozenset(
    (
        *("ANON", "ANONYMIZED", "ANONYMOUS", "NONE", "NAME", "PATIENT", "TEST", "ONLY", "ECHO", "MULTIPLE", "UNKNOWN"),
        *("DOCTOR", "HOSPITAL", "CLINIC", "MEDICAL", "CENTER", "CENTRE", "IMAGING", "GENERAL", "REGIONAL", "HEALTH"),
        *("RESEARCH", "TEACHING", "REMOVED", "CARDIAC", "THYROID", "ABDOMEN", "CHEST", "OPER", "MINIMUM", "FIXED"),
    )
)
"""Values and parts of values that stand in many headers and tell nothing."""
_MUST_WRITE = frozenset(
    (
        *("DeidentificationMethod", "PatientIdentityRemoved", "LongitudinalTemporalInformationModified"),
        "DeidentificationMethodCodeSequence",
    )
)

Plane = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class TruthWord:
    """A word that was burned in."""

    text: str
    phi: bool
    category: str
    box: tuple[int, int, int, int]
    """Left, top, width, height in stored pixels."""
    cells: tuple[tuple[int, int], ...]
    """First and last column of each character, or row where the word stands upright; half-open."""
    frames: tuple[int, ...] | None = None
    """None: in all of them."""
    vertical: bool = False
    skip: bool = False
    """Nobody can say whether it is PHI, or read it."""


@dataclass(frozen=True, slots=True, eq=False)
class Truth:
    """What is burned into one image."""

    name: str
    modality: str
    syntax: str
    tags: tuple[str, ...]
    words: tuple[TruthWord, ...]
    mask: NDArray[np.int32]
    original: bytes


@dataclass(frozen=True, slots=True)
class WordScore:
    """What became of one word."""

    index: int
    """In the truth."""
    phi: bool
    cells: int
    visible: int
    worst: float
    """The largest share of its characters that is visible in one frame."""

    @property
    def leaked(self) -> bool:
        """Whether it is PHI that can still be read."""
        return self.phi and self.worst > LEAKED_SHARE

    @property
    def lost(self) -> bool:
        """Whether it is no PHI and gone."""
        return not self.phi and self.visible < LOST_SHARE * self.cells


@dataclass(frozen=True, slots=True)
class CaseScore:
    """What became of one case."""

    name: str
    modality: str
    syntax: str
    tags: tuple[str, ...]
    words: tuple[WordScore, ...] = ()
    stray: int = 0
    pixels: int = 0
    """Those that `stray` was counted among."""
    looked: int = 0
    header_left: tuple[str, ...] = ()
    """Identifying values of the original's header that still stand in the output's."""
    error: str = ""
    """Why there is no output to look at."""


@dataclass(slots=True)
class Sums:
    """Counts over cases or words, and the figures made of them."""

    cases: int = 0
    missing: int = 0
    phi: int = 0
    leaked: int = 0
    any: int = 0
    phi_cells: int = 0
    cells_seen: int = 0
    other: int = 0
    lost: int = 0
    clean: int = 0
    stray: int = 0
    pixels: int = 0
    hits: int = 0
    looked: int = 0
    _names: set[str] = field(default_factory=set)

    def add_case(self, score: CaseScore) -> None:
        """Counts a case and all of its words."""
        self.cases += 1
        self.missing += bool(score.error)
        self.clean += not score.error and not any(word.leaked for word in score.words)
        self.stray += score.stray
        self.pixels += score.pixels
        self.hits += len(score.header_left)
        self.looked += score.looked
        for word in score.words:
            self.add_word(word)

    def add_word(self, word: WordScore) -> None:
        """Counts a word."""
        if word.phi:
            self.phi += 1
            self.leaked += word.leaked
            self.any += word.visible > 0
            self.phi_cells += word.cells
            self.cells_seen += word.visible
        else:
            self.other += 1
            self.lost += word.lost

    def figures(self) -> dict[str, float | int | None]:
        """The figures by their names; None where there is nothing to divide by."""
        return {
            "cases": self.cases,
            "missing": self.missing,
            "phi_words": self.phi,
            "leak_words": _ratio(self.leaked, self.phi),
            "leak_any": _ratio(self.any, self.phi),
            "leak_cells": _ratio(self.cells_seen, self.phi_cells),
            "other_words": self.other,
            "lost_words": _ratio(self.lost, self.other),
            "clean_cases": _ratio(self.clean, self.cases),
            "stray_ppm": _ratio(1e6 * self.stray, self.pixels),
            "header_hits": _ratio(self.hits, self.looked),
        }


def _ratio(part: float, whole: int) -> float | None:
    return round(part / whole, 4) if whole else None


def read_truths(folder: Path) -> Iterator[Truth]:
    """The cases of a truth folder, by name."""
    for path in sorted(folder.glob("*.json")):
        yield read_truth(path)


def read_truth(path: Path) -> Truth:
    """The case whose words stand in this JSON file; its image and its mask lie beside it."""
    data = json.loads(path.read_text("utf-8"))
    words = tuple(
        TruthWord(
            word["text"],
            word["phi"],
            word["category"],
            (word["box"][0], word["box"][1], word["box"][2], word["box"][3]),
            tuple((start, stop) for start, stop in word["cells"]),
            None if word["frames"] is None else tuple(word["frames"]),
            bool(word.get("vertical")),
            bool(word.get("skip")),
        )
        for word in data["words"]
    )
    mask = np.asarray(Image.open(path.with_suffix(".mask.png")), np.int32)
    original = path.with_suffix(".dcm").read_bytes()
    return Truth(path.stem, data["modality"], data["syntax"], tuple(data["tags"]), words, mask, original)


def score_case(truth: Truth, output: bytes | None) -> CaseScore:
    """What is left of a case in its output; without one, or with one that cannot be read, the case is missing."""
    case = CaseScore(truth.name, truth.modality, truth.syntax, truth.tags)
    if output is None:
        return _missing(case, "no output")
    original = _opened(truth.original)
    try:
        result = _opened(output)
        before, after = grey_frames(original), grey_frames(result)
    except Exception as exc:  # an output that cannot be read is a finding
        return _missing(case, type(exc).__name__)
    if before.shape != after.shape:
        return _missing(case, f"shape {before.shape} became {after.shape}")
    near = np.zeros(truth.mask.shape, bool)
    words = []
    for index, word in enumerate(truth.words):
        if word.skip:
            continue
        left, top, width, height = word.box
        grow = max(NEAR_PX, min(width, height))
        near[max(top - grow, 0) : top + height + grow, max(left - grow, 0) : left + width + grow] = True
        frames = range(len(before)) if word.frames is None else word.frames
        seen = [visible_cells(before[frame], after[frame], truth.mask, word, index) for frame in frames]
        cells = sum(map(len, seen))
        if cells:
            worst = max(sum(each) / len(each) for each in seen if each)
            words.append(WordScore(index, word.phi, cells, sum(map(sum, seen)), worst))
    changed = before != after
    whole = _PARTIAL not in truth.tags
    looked = header_values(original)
    return CaseScore(
        *(truth.name, truth.modality, truth.syntax, truth.tags, tuple(words)),
        stray=int((changed & ~near[None]).sum()) if whole else 0,
        pixels=changed.size if whole else 0,
        looked=len(looked),
        header_left=_left(looked, all_text(result)),
    )


def _missing(case: CaseScore, error: str) -> CaseScore:
    return CaseScore(case.name, case.modality, case.syntax, case.tags, error=error)


def _opened(data: bytes) -> Dataset:
    return pydicom.dcmread(BytesIO(data), force=True)


def grey_frames(dataset: Dataset) -> Plane:
    """Decoded pixels, shape (frames, rows, columns); colour is averaged over its samples."""
    pixels = dataset.pixel_array.astype(np.float32)
    if dataset.get("SamplesPerPixel", 1) > 1:
        pixels = pixels.mean(axis=-1)
    frames = int(dataset.get("NumberOfFrames", 1) or 1)
    return np.asarray(pixels.reshape((frames, dataset.Rows, dataset.Columns)), np.float32)


def visible_cells(before: Plane, after: Plane, mask: NDArray[np.int32], word: TruthWord, index: int) -> list[bool]:
    """Of each character with enough pixels to tell: whether it still stands out from its surroundings."""
    left, top, width, height = word.box
    seen = []
    for start, stop in word.cells:
        if word.vertical:
            rows, columns = slice(max(start, 0), stop), slice(max(left, 0), left + width)
        else:
            rows, columns = slice(max(top, 0), top + height), slice(max(start, 0), stop)
        labels = mask[rows, columns]
        glyph, ground = labels == index + 1, labels == 0
        if glyph.sum() < FEWEST_PIXELS or ground.sum() < FEWEST_PIXELS:
            continue
        one, two = before[rows, columns], after[rows, columns]
        shape_one, shape_two = _shape(one, glyph | ground), _shape(two, glyph | ground)
        if shape_one.std() < _FLAT:
            continue
        untouched = 1 - (glyph & (one != two)).sum() / glyph.sum()
        seen.append(_stands_out(shape_one, shape_two, float(untouched)))
    return seen


def _shape(patch: Plane, chosen: NDArray[np.bool_]) -> Plane:
    values = patch[chosen]
    return np.asarray(values - np.median(values), np.float32)


def _stands_out(before: Plane, after: Plane, untouched: float) -> bool:
    if after.std() < _FLAT:
        return False
    alike = abs(float(np.corrcoef(before, after)[0, 1]))
    strength = float(after.std() / before.std())
    return (alike > ALIKE and strength > STRENGTH) or (untouched > UNTOUCHED_SHARE and alike > HALF_ALIKE)


def header_values(dataset: Dataset) -> frozenset[str]:
    """The identifying values of a header that are long and rare enough to be looked for, upper case."""
    values = set()
    for keyword in _KEYWORDS:
        text = str(dataset.get(keyword, "") or "").replace("^", " ").strip()
        for part in text.split() if keyword == "PatientName" else [text]:
            if len(part) >= SHORTEST_VALUE and part.upper() not in _COMMON:
                values.add(part.upper())
    return frozenset(values)


def all_text(dataset: Dataset) -> str:
    """Every element's value as upper-case text, items and private elements included, without pixels and UIDs."""
    return "\n".join(_texts(dataset)).replace("^", " ").upper()


def _texts(dataset: Dataset) -> Iterator[str]:
    for tag in list(dataset.keys()):
        if keyword_for_tag(tag) in _MUST_WRITE:
            continue
        try:
            element = dataset[tag]
        except Exception:  # an element that pydicom cannot parse: its raw bytes
            raw = dataset._dict[tag].value
            yield bytes(raw if isinstance(raw, bytes) else b"").decode("latin-1")
            continue
        if element.VR == "SQ":
            for item in element.value:
                yield from _texts(item)
        elif isinstance(element.value, bytes):
            if element.keyword != "PixelData" and len(element.value) < _LONGEST_BYTES:
                yield element.value.decode("latin-1")
        elif element.value is not None and element.VR != "UI":
            yield str(element.value)  # a UID holds a short number by chance


def _left(values: Iterable[str], text: str) -> tuple[str, ...]:
    found = (value for value in values if re.search(rf"(?<![A-Z0-9]){re.escape(value)}(?![A-Z0-9])", text))
    return tuple(sorted(found))


def total(scores: Iterable[CaseScore]) -> Sums:
    """The sums over cases."""
    sums = Sums()
    for score in scores:
        sums.add_case(score)
    return sums
