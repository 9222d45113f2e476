"""Native pixels: the stored bytes inside the boxes are overwritten where they stand, all others stay as they are.

Nothing is decoded and encoded again, so bits above BitsStored survive outside the boxes; inside they go too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from pydicom import Dataset
from pydicom.uid import ExplicitVRBigEndian

from deid.codecs.fill import black
from deid.codecs.raw import PixelFormat, pixel_format, raw_photometric, stored_frames
from deid.codecs.regions import boxes_by_frame, grown, replace_pixels
from deid.errors import PixelError
from deid.scratch import IN_MEMORY, Scratch, let_go
from deid.values import Box, Region

_WHOLE_BYTES = (8, 16, 32, 64)


def handles(dataset: Dataset) -> bool:
    """Whether the pixels are native, of a width and layout that can be addressed."""
    layout = pixel_format(dataset)
    if layout.syntax.is_encapsulated:
        return False
    if layout.photometric == "YBR_FULL_422":
        return layout.bits_allocated == 8 and layout.columns % 2 == 0 and layout.samples == 3
    return layout.bits_allocated in _WHOLE_BYTES or (layout.bits_allocated == 1 and layout.samples == 1)


def overwrite(
    dataset: Dataset, regions: Sequence[Region], scratch: Scratch = IN_MEMORY
) -> tuple[Dataset, tuple[Region, ...]]:
    """A new dataset in which the regions are black, and the regions as they were overwritten.

    Raises
    ------
    PixelError
        Where a frame cannot be read.

    """
    layout = pixel_format(dataset)
    snapped = _snapped(layout, regions)
    stored = scratch.copy(dataset[layout.keyword].value)
    _overwrite_stored(stored, dataset, layout, boxes_by_frame(snapped, layout.frames))
    return replace_pixels(dataset, stored.toreadonly()), snapped


def _snapped(layout: PixelFormat, regions: Sequence[Region]) -> tuple[Region, ...]:
    """The regions grown to the pixels that share stored bytes: pairs of columns where chroma is subsampled."""
    if layout.photometric != "YBR_FULL_422":
        return tuple(regions)
    area = (layout.rows, layout.columns)
    return tuple(replace(region, box=grown(region.box, (2, 1), area)) for region in regions)


def _overwrite_stored(
    value: memoryview, dataset: Dataset, layout: PixelFormat, boxes: Mapping[int, Sequence[Box]]
) -> None:
    stored = np.frombuffer(value, np.uint8)
    if layout.is_swapped:
        _swap_pairs(stored)
    photometric = raw_photometric(dataset)
    frames = stored_frames(dataset)
    for frame, here in boxes.items():
        colour = black(dataset, layout, photometric, frames.decoded(frame))
        for box in here:
            _paint(stored, layout, frame, box, colour)
        let_go(value)
    if layout.is_swapped:
        _swap_pairs(stored)


def _swap_pairs(stored: np.ndarray) -> None:
    pairs = stored[: len(stored) // 2 * 2].reshape(-1, 2)
    pairs[:] = pairs[:, ::-1].copy()


def _paint(stored: np.ndarray, layout: PixelFormat, frame: int, box: Box, colour: np.ndarray) -> None:
    rows, columns = slice(box.top, box.bottom), slice(box.left, box.right)
    if layout.bits_allocated == 1:
        _paint_bits(stored, layout, frame, box, bool(colour[0]))
        return
    length = layout.frame_bits // 8
    frame_bytes = stored[frame * length : (frame + 1) * length]
    if len(frame_bytes) < length:
        raise PixelError(f"Frame {frame} is not complete.")
    if layout.photometric == "YBR_FULL_422":
        # Two luma samples, then the chroma that both pixels share (PS3.3 C.7.6.3.1.2).
        pairs = frame_bytes.reshape(layout.rows, layout.columns // 2, 4)
        pairs[rows, box.left // 2 : box.right // 2] = colour[[0, 0, 1, 2]]
        return
    stored_type = colour.dtype.newbyteorder(">" if layout.syntax == ExplicitVRBigEndian else "<")
    samples = colour.astype(stored_type).view(np.uint8).reshape(layout.samples, -1)
    if layout.planar:
        planes = frame_bytes.reshape(layout.samples, layout.rows, layout.columns, -1)
        planes[:, rows, columns] = samples[:, None, None, :]
    else:
        frame_bytes.reshape(layout.rows, layout.columns, layout.samples, -1)[rows, columns] = samples


def _paint_bits(stored: np.ndarray, layout: PixelFormat, frame: int, box: Box, on: bool) -> None:
    """1-bit pixels: packed from the lowest bit on, frames not aligned to bytes (PS3.5 8.1.1)."""
    rows = np.arange(box.top, box.bottom)[:, None]
    bits = (frame * layout.rows * layout.columns + rows * layout.columns + np.arange(box.left, box.right)).ravel()
    masks = (1 << (bits & 7)).astype(np.uint8)
    if on:
        np.bitwise_or.at(stored, bits >> 3, masks)
    else:
        np.bitwise_and.at(stored, bits >> 3, ~masks)
