"""Lettering by its level: what a console writes has one level, and grain, organs and noise have many.

On speckle a detector of text sees grey letters badly or not at all. Where one level is far more common than the levels
beside it, the pixels that hold it are shown alone: the letters stand on an empty ground.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from deid.values import Box

BLOCK_PX = 32
"""Levels are counted in windows of three by three blocks, which hold a word or two."""
SURE, FEWEST = 6.0, 24
"""A level stands out by so many deviations of its count and so many pixels."""
TIMES = 1.8
"""And is so many times as common as any of the levels near it: the levels of an organ are a broad hill."""
SPREAD = 40
"""In a window of fewer levels than this the detector sees letters by itself."""
EDGE = 3
"""So many levels at either end hold what the picture clips."""
EDGE_LEVELS = 10.0
"""How quickly a pixel beside a stroke fades with its difference to the stroke's level: letters have soft edges."""
FEWEST_LEFT = 60
"""Fewer pixels than this outside of the known words are no word."""
THICKEST = 6.0
"""Pixels to an edge, of which a stroke has two: a disc of one level is no letter."""
KNOWN_PX = 3
"""Strokes reach this far out of their word's box."""
SPECK_PX, FEWEST_BESIDE = 5, 2
"""Grain that happens to have the level lies alone: strokes hold so many pixels in a square of this side."""
DOTS_SIGMA_PX = 0.7
"""Letters of dots hold together when they are softened so."""
_NEAR = (2, 3, 4)

Picture = NDArray[np.uint8]


def lettering(picture: Picture, known: Sequence[Box]) -> Picture | None:
    """The strokes of one level outside of `known`, dark on white, shape (rows, columns); None where there are none.

    `picture`, of shape (rows, columns) or (rows, columns, 3), is no view that changes levels from place to place.
    """
    grey = picture if picture.ndim == 2 else np.asarray(picture.max(axis=2), np.uint8)
    rows, columns = grey.shape
    down, across = np.arange(rows)[:, None] // BLOCK_PX, np.arange(columns)[None] // BLOCK_PX
    stands_out = _levels(grey, down, across)
    if not stands_out.any():
        return None
    strokes = stands_out[down, across, grey]
    beside = cv2.boxFilter(strokes.astype(np.uint8), cv2.CV_16S, (SPECK_PX, SPECK_PX), normalize=False)
    strokes &= beside >= FEWEST_BESIDE
    left = strokes.copy()
    for box in known:
        top, start = max(box.top - KNOWN_PX, 0), max(box.left - KNOWN_PX, 0)
        left[top : box.bottom + KNOWN_PX, start : box.right + KNOWN_PX] = False
    size, edges = np.count_nonzero(left), np.count_nonzero(left[:, 1:] != left[:, :-1])
    if size < FEWEST_LEFT or size > THICKEST * edges:
        return None
    level = np.where(strokes, grey, stands_out.argmax(axis=2).astype(np.uint8)[down, across]).astype(np.float32)
    shade = np.exp(np.abs(grey - level) / -EDGE_LEVELS)
    shade[cv2.dilate(left.astype(np.uint8), np.ones((3, 3), np.uint8)) == 0] = 0
    joined = cv2.GaussianBlur(255 * (1 - shade), (0, 0), DOTS_SIGMA_PX)
    return np.asarray(np.rint(joined), np.uint8)


def _levels(grey: Picture, down: NDArray[np.intp], across: NDArray[np.intp]) -> NDArray[np.bool_]:
    """Which levels stand out around each block, shape (blocks down, blocks across, 256)."""
    shape = int(down[-1, 0]) + 1, int(across[0, -1]) + 1, 256
    places = (down * shape[1] + across) * 256 + grey
    counts = np.bincount(places.ravel(), minlength=shape[0] * shape[1] * 256).reshape(shape).astype(np.float32)
    whole = counts.sum(axis=(0, 1))
    padded = np.pad(counts, ((1, 1), (1, 1), (0, 0)))
    window = sum(
        padded[row : row + shape[0], column : column + shape[1]] for row in range(3) for column in range(3)
    ) + np.zeros(shape, np.float32)
    # A stretched picture leaves out levels: what is common everywhere for that does not stand out anywhere.
    usual = np.maximum(whole / np.maximum(_most_near(whole), 1), 1)
    expected = _most_near(window) * usual
    found = (window - expected > np.maximum(SURE * np.sqrt(expected + 4), FEWEST)) & (window > TIMES * expected)
    found &= ((window > 0).sum(axis=2) > SPREAD)[..., None]
    found[..., :EDGE] = found[..., -EDGE:] = False
    return np.asarray(found)


def _most_near(counts: NDArray[np.float32]) -> NDArray[np.float32]:
    """The highest count among the levels a little below and above each."""
    moved = [np.roll(counts, step, axis=-1) for near in _NEAR for step in (near, -near)]
    return np.asarray(np.max(moved, axis=0), np.float32)
