"""Brushes for made-up anatomy: soft shapes, grain and cloud in arrays of float32 (rows, columns), about 0 to 1."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

Plane = NDArray[np.float32]
Size = tuple[int, int]
"""Rows, columns."""


def grid(size: Size) -> tuple[Plane, Plane]:
    """(y, x) of each pixel's centre as parts of the height and the width, 0 to 1."""
    rows, columns = size
    y, x = np.mgrid[0:rows, 0:columns].astype(np.float32)
    return (y + 0.5) / rows, (x + 0.5) / columns


def blur(plane: Plane, sigma: float) -> Plane:
    """Gaussian blur; `sigma` in pixels."""
    return np.asarray(cv2.GaussianBlur(plane, (0, 0), sigma), np.float32)


def cloud(rng: np.random.Generator, size: Size, cells: int = 4, octaves: int = 5, fall: float = 0.5) -> Plane:
    """Smooth noise with a mean of 0 and a spread of about 1; `cells` of the coarsest octave fit across."""
    rows, columns = size
    total = np.zeros(size, np.float32)
    for octave in range(octaves):
        count = cells * 2**octave
        coarse = rng.standard_normal((max(count * rows // columns, 2) + 1, count + 1)).astype(np.float32)
        total += fall**octave * np.asarray(cv2.resize(coarse, (columns, rows), interpolation=cv2.INTER_CUBIC))
    return np.asarray((total - total.mean()) / (total.std() + 1e-6), np.float32)


def grain(rng: np.random.Generator, size: Size, sigma: float = 0.0) -> Plane:
    """Noise with a spread of 1, correlated over `sigma` pixels."""
    noise = rng.standard_normal(size).astype(np.float32)
    if sigma:
        noise = blur(noise, sigma)
        noise /= noise.std()
    return noise


def ellipse(
    size: Size, centre: tuple[float, float], radii: tuple[float, float], turn: float = 0.0, soft: float = 0.01
) -> Plane:
    """1 inside, 0 outside. `centre` (y, x) in parts of height and width, `radii` and `soft` of the height.

    `turn` is in degrees.
    """
    return np.asarray(np.clip((1 - radius(size, centre, radii, turn)) * min(radii) / soft + 0.5, 0, 1), np.float32)


def radius(size: Size, centre: tuple[float, float], radii: tuple[float, float], turn: float = 0.0) -> Plane:
    """Distance from an ellipse's centre: 1 on the ellipse itself. In parts of the height, as `ellipse`."""
    rows, columns = size
    y, x = grid(size)
    dy, dx = y - centre[0], (x - centre[1]) * columns / rows
    angle = np.deg2rad(turn)
    across, down = dx * np.cos(angle) + dy * np.sin(angle), dy * np.cos(angle) - dx * np.sin(angle)
    return np.asarray(np.hypot(across / radii[1], down / radii[0]), np.float32)


def polygon(size: Size, corners: Sequence[tuple[float, float]], soft: float = 1.0) -> Plane:
    """1 inside of the closed curve through `corners` (y, x in parts of height and width); `soft` in pixels."""
    plane = np.zeros(size, np.uint8)
    cv2.fillPoly(plane, [_points(size, smooth(corners, closed=True))], 255, cv2.LINE_AA)
    return blur(plane.astype(np.float32) / np.float32(255), soft)


def stroke(size: Size, points: Sequence[tuple[float, float]], width: float, soft: float = 0.8) -> Plane:
    """1 along the curve through `points` (y, x in parts of height and width); `width` and `soft` in pixels."""
    plane = np.zeros(size, np.uint8)
    cv2.polylines(plane, [_points(size, smooth(points))], False, 255, max(round(width), 1), cv2.LINE_AA)
    return blur(plane.astype(np.float32) / np.float32(255), soft)


def smooth(points: Sequence[tuple[float, float]], closed: bool = False, steps: int = 16) -> NDArray[np.float64]:
    """Points (y, x) of a Catmull-Rom curve through the given ones."""
    given = np.asarray(points, np.float64)
    padded = np.vstack([given[-1:], given, given[:2]] if closed else [given[:1], given, given[-1:]])
    t = np.linspace(0, 1, steps, endpoint=False)[:, None]
    parts = [
        0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * b - a - 3 * c + d) * t**3)
        for a, b, c, d in zip(padded, padded[1:], padded[2:], padded[3:], strict=False)
    ]
    return np.vstack([*parts, given[:1] if closed else given[-1:]])


def warp(plane: Plane, rng: np.random.Generator, strength: float, cells: int = 5) -> Plane:
    """The plane with its shapes bent at random; `strength` in pixels."""
    size = (plane.shape[0], plane.shape[1])
    y, x = np.mgrid[0 : size[0], 0 : size[1]].astype(np.float32)
    moved_y, moved_x = (axis + strength * cloud(rng, size, cells, 3) for axis in (y, x))
    return np.asarray(cv2.remap(plane, moved_x, moved_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE), np.float32)


def sample(plane: Plane, y: Plane, x: Plane) -> Plane:
    """The plane read at (y, x) in pixels; 0 outside."""
    return np.asarray(cv2.remap(plane, x, y, cv2.INTER_LINEAR, borderValue=0), np.float32)


def to_byte(plane: Plane) -> NDArray[np.uint8]:
    """0 to 1 as 0 to 255."""
    return np.asarray(np.clip(np.rint(plane * 255), 0, 255), np.uint8)


def _points(size: Size, curve: NDArray[np.float64]) -> NDArray[np.int32]:
    return np.rint(curve[:, ::-1] * (size[1], size[0])).astype(np.int32).reshape(-1, 1, 2)
