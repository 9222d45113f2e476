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
    HTJ2K,
    JPEG2000,
    UID,
    ExplicitVRLittleEndian,
    JPEGBaseline8Bit,
    JPEGExtended12Bit,
    JPEGLSLossless,
    JPEGLSNearLossless,
    RLELossless,
)

from deid.codecs.encode import encapsulated, encode_frame
from deid.codecs.fill import black
from deid.codecs.raw import PixelFormat, encoded_frames, pixel_format, raw_frame, raw_photometric
from deid.codecs.regions import boxes_by_frame, painted, replace_pixels
from deid.errors import PixelError
from deid.values import Box, Region

_TARGETS = (JPEGLSLossless, RLELossless)
_METHODS = {
    JPEGBaseline8Bit: "ISO_10918_1",
    JPEGExtended12Bit: "ISO_10918_1",
    JPEGLSNearLossless: "ISO_14495_1",
    JPEG2000: "ISO_15444_1",
    HTJ2K: "ISO_15444_15",
}


def handles(dataset: Dataset) -> bool:
    """Whether the pixels are encapsulated; what cannot be decoded fails in `overwrite`."""
    return pixel_format(dataset).syntax.is_encapsulated


def snap(dataset: Dataset, box: Box) -> Box:
    """The box itself: what is written afterwards is lossless."""
    return box


def overwrite(dataset: Dataset, regions: Sequence[Region]) -> Dataset:
    """A new dataset in JPEG-LS lossless (RLE or native where that fails) in which the regions are black.

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
            codestreams = [
                encode_frame(frame, replace(layout, syntax=syntax), layout.photometric)
                for frame in _covered_frames(dataset, layout, regions)
            ]
        except PixelError:
            continue
        return _described(dataset, layout, encapsulated(codestreams), syntax)
    native = b"".join(frame.tobytes() for frame in _covered_frames(dataset, layout, regions))
    return _described(dataset, layout, (native + b"\0" * (len(native) % 2), None, None), ExplicitVRLittleEndian)


def _covered_frames(dataset: Dataset, layout: PixelFormat, regions: Sequence[Region]) -> Iterator[np.ndarray]:
    boxes = boxes_by_frame(regions, layout.frames)
    for number in range(layout.frames):
        frame = raw_frame(dataset, number)
        here = boxes.get(number, ())
        yield painted(frame, here, black(dataset, layout, layout.photometric, frame)) if here else frame


def _described(
    dataset: Dataset, layout: PixelFormat, pixels: tuple[bytes, bytes | None, bytes | None], syntax: UID
) -> Dataset:
    """The new dataset with a truthful Image Pixel module and a memory of the loss."""
    value, offsets, lengths = pixels
    copy = replace_pixels(dataset, value, syntax)
    copy.add(DataElement(Tag("PhotometricInterpretation"), "CS", layout.photometric))
    copy.add(DataElement(Tag("BitsAllocated"), "US", layout.bits_allocated))
    copy.add(DataElement(Tag("BitsStored"), "US", layout.bits_stored))
    copy.add(DataElement(Tag("HighBit"), "US", layout.bits_stored - 1))
    if layout.samples > 1:
        copy.add(DataElement(Tag("PlanarConfiguration"), "US", 0))
    if offsets is not None and lengths is not None:
        copy.add(DataElement(Tag("ExtendedOffsetTable"), "OV", offsets))
        copy.add(DataElement(Tag("ExtendedOffsetTableLengths"), "OV", lengths))
    _remember_loss(dataset, copy, layout)
    return copy


def _remember_loss(dataset: Dataset, copy: Dataset, layout: PixelFormat) -> None:
    source = UID(dataset.file_meta.TransferSyntaxUID)
    if source not in _METHODS:
        return
    copy.add(DataElement(Tag("LossyImageCompression"), "CS", "01"))
    if not copy.get("LossyImageCompressionRatio"):
        compressed = sum(map(len, encoded_frames(dataset)))
        plain = layout.rows * layout.columns * layout.samples * layout.frames * -(-layout.bits_stored // 8)
        copy.add(DataElement(Tag("LossyImageCompressionRatio"), "DS", f"{plain / max(compressed, 1):.2f}"))
    if not copy.get("LossyImageCompressionMethod"):
        copy.add(DataElement(Tag("LossyImageCompressionMethod"), "CS", _METHODS[source]))
