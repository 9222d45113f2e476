"""Lossless codestreams: only frames that change are encoded again, in the same syntax; the others keep their bytes."""

from __future__ import annotations

from collections.abc import Sequence

from pydicom import Dataset

from deid.codecs.encapsulated import encapsulated
from deid.codecs.encode import LOSSLESS, encode_frame
from deid.codecs.fill import black
from deid.codecs.raw import pixel_format, raw_photometric, stored_frames
from deid.codecs.regions import boxes_by_frame, painted, with_offset_tables
from deid.scratch import IN_MEMORY, Scratch
from deid.values import Region


def handles(dataset: Dataset) -> bool:
    """Whether the transfer syntax is lossless and can be encoded here."""
    return pixel_format(dataset).syntax in LOSSLESS


def overwrite(
    dataset: Dataset, regions: Sequence[Region], scratch: Scratch = IN_MEMORY
) -> tuple[Dataset, tuple[Region, ...]]:
    """A new dataset in which the regions are black, and the regions: no pixel shares its value with a neighbour.

    Raises
    ------
    PixelError
        Where a frame cannot be decoded or encoded; the transcoder may still serve.

    """
    layout = pixel_format(dataset)
    photometric = raw_photometric(dataset)
    frames = stored_frames(dataset)
    boxes = boxes_by_frame(regions, layout.frames)

    def codestream(frame: int) -> bytes | memoryview:
        if frame not in boxes:
            return frames.stored(frame)
        pixels = frames.decoded(frame)
        covered = painted(pixels, boxes[frame], black(dataset, layout, photometric, pixels))
        return encode_frame(covered, layout, layout.photometric)

    codestreams = map(codestream, range(len(frames)))
    pixels = encapsulated(codestreams, len(frames), scratch, len(dataset.PixelData))
    return with_offset_tables(dataset, pixels, layout.syntax), tuple(regions)
