"""A frame as an 8-bit picture, for readers and for people.

A picture has the size of the stored frame, so that its coordinates are stored-pixel coordinates.
"""

from __future__ import annotations

import io

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image
from pydicom import Dataset
from pydicom.multival import MultiValue
from pydicom.pixels.processing import apply_color_lut, convert_color_space

from deid.codecs.raw import frame_count, raw_frame, raw_photometric
from deid.errors import PixelError
from deid.grounds import even_ground, sampled
from deid.values import View

__all__ = ["blurred", "distinct_views", "frame_count", "render_frame", "render_stored", "to_png", "window_of"]

CLIPPED_SHARE = 0.0002
"""A window that cuts off no more than this share of the pixels hides no text."""
WIDE = 4.0
"""A window this many times as wide as what is stored leaves too few grey levels to read."""
MIDDLE_PERCENTILES = (0.5, 99.5)
BLUR_SHARE = 1 / 45
"""Of the longer side: wider than any letter's strokes, in the largest text that devices burn in too."""

Picture = NDArray[np.uint8]


def render_frame(dataset: Dataset, frame: int, view: View = View.WINDOW) -> Picture:
    """One frame as uint8, shape (rows, columns) for grey or (rows, columns, 3) for colour (RGB).

    Raises
    ------
    PixelError
        Where the frame cannot be decoded.
    """
    return render_stored(dataset, raw_frame(dataset, frame), view)


def render_stored(dataset: Dataset, stored: NDArray[np.generic], view: View) -> Picture:
    """The picture of a frame that `raw_frame` has decoded."""
    if stored.ndim == 3:
        picture = _colour(dataset, stored)
    elif str(dataset.get("PhotometricInterpretation", "")).startswith("PALETTE"):
        picture = _palette(dataset, stored)
    else:
        picture = _grey(dataset, stored, view)
    return even_ground(picture) if view is View.LOCAL else picture


def distinct_views(dataset: Dataset, stored: NDArray[np.generic]) -> dict[View, Picture]:
    """The header's window, the full stored range, what most pixels hold: as many as it takes to see all text.

    And always the last one, on an even ground: there the detector finds small and faint letters that it misses else.

    References
    ----------
    PS3.3 C.11.2 (VOI window); a stale window hides text that viewers with another window show.
    """
    if stored.ndim == 3 or str(dataset.get("PhotometricInterpretation", "")).startswith("PALETTE"):
        shown = render_stored(dataset, stored, View.WINDOW)
        return {View.WINDOW: shown, View.LOCAL: even_ground(shown)}
    values = np.nan_to_num(stored.astype(np.float32), posinf=0, neginf=0)
    low, high = window_of(dataset, values)
    smallest, largest = float(values.min()), float(values.max())
    clips = float(np.mean((values < low) | (values > high))) > CLIPPED_SHARE
    views = []
    if clips or high - low <= WIDE * (largest - smallest):
        views.append(View.WINDOW)
    if clips or not views:
        views.append(View.FULL)
    first, last = np.percentile(sampled(values), MIDDLE_PERCENTILES)
    if first < last and WIDE * (last - first) < min(high - low, largest - smallest):
        views.append(View.MIDDLE)
    return {view: render_stored(dataset, stored, view) for view in (*views, View.LOCAL)}


def blurred(picture: Picture) -> Picture:
    """The picture with no text left that could be read: shapes can still be told apart."""
    return np.asarray(cv2.GaussianBlur(picture, (0, 0), max(max(picture.shape[:2]) * BLUR_SHARE, 4.0)), np.uint8)


def to_png(picture: Picture) -> bytes:
    """The picture as a PNG file."""
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()


def _grey(dataset: Dataset, stored: NDArray[np.generic], view: View) -> Picture:
    values = np.nan_to_num(stored.astype(np.float32), posinf=0, neginf=0)
    low, high = float(values.min()), float(values.max())
    if view is View.WINDOW:
        low, high = window_of(dataset, values)
    elif view is View.MIDDLE:
        low, high = (float(each) for each in np.percentile(sampled(values), MIDDLE_PERCENTILES))
    scaled = np.clip((values - low) * (255 / max(high - low, 1e-6)), 0, 255).astype(np.uint8)
    inverted = str(dataset.get("PhotometricInterpretation", "")) == "MONOCHROME1"
    return np.asarray(255 - scaled if inverted else scaled, np.uint8)


def window_of(dataset: Dataset, values: NDArray[np.float32]) -> tuple[float, float]:
    """Stored values that the header's first window maps to black and white; without one, what most pixels hold."""
    centre, width = _first(dataset, "WindowCenter"), _first(dataset, "WindowWidth")
    slope, intercept = _first(dataset, "RescaleSlope") or 1.0, _first(dataset, "RescaleIntercept") or 0.0
    if centre is not None and width is not None and width >= 1:
        return (centre - width / 2 - intercept) / slope, (centre + width / 2 - intercept) / slope
    if (_first(dataset, "BitsAllocated") or 8) <= 8:
        return 0.0, 255.0 if values.max() > 1 else 1.0
    low, high = np.percentile(sampled(values), MIDDLE_PERCENTILES)
    return float(low), float(high) if high > low else float(values.max())


def _first(dataset: Dataset, keyword: str) -> float | None:
    """The element's first number; None where there is none."""
    try:
        value = dataset.get(keyword)
        number = float(value[0] if isinstance(value, MultiValue | list) else value)
    except (TypeError, ValueError, IndexError, ArithmeticError):
        return None
    return number if np.isfinite(number) else None


def _palette(dataset: Dataset, stored: NDArray[np.generic]) -> Picture:
    try:
        coloured = apply_color_lut(stored, dataset)
    except (AttributeError, ValueError, KeyError, IndexError, NotImplementedError) as exc:
        raise PixelError("The palette colour tables cannot be applied.") from exc
    if coloured.dtype.itemsize > 1:
        # Tables of 16 bits hold 8-bit colours in either byte; the brightest entry tells which (PS3.3 C.7.6.3.1.6).
        coloured = coloured >> 8 if coloured.max() > 255 else coloured
    return np.ascontiguousarray(coloured[..., :3], np.uint8)


def _colour(dataset: Dataset, stored: NDArray[np.generic]) -> Picture:
    photometric = raw_photometric(dataset)
    if stored.dtype != np.uint8:
        stored = (stored.astype(np.float32) * (255 / max(float(stored.max()), 1.0))).astype(np.uint8)
    if photometric.startswith("YBR"):
        return np.asarray(convert_color_space(np.ascontiguousarray(stored), "YBR_FULL", "RGB"), np.uint8)
    return np.ascontiguousarray(stored[..., :3], np.uint8)
