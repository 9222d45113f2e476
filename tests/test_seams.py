"""Labels and values that were read as one word."""

from dataclasses import replace

import pytest

from deid.lexicon import load_lexicon
from deid.seams import apart, beside_labels
from deid.values import Box, Evidence, Finding, Reason, Word
from tests.fakes import line


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("DOB1971-05-30", ["DOB:", "1971-05-30"]),
        ("MRN#204417", ["MRN:", "204417"]),
        ("Study-ID-204-17-9", ["Study-ID:", "204-17-9"]),
        ("ID:204417", ["ID:", "204417"]),
        ("Phone(0131)4960917", ["Phone:", "(0131)4960917"]),
        ("Operator.-Qwvbson", ["Operator:", "Qwvbson"]),
        ("ID204417", ["ID204417"]),
        ("MRN204417", ["MRN204417"]),
        ("Pat.-Nr.:", ["Pat.-Nr.:"]),
        ("ACC#G204417", ["ACC:", "G204417"]),
        ("Tel+44", ["Tel:", "+44"]),
        ("Kate2021", ["Kate2021"]),
        ("Ward-Qwvbson", ["Ward-Qwvbson"]),
        ("Case-Qwvb", ["Case-Qwvb"]),
        ("Dist-4.21", ["Dist-4.21"]),
        ("Gain52", ["Gain52"]),
        ("DOB:", ["DOB:"]),
    ],
)
def test_a_word_is_cut_only_where_a_label_surely_ends(text: str, pieces: list[str]) -> None:
    assert [each.text for each in apart(line(text), load_lexicon())] == pieces


def test_the_value_gets_rather_more_of_the_box_than_its_letters() -> None:
    (word,) = line("DOB1971-05-30")
    label, value = apart((word,), load_lexicon())
    assert label.box.right == value.box.left
    assert word.box.left + 8 < value.box.left <= word.box.left + 3 * 8
    assert value.box.right == word.box.right


def test_a_sideways_word_is_left_whole() -> None:
    (word,) = line("DOB1971-05-30")
    assert apart((replace(word, vertical=True),), load_lexicon()) == (replace(word, vertical=True),)


@pytest.mark.parametrize(
    ("reading", "left"), [("DOB1971-05-30", 33), ("DO1971-05-30", 33), ("1971-05-30", 12), ("Qwvb1971-05-30", 12)]
)
def test_a_value_does_not_reach_over_a_label_that_was_read_by_itself(reading: str, left: int) -> None:
    label = Word("DOB", Box(10, 10, 25, 12), 0.99, ("one",))
    value = Word("1971-05-30", Box(12, 10, 110, 12), 0.95, ("one",), others=(reading,))
    known, date = Evidence(Reason.LEXICON, "known", 0.03), Evidence(Reason.PATTERN, "date", 0.97)
    _, found = beside_labels((Finding(label, 0.03, (known,)), Finding(value, 0.97, (date,))))
    assert found.word.box.left == left
    assert found.word.box.right == 122
