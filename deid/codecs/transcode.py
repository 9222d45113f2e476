"""Lossy codestreams: every frame is decoded as stored and written without loss; pixels outside the boxes stay equal.

The header keeps saying that the image was compressed with loss once, how and how much (PS3.3 C.7.6.1.1.5).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
from pydicom import DataElement, Dataset
from pydicom.tag import Tag
from pydicom.uid import (
    UID,
    ExplicitVRLittleEndian,
    JPEGLSLossless,
    RLELossless,
)

from deid.codecs.encapsulated import encapsulated
from deid.codecs.encode import encode_frame
from deid.codecs.fill import black
from deid.codecs.loss import remember_loss
from deid.codecs.raw import PixelFormat, iter_raw_frames, pixel_format, raw_photometric
from deid.codecs.regions import boxes_by_frame, painted, with_offset_tables
from deid.errors import PixelError
from deid.scratch import IN_MEMORY, Content, Scratch, content
from deid.values import Region

_TARGETS = (JPEGLSLossless, RLELossless)


def handles(dataset: Dataset) -> bool:
    """Whether the pixels are encapsulated; what cannot be decoded fails in `overwrite`."""
    return pixel_format(dataset).syntax.is_encapsulated


def overwrite(
    dataset: Dataset, regions: Sequence[Region], scratch: Scratch = IN_MEMORY
) -> tuple[Dataset, tuple[Region, ...]]:
    """A new dataset in JPEG-LS lossless (RLE or native where that fails) in which the regions are black, and these.

    Raises
    ------
    PixelError
        Where a frame cannot be decoded.

    """
    layout = replace(pixel_format(dataset), photometric=raw_photometric(dataset), planar=0)
    if layout.photometric == "YBR_FULL_422":
        # Decoding has repeated the chroma.
        layout = replace(layout, photometric="YBR_FULL")
    for syntax in _TARGETS:
        try:
            codestreams = (
                encode_frame(frame, replace(layout, syntax=syntax), layout.photometric)
                for frame in _covered_frames(dataset, layout, regions)
            )
            pixels = encapsulated(codestreams, layout.frames, scratch, layout.native_bytes)
        except PixelError:
            continue
        return _described(dataset, layout, pixels, syntax), tuple(regions)
    file = scratch.file(layout.native_bytes)
    for frame in _covered_frames(dataset, layout, regions):
        file.write(frame.tobytes())
    file.write(b"\0" * (file.tell() % 2))
    return _described(dataset, layout, (content(file), None, None), ExplicitVRLittleEndian), tuple(regions)


def _covered_frames(dataset: Dataset, layout: PixelFormat, regions: Sequence[Region]) -> Iterator[np.ndarray]:
    boxes = boxes_by_frame(regions, layout.frames)
    for number, frame in enumerate(iter_raw_frames(dataset)):
        here = boxes.get(number, ())
        yield painted(frame, here, black(dataset, layout, layout.photometric, frame)) if here else frame


def _described(
    dataset: Dataset, layout: PixelFormat, pixels: tuple[Content, bytes | None, bytes | None], syntax: UID
) -> Dataset:
    """The new dataset with a truthful Image Pixel module and a memory of the loss."""
    copy = with_offset_tables(dataset, pixels, syntax)
    copy.add(DataElement(Tag("PhotometricInterpretation"), "CS", layout.photometric))
    copy.add(DataElement(Tag("BitsAllocated"), "US", layout.bits_allocated))
    copy.add(DataElement(Tag("BitsStored"), "US", layout.bits_stored))
    copy.add(DataElement(Tag("HighBit"), "US", layout.bits_stored - 1))
    if layout.samples > 1:
        copy.add(DataElement(Tag("PlanarConfiguration"), "US", 0))
    remember_loss(dataset, copy)
    return copy
