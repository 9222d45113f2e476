"""Faint letters on the speckle of an ultrasound, as the readers are shown them."""

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from deid.bench.scenes import ground
from deid.grounds import bordered, even_ground


def faint_name(seed: int, apart: tuple[int, int]) -> np.ndarray:
    """A name so many grey levels brighter than its ground, low to high; on an even ground, three samples a pixel."""
    return _drawn_on_speckle(np.random.default_rng(seed), "Westerberg", 14, apart)


def faint_block(seed: int, size_px: int) -> np.ndarray:
    """Three lines of small letters, hardly brighter than the bright specks around them."""
    text = "Anna Westerberg\nClinic of Tallinn\nID 4711-0815"
    return _drawn_on_speckle(np.random.default_rng(seed), text, size_px, (40, 70))


def _drawn_on_speckle(rng: np.random.Generator, text: str, size_px: int, apart: tuple[int, int]) -> np.ndarray:
    levels = ground("US", rng, (300, 400))
    image = Image.fromarray(np.clip(levels, 0, 255).astype(np.uint8))
    top, left = int(rng.integers(90, 200)), int(rng.integers(120, 200))
    shade = int(np.median(levels[top : top + 16, left : left + 90]) + rng.integers(*apart))
    face = ImageFont.load_default(size=size_px)
    ImageDraw.Draw(image).multiline_text((left, top), text, min(shade, 255), face, spacing=3)
    return np.repeat(even_ground(bordered(np.asarray(image)))[..., None], 3, axis=2)
