"""How many pixels of a written file differ from the original, inside the boxes and elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO

import numpy as np
from pydicom import Dataset, dcmread

from deid.codecs.raw import iter_raw_frames, pixel_format
from deid.codecs.regions import boxes_by_frame
from deid.values import Region


@dataclass(frozen=True, slots=True)
class Difference:
    """Counts over all frames, in stored pixels; a colour pixel counts once."""

    inside: int
    """Pixels in the boxes whose value changed."""
    elsewhere: int
    """Pixels outside every box whose value changed."""
    boxes: int


def compare_written(original: Dataset, written: bytes, regions: Sequence[Region]) -> Difference:
    """The difference between a dataset and the bytes that were written of it, read again.

    Raises
    ------
    PixelError
        Where the pixels of either cannot be decoded.
    """
    boxes = boxes_by_frame(regions, pixel_format(original).frames)
    frames = zip(iter_raw_frames(original), iter_raw_frames(dcmread(BytesIO(written))), strict=True)
    inside = elsewhere = 0
    for number, (before, after) in enumerate(frames):
        changed = before != after
        if before.dtype.kind == "f":
            changed &= ~(np.isnan(before) & np.isnan(after))
        changed = changed.any(axis=2) if changed.ndim == 3 else changed
        within = np.zeros(changed.shape, bool)
        for box in boxes.get(number, ()):
            within[box.top : box.bottom, box.left : box.right] = True
        inside += int(np.count_nonzero(changed & within))
        elsewhere += int(np.count_nonzero(changed & ~within))
    return Difference(inside, elsewhere, len(regions))
