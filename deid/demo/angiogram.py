"""A made-up angiogram: a coronary tree that fills with contrast; vessels dark."""

from __future__ import annotations

import numpy as np

from deid.demo.shapes import Plane, Size, cloud, ellipse, grain, grid, sample, smooth, stroke


def coronary_frames(rng: np.random.Generator, size: Size, count: int) -> tuple[Plane, ...]:
    """A left coronary tree that fills with contrast and drains, while the heart beats; vessels dark."""
    y, x = grid(size)
    ground = (
        0.66
        + 0.035 * cloud(rng, size, 3)
        + 0.10 * (x - 0.5)
        - 0.16 * ellipse(size, (1.02, 0.62), (0.38, 0.75), -12, 0.06)
    )
    for top in np.linspace(0.04, 0.95, 6):
        ground = ground - 0.035 * stroke(
            size, [(top, -0.05), (top + 0.10, 0.4), (top + 0.30, 1.05)], size[0] * 0.030, 5
        )
    for level in np.linspace(0.02, 1.0, 7):
        ground = ground - 0.03 * ellipse(size, (float(level), 0.10), (0.06, 0.09), 0, 0.03)
    tree = _tree(rng)
    catheter = [(-0.05, 0.40), (0.08, 0.30), (0.20, 0.235), (0.275, 0.25), (0.30, 0.30)]
    frames = []
    for number in range(count):
        front, tail = 1.7 * number / (count * 0.62), 1.9 * (number - count * 0.66) / (count * 0.5)
        dye = np.zeros(size, np.float32)
        for course, width, reached in tree:
            if reached < front:
                fade = np.clip(1 - max(tail - reached * 0.5, 0), 0, 1)
                shown = course[: max(2, round(len(course) * min(1, (front - reached) / 0.35)))]
                dye = np.maximum(
                    dye, fade * min(1.0, 0.35 + width / 9) * stroke(size, shown, width * size[0] / 512, 0.9)
                )
        beat = 0.012 * np.sin(2 * np.pi * number / 7)
        moved_y = (y + beat * np.sin(3 * x + 1) * (y > 0.2) - 0.5 * beat) * size[0] - 0.5
        moved_x = (x + 0.8 * beat * np.cos(2.5 * y)) * size[1] - 0.5
        dye = sample(dye, np.asarray(moved_y, np.float32), np.asarray(moved_x, np.float32))
        picture = ground * (1 - 0.72 * dye) * (1 - 0.35 * stroke(size, catheter, size[0] * 0.011, 0.8))
        frames.append(np.asarray(np.clip(picture + 0.020 * grain(rng, size, 0.6), 0, 1), np.float32))
    return tuple(frames)


def _tree(rng: np.random.Generator) -> list[tuple[list[tuple[float, float]], float, float]]:
    """Vessels as (course, width in pixels at 512 rows, distance of their start from the catheter)."""
    main = [(0.30, 0.30), (0.315, 0.36), (0.32, 0.42)]
    anterior = [(0.32, 0.42), (0.34, 0.52), (0.42, 0.63), (0.54, 0.70), (0.68, 0.73), (0.80, 0.71)]
    circumflex = [(0.32, 0.42), (0.40, 0.44), (0.50, 0.43), (0.60, 0.38), (0.68, 0.34)]
    vessels: list[tuple[list[tuple[float, float]], float, float]] = [(_fine(main), 9.0, 0.0)]
    for trunk, sign, base in ((anterior, 1.0, 0.12), (circumflex, -1.0, 0.12)):
        fine = _fine(trunk)
        third = len(fine) // 3
        for part, width in ((fine[: third + 1], 7.0), (fine[third : 2 * third + 1], 5.5), (fine[2 * third :], 3.5)):
            vessels.append((part, width, base + 0.35 * (7.0 - width) / 3.5))
        for at in np.linspace(0.22, 0.88, 6):
            start = fine[int(at * (len(fine) - 1))]
            for side in (sign, -sign):
                branch = [start]
                along = fine[min(int(at * (len(fine) - 1)) + 2, len(fine) - 1)]
                heading = np.arctan2(along[1] - start[1], along[0] - start[0]) + side * np.deg2rad(rng.uniform(28, 55))
                for _ in range(5 if side == sign else 2):
                    step = rng.uniform(0.035, 0.06)
                    heading += rng.normal(0, 0.16) - side * 0.12
                    branch.append(
                        (branch[-1][0] + step * float(np.cos(heading)), branch[-1][1] + step * float(np.sin(heading)))
                    )
                vessels.append((_fine(branch), float(rng.uniform(1.6, 3.2)), base + 0.15 + 0.45 * float(at)))
    return vessels


def _fine(course: list[tuple[float, float]]) -> list[tuple[float, float]]:
    return [(float(y), float(x)) for y, x in smooth(course, steps=6)]
