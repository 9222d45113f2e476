"""The ground that text stands on: evened out under a picture, and carried on around it."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

PADDING_PX = 20
"""Readers lose text that touches the border, so the picture is read with its ground carried on around it."""
BORDER_SIGMA_PX = 12.0
"""Wider than the strokes of letters that the border cuts."""
GROUND_SHARE = 1 / 40
"""The ground behind text is taken to be what a blur of this share of the picture's longer side leaves."""
INK_PERCENTILE = 99.8
GROUND_STEPS = 4
"""The blur is made of a picture in which it is this many pixels wide."""
SAMPLED_PIXELS = 400_000
"""Percentiles are taken of about this many pixels, or of all where there are fewer."""

Picture = NDArray[np.uint8]


def even_ground(picture: Picture) -> Picture:
    """Text on an even grey ground, light text made dark; colour becomes its brightest sample.

    A detector that misses light letters on anatomy often finds them so, and the other way round.
    """
    grey = (picture.max(axis=2) if picture.ndim == 3 else picture).astype(np.float32)
    ink = grey - _ground(grey)
    strength = max(float(np.percentile(np.abs(sampled(ink)), INK_PERCENTILE)), 1.0)
    return np.asarray(np.clip(128 - ink * (127 / strength), 0, 255), np.uint8)


def _ground(grey: NDArray[np.float32]) -> NDArray[np.float32]:
    """What a wide blur leaves, made of a smaller picture: it looks the same and takes a tenth of the time."""
    sigma = max(max(grey.shape) * GROUND_SHARE, 1.0)
    step = max(int(sigma / GROUND_STEPS), 1)
    size = max(grey.shape[1] // step, 1), max(grey.shape[0] // step, 1)
    small = cv2.resize(grey, size, interpolation=cv2.INTER_AREA)
    smooth = cv2.GaussianBlur(small, (0, 0), sigma / step)
    return np.asarray(cv2.resize(smooth, grey.shape[::-1], interpolation=cv2.INTER_LINEAR), np.float32)


def bordered(picture: Picture) -> Picture:
    """The picture with PADDING_PX around it of the ground that its edge lies on.

    The edge's own pixels would carry on the strokes of letters that the border cuts, and no detector finds those.
    """
    widths = [(PADDING_PX, PADDING_PX)] * 2 + [(0, 0)] * (picture.ndim - 2)
    padded = np.pad(picture, widths, mode="edge")
    near, deep = PADDING_PX, 4 * PADDING_PX
    for turn in range(4):
        side = np.rot90(padded, turn)  # a view: what is written into it stands in `padded`
        side[:near] = cv2.GaussianBlur(np.ascontiguousarray(side[:deep]), (0, 0), BORDER_SIGMA_PX)[:near]
    return padded


def sampled(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Values of a grid over the picture, enough to tell what share of all lies below a level."""
    step = max(int((values.size / SAMPLED_PIXELS) ** 0.5), 1)
    return values[::step, ::step]
