"""Readers' words merged into lines."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from deid.grounds import PADDING_PX, bordered
from deid.merging import merge
from deid.ocr import arrange, read_frame
from deid.values import CLOSE, KNOWN, UNREAD, Box, Search, View, Word
from tests.fakes import ScriptedOcr


def _word(
    text: str, left: int, width: int, reader: str = "a", confidence: float = 0.9, line: int = 0, top: int = 10
) -> Word:
    return Word(text, Box(left, top, width, 12), confidence, (reader,), line)


def _texts(words: tuple[Word, ...]) -> list[str]:
    return [word.text for word in words]


def test_two_readers_of_one_place_give_one_word_with_both_readings() -> None:
    (word,) = merge([_word("Smith", 10, 40)], [_word("Smlth", 11, 38, "b")])
    assert word.text == "Smith"
    assert word.others == ("Smlth",)
    assert word.readers == ("a", "b")


def test_what_only_the_second_reader_saw_is_text_too() -> None:
    assert _texts(merge([_word("A", 10, 10)], [_word("B", 60, 10, "b")])) == ["A", "B"]


def test_a_lost_space_is_taken_over_from_the_other_reader() -> None:
    words = merge([_word("Tel357-958-1701", 10, 120)], [_word("Tel", 10, 24, "b"), _word("357-958-1701", 36, 94, "b")])
    assert _texts(words) == ["Tel", "357-958-1701"]
    assert words[0].box.right == words[1].box.left == 35


def test_a_rest_that_the_other_reader_did_not_see_is_cut_off() -> None:
    words = merge([_word("D.O.B.13-Jul-2009", 10, 130)], [_word("13-Jul-2009", 60, 80, "b")])
    assert _texts(words) == ["D.O.B.", "13-Jul-2009"]


@pytest.mark.parametrize("pieces", [("16", ".11.1995"), ("nst", "itution")])
def test_no_word_is_cut_inside(pieces: tuple[str, str]) -> None:
    whole = "".join(pieces)
    words = merge([_word(whole, 10, 100)], [_word(pieces[0], 10, 30, "b"), _word(pieces[1], 42, 68, "b")])
    assert _texts(words) == [whole]


def test_views_that_saw_different_extents_both_stand() -> None:
    words = merge([_word("10:36:31", 90, 60)], [_word("14/2024", 20, 130)])
    assert _texts(words) == ["10:36:31", "14/2024"]


def test_words_on_one_level_are_a_line_in_reading_order() -> None:
    words = arrange([_word("B", 34, 10, line=3), _word("A", 20, 10, line=7), _word("far", 300, 30, line=8)])
    assert _texts(words) == ["A", "B", "far"]
    assert words[0].line == words[1].line != words[2].line


def test_of_two_views_the_wider_extent_stands_where_the_surer_saw_a_piece() -> None:
    (word,) = merge([_word("VARGAMA", 10, 70, confidence=0.99)], [_word("VARGAMAROS", 10, 100, confidence=0.8)])
    assert (word.text, word.others, word.box) == ("VARGAMA", ("VARGAMAROS",), Box(10, 10, 100, 12))
    (other,) = merge([_word("VARGAMA", 10, 70, confidence=0.99)], [_word("VARQAMAROS", 10, 100, confidence=0.8)])
    assert other.box.width == 70


def test_lines_that_nearly_touch_stay_what_the_detector_saw() -> None:
    upper = [Word("2013", Box(20, 10, 38, 23), 0.9, ("a",), 1), Word("11", Box(77, 10, 20, 22), 0.9, ("a",), 1)]
    lower = [Word("2nd", Box(41, 23, 24, 14), 0.9, ("a",), 2), Word("Trim", Box(64, 23, 32, 15), 0.9, ("a",), 2)]
    words = arrange([*upper, *lower])
    assert _texts(words) == ["2013", "11", "2nd", "Trim"]
    assert words[0].line == words[1].line != words[2].line == words[3].line


def test_what_was_made_of_pieces_of_lines_that_were_read_well_is_nothing() -> None:
    lines = (_word("Gain", 40, 40, top=40), _word("Depth", 40, 40, top=54, line=1))
    ghost = replace(_word("s", 38, 44, confidence=0.2, line=2, top=40), box=Box(38, 40, 44, 26))
    picture = np.arange(100 * 120, dtype=np.uint8).reshape(100, 120)
    read = read_frame({View.LOCAL: picture}, [ScriptedOcr((*lines, ghost))])
    assert _texts(read) == ["Gain", "Depth"]
    alone = read_frame({View.LOCAL: picture}, [ScriptedOcr((ghost,))])
    assert _texts(alone) == ["s"]


def test_a_picture_is_read_with_a_border_and_comes_back_in_place() -> None:
    reader = ScriptedOcr([Word("Edge", Box(20, 22, 40, 12), 0.9, ("scripted",))])
    picture = np.arange(100 * 80, dtype=np.uint8).reshape(100, 80)
    (word,) = read_frame({View.WINDOW: picture}, [reader])
    assert reader.seen[0].shape == (140, 120)
    assert word.box == Box(0, 2, 40, 12)


def test_a_picture_of_one_value_is_not_read() -> None:
    reader = ScriptedOcr()
    assert read_frame({View.WINDOW: np.zeros((50, 50), np.uint8)}, [reader]) == ()
    assert reader.seen == []


def test_a_line_that_stands_unchanged_needs_no_second_opinion() -> None:
    finder = ScriptedOcr([Word("Same", Box(40, 40, 40, 12), 0.9, ("scripted",))])
    second = ScriptedOcr(name="second", finds_lines=False)
    picture = np.arange(100 * 120, dtype=np.uint8).reshape(100, 120)
    before = read_frame({View.WINDOW: picture}, [finder, second])
    read_frame({View.WINDOW: picture}, [finder, second], before)
    assert len(second.seen) == 1


def test_the_finder_is_told_which_known_words_it_may_leave_out() -> None:
    asked: list[tuple[Box, ...]] = []

    class Finder(ScriptedOcr):
        def read(self, picture: np.ndarray, search: Search = CLOSE, known: Sequence[Box] = ()) -> tuple[Word, ...]:
            asked.append(tuple(known))
            return self.words

    picture = np.arange(100 * 120, dtype=np.uint8).reshape(100, 120)
    sure = Word("Sure", Box(4, 4, 30, 12), 0.99, ("scripted",))
    unsure = Word("Perhaps", Box(4, 40, 30, 12), 0.8, ("scripted",))
    new = Word("New", Box(40, 60, 40, 12), 0.9, ("scripted",))
    assert _texts(read_frame({View.LOCAL: picture}, [Finder([new])], known=[sure, unsure])) == ["New"]
    assert asked == [(Box(4 + PADDING_PX, 4 + PADDING_PX, 30, 12),)]


def test_a_line_that_one_view_showed_surely_is_not_read_in_the_next_but_its_ends_count() -> None:
    asked: list[int] = []
    words = [Word("Name:", Box(40, 60, 40, 12), 0.99, ("scripted",)), Word("Kim", Box(84, 60, 20, 12), 0.99, ("s",))]

    class Finder(ScriptedOcr):
        def read(self, picture: np.ndarray, search: Search = CLOSE, known: Sequence[Box] = ()) -> tuple[Word, ...]:
            asked.append(len(known))
            return (Word(KNOWN, Box(36, 58, 74, 16), 0.0, ("scripted",)),) if known else tuple(words)

    picture = np.arange(100 * 140, dtype=np.uint8).reshape(100, 140)
    read = read_frame({View.WINDOW: picture, View.LOCAL: picture}, [Finder()])
    assert asked[:2] == [0, 2], "the view on an even ground is read first"
    assert [(word.text, word.box.left, word.box.right) for word in read] == [("Name:", 16, 60), ("Kim", 64, 90)]


def test_a_frame_is_searched_closely_then_coarsely() -> None:
    asked: list[Search] = []

    class Finder(ScriptedOcr):
        def read(self, picture: np.ndarray, search: Search = CLOSE, known: Sequence[Box] = ()) -> tuple[Word, ...]:
            asked.append(search)
            return ()

    second = ScriptedOcr(name="second", finds_lines=False)
    picture = np.arange(100 * 120, dtype=np.uint8).reshape(100, 120)
    read_frame({View.WINDOW: picture, View.LOCAL: picture}, [Finder(), second])
    assert asked == [CLOSE, Search(800)]
    assert len(second.seen) == 2


def test_the_second_reader_is_shown_lines_that_a_stale_window_hides() -> None:
    finder = ScriptedOcr([Word("New", Box(40, 60, 40, 12), 0.9, ("scripted",))])
    second = ScriptedOcr(name="second", finds_lines=False)
    picture = np.arange(100 * 120, dtype=np.uint8).reshape(100, 120)
    views = {View.WINDOW: np.zeros_like(picture), View.FULL: picture, View.LOCAL: picture}
    read_frame(views, [finder, second])
    assert np.ptp(second.seen[0][30:50, 30:50]) > 0


def test_a_sideways_line_is_drawn_out_along_its_words() -> None:
    word = Word("Kim", Box(40, 60, 12, 30), 0.99, ("scripted",), vertical=True)

    class Finder(ScriptedOcr):
        def read(self, picture: np.ndarray, search: Search = CLOSE, known: Sequence[Box] = ()) -> tuple[Word, ...]:
            line = Word(KNOWN, Box(38, 56, 16, 38), 0.0, ("scripted",), vertical=True)
            return (line,) if known else (word,)

    picture = np.arange(140 * 100, dtype=np.uint8).reshape(140, 100)
    (read,) = read_frame({View.WINDOW: picture, View.LOCAL: picture}, [Finder()])
    assert read.box == Box(20, 36, 12, 38)


@pytest.mark.parametrize("rising", [True, False], ids=["upwards", "downwards"])
def test_sideways_words_are_put_in_lines_as_they_are_read(rising: bool) -> None:
    """Each was found by itself but for two that tell the direction."""
    texts = ["Date:", "27", "Jun", "2027"]
    tops = [300, 262, 224, 176] if rising else [100, 160, 200, 240]
    boxes = [Box(40, top, 14, height) for top, height in zip(tops, (50, 30, 30, 40), strict=True)]
    lines = [3, 1, 1, 2]
    words = [
        Word(text, box, 0.9, ("one",), number, vertical=True)
        for text, box, number in zip(texts, boxes, lines, strict=True)
    ]
    arranged = arrange(words)
    assert [word.text for word in arranged] == texts
    assert {word.line for word in arranged} == {0}


@pytest.mark.parametrize("pieces_first", [True, False])
def test_one_reading_of_two_words_gives_way_to_both(pieces_first: bool) -> None:
    pieces = (Word("CCA", Box(10, 10, 30, 12), 0.9, ("one",)), Word("PRO", Box(44, 10, 30, 12), 0.9, ("one",)))
    whole = (Word("CCA,PRO", Box(9, 9, 66, 14), 0.9, ("one",)),)
    merged = merge(pieces, whole) if pieces_first else merge(whole, pieces)
    assert [word.text for word in merged] == ["CCA", "PRO"]
    other = (Word("SMITH", Box(9, 9, 66, 14), 0.9, ("one",)),)
    assert len(merge(pieces, other)) == 3


@pytest.mark.parametrize("read_first", [True, False])
def test_a_line_that_one_view_could_not_read_is_read_in_another(read_first: bool) -> None:
    read = (_word("CCA", 10, 30), _word("PROX", 44, 36))
    unread = (Word(UNREAD, Box(9, 9, 72, 13), 0.0, ("a",)),)
    merged = merge(read, unread) if read_first else merge(unread, read)
    assert [word.text for word in merged] == ["CCA", "PROX"]
    assert [word.text for word in merge(unread, unread)] == [UNREAD]


@pytest.mark.parametrize("colour", [False, True])
def test_the_border_carries_the_ground_on_and_not_the_strokes_of_letters(colour: bool) -> None:
    picture = np.full((60, 90), 40, np.uint8)
    picture[50:, 40:43] = 250
    padded = bordered(np.repeat(picture[..., None], 3, axis=2) if colour else picture)
    inside = padded[PADDING_PX:-PADDING_PX, PADDING_PX:-PADDING_PX]
    assert np.array_equal(inside[..., 0] if colour else inside, picture)
    assert padded[-PADDING_PX + 2 :].max() < 100
    assert padded[:PADDING_PX].max() == 40
