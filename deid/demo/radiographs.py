"""Made-up films of a chest, a hand and a breast; bright where few rays came through."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from deid.demo.shapes import Plane, Size, blur, cloud, ellipse, grain, grid, polygon, stroke


def chest(rng: np.random.Generator, size: Size) -> Plane:
    """A chest from the front, lungs dark."""
    _, x = grid(size)
    body = polygon(
        size,
        [
            (-0.1, 0.36),
            (0.10, 0.33),
            (0.20, 0.10),
            (0.36, 0.02),
            (1.1, 0.05),
            (1.1, 0.95),
            (0.36, 0.98),
            (0.20, 0.90),
            (0.10, 0.67),
            (-0.1, 0.64),
        ],
        9,
    )
    picture = body * (0.60 + 0.04 * cloud(rng, size, 3) + 0.12 * np.abs(x - 0.5))
    right = polygon(
        size,
        [
            (0.13, 0.36),
            (0.20, 0.22),
            (0.45, 0.13),
            (0.74, 0.12),
            (0.80, 0.16),
            (0.72, 0.28),
            (0.71, 0.40),
            (0.55, 0.42),
            (0.30, 0.44),
        ],
        7,
    )
    left = polygon(
        size,
        [
            (0.13, 0.64),
            (0.20, 0.78),
            (0.45, 0.87),
            (0.77, 0.88),
            (0.83, 0.84),
            (0.76, 0.74),
            (0.74, 0.70),
            (0.55, 0.62),
            (0.30, 0.56),
        ],
        7,
    )
    lungs = np.maximum(right, left)
    picture = picture - lungs * (0.40 + 0.02 * cloud(rng, size, 10))
    picture = picture + lungs * _lung_vessels(rng, size)
    heart = polygon(
        size,
        [
            (0.36, 0.47),
            (0.50, 0.41),
            (0.68, 0.40),
            (0.76, 0.48),
            (0.76, 0.66),
            (0.68, 0.72),
            (0.52, 0.62),
            (0.36, 0.56),
        ],
        8,
    )
    picture = np.maximum(picture, heart * 0.66)
    picture = np.maximum(
        picture, 0.60 * polygon(size, [(0.22, 0.50), (0.24, 0.585), (0.30, 0.60), (0.38, 0.58), (0.38, 0.49)], 6)
    )
    picture = picture - 0.10 * polygon(size, [(0.0, 0.485), (0.25, 0.485), (0.25, 0.525), (0.0, 0.525)], 5)
    for level in np.linspace(0.10, 0.92, 15):
        picture = picture + 0.045 * ellipse(size, (float(level), 0.5), (0.019, 0.034), 0, 0.012)
    return np.asarray(np.clip(picture + _ribs(size, body), 0, 1) + 0.012 * grain(rng, size, 0.7), np.float32)


def _lung_vessels(rng: np.random.Generator, size: Size) -> Plane:
    """Branching shadows around each hilum."""
    total = np.zeros(size, np.float32)
    for hilum, side in (((0.46, 0.40), -1), ((0.45, 0.61), 1)):
        total = np.maximum(total, 0.16 * ellipse(size, hilum, (0.055, 0.028), 12 * side, 0.03))
        for angle in np.linspace(-1.25, 1.35, 9):
            reach = rng.uniform(0.13, 0.24)
            bend = rng.uniform(-0.03, 0.03)
            end = (hilum[0] + reach * np.sin(angle), hilum[1] + side * reach * np.cos(angle))
            middle = ((hilum[0] + end[0]) / 2 + bend, (hilum[1] + end[1]) / 2)
            total = np.maximum(total, 0.09 * stroke(size, [hilum, middle, end], size[1] * 0.006, 2.5))
            fork = (end[0] + rng.uniform(-0.05, 0.05), end[1] + side * 0.04)
            total = np.maximum(total, 0.06 * stroke(size, [middle, fork], size[1] * 0.003, 2))
    return total


def _ribs(size: Size, body: Plane) -> Plane:
    """Ten pairs of ribs and the two clavicles as faint bands with denser rims."""
    total = np.zeros(size, np.float32)
    width = size[0] * 0.020
    for number in range(10):
        top = 0.10 + 0.066 * number
        spread = 0.24 + 0.15 * np.sin(min(number, 6) / 6 * np.pi / 2)
        for side in (-1, 1):
            back = [
                (top, 0.5 + side * 0.045),
                (top - 0.012, 0.5 + side * spread * 0.45),
                (top + 0.04, 0.5 + side * spread * 0.9),
                (top + 0.105, 0.5 + side * spread),
            ]
            front = [
                (top + 0.105, 0.5 + side * spread),
                (top + 0.165, 0.5 + side * spread * 0.86),
                (top + 0.20, 0.5 + side * spread * 0.55),
            ]
            for course, strength in ((back, 0.085), (front, 0.045)):
                wide, narrow = stroke(size, course, width, 2), stroke(size, course, width * 0.55, 2)
                total += strength * (wide - 0.45 * narrow)
    for side in (-1, 1):
        course = [
            (0.175, 0.5 + side * 0.04),
            (0.150, 0.5 + side * 0.15),
            (0.115, 0.5 + side * 0.26),
            (0.105, 0.5 + side * 0.34),
        ]
        total += 0.12 * (stroke(size, course, width * 1.15, 2) - 0.4 * stroke(size, course, width * 0.6, 2))
    return np.asarray(total * body, np.float32)


def hand(rng: np.random.Generator, size: Size) -> Plane:
    """A left hand from behind, bones bright in soft tissue."""
    tissue, bones = np.zeros(size, np.float32), np.zeros(size, np.float32)
    unit = size[0]
    fingers = (
        ((0.60, 0.30), (0.49, 0.20), (0.40, 0.13), (0.345, 0.095), 0.030),
        ((0.555, 0.42), (0.36, 0.37), (0.22, 0.345), (0.12, 0.33), 0.027),
        ((0.55, 0.50), (0.34, 0.50), (0.19, 0.50), (0.095, 0.50), 0.028),
        ((0.56, 0.575), (0.37, 0.62), (0.22, 0.65), (0.115, 0.67), 0.026),
        ((0.58, 0.64), (0.43, 0.73), (0.32, 0.785), (0.235, 0.82), 0.023),
    )
    wrist = (0.80, 0.50)
    for *joints, thick in fingers:
        start = (wrist[0] - 0.075, wrist[1] + (joints[0][1] - 0.5) * 0.62)
        chain = [start, *joints]
        tissue = np.maximum(tissue, stroke(size, [joints[0], *joints[1:]], thick * 2.7 * unit, 10))
        if joints[0][1] == 0.30:
            chain = [(0.735, 0.385), (0.60, 0.27), (0.48, 0.175), (0.39, 0.12)]
        for near, far in pairwise(chain):
            bones = np.maximum(bones, _bone(size, near, far, thick * unit))
        tip = chain[-1]
        lead = (tip[0] - chain[-2][0], tip[1] - chain[-2][1])
        length = np.hypot(*lead)
        far = (tip[0] + lead[0] / length * 0.05, tip[1] + lead[1] / length * 0.05)
        bones = np.maximum(bones, _bone(size, tip, far, thick * 0.8 * unit))
        tissue = np.maximum(tissue, stroke(size, [chain[-2], tip, far], thick * 2.4 * unit, 10))
    palm = polygon(
        size,
        [
            (0.52, 0.38),
            (0.50, 0.52),
            (0.53, 0.66),
            (0.70, 0.68),
            (0.84, 0.63),
            (1.05, 0.62),
            (1.05, 0.37),
            (0.84, 0.36),
            (0.72, 0.30),
            (0.58, 0.26),
        ],
        9,
    )
    tissue = np.maximum(tissue, palm)
    for centre, radii in (
        ((0.752, 0.425), (0.030, 0.028)),
        ((0.748, 0.475), (0.030, 0.026)),
        ((0.742, 0.530), (0.038, 0.028)),
        ((0.748, 0.585), (0.032, 0.028)),
        ((0.802, 0.445), (0.034, 0.036)),
        ((0.806, 0.515), (0.032, 0.032)),
        ((0.800, 0.575), (0.028, 0.026)),
    ):
        shell = ellipse(size, centre, radii, 0, 0.008)
        bones = np.maximum(
            bones, 0.75 * shell + 0.2 * (shell - ellipse(size, centre, (radii[0] * 0.8, radii[1] * 0.8), 0, 0.008))
        )
    bones = np.maximum(bones, _bone(size, (0.838, 0.465), (1.16, 0.45), 0.066 * unit))
    bones = np.maximum(bones, _bone(size, (0.845, 0.572), (1.16, 0.575), 0.040 * unit))
    weave = 1 + 0.05 * cloud(rng, size, 40, 3)
    picture = 0.05 + 0.30 * blur(tissue, 4) * (1 + 0.06 * cloud(rng, size, 6)) + 0.45 * bones * weave
    return np.asarray(np.clip(picture + 0.012 * grain(rng, size, 0.7), 0, 1), np.float32)


def _bone(size: Size, near: tuple[float, float], far: tuple[float, float], thick: float) -> Plane:
    """A long bone between two joints: wide ends, a waist, a dense rim and a paler marrow."""
    near_y, near_x, far_y, far_x = near[0] * size[0], near[1] * size[1], far[0] * size[0], far[1] * size[1]
    length = float(np.hypot(far_y - near_y, far_x - near_x))
    gap = thick * 0.10
    y, x = np.mgrid[0 : size[0], 0 : size[1]].astype(np.float32)
    unit_y, unit_x = (far_y - near_y) / length, (far_x - near_x) / length
    along = (y - near_y) * unit_y + (x - near_x) * unit_x
    across = np.abs((x - near_x) * unit_y - (y - near_y) * unit_x)
    t = np.clip((along - gap) / (length - 2 * gap), 0, 1)
    half = thick * (0.40 + 0.32 * (2 * t - 1) ** 4 + 0.10 * (1 - t))
    end = np.minimum(along - gap, length - gap - along)
    rounded = np.minimum(half, np.sqrt(np.clip(end, 0, None) * thick * 0.9) + 1e-3)
    inside = 1 / (1 + np.exp(np.clip((across - rounded) / 1.2, -30, 30))) * (end > 0)
    rim = np.exp(-(((across - rounded * 0.82) / (thick * 0.13)) ** 2))
    return np.asarray(inside * (0.62 + 0.36 * rim * (0.4 + 0.6 * (1 - (2 * t - 1) ** 2))), np.float32)


def breast(rng: np.random.Generator, size: Size) -> Plane:
    """A right breast from the side, the chest wall at the right edge: glands and strands in fat, black around."""
    columns = size[1]
    outline = polygon(
        size,
        [
            (-0.05, 1.1),
            (-0.05, 0.62),
            (0.12, 0.50),
            (0.34, 0.27),
            (0.53, 0.15),
            (0.66, 0.17),
            (0.80, 0.36),
            (0.92, 0.66),
            (1.02, 0.80),
            (1.05, 1.1),
        ],
        6,
    )
    inner = polygon(
        size,
        [(-0.05, 1.1), (0.05, 0.68), (0.36, 0.34), (0.54, 0.22), (0.65, 0.24), (0.78, 0.42), (0.88, 0.70), (1.05, 1.1)],
        columns * 0.03,
    )
    muscle = polygon(size, [(-0.1, 0.66), (0.10, 0.74), (0.36, 0.88), (0.60, 1.02), (0.6, 1.2), (-0.1, 1.2)], 8)
    gland = polygon(
        size,
        [
            (0.28, 0.62),
            (0.36, 0.40),
            (0.50, 0.27),
            (0.62, 0.28),
            (0.70, 0.45),
            (0.70, 0.68),
            (0.55, 0.80),
            (0.38, 0.80),
        ],
        columns * 0.05,
    )
    lumps = np.clip(0.5 + 0.38 * cloud(rng, size, 7, 6, 0.62), 0, 1.2)
    strands = np.zeros(size, np.float32)
    for _ in range(90):
        start = (0.58 + rng.normal(0, 0.02), 0.20 + abs(rng.normal(0, 0.02)))
        end = (rng.uniform(0.12, 0.92), rng.uniform(0.5, 1.0))
        middle = ((start[0] + end[0]) / 2 + rng.normal(0, 0.05), (start[1] + end[1]) / 2 + rng.normal(0, 0.03))
        strands = np.maximum(
            strands, rng.uniform(0.03, 0.13) * stroke(size, [start, middle, end], rng.uniform(1, 3.2), 1.2)
        )
    picture = outline * (0.17 + 0.10 * inner) + inner * (0.05 * cloud(rng, size, 12, 5, 0.6) + strands)
    picture = picture + gland * lumps * 0.40
    picture = np.maximum(picture, muscle * outline * (0.62 + 0.03 * cloud(rng, size, 5) + 0.05 * grid(size)[1]))
    for _ in range(7):
        at = (0.52 + rng.normal(0, 0.03), 0.55 + rng.normal(0, 0.03))
        picture = np.maximum(picture, 0.95 * ellipse(size, at, (0.0016, 0.0016), 0, 0.001))
    return np.asarray(np.clip(picture + outline * 0.014 * grain(rng, size, 0.6), 0, 1), np.float32)
