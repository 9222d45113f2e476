"""Exactly the pixels of the regions are overwritten, in a copy of the dataset.

A table of syntaxes decides how: stored bytes are patched, blocks of JPEG are emptied in the frequency domain, lossless
frames are encoded again, other lossy ones are transcoded without loss. A dataset without regions keeps its pixel
element byte for byte.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from types import ModuleType

from pydicom import DataElement, Dataset
from pydicom.tag import Tag

import deid.quiet  # noqa: F401
from deid.codecs import dct, lossless, native, transcode
from deid.codecs.raw import PixelFormat, iter_raw_frames, pixel_format
from deid.codecs.regions import shallow_copy
from deid.codecs.syntaxes import WAYS
from deid.errors import PixelError
from deid.scratch import IN_MEMORY, Scratch
from deid.values import Box, Region

_MODULES: dict[str, ModuleType] = {"native": native, "dct": dct, "lossless": lossless, "transcode": transcode}


def redact(
    dataset: Dataset, regions: Iterable[Region], scratch: Scratch = IN_MEMORY
) -> tuple[Dataset, tuple[Region, ...]]:
    """A new dataset in which the regions are black, and the regions as they were overwritten.

    A region is cut to the frame, and grown where its pixels share stored bytes with neighbours. One that lies wholly
    outside the frame is dropped.

    Raises
    ------
    PixelError
        Where the pixels cannot be decoded, addressed or written back.

    """
    layout = pixel_format(dataset)
    wanted = [cut for region in regions if (cut := _cut(region, layout)) is not None]
    if not wanted:
        return shallow_copy(dataset), ()
    ways = _ways(dataset)
    for way in ways:
        try:
            redacted, effective = way.overwrite(dataset, wanted, scratch)
        except PixelError:
            if way is ways[-1]:
                raise
            continue
        return _with_true_extremes(redacted), effective
    raise PixelError("Pixels of this layout cannot be overwritten.")


def way_of(dataset: Dataset) -> str:
    """The name of the way in which this dataset's pixels would be overwritten first; empty where there is none."""
    return next((_name(way) for way in _ways(dataset)), "")


def way_taken(dataset: Dataset, redacted: Dataset, regions: Sequence[Region]) -> str:
    """The name of the way in which `redacted` was made; `untouched` where nothing had to be overwritten."""
    if not regions:
        return "untouched"
    same = dataset.file_meta.TransferSyntaxUID == redacted.file_meta.TransferSyntaxUID
    return way_of(dataset) if same else _name(transcode)


def _ways(dataset: Dataset) -> list[ModuleType]:
    """The ways that serve the dataset, in the order in which they are tried."""
    return [_MODULES[name] for name in WAYS.get(pixel_format(dataset).syntax, ()) if _MODULES[name].handles(dataset)]


def _name(way: ModuleType) -> str:
    return way.__name__.rpartition(".")[2]


def _cut(region: Region, layout: PixelFormat) -> Region | None:
    if region.frame is not None and not 0 <= region.frame < layout.frames:
        raise PixelError(f"There is no frame {region.frame} to redact.")
    right, bottom = min(region.box.right, layout.columns), min(region.box.bottom, layout.rows)
    if right <= region.box.left or bottom <= region.box.top:
        return None
    return replace(region, box=Box.from_edges(region.box.left, region.box.top, right, bottom))


def _with_true_extremes(dataset: Dataset) -> Dataset:
    """SmallestImagePixelValue and LargestImagePixelValue as they are now, where the header states them."""
    stated = [name for name in ("SmallestImagePixelValue", "LargestImagePixelValue") if name in dataset]
    layout = pixel_format(dataset)
    if not stated or layout.is_float or layout.bits_allocated > 16:
        return dataset
    extremes = [(int(frame.min()), int(frame.max())) for frame in iter_raw_frames(dataset)]
    values = {
        "SmallestImagePixelValue": min(low for low, _ in extremes),
        "LargestImagePixelValue": max(high for _, high in extremes),
    }
    for name in stated:
        dataset[Tag(name)] = DataElement(Tag(name), "SS" if layout.signed else "US", values[name])
    return dataset
