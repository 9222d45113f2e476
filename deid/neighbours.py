"""What stands beside words that go: a house number, "de", "St.", a title, the half of the day, the rest of a name.

Words of a line are looked at from its beginning, so that each one that goes may take the next with it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto

from deid import doubt, patterns
from deid.gathered import AMID, NEAR, NUMBER, P_NEIGHBOUR, P_PAIR, P_PATTERN, Gathered
from deid.lexicon import LABEL_ENDS, MOST_MARKS, LabelKind, Lexicon
from deid.text import alnum, core, fold, is_alphabetic, parts
from deid.values import Evidence, Reason, Word

LONGEST_POINTED = 3
"""A word of so many letters and a point is short for part of a name, behind another part."""
NAMED = frozenset((LabelKind.PERSON.value, LabelKind.STAFF.value))
"""What stands behind a name that has one of these labels is a surname, where it may be one."""
_SECONDS = re.compile(r"[.:]?[0-5]\d")
_ENDS_IN_CLOCK = re.compile(r"\d:\d\d$")


class _Takes(Enum):
    """Whether a word that goes by a rule may take others with it."""

    OTHERS = auto()
    AS_A_WORD = auto()
    """Where it is made of letters."""
    NONE = auto()


def _context(rule: str) -> Evidence:
    return Evidence(Reason.CONTEXT, rule, P_NEIGHBOUR)


_REST = Evidence(Reason.PATTERN, "rest", P_PATTERN)


def judge_neighbours(gathered: Gathered, lexicon: Lexicon, threshold: float) -> None:
    """Adds what speaks for PHI in words beside ones that go, in lines of doubtful words, or amid most of a line.

    Says of each word, too, whether it stands beside one that goes, where the model is believed sooner.
    """
    gathered.beside = _pairs(gathered)
    line = _Line(gathered, lexicon, threshold)
    words = gathered.words
    for index in range(len(words)):
        if not (line.goes[index] or index in gathered.context.labels or line.is_known_as(index, "age")):
            line.judge(index)
    if not any(line.goes) and doubt.is_doubted(words, lexicon):
        for index in range(len(words)):
            gathered.for_phi[index].append(_REST)
    for index in () if gathered.context.labels else doubt.amid(words, line.goes):
        line.add(index, Evidence(Reason.CONTEXT, AMID, P_NEIGHBOUR))
    behind = {i for i in range(1, len(words)) if line.goes[i - 1] and not doubt.may_be_sex(words[i])}
    gathered.beside |= behind | {i for i in range(len(words) - 1) if line.goes[i + 1]}
    gathered.beside |= {
        i
        for i in range(1, len(words))
        if words[i - 1].text.endswith(LABEL_ENDS) and patterns.may_be_signed(words[i].text)
    }


def _pairs(gathered: Gathered) -> set[int]:
    """Words beside each other of both of which the model is nearly sure, such as the pieces of a date."""
    sure = [p_phi >= P_PAIR for p_phi in gathered.model or ()]
    free = [each and not gathered.for_phi[i] and i not in gathered.context.labels for i, each in enumerate(sure)]
    return {i for start in range(len(free) - 1) if free[start] and free[start + 1] for i in (start, start + 1)}


@dataclass(slots=True)
class _Line:
    """A line of which it is known so far which words go."""

    gathered: Gathered
    lexicon: Lexicon
    threshold: float
    goes: list[bool] = field(init=False)
    wordy: list[bool] = field(init=False)
    """Of the words that go, those that may be part of a name, and so take others with them."""
    unnamed: list[bool] = field(init=False)
    """And those in letters that the reader has no names for."""

    def __post_init__(self) -> None:
        words, beside = self.words, self.gathered.context.unnamed
        self.goes = [self.gathered.p_phi(i) >= self.threshold for i in range(len(words))]
        self.unnamed = [self.goes[i] and doubt.is_unnamed(words[i].text, beside=beside) for i in range(len(words))]
        worded = [is_alphabetic(each.text) and len(alnum(each.text)) > 2 for each in words]
        self.wordy = [self.goes[i] and (worded[i] or self.unnamed[i]) for i in range(len(words))]

    @property
    def words(self) -> tuple[Word, ...]:
        return self.gathered.words

    def judge(self, index: int) -> None:
        """Adds the first of the rules that holds for a word."""
        for holds, evidence, takes in _RULES:
            if holds(self, index):
                self.add(index, evidence)
                alphabetic = is_alphabetic(self.words[index].text)
                self.wordy[index] = self.goes[index] and (
                    takes is _Takes.OTHERS or (takes is _Takes.AS_A_WORD and alphabetic)
                )
                return

    def add(self, index: int, evidence: Evidence) -> None:
        self.gathered.for_phi[index].append(evidence)
        self.goes[index] = self.gathered.p_phi(index) >= self.threshold

    def is_known_as(self, index: int, rule: str) -> bool:
        return any(each.rule == rule for each in self.gathered.harmless[index])

    def follows(self, index: int) -> bool:
        """Whether part of a name that goes stands before the word."""
        return index > 0 and self.wordy[index - 1]

    def precedes(self, index: int) -> bool:
        """Whether part of a name that goes stands behind it."""
        return index + 1 < len(self.words) and self.wordy[index + 1]

    def leads(self, index: int) -> bool:
        """Whether it may begin what such a part goes on with."""
        return self.precedes(index) and (index == 0 or self.goes[index - 1])

    def touches(self, index: int) -> bool:
        return self.follows(index) or self.precedes(index)

    def is_told(self, index: int, rule: str) -> bool:
        """Whether a rule says of the word that it identifies."""
        return any(each.rule == rule for each in self.gathered.for_phi[index])


def _names_institution(line: _Line, index: int) -> bool:
    """Whether any reading of the word is one that names of institutions have, beside what goes or is in doubt."""
    doubted = any(doubt.is_doubtful(line.words[i]) for i in (index - 1, index + 1) if 0 <= i < len(line.words))
    if line.gathered.context.labels or not (line.touches(index) or doubted):
        return False
    readings = line.words[index].readings
    return any({fold(each) for each in parts(reading)} & line.lexicon.institution for reading in readings)


def _is_initial(line: _Line, index: int) -> bool:
    return line.touches(index) and doubt.is_initial(line.words[index])


def _may_be_half_day(line: _Line, index: int) -> bool:
    return index > 0 and line.goes[index - 1] and doubt.may_be_half_day(line.words[index - 1], line.words[index])


def _counts_what_has_no_name(line: _Line, index: int) -> bool:
    return line.follows(index) and line.unnamed[index - 1] and patterns.is_bare_number(line.words[index].text)


def _numbers_a_name(line: _Line, index: int) -> bool:
    """Whether this is a number behind a name that goes, or one that leads it, as that of a house does."""
    return patterns.is_bare_number(line.words[index].text) and (line.follows(index) or line.leads(index))


def _is_half_day(line: _Line, index: int) -> bool:
    """Whether this is the half of the day, one or two words behind a time."""
    words = line.words
    just_told = any(line.is_told(i, "time") for i in range(max(index - 2, 0), index))
    ends = index > 0 and line.goes[index - 1] and _ENDS_IN_CLOCK.search(words[index - 1].text) is not None
    return (just_told or ends) and fold(core(words[index].text)) in doubt.HALF_DAYS


def _is_seconds(line: _Line, index: int) -> bool:
    """Whether this is what is left of a time behind its minutes, or of a time behind its date."""
    text = line.words[index].text
    if index == 0:
        return False
    seconds = line.is_told(index - 1, "time") and _SECONDS.fullmatch(text) is not None
    return seconds or (line.is_told(index - 1, "date") and patterns.may_be_clock(text))


def _is_unknown(line: _Line, index: int) -> bool:
    """Whether nothing but the model knows a word beside a name, or says that it is nearly a known one."""
    known = any(each.rule != NEAR for each in line.gathered.harmless[index])
    return not known and line.touches(index) and is_alphabetic(line.words[index].text)


def _stands_between(line: _Line, index: int) -> bool:
    text = line.words[index].text
    return line.follows(index) and line.precedes(index) and (is_alphabetic(text) or not patterns.is_measure(text))


def _is_cut_short(line: _Line, index: int) -> bool:
    """Whether this is short for part of a name: "St.", or a letter and a point before one."""
    text = line.words[index].text
    if not (is_alphabetic(text) and text.endswith((".", ","))):
        return False
    letters = len(alnum(text))
    return (letters <= LONGEST_POINTED and line.follows(index)) or (letters == 1 and line.leads(index))


def _is_title(line: _Line, index: int) -> bool:
    return line.touches(index) and fold(core(line.words[index].text)) in line.lexicon.titles


def _is_doubtful_beside(line: _Line, index: int) -> bool:
    return doubt.is_doubtful(line.words[index]) and any(line.goes[max(index - 1, 0) : index + 2])


def _is_letter_beside(line: _Line, index: int) -> bool:
    return line.is_known_as(index, "short") and (line.follows(index) or line.leads(index))


def _is_named(line: _Line, index: int) -> bool:
    """Whether this may be the surname behind a name that has a person's label."""
    labelled = line.gathered.context.values.get(index - 1) in NAMED
    return labelled and line.follows(index) and _may_be_surname(line, index)


def _may_be_surname(line: _Line, index: int) -> bool:
    return line.touches(index) and line.lexicon.standing(line.words[index].text) == MOST_MARKS


_BELONGS: Sequence[Callable[[_Line, int], bool]] = (
    _is_unknown,
    _stands_between,
    _is_letter_beside,
    _is_cut_short,
    _is_title,
    _is_seconds,
    _is_doubtful_beside,
)
_RULES: Sequence[tuple[Callable[[_Line, int], bool], Evidence, _Takes]] = (
    (_names_institution, _context("named"), _Takes.OTHERS),
    (_is_initial, _context("initial"), _Takes.NONE),
    (_may_be_half_day, _REST, _Takes.NONE),
    (_counts_what_has_no_name, _context("unnamed"), _Takes.NONE),
    (_numbers_a_name, _context(NUMBER), _Takes.NONE),
    (_is_half_day, _context("neighbour"), _Takes.NONE),
    *((holds, _context("neighbour"), _Takes.AS_A_WORD) for holds in _BELONGS),
    (_is_named, _context("named"), _Takes.OTHERS),
    (_may_be_surname, _context("surname"), _Takes.OTHERS),
)
"""In this order; the first that holds speaks."""
