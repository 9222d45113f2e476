"""Words that go, counted by reason and by what they are."""

from __future__ import annotations

import pytest

from deid.counting import category_of, count_words, failed_checks
from deid.values import Box, Category, Check, Evidence, Finding, FrameFindings, Reason, Word, WordCount


def finding(*evidence: tuple[Reason, str, float], threshold: float = 0.5) -> Finding:
    found = tuple(Evidence(*each) for each in evidence)
    return Finding(Word("x", Box(0, 0, 1, 1), 1.0, ("r",)), max(each.p_phi for each in found), found, threshold)


@pytest.mark.parametrize(
    ("reason", "rule", "category"),
    [
        (Reason.HEADER, "PatientName", Category.NAME),
        (Reason.HEADER, "OperatorsName", Category.NAME),
        (Reason.HEADER, "PatientBirthDate", Category.DATE),
        (Reason.HEADER, "StudyTime", Category.DATE),
        (Reason.HEADER, "PatientID", Category.NUMBER),
        (Reason.HEADER, "AccessionNumber", Category.NUMBER),
        (Reason.HEADER, "DeviceSerialNumber", Category.NUMBER),
        (Reason.HEADER, "InstitutionName", Category.PLACE),
        (Reason.HEADER, "StationName", Category.PLACE),
        (Reason.HEADER, "PatientAddress", Category.PLACE),
        (Reason.HEADER, "PatientTelephoneNumbers", Category.CONTACT),
        (Reason.HEADER, "NoSuchKeyword", Category.OTHER),
        (Reason.PATTERN, "date", Category.DATE),
        (Reason.PATTERN, "phone", Category.CONTACT),
        (Reason.PATTERN, "id", Category.NUMBER),
        (Reason.PATTERN, "initials", Category.NAME),
        (Reason.CONTEXT, "staff", Category.NAME),
        (Reason.CONTEXT, "institution", Category.PLACE),
        (Reason.MODEL, "llm", Category.OTHER),
        (Reason.UNREADABLE, "confidence", Category.OTHER),
    ],
)
def test_a_rule_tells_what_a_word_is(reason: Reason, rule: str, category: Category) -> None:
    assert category_of(finding((reason, rule, 0.9))) is category


def test_the_strongest_rule_that_tells_decides() -> None:
    assert category_of(finding((Reason.MODEL, "llm", 0.99), (Reason.CONTEXT, "person", 0.95))) is Category.NAME
    assert category_of(finding((Reason.PATTERN, "date", 0.97), (Reason.HEADER, "PatientID", 0.99))) is Category.NUMBER


def test_what_speaks_against_phi_tells_nothing() -> None:
    assert category_of(finding((Reason.MODEL, "llm", 0.9), (Reason.PATTERN, "date", 0.1))) is Category.OTHER


def test_words_that_go_are_counted_once_a_frame_and_its_repeats() -> None:
    name = finding((Reason.HEADER, "PatientName", 0.99))
    date = finding((Reason.PATTERN, "date", 0.97))
    stays = finding((Reason.LEXICON, "known", 0.03))
    frames = [FrameFindings(0, (1, 2), (name, stays, name)), FrameFindings(3, (), (date,))]
    assert count_words(frames) == (
        WordCount(Reason.HEADER, Category.NAME, 2),
        WordCount(Reason.PATTERN, Category.DATE, 1),
    )
    assert count_words([]) == ()


def test_a_word_that_goes_by_a_lower_threshold_alone_is_an_unknown_one() -> None:
    assert count_words([FrameFindings(0, (), (finding((Reason.MODEL, "llm", 0.4), threshold=0.3),))]) == (
        WordCount(Reason.UNKNOWN, Category.OTHER, 1),
    )


def test_checks_that_were_not_passed_are_named() -> None:
    assert failed_checks([Check("opens", True, ""), Check("read again", False, "", review=True)]) == ("read again",)
