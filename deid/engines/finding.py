"""Lines of text in a picture, found and not yet read: searched closely, and in tiles."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from rapidocr.utils.process_img import get_rotate_crop_image

from deid.engines.closer import look_closer
from deid.engines.detector import Detector, FoundLine, Quad
from deid.values import CLOSE, Box, Search

DETECT_SIDE_PX = 1280
"""Pictures are searched with their longer side at this length, or doubled where that is less."""
LARGE_PX, LARGE_SIDE_PX = 1800, 2048
"""Pictures with a longer side than the first are searched at the second: letters under 14 px are hardly found."""
TILE_SIDE_PX = 2600
"""Larger pictures are searched in overlapping tiles of this side too, lest small text vanish in scaling."""
TILE_OVERLAP_PX = 250
SHORTEST_REST = 1.0
"""What is left of a line beside those seen already holds a word from this many of its heights on."""
LEVEL = 0.3
"""Lines share a level where more than this share of the lower one's height is beside the other."""
TALL = 1.5
"""What is this many times as high as wide may be a line that runs up or down."""
KNOWN_LEVEL, KNOWN_GAP = 0.6, 0.6
"""A known word stands in a line of which it covers this share of the height, and this many heights hold no letter."""

Picture = NDArray[np.uint8]


@dataclass(frozen=True, slots=True, eq=False)
class Line:
    """A line that was found and not yet read."""

    quad: Quad
    """Its corners, shape (4, 2), x before y."""
    score: float
    """How sure the detector is that it is text."""
    crop: Picture
    """Its pixels; none where it lies outside."""
    turns: tuple[int, ...]
    """Quarter turns against the clock under which it may be upright."""
    faint: bool = False
    """Whether the detector is hardly sure of it."""


def find_lines(detector: Detector, colour: Picture, search: Search = CLOSE, known: Sequence[Box] = ()) -> list[Line]:
    """The lines of a picture of shape (rows, columns, 3), from top to bottom.

    Where `search` names no side, it is searched with its longer one at DETECT_SIDE_PX or, where it is large, at
    LARGE_SIDE_PX and in tiles. Where it is hardly sure of text, that part is searched once more, enlarged. What the
    first search shows faintly comes after them.
    """
    colour = np.ascontiguousarray(colour)
    close_px = LARGE_SIDE_PX if max(colour.shape[:2]) > search.share * LARGE_PX else DETECT_SIDE_PX
    side_px = round(search.share * (search.side_px or close_px))
    found, faint = detector.search_closely(colour, side_px)
    tiles = _tiles(colour.shape[0], colour.shape[1]) if search.side_px is None else []
    for top, left in tiles if len(tiles) > 1 else ():
        tile = colour[top : top + TILE_SIDE_PX, left : left + TILE_SIDE_PX]
        found += [(quad + np.array([left, top], np.float32), score) for quad, score in detector.search(tile, close_px)]
    rests = _rests(faint, [quad for quad, _ in found])
    doubted = [(quad, score) for quad, score in found if not is_known(quad, known)]
    found = _without_repeats([*found, *look_closer(detector, colour, doubted, rests)])
    lines = [_line(quad, score, colour) for quad, score in found]
    rests = _rests(faint, [quad for quad, _ in found])
    return lines + [replace(_line(quad, score, colour), faint=True) for quad, score in rests]


def _rests(faint: Sequence[Sequence[FoundLine]], known: Sequence[Quad]) -> list[FoundLine]:
    """What a search shows ever more faintly, beside known lines and what it showed less faintly."""
    rests: list[FoundLine] = []
    for fainter in faint:
        beside = [*known, *(quad for quad, _ in rests)]
        rests += [(rest, score) for quad, score in _without_repeats(fainter) for rest in _uncovered(quad, beside)]
    return rests


def _line(quad: Quad, score: float, picture: Picture) -> Line:
    left, top, right, bottom = bounds(quad)
    tall = _is_tall(quad)
    crop = picture[max(top, 0) : bottom, max(left, 0) : right] if tall else get_rotate_crop_image(picture, quad.copy())
    return Line(quad, score, np.asarray(crop, np.uint8), (1, -1, 0) if tall else (0,))


def _is_tall(quad: Quad) -> bool:
    left, top, right, bottom = bounds(quad)
    return bottom - top >= TALL * (right - left)


def bounds(quad: NDArray[np.float32]) -> tuple[int, int, int, int]:
    """Left, top, right and bottom of the upright box around a line, in whole pixels."""
    low, high = np.floor(quad.min(axis=0)), np.ceil(quad.max(axis=0))
    return int(low[0]), int(low[1]), int(high[0]), int(high[1])


def is_known(quad: Quad, known: Sequence[Box]) -> bool:
    """Whether known words stand all along a line, with no room for a letter before, between or after them."""
    if not known:
        return False
    left, top, right, bottom = bounds(quad)
    tall = bottom - top > right - left
    height = right - left if tall else bottom - top
    spans = []
    for box in known:
        across = min(box.right, right) - max(box.left, left), min(box.bottom, bottom) - max(box.top, top)
        level = across[0] if tall else across[1]
        if min(across) > 0 and level >= KNOWN_LEVEL * height:
            spans.append((box.top, box.bottom) if tall else (box.left, box.right))
    reached = top if tall else left
    for start, stop in sorted(spans):
        if start - reached > KNOWN_GAP * height:
            return False
        reached = max(reached, stop)
    return (bottom if tall else right) - reached <= KNOWN_GAP * height


def _uncovered(quad: Quad, lines: Sequence[Quad]) -> list[Quad]:
    """What is left of a line beside those that lie on its level: all of it, pieces of it, or nothing."""
    left, top, right, bottom = bounds(quad)
    tall = _is_tall(quad)
    along, across = ((top, bottom), (left, right)) if tall else ((left, right), (top, bottom))
    height = across[1] - across[0]
    taken = []
    for line in lines:
        edges = bounds(line)
        on, over = (
            ((edges[1], edges[3]), (edges[0], edges[2])) if tall else ((edges[0], edges[2]), (edges[1], edges[3]))
        )
        level = min(across[1], over[1]) - max(across[0], over[0])
        if level > LEVEL * min(height, over[1] - over[0]) and min(on[1], along[1]) > max(on[0], along[0]):
            taken.append(on)
    if not taken:
        return [quad]
    rests, reached = [], along[0]
    for start, stop in sorted([*taken, (along[1], along[1])]):
        if start - reached >= SHORTEST_REST * height:
            rests.append((reached, start))
        reached = max(reached, stop)
    quads = []
    for start, stop in rests:
        box = (across[0], start, across[1], stop) if tall else (start, across[0], stop, across[1])
        quads.append(np.array([box[:2], (box[2], box[1]), box[2:], (box[0], box[3])], np.float32))
    return quads


def _tiles(rows: int, columns: int) -> list[tuple[int, int]]:
    """Top left corners of overlapping tiles that cover the picture."""

    def starts(length: int) -> list[int]:
        if length <= TILE_SIDE_PX:
            return [0]
        count = -(-(length - TILE_OVERLAP_PX) // (TILE_SIDE_PX - TILE_OVERLAP_PX))
        return [round(each * (length - TILE_SIDE_PX) / (count - 1)) for each in range(count)]

    return [(top, left) for top in starts(rows) for left in starts(columns)]


def _without_repeats(found: Sequence[FoundLine]) -> list[FoundLine]:
    """Lines found twice, once: one that lies mostly inside a larger one of its height is dropped."""
    by_size = sorted(found, key=lambda line: -float(np.prod(line[0].max(axis=0) - line[0].min(axis=0))))
    kept: list[FoundLine] = []
    for quad, score in by_size:
        if not any(_lies_in(quad, each) for each, _ in kept):
            kept.append((quad, score))
    return sorted(kept, key=lambda line: (float(line[0][:, 1].min()), float(line[0][:, 0].min())))


def _lies_in(quad: NDArray[np.float32], other: NDArray[np.float32]) -> bool:
    low, high = quad.min(axis=0), quad.max(axis=0)
    shared = np.minimum(high, other.max(axis=0)) - np.maximum(low, other.min(axis=0))
    height, other_height = (float(np.ptp(each[:, 1])) for each in (quad, other))
    inside = float(np.prod(np.clip(shared, 0, None))) > 0.8 * float(np.prod(high - low))
    return inside and height > 0.6 * other_height
