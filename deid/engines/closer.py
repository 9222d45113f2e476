"""Places where a search was hardly sure of text, searched once more, enlarged.

A block of small faint letters on the speckle of ultrasound is one blur to the detector, or is seen in part; at three
or four times its size it comes apart into lines.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from deid.engines.detector import Detector, FoundLine, Quad
from deid.values import Box

HALF_SURE = 0.6
"""Beside lines of which the detector was less sure than this there may be others of their block."""
AROUND, AROUND_FAINT = 3.0, 1.0
"""So many heights around such a line, and around what shows faintly, are searched."""
HIGHEST_LINE_PX = 24
"""Lines that are higher are seen as well as they are enlarged; what shows faintly and is higher may be a block."""
SHORTEST_LINE = 2.0
"""Lines that are shorter, in their heights, are marks."""
ENLARGED_PX = 72
"""A line is enlarged to about this height, twice that of its letters: in the speckle of a place that is enlarged
less, the lines of a block are not told apart."""
SCALES = (2.0, 4.5)
MOST_PX = 1_800_000
"""A place is enlarged to no more pixels than this, and not searched where that is hardly more than it has."""
LEAST_SCALE = 1.2
SHORTEST_SIDE_PX = 8

Picture = NDArray[np.uint8]


def look_closer(
    detector: Detector, picture: Picture, found: Iterable[FoundLine], faint: Iterable[FoundLine]
) -> list[FoundLine]:
    """The lines that show where a picture of shape (rows, columns, 3) is enlarged, in its coordinates.

    `found` are the lines that a search of the whole showed, `faint` what it was hardly sure of.
    """
    places = [_place(quad, AROUND, picture) for quad, score in found if score < HALF_SURE and _is_small_line(quad)]
    places += [_place(quad, AROUND_FAINT, picture) for quad, _ in faint]
    lines: list[FoundLine] = []
    for box, height in _apart([place for place in places if place is not None]):
        least, most = SCALES
        scale = min(max(ENLARGED_PX / height, least), most, float(np.sqrt(MOST_PX / box.area)))
        if scale >= LEAST_SCALE:
            part = picture[box.top : box.bottom, box.left : box.right]
            shift = np.array([box.left, box.top], np.float32)
            lines += [(quad + shift, score) for quad, score in detector.search_enlarged(part, scale)]
    return lines


def _is_small_line(quad: Quad) -> bool:
    _, _, width, height = cv2.boundingRect(quad)
    across = min(width, height)
    return across <= HIGHEST_LINE_PX and max(width, height) >= SHORTEST_LINE * across


_Place = tuple[Box, float]
"""A part of a picture, and how high its lines are in pixels."""


def _place(quad: Quad, heights: float, picture: Picture) -> _Place | None:
    left, top, width, height = cv2.boundingRect(quad)
    across = min(width, height, HIGHEST_LINE_PX)
    edge = round(heights * across)
    left, top, right, bottom = left - edge, top - edge, left + width + edge, top + height + edge
    left, top = max(left, 0), max(top, 0)
    right, bottom = min(right, picture.shape[1]), min(bottom, picture.shape[0])
    if min(right - left, bottom - top) < SHORTEST_SIDE_PX:
        return None
    return Box.from_edges(left, top, right, bottom), across


def _apart(places: Sequence[_Place]) -> list[_Place]:
    """The places with those that overlap joined, until none does."""
    apart: list[_Place] = []
    for box, height in places:
        while True:
            other = next((each for each in apart if each[0].overlap(box)), None)
            if other is None:
                break
            apart.remove(other)
            box, height = box.around(other[0]), min(height, other[1])
        apart.append((box, height))
    return apart
