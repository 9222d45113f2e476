"""Lettering of one level, shown without the grain that hides it."""

import numpy as np

from deid.levels import lettering
from deid.ocr import read_frame
from deid.values import Box, View, Word
from tests.fakes import ScriptedOcr

WORD = Box(60, 50, 60, 14)


def _speckle(level: int | None = 140) -> np.ndarray:
    """Grain of many levels, with strokes of one level where a word stands."""
    picture = np.random.default_rng(4).normal(140, 40, (192, 256)).clip(10, 245).astype(np.uint8)
    if level is not None:
        picture[WORD.top : WORD.bottom, WORD.left : WORD.right : 6] = level
        picture[WORD.top : WORD.bottom, WORD.left + 1 : WORD.right : 6] = level
    return picture


def test_strokes_of_one_level_stand_on_an_empty_ground() -> None:
    strokes = lettering(_speckle(), ())
    assert strokes is not None
    inside = np.zeros(strokes.shape, bool)
    inside[WORD.top : WORD.bottom, WORD.left : WORD.right] = True
    assert np.mean(strokes[inside] < 128) > 0.3
    assert np.mean(strokes[~inside] < 128) < 0.01


def test_colour_changes_nothing() -> None:
    assert lettering(np.repeat(_speckle()[..., None], 3, axis=2), ()) is not None


def test_grain_alone_is_no_lettering() -> None:
    assert lettering(_speckle(None), ()) is None


def test_a_stretched_picture_is_no_lettering() -> None:
    stretched = (_speckle(None) // 3) * 3
    assert lettering(stretched, ()) is None


def test_a_disc_of_one_level_is_no_lettering() -> None:
    picture = _speckle(None)
    picture[60:100, 100:140] = 200
    assert lettering(picture, ()) is None


def test_what_is_known_is_not_shown_again() -> None:
    assert lettering(_speckle(), (WORD,)) is None


def test_what_only_its_level_shows_is_read_where_no_word_is_known() -> None:
    def answer(picture: np.ndarray) -> tuple[Word, ...]:
        empty = np.mean(picture == 255) > 0.9
        box = Box(WORD.left + 20, WORD.top + 20, WORD.width, WORD.height)
        return (Word("684-26-9089", box, 0.8, ("scripted",)),) if empty else ()

    reader = ScriptedOcr()
    reader.answer = answer
    views = {View.WINDOW: _speckle(), View.LOCAL: 255 - _speckle()}
    assert [(word.text, word.box) for word in read_frame(views, [reader])] == [("684-26-9089", WORD)]
    assert len(reader.seen) == 3
    reader.answer = lambda picture: (Word("x", Box(80, 70, 60, 14), 0.8, ("scripted",)),)
    assert [word.text for word in read_frame(views, [reader])] == ["x"]
    assert len(reader.seen) == 5
