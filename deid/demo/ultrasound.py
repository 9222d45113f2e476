"""Made-up ultrasound: tissue seen through speckle, in a fan or below a straight probe."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from deid.demo.shapes import Plane, Size, blur, cloud, ellipse, grain, grid, polygon, radius, sample, stroke, to_byte

_SCENE: Size = (640, 640)


@dataclass(frozen=True, slots=True)
class Fan:
    """Where a curved probe's picture lies: the apex in pixels, radii in pixels, half the opening in degrees."""

    apex: tuple[float, float]
    near: float
    far: float
    half_angle: float


def liver(rng: np.random.Generator) -> Plane:
    """Echo strength of a liver with gallbladder, vessels, diaphragm and the kidney below."""
    echo = 0.34 + 0.03 * cloud(rng, _SCENE, 6)
    for centre, radii, turn in (
        ((0.30, 0.34), (0.018, 0.05), 20.0),
        ((0.42, 0.56), (0.025, 0.075), -25.0),
        ((0.55, 0.40), (0.016, 0.045), 50.0),
        ((0.25, 0.62), (0.013, 0.03), 5.0),
        ((0.62, 0.30), (0.012, 0.03), -60.0),
    ):
        rim = ellipse(_SCENE, centre, (radii[0] + 0.008, radii[1] + 0.008), turn)
        echo = echo + 0.25 * rim * (1 - echo)
        echo = echo * (1 - 0.93 * ellipse(_SCENE, centre, radii, turn))
    echo = echo + 0.18 * polygon(_SCENE, [(0.55, 0.70), (0.52, 0.85), (0.95, 0.98), (0.97, 0.78)], 14)
    bladder = ellipse(_SCENE, (0.46, 0.74), (0.065, 0.13), 28)
    echo = echo + 0.35 * (ellipse(_SCENE, (0.46, 0.74), (0.078, 0.143), 28) - bladder)
    echo = echo * (1 - 0.97 * bladder)
    kidney = ellipse(_SCENE, (0.72, 0.66), (0.10, 0.20), -8)
    echo = echo * (1 - 0.45 * kidney) + 0.45 * ellipse(_SCENE, (0.72, 0.66), (0.035, 0.12), -8, 0.03)
    edge = stroke(_SCENE, [(0.52, 0.02), (0.68, 0.12), (0.80, 0.28), (0.86, 0.46), (0.95, 0.62)], 9, 2)
    beyond = polygon(_SCENE, [(0.55, 0.0), (0.72, 0.12), (0.84, 0.28), (0.90, 0.46), (1.0, 0.64), (1.0, 0.0)], 3)
    return np.asarray(np.maximum(echo * (1 - 0.55 * beyond), 0.95 * edge), np.float32)


def heart(rng: np.random.Generator, phase: float) -> Plane:
    """Echo strength of the four chambers from the apex; `phase` 0 to 1 is the place in the beat, 0 filled."""
    beat = 0.5 - 0.5 * np.cos(2 * np.pi * phase)
    echo = 0.30 + 0.04 * cloud(rng, _SCENE, 7)
    outer = ellipse(_SCENE, (0.50, 0.50), (0.37, 0.27), 0, 0.05)
    echo = echo * (1 - outer) + outer * (0.44 + 0.04 * cloud(rng, _SCENE, 10))
    shrink = float(1 - 0.16 * beat)
    for centre, radii, turn in (
        ((0.36, 0.595), (0.20 * shrink, 0.085 * shrink), -7.0),
        ((0.38, 0.400), (0.17 * shrink, 0.070 * shrink), 8.0),
        ((0.695, 0.60), (0.095 / shrink**0.4, 0.082 / shrink**0.4), 0.0),
        ((0.695, 0.40), (0.095 / shrink**0.4, 0.080 / shrink**0.4), 0.0),
    ):
        echo = echo * (1 - 0.96 * ellipse(_SCENE, centre, radii, turn, 0.015))
    swing = float(0.055 * (1 - beat))
    for hinge, middle in (((0.575, 0.69), 0.60), ((0.575, 0.51), 0.60), ((0.575, 0.49), 0.40), ((0.575, 0.315), 0.40)):
        tip = (0.575 - swing * 1.1, middle + (hinge[1] - middle) * (0.10 + 0.5 * (1 - float(beat))))
        echo = np.maximum(
            echo, 0.85 * stroke(_SCENE, [hinge, (0.57 - swing / 3, (hinge[1] + tip[1]) / 2), tip], 4, 1.2)
        )
    rim = np.exp(-((radius(_SCENE, (0.50, 0.50), (0.375, 0.275)) - 1) ** 2) / 0.0006)
    return np.asarray(np.maximum(echo, 0.7 * rim), np.float32)


def foetus(rng: np.random.Generator) -> Plane:
    """Echo strength of a foetal head in its fluid, cut at the height of the thalami."""
    echo = 0.5 + 0.06 * cloud(rng, _SCENE, 6)
    echo = echo * (1 - 0.95 * ellipse(_SCENE, (0.50, 0.50), (0.34, 0.42), 6, 0.03))
    head, turn = (0.53, 0.48), 4.0
    inside = ellipse(_SCENE, head, (0.22, 0.29), turn)
    echo = echo * (1 - inside) + inside * (0.22 + 0.035 * cloud(rng, _SCENE, 14))
    for offset in (-0.035, 0.035):
        echo = echo * (1 - 0.5 * ellipse(_SCENE, (0.53 + offset, 0.52), (0.028, 0.05), turn, 0.02))
        echo = echo * (
            1 - 0.85 * ellipse(_SCENE, (0.53 + offset * 1.6, 0.36), (0.016, 0.05), turn + 300 * offset, 0.01)
        )
    echo = np.maximum(echo, 0.6 * stroke(_SCENE, [(0.512, 0.22), (0.525, 0.40)], 3, 1.5))
    echo = np.maximum(echo, 0.5 * stroke(_SCENE, [(0.537, 0.62), (0.55, 0.75)], 3, 1.5))
    skull = np.exp(-((radius(_SCENE, head, (0.23, 0.30), turn) - 1) ** 2) / 0.0012)
    strength = 0.45 + 0.55 * np.abs(grid(_SCENE)[0] - 0.53) / 0.23
    echo = np.maximum(echo, skull * np.clip(strength, 0, 1))
    return np.asarray(echo, np.float32)


def carotid(rng: np.random.Generator) -> Plane:
    """Echo strength of a neck artery along its course, its walls as two bright pairs of lines."""
    y, x = grid(_SCENE)
    course = 0.52 + 0.03 * np.sin(3 * x + 0.6)
    half = 0.105 + 0.02 * np.clip(x - 0.6, 0, 1)
    inside = 1 / (1 + np.exp((np.abs(y - course) - half) / 0.006))
    layers = 0.5 + 0.08 * cloud(rng, (640, 640), 3) + 0.15 * np.sin(60 * y + 4 * cloud(rng, _SCENE, 2, 2)) * (y < 0.36)
    echo = layers * (1 - 0.95 * inside)
    for side in (-1, 1):
        for distance, strength in ((0.004, 0.85), (0.022, 0.75)):
            echo = np.maximum(echo, strength * np.exp(-((y - course - side * (half + distance)) ** 2) / 2.5e-5))
    plaque = ellipse(_SCENE, (0.60, 0.70), (0.022, 0.10), 3, 0.02)
    return np.asarray(np.maximum(echo, 0.65 * plaque), np.float32)


def fan_picture(scene: Plane, rng: np.random.Generator, size: Size, fan: Fan, gain: float = 1.0) -> NDArray[np.uint8]:
    """The scene through a curved probe: grey levels of the whole screen, black outside of the fan."""
    depths, lines = 480, 256
    depth, angle = np.meshgrid(
        np.linspace(fan.near, fan.far, depths), np.deg2rad(np.linspace(-1, 1, lines) * fan.half_angle), indexing="ij"
    )
    reach = fan.far - fan.near * np.cos(np.deg2rad(fan.half_angle))
    scene_y = (depth * np.cos(angle) - fan.near * np.cos(np.deg2rad(fan.half_angle))) / reach * (_SCENE[0] - 1)
    half_width = fan.far * np.sin(np.deg2rad(fan.half_angle))
    scene_x = (depth * np.sin(angle) / half_width * 0.5 + 0.5) * (_SCENE[1] - 1)
    echo = sample(scene, scene_y.astype(np.float32), scene_x.astype(np.float32))
    lit = _speckled(echo, rng, gain)
    rows, columns = size
    y, x = np.mgrid[0:rows, 0:columns].astype(np.float32)
    dy, dx = y - fan.apex[0], x - fan.apex[1]
    along = (np.hypot(dy, dx) - fan.near) / (fan.far - fan.near) * (depths - 1)
    across = (np.rad2deg(np.arctan2(dx, dy)) / fan.half_angle * 0.5 + 0.5) * (lines - 1)
    return to_byte(sample(lit, np.asarray(along, np.float32), np.asarray(across, np.float32)))


def straight_picture(scene: Plane, rng: np.random.Generator, size: Size, gain: float = 1.0) -> NDArray[np.uint8]:
    """The scene below a straight probe, filling `size`."""
    echo = np.asarray(cv2.resize(scene, (256, 480), interpolation=cv2.INTER_AREA), np.float32)
    lit = _speckled(echo, rng, gain)
    return to_byte(np.asarray(cv2.resize(lit, (size[1], size[0]), interpolation=cv2.INTER_CUBIC), np.float32))


def _speckled(echo: Plane, rng: np.random.Generator, gain: float) -> Plane:
    """Log-compressed magnitude of scattered sound: what makes an ultrasound look like one."""
    depths, lines = echo.shape
    real, imaginary = (cv2.GaussianBlur(grain(rng, (depths, lines)), (0, 0), sigmaX=1.0, sigmaY=0.8) for _ in range(2))
    magnitude = np.hypot(real, imaginary)
    magnitude = magnitude / magnitude.mean()
    fade = np.linspace(1.0, 0.72, depths, dtype=np.float32)[:, None]
    level = gain * fade * echo * (0.35 + 0.65 * magnitude)
    pressed = np.log1p(14 * np.clip(level, 0, None)) / np.log1p(14.0)
    return np.asarray(np.clip(1.25 * blur(pressed.astype(np.float32), 0.6) - 0.22, 0, 1), np.float32)
