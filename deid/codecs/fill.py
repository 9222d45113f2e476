"""The stored value that looks black, for every photometric interpretation and sign."""

from __future__ import annotations

import numpy as np
from pydicom import Dataset
from pydicom.pixels.processing import apply_color_lut

from deid.codecs.raw import PixelFormat


def black(dataset: Dataset, layout: PixelFormat, photometric: str, frame: np.ndarray) -> np.ndarray:
    """The samples of a black pixel, shape (samples,), in the type of `frame`.

    `frame` is as stored (`raw_frame`) and `photometric` says what it holds. Where 0 is not black (signed and float
    images, MONOCHROME1) it is the darkest value that stands in the frame: the ends of the type, or a padding value that
    no pixel has, would leave only a few greys to the image in a picture scaled to the whole range of values.

    References
    ----------
    PS3.3 C.7.6.3.1.2 for photometric interpretations.

    """
    if photometric.startswith("YBR"):
        middle = 1 << (layout.bits_stored - 1)
        return np.array([0, middle, middle], frame.dtype)
    if photometric.startswith("PALETTE"):
        return np.array([_darkest_index(dataset, layout)], frame.dtype)
    if layout.samples > 1:
        return np.zeros(layout.samples, frame.dtype)
    inverted = photometric == "MONOCHROME1"
    if not (inverted or layout.signed or layout.is_float):
        return np.zeros(1, frame.dtype)
    finite = frame[np.isfinite(frame)] if layout.is_float else frame
    if not finite.size:
        return np.zeros(1, frame.dtype)
    return np.array([finite.max() if inverted else finite.min()], frame.dtype)


def _darkest_index(dataset: Dataset, layout: PixelFormat) -> int:
    """The palette index with the least luminance, among those that the descriptor maps."""
    try:
        entries, first = (int(value) for value in dataset.RedPaletteColorLookupTableDescriptor[:2])
        last = min(first + (entries or 1 << 16), 1 << layout.bits_stored)
        indices = np.arange(max(first, 0), last, dtype=np.uint16)
        colours = apply_color_lut(indices, dataset).astype(np.float64)
    except Exception:  # a palette that cannot be read shows nothing, so any index will do
        return 0
    luminance = colours[:, :3] @ np.array([0.299, 0.587, 0.114])
    return int(indices[int(luminance.argmin())])
