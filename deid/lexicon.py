"""What is known of words without their image: harmless console text, labels, months, institutions.

The data lies in deid/rules, each file with its source; this module reads it once.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from importlib.resources import files

from pydicom.datadict import tag_for_keyword
from rapidfuzz import fuzz, process
from rapidfuzz.distance import OSA

from deid.text import confused, core, fold, in_greek, parts


class LabelKind(StrEnum):
    """What stands beside a label."""

    PERSON = "person"
    STAFF = "staff"
    ID = "id"
    BIRTH = "birth"
    DATE = "date"
    CONTACT = "contact"
    ADDRESS = "address"
    INSTITUTION = "institution"
    HARMLESS = "harmless"


_SEAM = re.compile(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
"""Where a reader dropped the space between two words: ACUSONSequoia."""
LONGEST_LABEL_WORDS = 4
SHORTEST_FUZZY_LABEL = 3
LABEL_ENDS = (":", "=", "#")
SHORTEST_NEAR = 6
"""Letters from which a word may be one that is known but for a letter; shorter ones are too often somebody's name."""
SHORTEST_CLIPPED, MOST_CLIPPED = 3, 2
"""A word that lacks a letter at an end has so many left, one that lacks two has one more."""
MOST_MARKS = 2
"""What `Lexicon.standing` says at most."""
FUZZY_LABEL = 85.0
"""Per cent of equal letters from which a marked word is taken for a label that a reader got wrong."""


@dataclass(frozen=True, slots=True)
class Lexicon:
    """Sets of folded words."""

    console: frozenset[str]
    """Console text: stays even where it is also a surname."""
    equipment: frozenset[str]
    """Names of makers, devices, views, protocols and sequences that are nobody's surname."""
    eponyms: frozenset[str]
    """Surnames that are a maker, a device, a view or a word of the trade too: nothing but context tells."""
    vocabulary: frozenset[str]
    """DICOM's own vocabulary, without names."""
    labels: dict[str, LabelKind]
    looks: dict[str, LabelKind]
    """The same, with letters that readers confuse made equal."""
    alike: tuple[tuple[str, ...], ...]
    """For each length of a text, the labels that are not too short or too long to be nearly equal to it."""
    by_length: dict[int, tuple[str, ...]]
    """Words of letters that are harmless, labels or names of the trade, by their length."""
    close: tuple[str, ...]
    """Console text and labels long enough to be told by all their letters but one."""
    clipped: frozenset[str]
    """Console text and labels without their first or last letter, or two."""
    places: tuple[str, ...]
    """Words of institutions, streets, titles and dates: nothing near them is taken for harmless."""
    months: frozenset[str]
    weekdays: frozenset[str]
    institution: frozenset[str]
    institution_strong: frozenset[str]
    """Words that name an institution where another word of a name is beside them."""
    institution_sure: frozenset[str]
    """Words that name one by themselves."""
    department: frozenset[str]
    address: frozenset[str]
    street_endings: tuple[str, ...]
    """Kinds of streets that are written in one word with their names."""
    titles: frozenset[str]
    durations: frozenset[str]
    """Words before a time that passed, which is none of day."""

    def knows(self, word: str) -> bool:
        """Whether the word, or each of its parts, is harmless text."""
        whole = fold(core(word))
        if self._listed(whole) or self.names_equipment(word):
            return True
        if tag_for_keyword(core(word)) is not None:
            return True
        pieces = [fold(each) for each in parts(word)]
        if pieces and all(self._piece(each) for each in pieces):
            return True
        joined = [fold(each) for each in _SEAM.split(core(word))]
        return len(joined) > 1 and all(len(each) > 2 and each in self.console for each in joined)

    def standing(self, word: str) -> int:
        """What the lists say of a word.

        0: nothing; 1: harmless, a label or a title; 2: somebody's name and a word of the trade, or one letter away from
        a word that they know, which a reader may have got wrong and a name may be like.
        """
        folded = fold(core(word))
        if folded in self.eponyms:
            return 2
        if folded in self.titles or self.knows(word) or self._labels(word):
            return 1
        return 2 if self._nearly_known(folded) else 0

    def _labels(self, word: str) -> bool:
        """Whether the word is a label; that of an institution is one before a colon, and part of a name elsewhere."""
        kind = self.labels.get(label_key(word))
        return kind is not None and (kind is not LabelKind.INSTITUTION or word.endswith(LABEL_ENDS))

    def _nearly_known(self, folded: str) -> bool:
        """Whether one of the words is one letter away; never for a word that names a place, a month or a street."""
        if len(folded) < SHORTEST_NEAR or sum(map(str.isdigit, folded)) > 1:
            return False
        if folded in self.institution or folded in self.department or folded in self.address or folded in self.months:
            return False
        near = (word for length in range(len(folded) - 1, len(folded) + 2) for word in self.by_length.get(length, ()))
        return process.extractOne(folded, near, scorer=OSA.distance, score_cutoff=1) is not None

    def label(self, phrase: str, *, marked: bool) -> LabelKind | None:
        """What stands beside this label; None where it is none. Readers' mistakes are forgiven a marked one."""
        key = label_key(phrase)
        exact = self.labels.get(key) or (self.looks.get(confused(key)) if _may_be_misread(key, marked) else None)
        if exact or len(key) < SHORTEST_FUZZY_LABEL or not (marked or " " in key):
            return exact
        if len(key) >= len(self.alike):
            return None
        near = process.extractOne(key, self.alike[len(key)], scorer=fuzz.ratio, score_cutoff=FUZZY_LABEL)
        return self.labels[near[0]] if near else None

    def begins_label(self, word: str) -> bool:
        """Whether the word is the first one of a label of several."""
        key = f"{label_key(word)} "
        return any(each.startswith(key) for each in self.labels)

    def names_equipment(self, word: str) -> bool:
        """Whether the word is a device, a probe or a sequence by its whole name, digits and all."""
        return fold(core(word)).strip("()") in self.equipment

    def _listed(self, folded: str) -> bool:
        return folded in self.console or folded in self.vocabulary or folded in self.equipment

    def _piece(self, piece: str) -> bool:
        if self._listed(piece):
            return True
        return len(piece) > 4 and piece.endswith("s") and (piece[:-1] in self.console or piece[:-1] in self.vocabulary)


@cache
def load_lexicon() -> Lexicon:
    """The lexicon of this version, read once a process."""
    rules = files("deid.rules")
    data = json.loads(rules.joinpath("labels.json").read_text("utf-8"))

    def words(name: str) -> frozenset[str]:
        return frozenset(fold(each).strip(".") for each in data[name])

    def listed(name: str) -> frozenset[str]:
        lines = rules.joinpath(name).read_text("utf-8").splitlines()
        return frozenset(fold(word) for line in lines if not line.startswith("#") for word in line.split())

    labels = {label_key(phrase): LabelKind(kind) for kind, phrases in data["labels"].items() for phrase in phrases}
    console, equipment, eponyms, vocabulary = (
        listed(f"lexicon_{name}.txt") for name in ("console", "equipment", "eponyms", "dicom")
    )
    printed = console | {key for key, kind in labels.items() if kind is not LabelKind.INSTITUTION}
    near_people = ("institution_words", "institution_strong", "department_words", "address_words", "month_words")
    places = frozenset[str]().union(*map(words, (*near_people, "role_words")))
    return Lexicon(
        console=console,
        equipment=equipment,
        eponyms=eponyms,
        vocabulary=vocabulary,
        labels=labels,
        looks={confused(key): kind for key, kind in labels.items()},
        alike=_by_length(labels),
        by_length=_near_words(
            console
            | equipment
            | eponyms
            | vocabulary
            | {key for key, kind in labels.items() if kind is not LabelKind.INSTITUTION}
        ),
        close=tuple(sorted(each for each in printed if each.isalpha() and len(each) >= SHORTEST_NEAR)),
        clipped=_clipped(printed),
        places=tuple(sorted(each for each in places if len(each) >= SHORTEST_CLIPPED)),
        months=words("month_words"),
        weekdays=words("weekday_words"),
        institution=words("institution_words") | words("institution_strong"),
        institution_strong=words("institution_strong"),
        institution_sure=words("institution_sure"),
        department=words("department_words"),
        address=words("address_words"),
        street_endings=tuple(words("street_endings")),
        titles=words("role_words"),
        durations=words("duration_words"),
    )


def _by_length(labels: Iterable[str]) -> tuple[tuple[str, ...], ...]:
    """Labels by the lengths of texts that `FUZZY_LABEL` lets be like them: equal letters count in both texts."""
    longest = max(map(len, labels))
    share = FUZZY_LABEL / 200
    return tuple(
        tuple(label for label in labels if min(len(label), length) >= share * (len(label) + length))
        for length in range(1 + int(longest * (1 - share) / share))
    )


def _near_words(listed: Iterable[str]) -> dict[int, tuple[str, ...]]:
    found: dict[int, list[str]] = {}
    for word in sorted(listed):
        if word.isalpha():
            found.setdefault(len(word), []).append(word)
    return {length: tuple(words) for length, words in found.items()}


def _clipped(listed: Iterable[str]) -> frozenset[str]:
    """What is left of words where an end was not seen: three letters of four, four and more of any."""
    found: set[str] = set()
    for word in listed:
        if not word.isalpha():
            continue
        for lost in range(1, 1 + MOST_CLIPPED):
            if len(word) - lost >= SHORTEST_CLIPPED + lost - 1:
                found.update((word[lost:], word[:-lost]))
    return frozenset(found)


def _may_be_misread(key: str, marked: bool) -> bool:
    """Whether a label that is not known to the letter may be one whose letters a reader took for others, or for digits.

    D0B is, and 1D: where a colon marks it; what has as many digits as letters is a value.
    """
    letters, digits = sum(each.isalpha() for each in key), sum(each.isdigit() for each in key)
    if len(key) < SHORTEST_FUZZY_LABEL:
        return marked and letters > 0
    return letters > digits


def label_key(phrase: str) -> str:
    """A label made comparable: "D.O.B.:" and "dob" are one."""
    folded = fold(in_greek(phrase))
    return " ".join("".join(each for each in word if each.isalnum() or each in "/#") for word in folded.split())
