"""Boxes that go as far as the ink does."""

from dataclasses import replace

import numpy as np
import pytest

from deid.beyond import go_on
from deid.classify import find_phi
from deid.values import UNREAD, Box, Finding, FrameWords, Word
from tests.fakes import line

SHAPE = (200, 400)


def _findings(words: tuple[Word, ...]) -> tuple[Finding, ...]:
    (frame,) = find_phi([FrameWords(0, (), words)], ())
    return frame.findings


def _picture(*places: Box, ground: np.ndarray | None = None) -> np.ndarray:
    """Strokes in some places of an even ground."""
    picture = np.full(SHAPE, 128, np.uint8) if ground is None else ground.copy()
    for place in places:
        picture[place.top : place.bottom, place.left : place.right : 4] = 20
        picture[place.top : place.bottom, place.left + 1 : place.right : 4] = 20
    return picture


def _speckle() -> np.ndarray:
    return np.random.default_rng(3).normal(128, 60, SHAPE).clip(0, 255).astype(np.uint8)


def _turned(findings: tuple[Finding, ...], turns: int) -> tuple[Finding, ...]:
    """The findings as they are in a picture turned with the clock once, or against it where `turns` is -1."""
    moved = []
    for finding in findings:
        box = finding.word.box
        upright = (SHAPE[0] - box.bottom, box.left) if turns == 1 else (box.top, SHAPE[1] - box.right)
        word = replace(finding.word, box=Box(*upright, box.height, box.width), vertical=True)
        moved.append(replace(finding, word=word))
    return tuple(moved)


def test_a_name_goes_with_the_strokes_that_go_on_behind_it() -> None:
    label, name = line("Name: Mulle", top=90)
    found = _findings((label, name))
    ink = _picture(Box(label.box.left, 90, 40 + 48 + 40, 12))
    longer = go_on(found, ink)[1].word.box
    assert (longer.left, longer.top, longer.bottom) == (name.box.left, 90, 102)
    assert label.box.left + 128 - 4 <= longer.right <= label.box.left + 128
    ends = _picture(Box(label.box.left, 90, 88, 12))
    assert go_on(found, ends)[1].word.box == name.box


@pytest.mark.parametrize(("other", "is_followed"), [("'Muller", False), ("SchMuller", True)])
def test_strokes_before_a_word_are_its_own_where_another_view_read_letters_there(other: str, is_followed: bool) -> None:
    (found,) = (each for each in _findings(line("Name: Muller", top=90)) if each.is_phi)
    name = replace(found.word, others=(other,), box=Box(120, 90, 48, 12), line=9)
    (longer,) = go_on([replace(found, word=name)], _picture(Box(96, 90, 72, 12)))
    assert (longer.word.box.left < 120) is is_followed


@pytest.mark.parametrize("turns", [1, -1])
def test_a_line_that_runs_up_or_down_is_followed_as_it_is_read(turns: int) -> None:
    label, name = line("Name: Mulle", top=90)
    found = _findings((label, name))
    ink = _picture(Box(label.box.left, 90, 128, 12))
    upright = go_on(found, ink)
    assert go_on(_turned(found, turns), np.rot90(ink, -turns)) == _turned(upright, turns)


def test_no_box_goes_into_the_next_word_or_over_a_wide_gap() -> None:
    label, name = line("Name: Mulle", top=90)
    (other,) = line("Gain", left=name.box.right + 8, top=92, number=1)
    ink = _picture(Box(label.box.left, 90, 200, 12))
    assert name.box.right < go_on(_findings((label, name, other)), ink)[1].word.box.right <= other.box.left
    assert go_on(_findings((label, name)), ink, [other.box])[1] == go_on(_findings((label, name, other)), ink)[1]
    far = _picture(Box(label.box.left, 90, 88, 12), Box(name.box.right + 16, 90, 40, 12))
    assert go_on(_findings((label, name)), far)[1].word.box == name.box


def test_what_stays_is_not_made_longer() -> None:
    found = _findings(line("Gain 82", top=90))
    assert go_on(found, _picture(Box(10, 90, 200, 12))) == found


def test_where_all_the_ground_has_strokes_only_an_end_that_lacks_goes_on() -> None:
    label, name = line("Name: Mulle", top=90)
    ink = _picture(Box(label.box.left, 90, 88, 12), ground=_speckle())
    found = _findings((label, name))
    assert go_on(found, ink) == found
    seen = replace(found[1], word=replace(name, others=("Mullerl",)))
    assert 0 < go_on((found[0], seen), ink)[1].word.box.right - name.box.right <= 27


def test_strokes_behind_a_label_without_a_value_are_its_value() -> None:
    label, name = line("Name: Holm", top=90)
    ink = _picture(Box(label.box.left, 90, 40, 12), Box(name.box.left, 90, 32, 12))
    *_, value = go_on(_findings((label,)), ink)
    assert value.is_phi
    assert value.word.text == UNREAD
    assert abs(value.word.box.left - name.box.left) <= 2
    assert abs(value.word.box.right - name.box.right) <= 2
    assert len(go_on(_findings((label,)), _picture(Box(label.box.left, 90, 40, 12)))) == 1
    assert len(go_on(_findings((label, name)), ink)) == 2


@pytest.mark.parametrize("turns", [0, 1, -1])
def test_a_box_with_room_beyond_the_frame_is_taken_as_far_as_the_frame_goes(turns: int) -> None:
    label, name = line("Name: Mulle", left=SHAPE[1] - 80, top=90)
    found = _findings((label, replace(name, box=replace(name.box, width=60))))
    ink = _picture(Box(label.box.left - 20, 90, 100, 12))
    if turns:
        inside = tuple(replace(each, word=replace(each.word, box=replace(each.word.box, width=30))) for each in found)
        found, ink = _turned(inside, turns), np.rot90(ink, -turns)
        grown = replace(found[1].word.box, top=0) if turns == -1 else replace(found[1].word.box, height=90)
        found = (found[0], replace(found[1], word=replace(found[1].word, box=grown)))
    assert go_on(found, ink)[1].is_phi


def test_a_label_behind_its_value_and_a_word_of_another_direction_are_left() -> None:
    value, label = line("12.04.2021 Date:", top=90)
    ink = _picture(Box(value.box.left, 90, 200, 12))
    assert len(go_on(_findings((value, label)), ink)) == 2
    found = _findings((replace(value, box=Box(100, 40, 12, 80)),))
    assert go_on(found, _picture(Box(100, 40, 100, 80))) == found
