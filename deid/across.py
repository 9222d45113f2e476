"""Words that stand side by side although a reader saw two lines: parts of one name, or of one date.

A gap, letters that nobody read or a line that runs up or down part what belongs together; the rules for the words of
one line do not see it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from deid.lexicon import Lexicon
from deid.text import alnum, core, fold, is_alphabetic, parts
from deid.values import Box, Evidence, Finding, Reason

LEVEL = 0.5
"""Two words are on a level that share so much of the lower one's height."""
TOUCHING_HEIGHTS = 1.0
"""The next word of a name begins within so many heights."""
MONTH_HEIGHTS = 4.0
"""A month that was not read has so much room between its day and its year."""
SHORTEST = 3
P_ACROSS = 0.8
_LABELS = frozenset(("label", "script"))
_DAY, _YEAR = re.compile(r"0?[1-9]|[12]\d|3[01]"), re.compile(r"(?:19|20)\d{2}")


def gone_across(findings: Sequence[Finding], lexicon: Lexicon) -> tuple[Finding, ...]:
    """The findings, of which those go too that belong to what goes in another line right beside them.

    These are words of institutions and departments beside a word that goes, and a day before a year that goes.
    """
    going = [each for each in findings if each.is_phi]
    return tuple(_beside_one(each, going, lexicon) for each in findings)


def _beside_one(finding: Finding, going: Sequence[Finding], lexicon: Lexicon) -> Finding:
    if finding.is_phi or any(each.rule in _LABELS for each in finding.evidence):
        return finding
    others = [each for each in going if each.word.line != finding.word.line]
    if _names_a_place(finding, lexicon):
        found = any(_is_name(each) and _gap(finding, each) <= TOUCHING_HEIGHTS for each in others)
    elif _DAY.fullmatch(core(finding.word.text)):
        found = any(_YEAR.fullmatch(core(each.word.text)) and _is_before(finding, each) for each in others)
    else:
        return finding
    if not found:
        return finding
    evidence = (Evidence(Reason.CONTEXT, "across", P_ACROSS), *finding.evidence)
    return replace(finding, p_phi=P_ACROSS, evidence=evidence)


def _names_a_place(finding: Finding, lexicon: Lexicon) -> bool:
    words = {fold(each) for reading in finding.word.readings for each in parts(reading)}
    return bool(words & (lexicon.institution | lexicon.department))


def _is_name(finding: Finding) -> bool:
    return is_alphabetic(finding.word.text) and len(alnum(finding.word.text)) >= SHORTEST


def _is_before(day: Finding, year: Finding) -> bool:
    return _start(year) - _stop(day) >= 0 and _gap(day, year) <= MONTH_HEIGHTS


def _gap(one: Finding, two: Finding) -> float:
    """How many heights lie between two words on one level; infinite where they are on none."""
    if one.word.vertical != two.word.vertical:
        return float("inf")
    first, second = _lying(one), _lying(two)
    height = min(first.height, second.height)
    if min(first.bottom, second.bottom) - max(first.top, second.top) < LEVEL * height:
        return float("inf")
    return max(first.left - second.right, second.left - first.right) / height


def _start(finding: Finding) -> int:
    return _lying(finding).left


def _stop(finding: Finding) -> int:
    return _lying(finding).right


def _lying(finding: Finding) -> Box:
    """The word's box, its sides exchanged where the word runs up or down."""
    box = finding.word.box
    return Box(box.top, box.left, box.height, box.width) if finding.word.vertical else box
