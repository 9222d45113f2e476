"""Faint letters on the speckle of an ultrasound, as the readers are shown them."""

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from deid.bench.scenes import ground
from deid.grounds import bordered, even_ground


def faint_name(seed: int, apart: tuple[int, int]) -> np.ndarray:
    """A name so many grey levels brighter than its ground, low to high; on an even ground, three samples a pixel."""
    rng = np.random.default_rng(seed)
    levels = ground("US", rng, (300, 400))
    image = Image.fromarray(np.clip(levels, 0, 255).astype(np.uint8))
    top, left = int(rng.integers(90, 200)), int(rng.integers(120, 200))
    shade = int(np.median(levels[top : top + 16, left : left + 90]) + rng.integers(*apart))
    ImageDraw.Draw(image).text((left, top), "Westerberg", min(shade, 255), ImageFont.load_default(size=14))
    return np.repeat(even_ground(bordered(np.asarray(image)))[..., None], 3, axis=2)
