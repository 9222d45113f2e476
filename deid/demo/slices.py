"""Made-up slices: CT in Hounsfield units, MR in arbitrary ones."""

from __future__ import annotations

import numpy as np

from deid.demo.shapes import Plane, Size, blur, cloud, ellipse, grain, polygon, radius, stroke, warp

AIR_HU = -1000.0


def abdomen(rng: np.random.Generator, size: Size) -> Plane:
    """CT of the upper abdomen with contrast, in Hounsfield units."""
    centre = (0.50, 0.50)
    hu = np.full(size, AIR_HU, np.float32)
    hu = _lay(hu, stroke(size, [(0.86, 0.06), (0.91, 0.28), (0.925, 0.5), (0.91, 0.72), (0.86, 0.94)], 5, 0.8), -250)
    hu = _lay(hu, ellipse(size, centre, (0.345, 0.44)), -105)
    hu = _lay(hu, ellipse(size, centre, (0.315, 0.405), 0, 0.02), 52)
    hu = _lay(hu, ellipse(size, (0.485, 0.50), (0.275, 0.365), 0, 0.015), -95)
    for mirror in (-1, 1):
        for angle in (15, 40, 66, 95, 122):
            turn = np.deg2rad(angle)
            at = (0.485 - 0.292 * float(np.cos(turn)), 0.5 + mirror * 0.382 * float(np.sin(turn)))
            hu = _lay(hu, ellipse(size, at, (0.011, 0.024), mirror * (angle - 8), 0.008), 380)
        hu = _lay(hu, ellipse(size, (0.735, 0.5 + mirror * 0.115), (0.058, 0.085), mirror * 8, 0.012), 58)
    liver = polygon(
        size,
        [
            (0.27, 0.56),
            (0.24, 0.36),
            (0.30, 0.20),
            (0.46, 0.145),
            (0.64, 0.17),
            (0.69, 0.26),
            (0.58, 0.36),
            (0.48, 0.44),
            (0.39, 0.55),
        ],
        2,
    )
    hu = _lay(hu, liver, 112 + 5 * cloud(rng, size, 14, 3))
    for course, width in (
        ([(0.55, 0.30), (0.46, 0.30), (0.38, 0.25)], 8),
        ([(0.46, 0.30), (0.37, 0.38), (0.31, 0.42)], 6),
        ([(0.58, 0.22), (0.50, 0.20)], 5),
    ):
        hu = _lay(hu, liver * stroke(size, course, width, 1.6), 172)
    hu = _lay(hu, ellipse(size, (0.42, 0.46), (0.040, 0.055), 25, 0.01), 12)
    stomach = polygon(size, [(0.26, 0.58), (0.24, 0.70), (0.32, 0.80), (0.45, 0.80), (0.44, 0.68), (0.36, 0.60)], 2)
    hu = _lay(hu, stomach, 60)
    hu = _lay(hu, polygon(size, [(0.28, 0.60), (0.262, 0.70), (0.325, 0.775), (0.325, 0.64)], 1.5), -900)
    hu = _lay(hu, polygon(size, [(0.33, 0.62), (0.33, 0.775), (0.43, 0.775), (0.42, 0.69)], 1.5), 22)
    spleen = polygon(size, [(0.42, 0.84), (0.55, 0.865), (0.66, 0.80), (0.64, 0.74), (0.53, 0.80)], 2)
    hu = _lay(hu, spleen, 128 + 5 * cloud(rng, size, 14, 3))
    for mirror, level in ((-1, 0.655), (1, 0.635)):
        at = (level, 0.5 + mirror * 0.20)
        hu = _lay(hu, ellipse(size, at, (0.066, 0.050), mirror * 20, 0.012), 195)
        hu = _lay(hu, ellipse(size, (at[0], at[1] - mirror * 0.012), (0.030, 0.022), mirror * 20, 0.02), 20)
    hu = _lay(
        hu,
        stroke(size, [(0.47, 0.46), (0.45, 0.54), (0.47, 0.64), (0.50, 0.72)], 20, 4),
        88 + 18 * cloud(rng, size, 24, 2),
    )
    hu = _lay(hu, ellipse(size, (0.555, 0.525), (0.028, 0.028), 0, 0.008), 270)
    hu = _lay(hu, ellipse(size, (0.54, 0.445), (0.026, 0.036), 0, 0.01), 150)
    body = ellipse(size, (0.635, 0.50), (0.060, 0.072), 0, 0.01)
    hu = _lay(hu, body, 205 + 35 * cloud(rng, size, 40, 2))
    hu = _lay(hu, np.exp(-((radius(size, (0.635, 0.50), (0.058, 0.070)) - 1) ** 2) / 0.004), 480)
    hu = _lay(hu, ellipse(size, (0.722, 0.50), (0.024, 0.028), 0, 0.01), 30)
    for course in (
        [(0.70, 0.465), (0.735, 0.44), (0.745, 0.40)],
        [(0.70, 0.535), (0.735, 0.56), (0.745, 0.60)],
        [(0.745, 0.47), (0.765, 0.5), (0.745, 0.53)],
        [(0.765, 0.5), (0.825, 0.5)],
    ):
        hu = _lay(hu, stroke(size, course, 9, 1.2), 430)
    return np.asarray(blur(warp(hu, rng, 2.2), 0.8) + 11 * grain(rng, size, 0.8), np.float32)


def head(rng: np.random.Generator, size: Size) -> Plane:
    """CT of the head at the height of the ventricles, in Hounsfield units."""
    centre = (0.49, 0.50)
    hu = np.full(size, AIR_HU, np.float32)
    hu = _lay(hu, stroke(size, [(0.70, 0.15), (0.90, 0.27), (0.955, 0.5), (0.90, 0.73), (0.70, 0.85)], 6, 0.8), -400)
    hu = _lay(hu, ellipse(size, centre, (0.425, 0.345)), 45)
    hu = _lay(hu, ellipse(size, centre, (0.405, 0.325), 0, 0.012), 1150)
    hu = _lay(hu, ellipse(size, centre, (0.395, 0.315), 0, 0.008), 750 + 90 * cloud(rng, size, 40, 2))
    hu = _lay(hu, ellipse(size, centre, (0.380, 0.300), 0, 0.008), 1200)
    inside = ellipse(size, centre, (0.370, 0.290), 0, 0.008)
    depth = 1 - radius(size, centre, (0.370, 0.290))
    fold = np.abs(cloud(rng, size, 9, 3))
    cortex = np.exp(-(depth**2) / 0.02)
    brain = (
        29
        + 9 * cortex
        + 2.0 * cloud(rng, size, 8, 3)
        - 30 * np.exp(-((fold / 0.11) ** 2)) * np.exp(-((depth / 0.10) ** 2))
    )
    hu = _lay(hu, inside, brain)
    for mirror in (-1, 1):
        hu = _lay(
            hu,
            polygon(
                size,
                [
                    (0.335, 0.5 + mirror * 0.055),
                    (0.36, 0.5 + mirror * 0.020),
                    (0.46, 0.5 + mirror * 0.014),
                    (0.45, 0.5 + mirror * 0.035),
                    (0.39, 0.5 + mirror * 0.060),
                ],
                1.6,
            ),
            5,
        )
        hu = _lay(
            hu,
            polygon(
                size,
                [
                    (0.56, 0.5 + mirror * 0.045),
                    (0.64, 0.5 + mirror * 0.085),
                    (0.70, 0.5 + mirror * 0.080),
                    (0.66, 0.5 + mirror * 0.060),
                    (0.58, 0.5 + mirror * 0.030),
                ],
                1.6,
            ),
            6,
        )
        hu = _lay(hu, 0.6 * ellipse(size, (0.49, 0.5 + mirror * 0.065), (0.060, 0.030), -mirror * 14, 0.02), 41)
        hu = _lay(hu, ellipse(size, (0.66, 0.5 + mirror * 0.070), (0.007, 0.005), 0, 0.005), 130)
    for course in ([(0.125, 0.5), (0.30, 0.5)], [(0.70, 0.5), (0.855, 0.5)]):
        hu = _lay(hu, stroke(size, course, 3, 0.9), 58)
    hu = _lay(hu, ellipse(size, (0.50, 0.5), (0.028, 0.006), 0, 0.008), 6)
    hu = _lay(hu, ellipse(size, (0.45, 0.665), (0.045, 0.030), 20, 0.02), 68)
    return np.asarray(blur(warp(hu, rng, 1.6), 0.8) + 2.6 * grain(rng, size, 0.9), np.float32)


def brain(rng: np.random.Generator, size: Size) -> Plane:
    """MR of the brain, T2-weighted: fluid bright, white matter dark; 0 to 1."""
    centre = (0.50, 0.50)
    picture = np.zeros(size, np.float32)
    picture = _lay(picture, ellipse(size, centre, (0.430, 0.350), 0, 0.012), 0.55)
    picture = _lay(picture, ellipse(size, centre, (0.412, 0.332), 0, 0.010), 0.07)
    inside = ellipse(size, centre, (0.385, 0.305), 0, 0.012)
    depth = 1 - radius(size, centre, (0.385, 0.305))
    ridge = np.abs(cloud(rng, size, 22, 2, 0.35))
    picture = _lay(picture, inside, 0.92)
    grey = np.clip((ridge - 0.14) / 0.12, 0, 1) * np.clip((depth - 0.012) / 0.02, 0, 1)
    outer = np.maximum(grey, np.clip((depth - 0.16 + 0.05 * cloud(rng, size, 12, 2)) / 0.05, 0, 1))
    picture = _lay(picture, inside * outer, 0.50 + 0.02 * cloud(rng, size, 30, 2))
    white = np.clip((ridge - 0.75) / 0.2, 0, 1) * np.clip((depth - 0.06) / 0.05, 0, 1)
    white = np.maximum(white, np.clip((depth - 0.26 + 0.05 * cloud(rng, size, 9, 2)) / 0.07, 0, 1))
    picture = _lay(picture, inside * white, 0.31 + 0.015 * cloud(rng, size, 20, 2))
    for mirror in (-1, 1):
        picture = _lay(picture, ellipse(size, (0.47, 0.5 + mirror * 0.085), (0.085, 0.045), -mirror * 16, 0.02), 0.46)
        picture = _lay(picture, ellipse(size, (0.485, 0.5 + mirror * 0.105), (0.075, 0.020), -mirror * 20, 0.015), 0.29)
        picture = _lay(
            picture,
            polygon(
                size,
                [
                    (0.325, 0.5 + mirror * 0.068),
                    (0.345, 0.5 + mirror * 0.022),
                    (0.47, 0.5 + mirror * 0.012),
                    (0.45, 0.5 + mirror * 0.038),
                    (0.385, 0.5 + mirror * 0.066),
                ],
                1.6,
            ),
            1.0,
        )
        picture = _lay(
            picture,
            polygon(
                size,
                [
                    (0.565, 0.5 + mirror * 0.045),
                    (0.65, 0.5 + mirror * 0.095),
                    (0.715, 0.5 + mirror * 0.085),
                    (0.67, 0.5 + mirror * 0.062),
                    (0.59, 0.5 + mirror * 0.025),
                ],
                1.6,
            ),
            1.0,
        )
    for course in ([(0.115, 0.5), (0.31, 0.5)], [(0.70, 0.5), (0.885, 0.5)]):
        picture = _lay(picture, stroke(size, course, 4, 1.0), 0.9)
    return np.asarray(
        np.clip(blur(warp(picture, rng, 2.0), 0.7), 0, 1) + 0.018 * np.abs(grain(rng, size, 0.5)), np.float32
    )


def knee(rng: np.random.Generator, size: Size) -> Plane:
    """MR of a knee from the side, T1-weighted: fat and marrow bright, ligaments and cortex dark; 0 to 1."""
    picture = np.zeros(size, np.float32)
    leg = polygon(
        size,
        [
            (-0.1, 0.24),
            (0.18, 0.22),
            (0.36, 0.13),
            (0.48, 0.13),
            (0.62, 0.22),
            (0.80, 0.27),
            (1.1, 0.28),
            (1.1, 0.84),
            (0.80, 0.86),
            (0.58, 0.80),
            (0.40, 0.83),
            (-0.1, 0.80),
        ],
        3,
    )
    picture = _lay(picture, leg, 0.80 + 0.03 * cloud(rng, size, 12))
    muscle = polygon(
        size,
        [
            (-0.1, 0.30),
            (0.18, 0.30),
            (0.24, 0.40),
            (0.30, 0.66),
            (0.52, 0.70),
            (0.62, 0.66),
            (1.1, 0.62),
            (1.1, 0.78),
            (0.80, 0.80),
            (0.58, 0.75),
            (0.40, 0.77),
            (-0.1, 0.74),
        ],
        4,
    )
    fibres = (
        0.33
        + 0.05 * cloud(rng, size, 8, 4)
        + 0.04 * np.sin(70 * np.linspace(0, 1, size[1], dtype=np.float32) + 2 * cloud(rng, size, 3, 2))
    )
    picture = _lay(picture, muscle, fibres)
    femur = [
        (-0.1, 0.40),
        (0.20, 0.41),
        (0.30, 0.34),
        (0.42, 0.31),
        (0.505, 0.36),
        (0.525, 0.47),
        (0.505, 0.60),
        (0.42, 0.68),
        (0.32, 0.65),
        (0.22, 0.60),
        (-0.1, 0.58),
    ]
    tibia = [
        (0.565, 0.33),
        (0.555, 0.48),
        (0.565, 0.66),
        (0.62, 0.67),
        (0.70, 0.62),
        (1.1, 0.57),
        (1.1, 0.37),
        (0.74, 0.38),
        (0.66, 0.33),
    ]
    patella = [(0.25, 0.20), (0.31, 0.165), (0.41, 0.18), (0.435, 0.225), (0.39, 0.265), (0.29, 0.26)]
    for outline in (femur, tibia, patella):
        shape = polygon(size, outline, 1.2)
        picture = _lay(picture, np.clip(blur(shape, 3.5) * 3.5, 0, 1) * leg, 0.46)
        picture = _lay(picture, shape, 0.06)
        marrow = np.clip((blur(shape, 2.5) - 0.80) * 6, 0, 1)
        picture = _lay(picture, marrow, 0.84 + 0.035 * cloud(rng, size, 22, 3))
    for course, width in (
        ([(-0.1, 0.27), (0.15, 0.26), (0.26, 0.215)], 9.0),
        ([(0.425, 0.205), (0.56, 0.245), (0.69, 0.325)], 9.0),
        ([(0.465, 0.585), (0.52, 0.52), (0.562, 0.45)], 6.0),
        ([(0.50, 0.50), (0.535, 0.60), (0.585, 0.665)], 7.0),
    ):
        picture = _lay(picture, stroke(size, course, width, 1.2), 0.08)
    for wedge in ([(0.528, 0.335), (0.552, 0.335), (0.540, 0.40)], [(0.525, 0.655), (0.556, 0.655), (0.540, 0.585)]):
        picture = _lay(picture, polygon(size, wedge, 1.0), 0.07)
    picture = _lay(picture, stroke(size, [(-0.1, 0.685), (0.30, 0.725), (0.60, 0.715), (1.1, 0.665)], 10, 1.0), 0.10)
    return np.asarray(
        np.clip(blur(warp(picture, rng, 2.5), 0.8), 0, 1) + 0.016 * np.abs(grain(rng, size, 0.5)), np.float32
    )


def _lay(under: Plane, cover: Plane, value: float | Plane) -> Plane:
    """`value` laid over the plane where `cover` is 1."""
    return np.asarray(under * (1 - cover) + cover * value, np.float32)
