"""Words that look harmless and may be a part of something that identifies."""

from dataclasses import replace

import pytest

from deid.classify import find_phi
from deid.values import UNREAD, Box, FrameWords, Word
from tests.fakes import line, page


def _going(words: tuple[Word, ...]) -> str:
    (frame,) = find_phi([FrameWords(0, (), words)], ())
    return " ".join(each.word.text for each in frame.findings if each.is_phi)


def _unsure(text: str, confidence: float = 0.85) -> tuple[Word, ...]:
    return tuple(replace(word, confidence=confidence) for word in line(text))


@pytest.mark.parametrize(
    ("text", "goes"),
    [
        ("5/4 2019", "5/4 2019"),
        ("5/4 64", ""),
        ("20D KT24", "20D KT24"),
        ("20 Hz", ""),
        ("10sec 20", ""),
        ("227 00", "227 00"),
        ("227 80", ""),
        ("203 12.40:49", "203"),
        ("64 12.40:49", ""),
    ],
)
def test_pieces_beside_each_other_are_judged_together(text: str, goes: str) -> None:
    assert _going(page(text)) == goes


@pytest.mark.parametrize(
    ("text", "others", "goes"),
    [
        ("R307", ("R30755",), True),
        ("R307", ("R308",), False),
        ("26/1H", ("26/11.[08",), True),
        ("1127/64", (), True),
        ("11/27", (), False),
        ("1B", ("IB",), True),
        ("T2", ("TE",), False),
    ],
)
def test_an_unsure_word_is_what_any_view_made_of_it(text: str, others: tuple[str, ...], goes: bool) -> None:
    (word,) = _unsure(text)
    assert bool(_going((replace(word, others=others),))) is goes


def test_a_stroke_is_not_missed_where_all_was_read_surely() -> None:
    assert _going(page("1127/64")) == ""


def test_what_another_view_could_not_read_goes_unless_it_was_read_surely() -> None:
    (word,) = line("Gain")
    assert _going((replace(word, confidence=0.7, others=(UNREAD,)),)) == "Gain"
    assert _going((replace(word, confidence=0.97, others=(UNREAD,)),)) == ""


def test_a_number_read_unsurely_before_one_that_dials_is_part_of_it() -> None:
    sure = line("1 84 62 85 95", left=60)
    (label,) = _unsure("Fax5")
    assert _going((label, *sure)) == "Fax5 1 84 62 85 95"
    assert _going((replace(label, text="Fax:"), *sure)) == "1 84 62 85 95"


def test_a_line_of_digits_that_was_hardly_read_goes_whole() -> None:
    text = "13 1a0 26 17 33"
    assert _going(_unsure(text, 0.7)) == text
    assert _going(_unsure(text, 0.9)) == ""


def test_the_rest_of_a_date_behind_an_unsure_piece_goes_with_it() -> None:
    first, second = _unsure("26/1H Low", 0.7)
    assert _going((replace(first, others=("26/11.[08",)), second)) == "26/1H Low"


def test_two_characters_in_a_long_box_that_runs_up_are_no_count() -> None:
    (word,) = line("20")
    assert _going((replace(word, box=Box(10, 10, 12, 60)),)) == "20"
    assert _going((word,)) == ""


@pytest.mark.parametrize(
    ("text", "goes"),
    [
        ("Study Date: .7..V...9", ".7..V...9"),
        ("Date: Abdomen", ""),
        ("RT(R). R/R7", "R/R7"),
        ("OP: R/R7", "R/R7"),
        ("OP: C5-2", ""),
    ],
)
def test_a_value_beside_its_label_goes_though_it_was_read_wrongly(text: str, goes: str) -> None:
    assert _going(page(text)) == goes


def test_the_half_of_the_day_goes_with_a_clock_whose_colon_nobody_saw() -> None:
    label, clock = line("Date: 1015")
    (half,) = line("M", left=clock.box.right + 8)
    assert _going((label, replace(clock, confidence=0.83), half)) == "1015 M"
    assert _going((label, clock, half)) == "1015"
