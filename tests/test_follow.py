"""Text that is read where the lines that were found go on."""

from collections.abc import Callable

import numpy as np
import pytest

from deid.follow import follow
from deid.values import Box, Word

SHAPE = (300, 400)


def _line(text: str, left: int, top: int, number: int = 0, *, vertical: bool = False) -> Word:
    size = (12, 8 * len(text)) if vertical else (8 * len(text), 12)
    return Word(text, Box(left, top, *size), 0.9, ("a",), number, vertical)


def _picture(*places: Box, sideways: bool = False) -> np.ndarray:
    """An even ground with strokes in some places."""
    picture = np.full(SHAPE, 128, np.uint8)
    for place in places:
        across, down = (1, 3) if sideways else (3, 1)
        picture[place.top : place.bottom : down, place.left : place.right : across] = 20
    return picture


def _reader(text: str, confidence: float = 0.9) -> tuple[Callable[[np.ndarray], tuple[Word, ...]], list[np.ndarray]]:
    """Reads the text where a strip begins, and tells of the strips that it was given."""
    strips: list[np.ndarray] = []

    def read_strip(strip: np.ndarray) -> tuple[Word, ...]:
        strips.append(strip)
        return (Word(text, Box(0, 0, 8 * len(text), strip.shape[0]), confidence, ("a",)),)

    return read_strip, strips


def test_a_line_is_followed_to_both_sides_where_there_is_ink_and_only_there() -> None:
    line = _line("Site:", 150, 100)
    read, strips = _reader("Holm")
    assert follow(_picture(), [line], read) == ()
    assert strips == []
    (right,) = follow(_picture(Box(195, 100, 20, 12)), [line], read)
    assert (right.text, right.box.left, right.box.top) == ("Holm", 190, 100)
    (left,) = follow(_picture(Box(44, 100, 20, 12)), [line], read)
    assert (left.text, left.box.left) == ("Holm", 150 - 108)
    assert line.line not in (left.line, right.line)


def test_a_line_is_not_followed_into_another_word() -> None:
    words = [_line("Site:", 150, 100), _line("Gain", 230, 102, 1)]
    read, strips = _reader("Holm")
    follow(_picture(Box(195, 100, 150, 12)), words, read)
    assert strips[0].shape == (12, 230 - 190)


def test_a_block_goes_on_at_its_pitch_and_what_was_found_is_followed_too() -> None:
    words = [_line("HAND", 100, 100), _line("WANDA", 100, 120, 1)]
    read, _ = _reader("V333")
    found = follow(_picture(Box(100, 140, 60, 52)), words, read)
    assert [word.box.top for word in found if word.box.left == 100] == [140, 160, 180]
    assert len({word.line for word in found}) == len(found)
    assert follow(_picture(Box(100, 140, 60, 52)), words[:1], read) == (), "one line has no pitch"


@pytest.mark.parametrize(
    ("text", "confidence", "believed"), [("3", 0.9, False), ("RX", 0.7, False), ("RXYZ", 0.7, True)]
)
def test_what_grain_reads_as_is_not_believed(text: str, confidence: float, believed: bool) -> None:
    read, _ = _reader(text, confidence)
    assert bool(follow(_picture(Box(195, 100, 60, 12)), [_line("Site:", 150, 100)], read)) is believed


def test_a_strip_that_ends_inside_a_word_is_made_longer() -> None:
    text = "V" * 14
    read, strips = _reader(text)
    follow(_picture(Box(195, 100, 180, 12)), [_line("Site:", 150, 100)], read)
    assert [strip.shape[1] for strip in strips[:2]] == [108, 210]


@pytest.mark.parametrize("rising", [True, False], ids=["upwards", "downwards"])
def test_sideways_lines_are_followed_upright(rising: bool) -> None:
    words = [_line("Acc", 200, 180, vertical=True), _line("No:", 200, 150, vertical=True)]
    words = words if rising else words[::-1]
    ink = Box(200, 125, 12, 20) if rising else Box(200, 210, 12, 20)
    read, strips = _reader("9531")
    (word,) = follow(_picture(ink, sideways=True), words, read)
    assert word.vertical
    assert word.box.left == 200
    assert (word.box.bottom, word.box.top) == ((150, 118) if rising else (236, 204))
    assert strips[0].shape[0] == 12


@pytest.mark.parametrize(("top", "upside_down"), [(125, False), (190, True)])
def test_a_sideways_word_that_stands_alone_is_followed_both_ways(top: int, upside_down: bool) -> None:
    """Where its line goes on below it is read downwards."""
    ink = Box(200, top, 12, 16)
    rows: list[bool] = []

    def read_strip(strip: np.ndarray) -> tuple[Word, ...]:
        rows.append(bool(np.ptp(strip[:, :30]) > 50))
        return (Word("9531", Box(0, 0, 32, strip.shape[0]), 0.9 if rows[-1] else 0.1, ("a",)),)

    found = follow(_picture(ink, sideways=True), [_line("No:", 200, 150, vertical=True)], read_strip)
    assert any(word.vertical and word.box.left == 200 and word.box.overlap(ink) for word in found)
    assert any((word.box.top > 150) is upside_down for word in found)


def test_an_edge_of_the_anatomy_beside_a_line_is_not_read() -> None:
    read, strips = _reader("Holm")
    picture = _picture()
    picture[:, 230:] = 40
    assert follow(picture, [_line("Site:", 150, 100)], read) == ()
    assert strips == []
