"""What a person should know of a file although every check passed: text by the page, a face, strokes nobody could read.

Sentences hold no text of the image and no value of the header.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from pydicom import Dataset

from deid.values import UNREAD, FrameWords, Word

PAGE, STROKES, FACE, CODE = "page of text", "strokes", "face", "code"
"""What is told of. Codes are found by `codes`, and need no sentence: they are covered like text."""
PAGE_WORDS = 60
"""A frame with so many words is read like a page; screens of ultrasound devices hold up to forty."""
STROKES_HEIGHTS = 2
"""Strokes that nobody could read are told of where they are this many times as wide as high."""
_CAPTURES = "1.2.840.10008.5.1.4.1.1.7"
"""Secondary capture, of one frame and of many (PS3.4 B.5)."""
_SCANNED = frozenset(("DF", "SD", "SI", "WSD"))
"""Digitised film, scanned document, scanned image, workstation (PS3.3 C.8.6.1)."""
_DOCUMENTS = frozenset(("DOC", "OT", "SC"))
_SLICED = frozenset(("CT", "MR", "PT"))
_DESCRIPTIONS = ("BodyPartExamined", "StudyDescription", "SeriesDescription", "ProtocolName")
_HEAD = re.compile(
    r"(?<![^\W_])(?:head|skull|brain|face|facial|cranium|cranial|sinus(?:es)?|orbits?|neuro|kopf|sch(?:ä|ae?)del|gehirn|"
    r"hirn|nnh|cct|t[eê]te|cr[aâ]ne|cerveau|cabeza|cr[aá]neo|cerebro|testa|cranio|encefalo|cervello)(?![^\W_])",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Caution:
    """Something that wants eyes."""

    name: str
    sentence: str
    holds: bool = False
    """Whether the file waits for a person because of it."""


def cautions(dataset: Dataset, frames: Sequence[FrameWords]) -> tuple[Caution, ...]:
    """What wants eyes in a file, given its original header and the words that were seen in it."""
    return tuple(filter(None, (_page(dataset, frames), _strokes(frames), _face(dataset))))


def _page(dataset: Dataset, frames: Sequence[FrameWords]) -> Caution | None:
    most = max((sum(map(_is_text, frame.words)) for frame in frames), default=0)
    captured = str(dataset.get("SOPClassUID", "")).startswith(_CAPTURES)
    made = captured or dataset.get("ConversionType") in _SCANNED or dataset.get("Modality") in _DOCUMENTS
    if not made or most < PAGE_WORDS:
        return None
    return Caution(
        PAGE,
        f"This looks like a scanned page or a screenshot full of text ({most:,} words in one picture): names hide in "
        "sentences. Read what is left of it.",
        holds=True,
    )


def _is_text(word: Word) -> bool:
    return sum(map(str.isalnum, word.text)) > 1


def _strokes(frames: Sequence[FrameWords]) -> Caution | None:
    places = {
        word.box
        for frame in frames
        for word in frame.words
        if word.text == UNREAD
        and max(word.box.width, word.box.height) >= STROKES_HEIGHTS * min(word.box.width, word.box.height)
    }
    if not places:
        return None
    where = "In one place" if len(places) == 1 else f"In {len(places):,} places"
    return Caution(
        STROKES,
        f"{where} something written was seen that no reader could read, handwriting perhaps: it was covered. Look "
        "whether more of it stands beside.",
    )


def _face(dataset: Dataset) -> Caution | None:
    described = " ".join(str(dataset.get(keyword) or "") for keyword in _DESCRIPTIONS)
    captured = str(dataset.get("SOPClassUID", "")).startswith(_CAPTURES)
    if dataset.get("Modality") not in _SLICED or captured or not _HEAD.search(described):
        return None
    return Caution(
        FACE,
        "Slices of a head can be put together to a face that people recognise. Removing it is outside this tool: use "
        "one for defacing before the series is given away.",
    )
