"""What an RLE frame holds beyond its rows and columns: decoders stop where the picture is full.

References
----------
PS3.5 Annex G.

"""

from __future__ import annotations

import struct

from pydicom import Dataset
from pydicom.uid import RLELossless
from rle.rle import decode_segment

from deid.codecs.encapsulated import encapsulated
from deid.codecs.encode import encode_frame
from deid.codecs.raw import PixelFormat, stored_frames
from deid.codecs.regions import with_offset_tables

_HEADER = 64
_MOST_SEGMENTS = 15


def without_surplus(dataset: Dataset) -> Dataset:
    """The dataset, or a copy in which frames that hold more than their picture are encoded again.

    Raises
    ------
    PixelError
        Where such a frame cannot be decoded or encoded.

    """
    frames = stored_frames(dataset)
    if frames.layout.syntax != RLELossless:
        return dataset
    longer = {number for number in range(len(frames)) if _has_surplus(frames.stored(number), frames.layout)}
    if not longer:
        return dataset
    codestreams = (
        encode_frame(frames.decoded(number), frames.layout, frames.layout.photometric)
        if number in longer
        else frames.stored(number)
        for number in range(len(frames))
    )
    return with_offset_tables(dataset, encapsulated(codestreams, len(frames)), RLELossless)


def holds_surplus(dataset: Dataset) -> bool:
    """Whether an RLE frame holds more than its picture."""
    frames = stored_frames(dataset)
    if frames.layout.syntax != RLELossless:
        return False
    return any(_has_surplus(frames.stored(number), frames.layout) for number in range(len(frames)))


def _has_surplus(codestream: bytes | memoryview, layout: PixelFormat) -> bool:
    if len(codestream) < _HEADER:
        return True
    count, *offsets = struct.unpack("<16L", codestream[:_HEADER])
    if not 1 <= count <= _MOST_SEGMENTS or offsets[0] != _HEADER:
        return True
    ends = [*offsets[1:count], len(codestream)]
    pixels = layout.rows * layout.columns
    return any(_is_longer(bytes(codestream[first:end]), pixels) for first, end in zip(offsets, ends, strict=False))


def _is_longer(segment: bytes, pixels: int) -> bool:
    """Whether a segment gives more than one byte a pixel; zeros that pad it to an even length may be read as a run."""
    try:
        return any(decode_segment(segment)[pixels:])
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException:  # it ends within a run, or its decoder, which is written in Rust, has panicked
        return True
