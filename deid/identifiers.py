"""What identifies: the tokens of harvested header values, and the search for them in other text.

Text is compared in tokens: runs of letters and digits, without accents, in capitals. A value of several tokens is also
looked for as a whole. Words that are too common to identify anyone are not looked for alone.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache
from importlib import resources

from pydicom import DataElement
from pydicom.multival import MultiValue
from pydicom.tag import Tag

from deid.text import without_accents
from deid.values import Hint

SHORTEST = 4
"""Tokens of fewer characters are too common to be looked for."""
SHORTEST_IN_NUMBERS = 6
"""In numbers (and in UIDs that we draw) shorter runs of digits stand by chance."""
LONGEST_NUMBER = 40
_NUMBERS = frozenset({"DS", "IS", "FL", "FD", "SL", "SS", "SV", "UL", "US", "UV"})
_PIXELS = frozenset({0x7FE00008, 0x7FE00009, 0x7FE00010})
CLOSED = frozenset(
    map(
        Tag,
        (
            "BurnedInAnnotation",
            "CompletionFlag",
            "ContinuityOfContent",
            "DeidentificationMethod",
            "LongitudinalTemporalInformationModified",
            "LossyImageCompression",
            "LossyImageCompressionMethod",
            "GraphicType",
            "Modality",
            "PatientIdentityRemoved",
            "PhotometricInterpretation",
            "RelationshipType",
            "SpecificCharacterSet",
            "TemporalRangeType",
            "ValueType",
            "VerificationFlag",
        ),
    )
)
"""Elements whose values come from a list that decides how the object is read: a name that is such a value stays."""
_TOKEN = re.compile(r"[^\W_]+")
_RUN = re.compile(rb"[\x20-\x7e\xa0-\xff]{4,}")
_LONG_BYTES = 4096
_DATE = re.compile(r"([12]\d{3})([01]\d)([0-3]\d)(\d*)(\.\d*)?([+-]\d{4})?")


@dataclass(frozen=True, slots=True)
class Needles:
    """What to look for in text that must not identify."""

    tokens: frozenset[str] = frozenset()
    phrases: frozenset[tuple[str, ...]] = frozenset()
    """Values of several tokens, to be found as a whole."""
    uids: frozenset[str] = frozenset()
    """UIDs that were replaced."""
    dates_stay: bool = False
    """Whether elements of dates are left out: they were kept or moved on purpose."""
    numbers: tuple[str, ...] = field(init=False, repr=False, compare=False)
    """The tokens that are long numbers."""
    integers: frozenset[int] = field(init=False, repr=False, compare=False)
    """Those that are still long as an integer: 0000512 is 512 there, which is a number of rows too."""
    _spaced: dict[str, tuple[str, ...]] = field(init=False, repr=False, compare=False)
    """The phrases by their first token, each between spaces."""

    def __post_init__(self) -> None:
        long = (each for each in self.tokens if SHORTEST_IN_NUMBERS <= len(each) <= LONGEST_NUMBER and each.isdecimal())
        object.__setattr__(self, "numbers", tuple(sorted(long)))
        spaced: dict[str, list[str]] = {}
        for phrase in self.phrases:
            spaced.setdefault(phrase[0], []).append(f" {' '.join(phrase)} ")
        object.__setattr__(self, "_spaced", {first: tuple(those) for first, those in spaced.items()})
        least = 10 ** (SHORTEST_IN_NUMBERS - 1)
        object.__setattr__(self, "integers", frozenset(each for each in map(int, self.numbers) if each >= least))

    def are_in(self, text: str) -> bool:
        """Whether the text holds one of the tokens, or one of the values as a whole."""
        found = tokens_of(text)
        if not self.tokens.isdisjoint(found):
            return True
        if len(found) < 2:
            return False
        begun = [phrase for token in found if token in self._spaced for phrase in self._spaced[token]]
        if not begun:
            return False
        spaced = f" {' '.join(found)} "
        return any(phrase in spaced for phrase in begun)

    def are_in_number(self, text: str) -> bool:
        """Whether digits of a removed value, not too few of them, stand within a number."""
        digits = "".join(filter(str.isdigit, text))
        return any(number in digits for number in self.numbers)


def needles_of(hints: Iterable[Hint], words: Iterable[str] = ()) -> Needles:
    """What harvested values look like when they stand in other text, beside single `words` to look for."""
    tokens: set[str] = set(words)
    phrases: set[tuple[str, ...]] = set()
    for hint in hints:
        date = _DATE.fullmatch(hint.value.strip())
        if date:
            year, month, day, clock = date.groups()[:4]
            tokens.update((year + month + day, year + month + day + clock, day + month + year, month + day + year))
            phrases.update(((year, month, day), (day, month, year), (month, day, year)))
            continue
        parts = tokens_of(hint.value)
        tokens.update(part for part in parts if len(part) >= SHORTEST and part not in common_words())
        if len(parts) > 1 and sum(map(len, parts)) >= SHORTEST:
            phrases.add(tuple(parts))
            if "".join(parts).isdigit():
                tokens.add("".join(parts))
    return Needles(frozenset(tokens), frozenset(phrases))


def tokens_of(text: str) -> list[str]:
    """Runs of letters and digits in their order, without accents, in capitals."""
    if text.isascii():
        return _TOKEN.findall(text.upper())
    return _TOKEN.findall(without_accents(unicodedata.normalize("NFKD", text)).upper())


@cache
def common_words() -> frozenset[str]:
    """Words that are too common in headers to identify anyone."""
    lines = resources.files("deid").joinpath("rules", "common_words.txt").read_text(encoding="utf-8").splitlines()
    return frozenset(word for line in lines if not line.startswith("#") for word in line.split())


def holds(element: DataElement, needles: Needles) -> bool:
    """Whether an element's own value (not its items') holds something that identifies.

    Not looked at: pixels, and elements whose values come from a closed list that decides how the image is read. A
    number counts where it equals a removed one: digits behind a decimal point stand by chance.
    """
    vr = element.VR
    if vr in ("SQ", "AT") or element.tag in _PIXELS or element.tag in CLOSED:
        return False
    if needles.dates_stay and vr in ("DA", "DT", "TM"):
        return False
    value = element.value
    values = value if isinstance(value, MultiValue | list | tuple) else (value,)
    if vr in _NUMBERS:
        return not needles.integers.isdisjoint(values)
    if vr == "UI":
        return not needles.uids.isdisjoint(map(str, values))
    return any(needles.are_in(_as_text(value)) for value in values)


def _as_text(value: object) -> str:
    if isinstance(value, bytes | bytearray):
        # Of long binary data only what may be text is looked at.
        runs = _RUN.findall(value) if len(value) > _LONG_BYTES else (bytes(value),)
        return b"\n".join(runs).decode("latin-1")
    return "" if value is None else str(value)
