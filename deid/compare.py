"""What differs between an original and what was written of it, frame by frame, inside the boxes and elsewhere.

Frames whose stored bytes are equal are equal, so only those that changed are looked into: in the frequency domain where
they were changed there, else decoded, one at a time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from pydicom import Dataset

import deid.quiet  # noqa: F401
from deid.codecs import dct
from deid.codecs.raw import StoredFrames, decoder_name, is_same, stored_frames
from deid.codecs.regions import boxes_by_frame
from deid.codecs.unseen import is_plain
from deid.values import Box, Region


@dataclass(frozen=True, slots=True)
class Difference:
    """Counts over all frames, in stored pixels; a colour pixel counts once."""

    inside: int
    """Pixels in the boxes whose value changed; those of changed blocks where JPEG was edited in its own domain."""
    elsewhere: int
    """Pixels outside every box whose value changed, `halo` not counted."""
    boxes: int
    halo: int = 0
    """Pixels beside boxes whose colour a decoder may smooth over the edge, though nothing stored there changed."""
    changed_frames: tuple[int, ...] = field(default=(), repr=False)
    """Frames with a pixel changed outside the boxes."""
    uneven_frames: tuple[int, ...] = field(default=(), repr=False)
    """Frames with a box that is not of one colour."""
    plain_frames: frozenset[int] = field(default=frozenset(), repr=False)
    """Frames whose coded data, written again from its blocks, proved to hold nothing else; others were not asked."""
    decoder: str = ""
    """What decoded both."""


@dataclass(frozen=True, slots=True)
class _Frame:
    inside: int
    elsewhere: int
    is_flat: bool
    halo: int = 0
    is_plain: bool = False


def compare_datasets(original: Dataset, output: Dataset, regions: Sequence[Region]) -> Difference:
    """The difference between the pixels of two datasets of the same shape; `regions` are as they were overwritten.

    Raises
    ------
    PixelError
        Where the pixels of either cannot be decoded.
    """
    before, after = stored_frames(original), stored_frames(output)
    boxes = boxes_by_frame(regions, len(before))
    in_blocks = dct.handles(original) and dct.handles(output)
    look = _in_blocks if in_blocks else _in_pixels
    comparable = before.layout == after.layout
    found = {
        frame: look(before, after, frame, boxes.get(frame, ()))
        for frame in range(len(before))
        if frame in boxes or not comparable or not is_same(before.stored(frame), after.stored(frame))
    }
    return Difference(
        inside=sum(each.inside for each in found.values()),
        elsewhere=sum(each.elsewhere for each in found.values()),
        boxes=len(regions),
        halo=sum(each.halo for each in found.values()),
        changed_frames=tuple(frame for frame, each in found.items() if each.elsewhere),
        uneven_frames=tuple(frame for frame, each in found.items() if not each.is_flat),
        plain_frames=frozenset(frame for frame, each in found.items() if each.is_plain),
        decoder=dct.DECODER if in_blocks else decoder_name(before.layout.syntax),
    )


def changed_pixels(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """Where two frames of one shape differ in any sample, shape (rows, columns)."""
    changed = np.asarray(before != after)
    if before.dtype.kind == "f":
        changed &= ~(np.isnan(before) & np.isnan(after))
    return np.asarray(changed.any(axis=2) if changed.ndim == 3 else changed)


def _in_pixels(before: StoredFrames, after: StoredFrames, frame: int, boxes: Sequence[Box]) -> _Frame:
    one, two = before.decoded(frame), after.decoded(frame)
    changed = changed_pixels(one, two)
    within = _covered(changed.shape, boxes)
    inside = int(np.count_nonzero(changed & within))
    return _Frame(inside, int(np.count_nonzero(changed)) - inside, all(_is_flat(two, box) for box in boxes))


def _in_blocks(before: StoredFrames, after: StoredFrames, frame: int, boxes: Sequence[Box]) -> _Frame:
    """As `_in_pixels`, from coefficients: a block counts whole, and one outside the boxes as one pixel of the frame."""
    codestream = after.codestream(frame)
    one, parsed = dct.read_coefficients(before.codestream(frame)), dct.parse(codestream)
    two = parsed.coefficients
    shape = before.layout.rows, before.layout.columns
    within = _covered(shape, boxes)
    inside = sum(box.area for box in boxes if dct.is_changed_inside(one, two, box))
    inside = min(inside, int(np.count_nonzero(within)))
    same = dct.is_same_outside(one, two, boxes)
    halo = int(np.count_nonzero(_grown(within) & ~within)) if inside and dct.is_shared_changed(one, two) else 0
    return _Frame(inside, int(not same), dct.is_flat_inside(two, boxes), halo, is_plain(codestream, parsed))


def _covered(shape: tuple[int, ...], boxes: Sequence[Box]) -> np.ndarray:
    within = np.zeros(shape[:2], bool)
    for box in boxes:
        within[box.top : box.bottom, box.left : box.right] = True
    return within


def _grown(within: np.ndarray) -> np.ndarray:
    """The mask and its neighbours, also across corners."""
    padded = np.pad(within, 1)
    across = padded[:, :-2] | padded[:, 1:-1] | padded[:, 2:]
    return np.asarray(across[:-2] | across[1:-1] | across[2:])


def _is_flat(frame: np.ndarray, box: Box) -> bool:
    inside = frame[box.top : box.bottom, box.left : box.right]
    return bool((inside == inside[0, 0]).all())
