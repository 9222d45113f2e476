"""Grounds for made-up cases: anatomy of the modality, levels 0 to 255."""

from __future__ import annotations

import cv2
import numpy as np

from deid.demo.radiographs import breast, chest, hand
from deid.demo.shapes import Plane, cloud, grain
from deid.demo.slices import abdomen, brain, head, knee
from deid.demo.ultrasound import Fan, carotid, fan_picture, foetus, liver, straight_picture

_LARGEST_DRAWN_PX = 512
"""Anatomy is drawn at this size and scaled, which is quicker."""


def ground(modality: str, rng: np.random.Generator, size: tuple[int, int]) -> Plane:
    """A ground of `size` (rows, columns)."""
    scale = min(1.0, _LARGEST_DRAWN_PX / max(size))
    drawn_at = max(round(size[0] * scale), 64), max(round(size[1] * scale), 64)
    plane = _drawn(modality, rng, drawn_at)
    low, high = float(plane.min()), float(np.percentile(plane, 99.8))
    levels = np.clip((plane - low) / max(high - low, 1e-6), 0, 1) * 235
    scaled = cv2.resize(levels.astype(np.float32), (size[1], size[0]), interpolation=cv2.INTER_CUBIC)
    return np.asarray(np.clip(scaled + 2.5 * grain(rng, size), 0, 255), np.float32)


def _drawn(modality: str, rng: np.random.Generator, size: tuple[int, int]) -> Plane:
    if modality == "US":
        scene = (liver, carotid, foetus)[int(rng.integers(3))](rng)
        if rng.random() < 0.3:
            return straight_picture(scene, rng, size).astype(np.float32)
        fan = Fan((-0.05 * size[0], size[1] / 2), 0.15 * size[0], 0.95 * size[0], 38)
        return fan_picture(scene, rng, size, fan).astype(np.float32)
    if modality == "XA":
        vessels = np.abs(cloud(rng, size, 3, 3))
        return np.asarray(0.55 + 0.2 * cloud(rng, size, 2, 4) - 0.35 * (vessels < 0.07), np.float32)
    painters = {"CT": (abdomen, head), "MR": (brain, knee), "CR": (chest, hand), "DX": (chest, hand), "MG": (breast,)}
    chosen = painters[modality]
    return chosen[int(rng.integers(len(chosen)))](rng, size)
