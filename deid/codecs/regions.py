"""What the codecs share: regions sorted by frame, boxes painted into an array, and pixels put into a new dataset."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from pydicom import DataElement, Dataset
from pydicom.dataset import FileMetaDataset
from pydicom.tag import Tag
from pydicom.uid import UID

from deid.codecs.raw import pixel_keyword
from deid.scratch import Content
from deid.values import Box, Region

_OFFSET_TABLES = ("ExtendedOffsetTable", "ExtendedOffsetTableLengths")


def boxes_by_frame(regions: Iterable[Region], frames: int) -> dict[int, tuple[Box, ...]]:
    """The boxes of each frame that has any, frames in rising order."""
    boxes: dict[int, list[Box]] = {}
    for region in regions:
        for frame in range(frames) if region.frame is None else (region.frame,):
            boxes.setdefault(frame, []).append(region.box)
    return {frame: tuple(boxes[frame]) for frame in sorted(boxes)}


def grown(box: Box, unit: tuple[int, int], area: tuple[int, int]) -> Box:
    """The box grown to a grid of units (across, down), cut where the area of (rows, columns) ends."""
    (across, down), (rows, columns) = unit, area
    return Box.from_edges(
        box.left // across * across,
        box.top // down * down,
        min(-(-box.right // across) * across, columns),
        min(-(-box.bottom // down) * down, rows),
    )


def painted(frame: np.ndarray, boxes: Sequence[Box], colour: np.ndarray) -> np.ndarray:
    """A copy of the frame, (rows, columns) or (rows, columns, samples), with the boxes in one colour."""
    copy = np.array(frame, order="C")
    for box in boxes:
        copy[box.top : box.bottom, box.left : box.right] = colour if copy.ndim == 3 else colour[0]
    return copy


def shallow_copy(dataset: Dataset) -> Dataset:
    """A new dataset with the same values; setting an element of it leaves the original's alone. Items are shared."""
    copy = Dataset()
    copy.update({element.tag: _twin(element) for element in dataset})
    copy.file_meta = FileMetaDataset()
    copy.file_meta.update({element.tag: _twin(element) for element in dataset.file_meta})
    return copy


def _twin(element: DataElement) -> DataElement:
    """A new element with the same value: pydicom sets values in place, also of elements that two datasets share."""
    twin = DataElement(element.tag, element.VR, element.value, already_converted=True)
    twin.is_undefined_length = element.is_undefined_length
    return twin


def replace_pixels(dataset: Dataset, value: Content, syntax: UID | None = None) -> Dataset:
    """A new dataset with other pixels, in the same transfer syntax unless one is given.

    Tables of offsets into the old codestreams do not come along: a stale one silently gives wrong frames.
    """
    copy = shallow_copy(dataset)
    keyword = pixel_keyword(dataset) or "PixelData"
    if syntax is not None:
        copy.file_meta.TransferSyntaxUID = syntax
    encapsulated = UID(copy.file_meta.TransferSyntaxUID).is_encapsulated
    vr = "OB" if encapsulated else str(dataset[keyword].VR)
    if syntax is not None and not encapsulated:
        vr = "OW"
    element = DataElement(Tag(keyword), vr, value)
    element.is_undefined_length = encapsulated
    copy[element.tag] = element
    for table in _OFFSET_TABLES:
        if table in copy and (syntax is not None or encapsulated):
            del copy[Tag(table)]
    return copy


def with_offset_tables(dataset: Dataset, pixels: tuple[Content, bytes | None, bytes | None], syntax: UID) -> Dataset:
    """As `replace_pixels`, for what `encapsulated` gives: a value, and extended offset tables where it needs them."""
    value, offsets, lengths = pixels
    copy = replace_pixels(dataset, value, syntax)
    if offsets is not None and lengths is not None:
        copy.add(DataElement(Tag("ExtendedOffsetTable"), "OV", offsets))
        copy.add(DataElement(Tag("ExtendedOffsetTableLengths"), "OV", lengths))
    return copy
