"""Of a loop only what changed is read again."""

from collections.abc import Sequence

import numpy as np
import pytest

from deid.changes import AROUND_PX, changed_part, read_part
from deid.values import CLOSE, Box, Search, View, Word
from tests.fakes import ScriptedOcr

STILL = np.tile(np.arange(600, dtype=np.uint8), (400, 1))


def _with(box: Box, level: int = 200) -> np.ndarray:
    changed = STILL.copy()
    changed[box.top : box.bottom, box.left : box.right] = level
    return changed


def _word(text: str, box: Box) -> Word:
    return Word(text, box, 0.99, ("scripted",))


def test_the_part_holds_all_that_changed_and_some_ground() -> None:
    moved = Box(300, 200, 40, 30)
    part = changed_part(_with(moved), STILL, ())
    assert part is not None
    assert part.left <= moved.left - AROUND_PX and part.right >= moved.right + AROUND_PX
    assert part.top <= moved.top - AROUND_PX and part.bottom >= moved.bottom + AROUND_PX
    assert part.area < 0.2 * STILL.size


def test_a_word_that_reaches_into_the_part_lies_in_it_whole() -> None:
    words = [
        _word("reaching", Box(20, 205, 260, 20)),
        _word("met", Box(10, 190, 30, 20)),
        _word("far", Box(10, 10, 60, 20)),
    ]
    part = changed_part(_with(Box(300, 200, 40, 30)), STILL, words)
    assert part is not None
    assert [part.overlap(word.box) for word in words] == [words[0].box.area, words[1].box.area, 0]


@pytest.mark.parametrize(
    ("stored", "before"),
    [
        (_with(Box(10, 10, 560, 380)), STILL),
        (STILL, STILL[:-8]),
        (STILL, STILL),
        (np.ones((3000, 100), np.uint8), np.zeros((3000, 100), np.uint8)),
    ],
    ids=["most of it changed", "another size", "nothing changed", "searched in tiles"],
)
def test_else_the_whole_frame_is_read(stored: np.ndarray, before: np.ndarray) -> None:
    assert changed_part(stored, before, ()) is None


def test_colour_that_changed_in_one_sample_is_seen() -> None:
    before = np.zeros((400, 600, 3), np.uint8)
    stored = before.copy()
    stored[300, 500, 2] = 1
    part = changed_part(stored, before, ())
    assert part is not None and part.overlap(Box(500, 300, 1, 1)) == 1


def test_words_outside_stay_and_those_inside_are_read_anew_at_the_same_scale() -> None:
    part = Box(256, 128, 128, 64)
    asked: list[tuple[tuple[int, ...], int | None, float]] = []

    class Finder(ScriptedOcr):
        def read(self, picture: np.ndarray, search: Search = CLOSE, known: Sequence[Box] = ()) -> tuple[Word, ...]:
            asked.append((picture.shape, search.side_px, search.share))
            return (_word("10:43", Box(30, 40, 60, 16)),)

    outside, inside = _word("Varga", Box(10, 10, 60, 16)), _word("10:42", Box(266, 148, 60, 16))
    words = read_part({View.LOCAL: STILL}, [Finder()], [outside, inside], part)
    assert [(word.text, word.box) for word in words] == [
        ("Varga", outside.box),
        ("10:43", Box(256 + 10, 128 + 20, 60, 16)),
    ]
    assert asked == [((64 + 40, 128 + 40), None, pytest.approx((128 + 40) / (600 + 40)))]


def test_what_is_gone_from_the_part_is_no_word_any_more() -> None:
    inside = _word("10:42", Box(266, 148, 60, 16))
    assert read_part({View.LOCAL: STILL}, [ScriptedOcr()], [inside], Box(256, 128, 128, 64)) == ()
