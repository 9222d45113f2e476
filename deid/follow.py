"""Text beside, above and below lines that were found, where the ground hides it from the detector.

On anatomy and grain the detector sees some words of a block and misses others, which a recogniser reads well once it is
told where to look: lines go on to both sides, and blocks go on line by line at an even pitch.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from statistics import median

import cv2
import numpy as np
from numpy.typing import NDArray

from deid.values import Box, Word

REACH_HEIGHTS = 9.0
"""A line is followed so many of its heights to each side."""
NARROWEST_HEIGHTS = 1.2
"""Less room than this many heights holds no word."""
PITCH_HEIGHTS = 2.2
"""Lines of a block are no further apart."""
ALIKE_HEIGHTS = 1.5
"""And none is so many times as high as the next."""
ROUNDS = 3
"""What was found is followed itself, this many times in all."""
INK_LEVELS, FEWEST_STROKES = 12, 1.0
"""Grey levels off a place's ground that are ink, and how often along one height of text it begins or ends at least."""
GRAIN_HEIGHTS = 1 / 24
"""What is finer than this share of a line's height is no stroke."""
BELIEVED, BELIEVED_LONG = 0.75, 0.6
"""Grain and organs read as a letter or two reach 0.69, and 0.5 where they are read as more."""
FEWEST_LETTERS, LONG = 2, 4

Picture = NDArray[np.uint8]
ReadStrip = Callable[[Picture], Sequence[Word]]
"""Words of a picture that holds one upright line, in its coordinates."""


@dataclass(frozen=True, slots=True)
class _Line:
    """An upright line; edges in pixels."""

    left: int
    top: int
    right: int
    bottom: int

    @property
    def height(self) -> int:
        return self.bottom - self.top


def follow(picture: Picture, words: Sequence[Word], read_strip: ReadStrip) -> tuple[Word, ...]:
    """Words that are not among `words`, each line of them with a number of its own.

    `picture` is the frame on an even ground, shape (rows, columns).
    """
    found = _follow_upright(picture, [word for word in words if not word.vertical], read_strip)
    for turns in (1, -1):
        turned = [word for word in words if word.vertical and _turns(word, words) in (turns, None)]
        if turned:
            boxes = [_turned(word.box, turns, picture.shape) for word in turned]
            lying = [replace(word, box=box) for word, box in zip(turned, boxes, strict=True)]
            back = np.rot90(picture, turns)
            for word in _follow_upright(back, lying, read_strip):
                found.append(replace(word, box=_turned(word.box, -turns, back.shape), vertical=True))
    first = 1 + max((word.line for word in words), default=-1)
    numbers = {line: first + number for number, line in enumerate(dict.fromkeys(word.line for word in found))}
    return tuple(replace(word, line=numbers[word.line]) for word in found)


def _turns(word: Word, words: Sequence[Word]) -> int | None:
    """Quarter turns against the clock that make the word's line upright: -1 where it is read upwards.

    None for a word that stands alone, which nothing tells of.
    """
    column = [each for each in words if each.line == word.line]
    if len(column) < 2:
        return None
    return 1 if column[0].box.top < column[-1].box.top else -1


def _turned(box: Box, turns: int, shape: tuple[int, ...]) -> Box:
    """The box in the picture after one quarter turn against the clock, or with it where `turns` is -1."""
    rows, columns = shape[:2]
    if turns == 1:
        return Box(box.top, columns - box.right, box.height, box.width)
    return Box(rows - box.bottom, box.left, box.height, box.width)


def _follow_upright(picture: Picture, words: Sequence[Word], read_strip: ReadStrip) -> list[Word]:
    known = [word.box for word in words]
    lines = _lines(words)
    found: list[Word] = []
    looked: set[Box] = set()
    sources = lines
    for turn in range(ROUNDS):
        fresh: list[Word] = []
        for place, end in _places(sources, lines, known, picture.shape):
            if place in looked or not _has_strokes(picture, place):
                continue
            looked.add(place)
            number = -1 - len(looked) - 1000 * turn
            fresh += [replace(word, line=number) for word in _read(picture, place, end, read_strip)]
            known += [word.box for word in fresh]
        if not fresh:
            break
        found += fresh
        sources = _lines(fresh)
        lines = [*lines, *sources]
    return found


def _lines(words: Sequence[Word]) -> list[_Line]:
    rows: dict[int, list[Box]] = {}
    for word in words:
        rows.setdefault(word.line, []).append(word.box)
    return [
        _Line(
            min(box.left for box in boxes),
            round(median(box.top for box in boxes)),
            max(box.right for box in boxes),
            round(median(box.bottom for box in boxes)),
        )
        for boxes in rows.values()
    ]


def _places(
    sources: Sequence[_Line], lines: Sequence[_Line], known: Sequence[Box], shape: tuple[int, ...]
) -> Iterator[tuple[Box, int]]:
    """Where text may stand, and the column where other words or the frame end it.

    Right and left of each line as far as other words leave room, and a pitch above and below.
    """
    rows, columns = shape[:2]
    for line in sources:
        reach = round(REACH_HEIGHTS * line.height)
        top, bottom = max(line.top, 0), min(line.bottom, rows)
        stop = min((box.left for box in _level(known, top, bottom) if box.right > line.right), default=columns)
        start = max((box.right for box in _level(known, top, bottom) if box.left < line.left), default=0)
        for left, right, end in (
            (line.right, min(stop, line.right + reach), stop),
            (max(start, line.left - reach), line.left, line.left),
        ):
            if right - left >= NARROWEST_HEIGHTS * line.height:
                yield Box.from_edges(left, top, right, bottom), end
        for step in _pitches(line, lines):
            top, bottom = max(line.top + step, 0), min(line.bottom + step, rows)
            if bottom - top < 0.8 * line.height:
                continue
            stop = min((box.left for box in _level(known, top, bottom) if box.right > line.left), default=columns)
            right = min(max(line.right, line.left + reach), stop)
            if right - line.left >= NARROWEST_HEIGHTS * line.height:
                yield Box.from_edges(line.left, top, right, bottom), stop


def _level(known: Sequence[Box], top: int, bottom: int) -> list[Box]:
    """The known words on the level of a line."""
    return [box for box in known if min(box.bottom, bottom) - max(box.top, top) > 0.3 * min(box.height, bottom - top)]


def _pitches(line: _Line, lines: Sequence[_Line]) -> Iterator[int]:
    """How far below (negative: above) the line another of its block would stand, going by one on the other side."""
    for other in lines:
        step = line.top - other.top
        high, low = max(line.height, other.height), max(min(line.height, other.height), 1)
        beside = min(line.right, other.right) - max(line.left, other.left)
        if 0.8 * low <= abs(step) <= PITCH_HEIGHTS * low and high <= ALIKE_HEIGHTS * low and beside > 0:
            yield step


def _has_strokes(picture: Picture, place: Box) -> bool:
    """Whether ink begins and ends along the middle of a place as often as letters do; organs seldom do."""
    part = _cut(picture, place)
    smooth = cv2.GaussianBlur(part, (0, 0), max(GRAIN_HEIGHTS * place.height, 0.5)).astype(np.int16)
    middle = smooth[place.height // 4 : max(3 * place.height // 4, place.height // 4 + 1)]
    ground = int(np.median(smooth))
    for ink in (middle < ground - INK_LEVELS, middle > ground + INK_LEVELS):
        edges = np.count_nonzero(ink[:, 1:] != ink[:, :-1]) / len(middle)
        if edges * place.height >= FEWEST_STROKES * place.width:
            return True
    return False


def _read(picture: Picture, place: Box, end: int, read_strip: ReadStrip) -> list[Word]:
    words = read_strip(_cut(picture, place))
    if words and end > place.right and words[-1].box.right >= place.width - place.height // 2:
        place = replace(place, width=min(2 * place.width, end - place.left))  # the strip ends before the line does
        words = read_strip(_cut(picture, place))
    letters = sum(each.isalnum() for word in words for each in word.text)
    length = sum(len(word.text) for word in words)
    believed = BELIEVED_LONG if letters >= LONG else BELIEVED
    if letters < FEWEST_LETTERS or sum(word.confidence * len(word.text) for word in words) < believed * length:
        return []
    return [
        replace(word, box=replace(word.box, left=word.box.left + place.left, top=word.box.top + place.top))
        for word in words
    ]


def _cut(picture: Picture, place: Box) -> Picture:
    return np.ascontiguousarray(picture[place.top : place.bottom, place.left : place.right])
