"""Lines of text cut from a picture and stacked on one sheet, for readers that find lines badly but read them well.

A sheet costs one call of the reader, however many lines it holds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from deid.values import Box, Word

LINE_HEIGHT_PX = 44
"""Strips are scaled to this height, which suits readers trained on print."""
MARGIN_PX = 4
GAP_PX = 22
LARGEST_SCALE = 4.0

Picture = NDArray[np.uint8]


class _Reader(Protocol):
    def read(self, picture: Picture) -> tuple[Word, ...]: ...


@dataclass(frozen=True, slots=True, eq=False)
class Strip:
    """One line: dark on white, upright, and where it came from."""

    pixels: Picture
    box: Box
    """In the picture."""
    scale: float
    turns: int
    """Counter-clockwise quarter turns that made it upright."""
    line: int


def cut_strips(picture: Picture, words: Sequence[Word]) -> tuple[Strip, ...]:
    """One strip for each line of `words`."""
    lines: dict[int, list[Word]] = {}
    for word in words:
        lines.setdefault(word.line, []).append(word)
    return tuple(_cut(picture, each) for each in lines.values())


def _cut(picture: Picture, words: Sequence[Word]) -> Strip:
    left = max(min(word.box.left for word in words) - MARGIN_PX, 0)
    top = max(min(word.box.top for word in words) - MARGIN_PX, 0)
    right = min(max(word.box.right for word in words) + MARGIN_PX, picture.shape[1])
    bottom = min(max(word.box.bottom for word in words) + MARGIN_PX, picture.shape[0])
    part = picture[top:bottom, left:right]
    grey = part.max(axis=2) if part.ndim == 3 else part
    turns = _turns(words)
    grey = np.rot90(grey, turns)
    scale = min(LINE_HEIGHT_PX / grey.shape[0], LARGEST_SCALE)
    size = max(round(grey.shape[1] * scale), 1), max(round(grey.shape[0] * scale), 1)
    scaled = cv2.resize(np.ascontiguousarray(grey), size, interpolation=cv2.INTER_CUBIC).astype(np.float32)
    low, high = float(scaled.min()), float(scaled.max())
    stretched = (scaled - low) * (255 / max(high - low, 1.0))
    if np.median(stretched) < 128:
        stretched = 255 - stretched
    return Strip(stretched.astype(np.uint8), Box.from_edges(left, top, right, bottom), scale, turns, words[0].line)


def _turns(words: Sequence[Word]) -> int:
    if not words[0].vertical:
        return 0
    return 1 if words[-1].box.top >= words[0].box.top else -1


def words_of_strips(strips: Sequence[Strip], reader: _Reader) -> tuple[Word, ...]:
    """What the reader sees in the strips, in the coordinates of the picture that they were cut from."""
    width = max(strip.pixels.shape[1] for strip in strips) + 2 * GAP_PX
    tops = []
    height = GAP_PX
    for strip in strips:
        tops.append(height)
        height += strip.pixels.shape[0] + GAP_PX
    sheet = np.full((height, width), 255, np.uint8)
    for strip, top in zip(strips, tops, strict=True):
        sheet[top : top + strip.pixels.shape[0], GAP_PX : GAP_PX + strip.pixels.shape[1]] = strip.pixels
    words = []
    for word in reader.read(sheet):
        middle = (word.box.top + word.box.bottom) / 2
        for strip, top in zip(strips, tops, strict=True):
            if top - GAP_PX / 2 <= middle < top + strip.pixels.shape[0] + GAP_PX / 2:
                box = _back(word.box, strip, top)
                if box is not None:
                    words.append(replace(word, box=box, line=strip.line, vertical=strip.turns != 0))
                break
    return tuple(words)


def _back(box: Box, strip: Strip, top: int) -> Box | None:
    """A box on the sheet, in the picture."""
    rows, columns = strip.pixels.shape
    left, right = (min(max(each - GAP_PX, 0), columns) / strip.scale for each in (box.left, box.right))
    upper, lower = (min(max(each - top, 0), rows) / strip.scale for each in (box.top, box.bottom))
    if strip.turns == 1:
        left, right, upper, lower = strip.box.width - lower, strip.box.width - upper, left, right
    elif strip.turns == -1:
        left, right, upper, lower = upper, lower, strip.box.height - right, strip.box.height - left
    edges = (
        strip.box.left + max(int(left), 0),
        strip.box.top + max(int(upper), 0),
        min(strip.box.left + int(np.ceil(right)), strip.box.right),
        min(strip.box.top + int(np.ceil(lower)), strip.box.bottom),
    )
    if edges[2] <= edges[0] or edges[3] <= edges[1]:
        return None
    return Box.from_edges(*edges)
