"""Header values in the picture's text."""

import pytest

from deid.lexicon import load_lexicon
from deid.matching import match_line, missing, targets
from deid.values import Hint

HINTS = (
    Hint("PatientName", "Österberg^Lina Marie"),
    Hint("PatientID", "AB-4451907"),
    Hint("ReferringPhysicianName", "Pages"),
    Hint("InstitutionName", "Fernhill Chest Centre"),
    Hint("StudyDescription", "CT CHEST"),
)
WANTED = targets(HINTS, load_lexicon())


def _matched(text: str) -> set[int]:
    return set(match_line([(word,) for word in text.split()], WANTED))


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("OSTERBERG", {0}),
        ("0STERBERG,", {0}),
        ("Ostenberg Lina", {0, 1}),
        ("ÖSTERBERGLINA", {0}),
        ("ID AB4451907", {1}),
        ("4451907", {0}),
        ("445l9O7", {0}),
        ("Dr Pages", {1}),
        ("Fernhill Chest Centre", {0, 1, 2}),
        ("CHEST PA", set()),
        ("Gain 52%", set()),
        ("Linear", set()),
    ],
)
def test_a_header_value_is_found_despite_readers_mistakes(text: str, found: set[int]) -> None:
    assert _matched(text) == found


def test_any_reading_of_a_word_may_match() -> None:
    assert set(match_line([("0strbrg", "Österberg")], WANTED)) == {0}


def test_what_a_reader_missed_of_a_value_is_known() -> None:
    target = next(each for each in WANTED if each.text == "AB4451907")
    assert missing("51907", target) == (4, 0)
    assert missing("AB44", target) == (0, 5)
    assert missing("AB-4451907", target) == (0, 0)
