"""What stands on screens and is no text: rulers, curves, frames, callipers, wedges of grey, rings."""

from __future__ import annotations

import random

import cv2
import numpy as np
from numpy.typing import NDArray

Plane = NDArray[np.float32]


def clutter(levels: Plane, rng: random.Random) -> None:
    """Draws one to three of them into a picture of levels 0 to 255, all as bright as each other."""
    colour = rng.uniform(90, 255)
    for _ in range(rng.randint(1, 3)):
        rng.choice((_ruler, _curve, _frame, _callipers, _wedge, _ring))(levels, rng, colour)


def _ruler(levels: Plane, rng: random.Random, colour: float) -> None:
    rows, columns = levels.shape
    at, step, length = rng.randint(2, columns - 14), rng.choice((6, 8, 10, 15, 20)), rng.randint(3, 10)
    for number, row in enumerate(range(rng.randint(0, 60), rows, step)):
        cv2.line(levels, (at, row), (at + length * (1 + (number % 5 == 0)), row), colour, 1)


def _curve(levels: Plane, rng: random.Random, colour: float) -> None:
    rows, columns = levels.shape
    across = np.arange(0, columns, 2)
    height = rng.uniform(3, 25)
    wave = np.sin(across / rng.uniform(3, 30)) + (np.sin(across / rng.uniform(5, 12)) > 0.97) * rng.uniform(1, 4)
    points = np.stack([across, rng.uniform(0.1, 0.95) * rows - height * wave], 1).astype(np.int32)
    cv2.polylines(levels, [points], False, colour, 1, cv2.LINE_AA)


def _frame(levels: Plane, rng: random.Random, colour: float) -> None:
    rows, columns = levels.shape
    left, top = rng.randint(0, columns - 40), rng.randint(0, rows - 40)
    corner = left + rng.randint(20, columns), top + rng.randint(20, rows)
    cv2.rectangle(levels, (left, top), corner, colour, rng.choice((1, 1, 2)))


def _callipers(levels: Plane, rng: random.Random, colour: float) -> None:
    rows, columns = levels.shape
    ends = [(rng.randint(0, columns), rng.randint(0, rows)) for _ in range(2)]
    for x, y in ends:
        arm = rng.randint(3, 7)
        cv2.line(levels, (x - arm, y), (x + arm, y), colour, 1)
        cv2.line(levels, (x, y - arm), (x, y + arm), colour, 1)
    (left, top), (right, bottom) = ends
    for share in np.arange(0, 1, rng.uniform(0.02, 0.08)):
        dot = round(left + share * (right - left)), round(top + share * (bottom - top))
        cv2.circle(levels, dot, 1, colour, -1)


def _wedge(levels: Plane, rng: random.Random, _colour: float) -> None:
    rows, columns = levels.shape
    left, top = rng.randint(0, columns - 30), rng.randint(0, rows // 2)
    wedge = np.linspace(255, 0, rng.randint(60, rows // 2), dtype=np.float32)[:, None]
    levels[top : top + len(wedge), left : left + rng.randint(6, 24)] = wedge


def _ring(levels: Plane, rng: random.Random, colour: float) -> None:
    rows, columns = levels.shape
    cv2.circle(levels, (rng.randint(0, columns), rng.randint(0, rows)), rng.randint(4, 80), colour, 1, cv2.LINE_AA)
