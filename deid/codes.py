"""Where a frame holds bar codes and QR codes: what stands in them is a number of a record as a rule, so that each goes.

Only places leave this module. Nothing of what a code says is kept.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from deid.values import Box, Reason, Region, View

MOST_ROUNDS = 12
"""So often a picture is searched again with what was found covered; one that still holds codes then goes whole."""
MARGIN_PX = 2
MARGIN_SHARE = 0.02
"""Of a code's longer side: corners are told to about the width of one of its modules."""
SAME_BARS = 0.5
"""A line of pixels that correlates so with one in the middle of a code of bars shows the same bars."""
WIDEST_BAR_SHARE = 0.2
"""The widest bar of a stack, as a share of the least length of which it is read."""
GAP_PX = 4
"""So many lines without them end the bars: a scratch does not."""

Picture = NDArray[np.uint8]
Corner = tuple[int, int]
"""Column and row in pixels."""


class Shape(StrEnum):
    """What a code is made of."""

    SQUARES = "squares"
    """A reader needs all of it."""
    BARS = "bars"
    """A reader needs no more than a part of their length."""
    STACK = "stack"
    """Rows of short bars, of which a reader can do without the last ones in each."""


@dataclass(frozen=True, slots=True)
class Code:
    """A code's corners: where its reading begins, where that line ends, and the two across from these."""

    corners: tuple[Corner, Corner, Corner, Corner]
    shape: Shape


class CodeFinder(Protocol):
    """A reader of bar codes and QR codes that tells their places alone."""

    name: str
    version: str

    def find(self, picture: Picture, *, even_ground: bool = False) -> tuple[Code, ...]:
        """The codes of a grey picture, shape (rows, columns): bars dark on light, squares both ways.

        On an `even_ground` one threshold serves the whole picture, which is quicker.
        """
        ...


def code_regions(views: Mapping[View, Picture], finder: CodeFinder | None, *reasons: Reason) -> tuple[Region, ...]:
    """What goes because it is a code; like text it is burned into every frame as a rule."""
    if finder is None:
        return ()
    return tuple(Region(None, box, (*reasons, Reason.CODE), 1.0) for box in find_codes(views, finder))


def find_codes(views: Mapping[View, Picture], finder: CodeFinder) -> tuple[Box, ...]:
    """Boxes of the codes in views of one frame, shape (rows, columns) or (rows, columns, 3), in their coordinates.

    The view on an even ground shows what is light as dark, and so bars light on dark; where it is the only one, its
    negative is searched too.
    """
    boxes: list[Box] = []
    for view, picture in views.items():
        grey, even = _grey(picture), view is View.LOCAL
        if even and len(views) == 1:
            boxes += _in_picture(np.asarray(255 - grey, np.uint8), finder, even_ground=even)
        boxes += _in_picture(grey, finder, even_ground=even)
    return tuple(boxes)


def _grey(picture: Picture) -> Picture:
    """A copy in shades of grey."""
    return picture.copy() if picture.ndim == 2 else np.asarray(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), np.uint8)


def _in_picture(grey: Picture, finder: CodeFinder, *, even_ground: bool) -> list[Box]:
    boxes: list[Box] = []
    if grey.min() == grey.max():
        return boxes
    ground = int(grey.mean())
    for _ in range(MOST_ROUNDS):
        found = [_extent(grey, code) for code in finder.find(grey, even_ground=even_ground)]
        if not found:
            return boxes
        boxes.extend(found)
        for box in found:
            grey[box.top : box.bottom, box.left : box.right] = ground
    return [Box(0, 0, grey.shape[1], grey.shape[0])]


def _extent(grey: Picture, code: Code) -> Box:
    """The upright box around a code, its bars in their whole length, and a margin; within the picture."""
    corners = np.array(code.corners, np.float64)
    if code.shape is Shape.BARS:
        corners = np.concatenate((corners, _ends_of_bars(grey, corners)))
    elif code.shape is Shape.STACK:
        corners = np.concatenate((corners, _ends_of_rows(grey, corners)))
    low, high = corners.min(axis=0), corners.max(axis=0)
    margin = MARGIN_PX + MARGIN_SHARE * float((high - low).max())
    rows, columns = grey.shape
    left, top = np.clip(np.floor(low - margin), 0, (columns - 1, rows - 1)).astype(int).tolist()
    right, bottom = np.clip(np.ceil(high + margin), (left + 1, top + 1), (columns, rows)).astype(int).tolist()
    return Box.from_edges(left, top, right, bottom)


def _ends_of_bars(grey: Picture, corners: NDArray[np.float64]) -> NDArray[np.float64]:
    """Points at the ends of bars that go on beyond the corners, shape (points, 2)."""
    start, stop, length, along = _reading_line(corners)
    if length < 2:
        return corners
    across = np.array((-along[1], along[0]))
    line = start + np.arange(round(length) + 1)[:, None] * along
    known = _pixels(grey, line)
    half = float(np.abs((corners - start) @ across).max())
    ends = []
    for sign in (-1.0, 1.0):
        reach, missed, step = half, 0, half
        while missed < GAP_PX and known is not None:
            step += 1
            seen = _pixels(grey, line + sign * step * across)
            if seen is None:
                break
            missed = 0 if _correlation(known, seen) >= SAME_BARS else missed + 1
            reach = reach if missed else step
        ends += [start + sign * reach * across, stop + sign * reach * across]
    return np.array(ends)


def _ends_of_rows(grey: Picture, corners: NDArray[np.float64]) -> NDArray[np.float64]:
    """Points where the bars of rows that go on beyond the corners end, shape (points, 2)."""
    _, _, length, along = _reading_line(corners)
    gap = max(WIDEST_BAR_SHARE * length, GAP_PX)
    ends = [corners]
    for down in (0.25, 0.5, 0.75):
        first = corners[0] + down * (corners[3] - corners[0])
        last = corners[1] + down * (corners[2] - corners[1])
        inside = _pixels(grey, first + np.arange(max(round(length), 1))[:, None] * along)
        contrast = 0.0 if inside is None else float(np.ptp(inside))
        for begin, way in ((first, -along), (last, along)):
            reach = step = 0
            before = None
            while step - reach <= gap and step <= length:
                value = _pixels(grey, begin[None] + step * way)
                if value is None:
                    break
                if before is not None and abs(float(value[0]) - before) > contrast / 3:
                    reach = step
                before, step = float(value[0]), step + 1
            ends.append((begin + reach * way)[None])
    return np.concatenate(ends)


def _reading_line(
    corners: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.float64], float, NDArray[np.float64]]:
    """Start and end of a code's middle line, its length in pixels, and its direction as a step of one pixel."""
    start, stop = (corners[0] + corners[3]) / 2, (corners[1] + corners[2]) / 2
    length = float(np.hypot(*(stop - start)))
    return start, stop, length, (stop - start) / max(length, 1.0)


def _pixels(grey: Picture, line: NDArray[np.float64]) -> NDArray[np.float64] | None:
    """The values along a line of points, the nearest pixel's each; None where most of it lies outside."""
    columns, rows = np.rint(line).astype(int).T
    inside = (columns >= 0) & (rows >= 0) & (columns < grey.shape[1]) & (rows < grey.shape[0])
    if inside.mean() < 0.5:
        return None
    values = grey[rows.clip(0, grey.shape[0] - 1), columns.clip(0, grey.shape[1] - 1)]
    return np.asarray(values, np.float64)


def _correlation(one: NDArray[np.float64], two: NDArray[np.float64]) -> float:
    one, two = one - one.mean(), two - two.mean()
    size = float(np.sqrt((one**2).sum() * (two**2).sum()))
    return float((one * two).sum()) / size if size else 0.0
