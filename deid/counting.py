"""What a file's findings come to in numbers: words that go by reason and category, and checks that failed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from pydicom.datadict import dictionary_VR, tag_for_keyword

from deid.values import Category, Check, Evidence, Finding, FrameFindings, Reason, WordCount

_RULES = {
    "date": Category.DATE,
    "time": Category.DATE,
    "birth": Category.DATE,
    "initials": Category.NAME,
    "person": Category.NAME,
    "staff": Category.NAME,
    "id": Category.NUMBER,
    "phone": Category.CONTACT,
    "net": Category.CONTACT,
    "contact": Category.CONTACT,
    "address": Category.PLACE,
    "institution": Category.PLACE,
}
_REPRESENTATIONS = {"PN": Category.NAME, "DA": Category.DATE, "DT": Category.DATE, "TM": Category.DATE}
_KEYWORD_PARTS = (
    ("Telephone", Category.CONTACT),
    ("Telecom", Category.CONTACT),
    ("Phone", Category.CONTACT),
    ("Name", Category.PLACE),
    ("Address", Category.PLACE),
    ("Institution", Category.PLACE),
    ("Location", Category.PLACE),
    ("Residence", Category.PLACE),
    ("ID", Category.NUMBER),
    ("Number", Category.NUMBER),
    ("Locator", Category.NUMBER),
)
"""For elements that hold plain text: a name that is no person's is that of a place or a device in it."""


def count_words(frames: Iterable[FrameFindings], codes: int = 0) -> tuple[WordCount, ...]:
    """Words that go, by their strongest reason and by category; a frame that repeats another is not counted again.

    So many `codes` count as words that are numbers.
    """
    going = (finding for frame in frames for finding in frame.findings if finding.is_phi)
    counts = Counter((next(iter(finding.reasons), Reason.UNKNOWN), category_of(finding)) for finding in going)
    if codes:
        counts[Reason.CODE, Category.NUMBER] += codes
    return tuple(WordCount(reason, category, counts[reason, category]) for reason, category in sorted(counts))


def failed_checks(checks: Iterable[Check]) -> tuple[str, ...]:
    """Names of the checks that were not passed."""
    return tuple(check.name for check in checks if not check.passed)


def category_of(finding: Finding) -> Category:
    """What a word that goes is: the word of the strongest rule that says so."""
    ordered = sorted(finding.evidence, key=lambda each: -each.p_phi)
    told = (_told(each) for each in ordered if each.p_phi >= finding.threshold)
    return next((category for category in told if category is not Category.OTHER), Category.OTHER)


def _told(evidence: Evidence) -> Category:
    if evidence.reason is Reason.HEADER:
        return _of_keyword(evidence.rule)
    return _RULES.get(evidence.rule, Category.OTHER)


def _of_keyword(keyword: str) -> Category:
    tag = tag_for_keyword(keyword)
    representation = dictionary_VR(tag) if tag is not None else ""
    if representation in _REPRESENTATIONS:
        return _REPRESENTATIONS[representation]
    return next((category for part, category in _KEYWORD_PARTS if part in keyword), Category.OTHER)
