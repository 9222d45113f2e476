"""Words that look harmless and may be a part of something that identifies."""

from dataclasses import replace

import pytest

from deid.classify import find_phi
from deid.values import UNNAMED, UNREAD, Box, FrameWords, Word
from tests.fakes import ScriptedClassifier, line, page


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


@pytest.mark.parametrize("other", [UNREAD, UNNAMED * 4])
def test_what_another_view_could_not_read_goes_unless_it_was_read_surely(other: str) -> None:
    (word,) = line("Gain")
    assert _going((replace(word, confidence=0.7, others=(other,)),)) == "Gain"
    assert _going((replace(word, confidence=0.97, others=(other,)),)) == ""


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


@pytest.mark.parametrize(
    ("text", "confidence", "goes"),
    [
        ("St u: 1 4Z", 0.6, "St u: 1 4Z"),
        ("u: 1 4Z", 0.6, "u: 1 4Z"),
        ("Gain 1 4Z", 0.6, ""),
        ("u: 1 4Z", 0.75, ""),
        ("1 4Z", 0.6, ""),
    ],
)
def test_a_line_of_which_no_word_was_read_surely_goes_unless_one_is_known(
    text: str, confidence: float, goes: str
) -> None:
    assert _judged(_unsure(text, confidence), {}) == goes


def test_such_a_line_goes_only_where_nothing_of_it_goes_by_itself() -> None:
    assert _judged(_unsure("Req by qwvb", 0.6), {"qwvb": 0.99}) == "qwvb"


@pytest.mark.parametrize("text", ["GaP2", "W400L40"])
def test_a_code_is_harmless_where_its_letters_are_believed(text: str) -> None:
    assert _going(_unsure(text, 0.55)) == ""
    assert _going(_unsure(text, 0.45)) == text


def test_several_settings_in_one_word_stay_where_the_model_would_overrule_a_list() -> None:
    assert _judged(_unsure("W400L40", 0.97), {"W400L40": 0.999}) == ""
    assert _judged(_unsure("Q400L40", 0.97), {"Q400L40": 0.999}) == "Q400L40"


def _judged(words: tuple[Word, ...], scores: dict[str, float]) -> str:
    (frame,) = find_phi([FrameWords(0, (), words)], (), ScriptedClassifier(scores))
    return " ".join(each.word.text for each in frame.findings if each.is_phi)


def test_one_letter_with_room_for_more_goes_unless_the_model_is_sure_of_the_opposite() -> None:
    (short,) = line("g")
    long = replace(short, box=replace(short.box, width=100))
    assert _judged((long,), {"g": 0.3}) == "g"
    assert _judged((long,), {"g": 0.1}) == ""
    assert _judged((short,), {"g": 0.3}) == ""
    assert _judged((replace(long, confidence=0.4),), {"g": 0.1}) == "g"


@pytest.mark.parametrize(
    ("text", "heart", "stays"),
    [
        ("acre Heart lear titu", 0.5, ""),
        ("acre Heart lear titu", 0.1, "Heart"),
        ("acre Heart lear", 0.5, "Heart"),
        ("acre Heart lear titu 5", 0.5, "Heart 5"),
        ("ID: acre Heart lear titu", 0.5, "ID: Heart"),
        ("acre Heart Thickness Vertical titu lear", 0.5, "Heart Thickness Vertical"),
    ],
)
def test_a_known_word_in_a_line_of_which_most_goes_goes_too(text: str, heart: float, stays: str) -> None:
    words = line(text)
    gone = _judged(words, {"acre": 0.9, "lear": 0.98, "titu": 0.99, "Heart": heart}).split()
    assert " ".join(each.text for each in words if each.text not in gone) == stays


@pytest.mark.parametrize(
    ("text", "scores", "goes"),
    [
        ("slautberga 288", {"slautberga": 0.95, "288": 0.67}, "slautberga 288"),
        ("slautberga 288", {"slautberga": 0.95, "288": 0.5}, "slautberga"),
        ("slautberga 288mm", {"slautberga": 0.95, "288mm": 0.67}, "slautberga"),
        ("288 slautberga", {"slautberga": 0.95, "288": 0.67}, "288 slautberga"),
        ("288 slautberga", {"slautberga": 0.95, "288": 0.5}, "slautberga"),
        ("288mm slautberga", {"slautberga": 0.95, "288mm": 0.67}, "slautberga"),
        ("2007", {"2007": 0.92}, "2007"),
        ("2007", {"2007": 0.85}, ""),
        ("3007", {"3007": 0.92}, ""),
        ("1-544", {"1-544": 0.92}, "1-544"),
        ("1-5", {"1-5": 0.92}, ""),
    ],
)
def test_numbers_go_that_the_model_nearly_knows_to_be_of_a_house_a_year_or_a_record(
    text: str, scores: dict[str, float], goes: str
) -> None:
    assert _judged(line(text), scores) == goes
