"""Evidence about the words of one line, and how sure the model must be against what was gathered."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from deid import patterns
from deid.context import LineContext
from deid.lexicon import LabelKind
from deid.text import alnum
from deid.values import Evidence, Word

LONGEST_SHORT = 3
P_HEADER, P_PATTERN, P_CONTEXT = 0.99, 0.97, 0.95
P_NEIGHBOUR, P_UNKNOWN, P_UNREADABLE = 0.8, 0.7, 0.75
P_KNOWN, P_SHORT, P_SYMBOL = 0.03, 0.2, 0.02
P_OVERRULES = 0.998
"""From here on the model is believed against the word lists: a surname that is a technical word, a date in pieces."""
P_OVERRULES_BESIDE = 0.9
"""The same for a word right beside one that goes: names and dates stand together."""
P_PAIR = 0.98
"""From here on the model is believed of two words beside each other as it is of one beside a word that goes."""
P_OVERRULES_PLACE = 0.9995
"""From here on also against a place or a form that says harmless: a label, a mark, an age."""
P_FREES, P_FREES_KNOWN = 0.16, 0.8
"""Below this the model frees a word against which only its neighbours or an institution's line speak; the second is for
one that a word list knows and that stands in no institution's line."""
LISTED = 0.7
"""By how much the model's logit of a listed word is lower already (deid/engines/weighing.py): the bars that it has to
pass are lower by as much, or its list would count twice."""
_LISTED = frozenset(("known", "label"))
P_SURNAME = 0.5
"""From here on the model is believed of a word of the trade that is somebody's surname too, beside a name."""
NUMBER, P_NUMBER = "number", 0.6
"""The rule that says of a number without a unit that it stands behind a word that goes, and from when it goes too."""
_BESIDE = frozenset(("neighbour", "surname", NUMBER))
NEAR = "near"
"""The rule that says that a word is nearly one of a list: it counts only where a model does not say the opposite."""
P_NEAR, P_NEAR_SHORT = 0.86, 0.6
"""From here on the model is believed against that, and of a word of three letters."""
SCRIPT = "script"
"""The rule that says of a label that it was read in letters of two alphabets: no model knows such a word."""
_LIKE_RECORDS = re.compile(r"(?:19|20)\d{2}|\d{1,3}-\d{3}")
"""Measures that years and pieces of numbers look like as well: the model is believed of them as beside what goes."""
_LIKE_INITIALS = re.compile(r"[a-z]{2}")
"""So are two small letters, in which people at a console sign."""
_MAY_SIGN = re.compile(r"[^\W\d]{2}")
"""And two letters without a mark, of what may be a label that has no value: Tech: Dr."""
AMID = "amid"
"""The rule that says of a word that it stands in a line of which most goes."""
LONG = "long"
"""The rule that says of one letter or two that there is room for more."""
_WEAK = _BESIDE | {LabelKind.INSTITUTION.value, AMID, LONG}
SETTINGS = "settings"
"""The rule that says of a word that it is several settings whose spaces no reader saw."""
_PLACED = frozenset(("label", "symbol", "age", SETTINGS))


@dataclass(slots=True)
class Gathered:
    """Evidence about the words of one line while it is being gathered."""

    words: tuple[Word, ...]
    context: LineContext
    for_phi: list[list[Evidence]] = field(init=False)
    harmless: list[list[Evidence]] = field(init=False)
    missing: dict[int, tuple[int, int]] = field(default_factory=dict)
    """Characters that a word's value is known to have left and right of what was read."""
    model: Sequence[float] | None = None
    overrules: float = P_OVERRULES
    beside: set[int] = field(default_factory=set)
    """Words right beside one that goes."""

    def __post_init__(self) -> None:
        self.for_phi = [[] for _ in self.words]
        self.harmless = [[] for _ in self.words]

    def p_phi(self, index: int) -> float:
        """P(PHI) of the word as far as is known: evidence alone, or as a bar that the model has to pass.

        What a pattern, a label or the header says stands whatever the model says.
        """
        p_model = self.model[index] if self.model else None
        strong = [each.p_phi for each in self.for_phi[index] if each.rule not in _WEAK]
        if strong or (self.for_phi[index] and p_model is None):
            return max(each.p_phi for each in self.for_phi[index])
        if p_model is None:
            known = (each.p_phi for each in self.harmless[index] if each.rule != NEAR)
            return min(known, default=P_UNKNOWN)
        return _against(p_model, self._bar(index))

    def _bar(self, index: int) -> float:
        """From which P(PHI) on the model's word is that the word goes."""
        rules = {each.rule for each in self.harmless[index]}
        if NEAR in rules:
            return self._bar_of_near(index)
        if self.for_phi[index]:
            only_beside = all(each.rule in _BESIDE for each in self.for_phi[index])
            if rules and only_beside:
                if NUMBER in (each.rule for each in self.for_phi[index]):
                    return P_NUMBER
                surname = any(each.rule == "surname" for each in self.for_phi[index])
                return _moved(P_SURNAME, -LISTED) if surname else P_FREES_KNOWN
            return P_FREES
        if not rules:
            return 0.5
        if SCRIPT in rules:
            return 1.0
        if _may_identify(self.words[index].text, rules):
            bar = min(self.overrules, P_OVERRULES_BESIDE)
        elif rules & _PLACED:
            bar = max(self.overrules, P_OVERRULES_PLACE)
        else:
            bar = min(self.overrules, P_OVERRULES_BESIDE) if index in self.beside else self.overrules
        return _moved(bar, -LISTED) if rules & _LISTED and bar < 1 else bar

    def _bar_of_near(self, index: int) -> float:
        """The same for a word that is nearly a known one. Beside PHI it may be a label, where it begins the line."""
        if self.for_phi[index] or index in self.beside:
            starts = index == 0 and len(self.words) > 1 and all(each.rule in _BESIDE for each in self.for_phi[0])
            return P_NEAR if starts and len(alnum(self.words[0].text)) > LONGEST_SHORT else P_FREES
        return P_NEAR_SHORT if len(alnum(self.words[index].text)) <= LONGEST_SHORT else P_NEAR


def _may_identify(text: str, rules: set[str]) -> bool:
    """Whether what a rule or list calls harmless has the form of a year, of a piece of a number or of initials."""
    if rules == {"measure"}:
        return _LIKE_RECORDS.fullmatch(text) is not None
    if rules == {"known"}:
        return _LIKE_INITIALS.fullmatch(text) is not None and not patterns.is_measure(text)
    return "open" in rules and _MAY_SIGN.fullmatch(text) is not None


def _against(p_model: float, bar: float) -> float:
    """The model's P(PHI) moved so that 0.5 lies where it was the bar; the order of words stays."""
    if not 0 < bar < 1:
        return 0.0 if bar >= 1 else 1.0
    return _moved(p_model, -math.log(bar / (1 - bar)))


def _moved(p: float, logits: float) -> float:
    return 1 / (1 + math.exp(-math.log(max(p, 1e-15) / max(1 - p, 1e-15)) - logits))
