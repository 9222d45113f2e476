"""Lines of a block that nobody read: rows of ink right above or below a line that goes, like those of its letters.

Where small lines stand close, a search that sees the first and the third may miss the second. Nobody knows what it
says, so that it goes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from deid.beyond import P_BESIDE, Picture, inside
from deid.values import UNREAD, Box, Evidence, Finding, Reason, Word

SHARE, FAINTEST = 0.4, 14
"""Ink differs from its ground by this share of what the line's own letters do, and by so many levels."""
BLANK = 0.02
"""Between two lines, and around them, no more of a row is ink."""
LOWEST_PX, HIGHEST_PX = 5, 16
"""Letters of lines that stand too close to be found."""
ALIKE = (0.75, 1.34)
"""A line is as high as the next one, within these shares, and holds as much ink."""
LOOSE = 1.75
"""Boxes of small letters are so many times as high; where one is not, ink that it holds is of its word."""
WIDEST_GAP = 1.2
"""In heights of its letters: lines of a block are no further apart, and words of a line neither."""
FEWEST_EDGES = 0.8
"""Strokes begin or end so often along one height of letters."""
SHORTEST = 1.5
"""In heights: what is shorter than this is no word."""
MOST_LINES = 20
SOFT_SIGMA_PX = 0.6
_EVEN = 128

Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class _Ink:
    """The ink of a strip of the picture of one word's columns, in rows from its top."""

    mask: Mask
    top: int
    rows: tuple[tuple[int, int], ...]
    """First and last row of each run of rows with ink, half-open."""
    light: bool
    """Whether letters are lighter than their ground, by at least so many levels:"""
    least: float


def lines_between(findings: Sequence[Finding], picture: Picture) -> tuple[Finding, ...]:
    """The findings and one more for each line beside one that goes that has its letters' ink and no reading.

    `picture` is the frame on an even ground, shape (rows, columns).
    """
    soft = cv2.GaussianBlur(picture, (0, 0), SOFT_SIGMA_PX).astype(np.int16) - _EVEN
    words = [inside(each.word.box, picture.shape) for each in findings]
    lying = [not each.word.vertical and each.word.box.width >= each.word.box.height for each in findings]
    waiting = [(each, box) for each, box, fits in zip(findings, words, lying, strict=True) if each.is_phi and fits]
    more: list[Finding] = []
    while waiting and len(more) < MOST_LINES:
        finding, beside = waiting.pop()
        for box in _unread_beside(beside, words, soft):
            evidence = (Evidence(Reason.CONTEXT, "neighbour", P_BESIDE),)
            word = Word(UNREAD, box, 0.0, finding.word.readers, finding.word.line)
            more.append(Finding(word, P_BESIDE, evidence, finding.threshold))
            words.append(box)
            waiting.append((finding, box))
    return (*findings, *more)


def _unread_beside(box: Box, words: Sequence[Box], soft: NDArray[np.int16]) -> list[Box]:
    """Boxes of the lines right above and below this one that no word stands in."""
    ink = _ink(box, soft)
    middle = (box.top + box.bottom) // 2 - ink.top
    own = next((run for run in ink.rows if run[0] <= middle < run[1]), None)
    if own is None or not LOWEST_PX <= own[1] - own[0] <= HIGHEST_PX:
        return []
    height, place = own[1] - own[0], ink.rows.index(own)
    found = []
    for other in ink.rows[max(place - 1, 0) : place] + ink.rows[place + 1 : place + 2]:
        gap = own[0] - other[1] if other[0] < own[0] else other[0] - own[1]
        if gap > WIDEST_GAP * height or not _is_line(ink.mask, own, other):
            continue
        row = ink.top + (other[0] + other[1]) // 2
        if any(
            _holds(each, row, box, other[1] - other[0]) or _is_of(each, box, (ink.top + other[0], ink.top + other[1]))
            for each in words
        ):
            continue
        line = Box.from_edges(box.left, ink.top + other[0], box.right, ink.top + other[1])
        found.append(_whole(line, words, ink, soft))
    return found


def _whole(line: Box, words: Sequence[Box], ink: _Ink, soft: NDArray[np.int16]) -> Box:
    """The line as far as its ink goes on both ways, up to a word that was read."""
    rows = soft[line.top : line.bottom]
    inked: Mask = np.any((rows if ink.light else -rows) > ink.least, axis=0)
    row, reach = (line.top + line.bottom) // 2, round(WIDEST_GAP * line.height)
    for word in words:
        if abs((word.top + word.bottom) / 2 - row) <= 0.6 * line.height:
            inked[word.left : word.right] = False
    columns = np.flatnonzero(inked)
    here = columns[(columns >= line.left) & (columns < line.right)]
    breaks = np.flatnonzero(np.diff(columns) > reach)
    runs = np.split(columns, breaks + 1)
    whole = [run for run in runs if run[0] <= here[-1] and run[-1] >= here[0]]
    return Box.from_edges(int(whole[0][0]), line.top, int(whole[-1][-1]) + 1, line.bottom)


def _ink(box: Box, soft: NDArray[np.int16]) -> _Ink:
    top, bottom = max(box.top - 2 * box.height, 0), min(box.bottom + 2 * box.height, soft.shape[0])
    strip = soft[top:bottom, box.left : box.right]
    quarter = box.height // 4
    own = strip[box.top - top + quarter : max(box.bottom - top - quarter, box.top - top + quarter + 1)]
    dark, light = -float(np.percentile(own, 4)), float(np.percentile(own, 96))
    least = max(SHARE * max(dark, light), FAINTEST)
    mask = (strip if light > dark else -strip) > least
    inked = mask.mean(axis=1) > BLANK
    edges = np.flatnonzero(np.diff(np.concatenate(([False], inked, [False])).astype(np.int8)))
    return _Ink(mask, top, tuple((int(first), int(last)) for first, last in edges.reshape(-1, 2)), light > dark, least)


def _is_line(mask: Mask, own: tuple[int, int], other: tuple[int, int]) -> bool:
    """Whether the ink of some rows is that of letters like the line's own."""
    height = own[1] - own[0]
    here, there = mask[slice(*own)], mask[slice(*other)]
    columns = np.flatnonzero(there.any(axis=0))
    if not columns.size or columns[-1] - columns[0] < SHORTEST * height:
        return False
    written = there[:, columns[0] : columns[-1] + 1]
    edges = np.count_nonzero(written[:, 1:] != written[:, :-1]) / len(written)
    least, most = ALIKE
    alike = least * height <= other[1] - other[0] <= most * height
    dense = least * here.mean() * here.shape[1] / max(here.any(axis=0).sum(), 1) <= written.mean() + 0.1
    return alike and dense and edges * height >= FEWEST_EDGES * written.shape[1]


def _is_of(word: Box, box: Box, run: tuple[int, int]) -> bool:
    """Whether rows of ink, in the columns of a box, are a part of a word's own: its box is not much higher."""
    height = run[1] - run[0]
    beside = min(word.right, box.right) <= max(word.left, box.left)
    shared = min(word.bottom, run[1]) - max(word.top, run[0])
    return not beside and word.height < LOOSE * height and shared > 0.5 * height


def _holds(word: Box, row: int, box: Box, height: int) -> bool:
    """Whether the middle of a word lies in the row, in the columns of a box."""
    shared = min(word.right, box.right) - max(word.left, box.left)
    return shared > 0 and abs((word.top + word.bottom) / 2 - row) <= 0.6 * height
