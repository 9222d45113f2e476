"""8-bit DCT JPEG: whole blocks become black in the frequency domain; no other coefficient changes.

Nothing is decoded to pixels and compressed again, so the syntax stays and no loss is added. A box grows to the grid of
blocks. Where chroma is subsampled its blocks are larger: a box grows to them where they hold colour, and only to the
blocks of luma where all of them at its rim are without colour already. Decoders smooth chroma over block edges: one
pixel around a box may change its colour slightly, though its coefficients do not.

References
----------
ISO/IEC 10918-1 A.2 for minimum coded units.

"""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from importlib.metadata import version

import jpegio
import numpy as np
from pydicom import Dataset
from pydicom.uid import JPEGBaseline8Bit, JPEGExtended12Bit

from deid.codecs.encapsulated import encapsulated
from deid.codecs.loss import remember_loss
from deid.codecs.markers import FrameHeader, adobe_transform, first_quantisers, frame_header
from deid.codecs.raw import PixelFormat, encoded_frames, pixel_format, raw_photometric, stored_frames
from deid.codecs.regions import boxes_by_frame, grown, with_offset_tables
from deid.errors import PixelError
from deid.values import Box, Region

SYNTAXES = (JPEGBaseline8Bit, JPEGExtended12Bit)
DECODER = f"pyjpegio {version('pyjpegio')}, coefficients"
"""What reads both sides where JPEG is compared."""
SEQUENTIAL = (0xC0, 0xC1)
"""Markers of the frame headers of sequential DCT with Huffman coding."""
_BLOCK = 8
_DARKEST, _BRIGHTEST = -1024, 1016
"""DC coefficients, dequantised, of a block of samples 0 and of samples 255."""


@dataclass(frozen=True, slots=True, eq=False)
class Coefficients:
    """A codestream's quantised coefficients, one array of (8 x blocks down, 8 x blocks across) per component."""

    planes: tuple[np.ndarray, ...]
    tables: tuple[np.ndarray, ...]
    """The quantisation tables, 8 x 8, in the order of their numbers."""
    steps: tuple[int, ...]
    """What a DC coefficient of each component is multiplied by."""
    header: FrameHeader
    transform: int | None

    def blocks(self, component: int, box: Box) -> tuple[slice, slice]:
        """Where the blocks that the box touches lie in a component's array; with the frame the array ends too."""
        across, down = self.block_px(component)
        bottom = None if box.bottom >= self.header.rows else -(-box.bottom // down) * _BLOCK
        right = None if box.right >= self.header.columns else -(-box.right // across) * _BLOCK
        return slice(box.top // down * _BLOCK, bottom), slice(box.left // across * _BLOCK, right)

    def whole_blocks(self, component: int, box: Box) -> tuple[slice, slice]:
        """Where the blocks that lie wholly in the box lie in a component's array; with the frame the array ends too."""
        across, down = self.block_px(component)
        bottom = None if box.bottom >= self.header.rows else box.bottom // down * _BLOCK
        right = None if box.right >= self.header.columns else box.right // across * _BLOCK
        return slice(-(-box.top // down) * _BLOCK, bottom), slice(-(-box.left // across) * _BLOCK, right)

    def block_px(self, component: int) -> tuple[int, int]:
        """Width and height in pixels of what a block of a component shows."""
        across, down = _unit(self.header)
        horizontal, vertical = self.header.sampling[component] if len(self.planes) > 1 else (1, 1)
        return across // horizontal, down // vertical


def handles(dataset: Dataset) -> bool:
    """Whether every frame is sequential 8-bit DCT JPEG of the header's size, in a layout that can be edited."""
    layout = pixel_format(dataset)
    if layout.syntax not in SYNTAXES or layout.signed or (layout.bits_allocated, layout.bits_stored) != (8, 8):
        return False
    if layout.photometric.startswith("PALETTE") or layout.samples not in (1, 3) or not hasattr(os, "memfd_create"):
        return False
    try:
        headers = [frame_header(codestream) for codestream in encoded_frames(dataset)]
    except PixelError:
        return False
    return all(_is_editable(header, layout) for header in headers)


def snap(dataset: Dataset, regions: Sequence[Region]) -> tuple[Region, ...]:
    """The regions grown to whole blocks of every frame, cut where the frame ends.

    The blocks are those of luma, or the whole coded units where chroma that is not black lies between the two.

    Raises
    ------
    PixelError
        Where a codestream cannot be parsed.

    """
    layout = pixel_format(dataset)
    area = (layout.rows, layout.columns)
    headers = [frame_header(codestream) for codestream in encoded_frames(dataset)]
    units = {_unit(header) for header in headers}
    unit = math.lcm(*(across for across, _ in units)), math.lcm(*(down for _, down in units))
    coarse = tuple(replace(region, box=grown(region.box, unit, area)) for region in regions)
    if unit == (_BLOCK, _BLOCK) or not all(_has_finest_luma(header) for header in headers):
        return coarse
    fine = [replace(region, box=grown(region.box, (_BLOCK, _BLOCK), area)) for region in regions]
    frames, photometric = stored_frames(dataset), raw_photometric(dataset)
    for frame in range(len(frames)):
        undecided = [
            number
            for number, region in enumerate(fine)
            if region.frame in (None, frame) and region.box != coarse[number].box
        ]
        coefficients = read_coefficients(frames.codestream(frame)) if undecided else None
        for number in undecided:
            if coefficients is None or not _is_chroma_black(
                coefficients, coarse[number].box, fine[number].box, photometric
            ):
                fine[number] = coarse[number]
    return tuple(fine)


def overwrite(dataset: Dataset, regions: Sequence[Region]) -> Dataset:
    """A new dataset in which the regions, which are snapped, are black.

    Raises
    ------
    PixelError
        Where a codestream cannot be parsed, or reads back otherwise than it was meant.

    """
    layout = pixel_format(dataset)
    photometric = raw_photometric(dataset)
    frames = stored_frames(dataset)
    boxes = boxes_by_frame(regions, layout.frames)
    codestreams = (
        _covered(frames.codestream(frame), boxes[frame], photometric) if frame in boxes else frames.stored(frame)
        for frame in range(len(frames))
    )
    copy = with_offset_tables(dataset, encapsulated(codestreams, len(frames)), layout.syntax)
    remember_loss(dataset, copy)
    return copy


def written_anew(codestream: bytes) -> bytes:
    """The same coefficients in the same tables and order: coded data without anything that is not the picture's.

    Raises
    ------
    PixelError
        Where the codestream cannot be parsed or written.

    """
    with _in_memory(codestream) as (path, _), _in_memory(b"") as (target, descriptor):
        parsed = _parsed(path)
        parsed.optimize_coding = 0
        return _written(parsed, target, descriptor)


def read_coefficients(codestream: bytes) -> Coefficients:
    """The quantised coefficients of a sequential 8-bit DCT codestream.

    Raises
    ------
    PixelError
        Where it cannot be parsed.

    """
    with _in_memory(codestream) as (path, _):
        return _coefficients(_parsed(path), codestream)


def is_same_outside(before: Coefficients, after: Coefficients, boxes: Sequence[Box]) -> bool:
    """Whether both decode to the same outside the boxes, which are snapped: coefficients, tables and geometry.

    A block that only a part of a box touches belongs to the outside.
    """
    if (before.header, before.transform) != (after.header, after.transform) or len(before.planes) != len(after.planes):
        return False
    if before.steps != after.steps or not all(map(np.array_equal, before.tables, after.tables)):
        return False
    for component, (one, two) in enumerate(zip(before.planes, after.planes, strict=True)):
        if one.shape != two.shape:
            return False
        changed = one != two
        for box in boxes:
            changed[before.whole_blocks(component, box)] = False
        if changed.any():
            return False
    return True


def is_changed_inside(before: Coefficients, after: Coefficients, box: Box) -> bool:
    """Whether any coefficient in the box, which is snapped, is another one."""
    return any(
        (one[before.blocks(component, box)] != two[before.blocks(component, box)]).any()
        for component, (one, two) in enumerate(zip(before.planes, after.planes, strict=True))
    )


def is_flat_inside(coefficients: Coefficients, boxes: Sequence[Box]) -> bool:
    """Whether every block of each box is of one value a component."""
    for component, plane in enumerate(coefficients.planes):
        for box in boxes:
            inside = plane[coefficients.blocks(component, box)]
            constant = inside[::_BLOCK, ::_BLOCK]
            if np.count_nonzero(inside) != np.count_nonzero(constant) or (constant != constant[0, 0]).any():
                return False
    return True


def is_shared_changed(before: Coefficients, after: Coefficients) -> bool:
    """Whether anything changed in components that share values between pixels: a decoder smooths it over edges."""
    return any(
        before.block_px(component) != (_BLOCK, _BLOCK) and not np.array_equal(one, two)
        for component, (one, two) in enumerate(zip(before.planes, after.planes, strict=True))
    )


def _has_finest_luma(header: FrameHeader) -> bool:
    return header.sampling[0] == (max(h for h, _ in header.sampling), max(v for _, v in header.sampling))


def _is_chroma_black(coefficients: Coefficients, coarse: Box, fine: Box, photometric: str) -> bool:
    """Whether the blocks of subsampled components that only the coarser box covers whole are black already."""
    for component, plane in enumerate(coefficients.planes):
        across, down = coefficients.block_px(component)
        if (across, down) == (_BLOCK, _BLOCK):
            continue
        touched = coefficients.blocks(component, coarse)
        rim = plane[touched].copy()
        rim[::_BLOCK, ::_BLOCK] -= _black(component, coefficients, photometric)
        # From here on 0 is black. Blocks that the finer box covers whole will be.
        rows, columns = coefficients.whole_blocks(component, fine)
        top, left = touched[0].start, touched[1].start
        bottom = None if rows.stop is None else max(rows.stop - top, 0)
        right = None if columns.stop is None else max(columns.stop - left, 0)
        rim[rows.start - top : bottom, columns.start - left : right] = 0
        if rim.any():
            return False
    return True


def _is_editable(header: FrameHeader, layout: PixelFormat) -> bool:
    if header.marker not in SEQUENTIAL or header.precision != 8 or len(header.sampling) != layout.samples:
        return False
    if (header.rows, header.columns) != (layout.rows, layout.columns):
        return False
    across, down = max(h for h, _ in header.sampling), max(v for _, v in header.sampling)
    return all(h in (1, 2, 4) and v in (1, 2, 4) and across % h == down % v == 0 for h, v in header.sampling)


def _unit(header: FrameHeader) -> tuple[int, int]:
    """Width and height of a minimum coded unit in pixels; one component alone is coded block by block."""
    if len(header.sampling) == 1:
        return _BLOCK, _BLOCK
    return _BLOCK * max(h for h, _ in header.sampling), _BLOCK * max(v for _, v in header.sampling)


def _covered(codestream: bytes, boxes: Sequence[Box], photometric: str) -> bytes:
    with _in_memory(codestream) as (path, _), _in_memory(b"") as (target, descriptor):
        parsed = _parsed(path)
        wanted = _coefficients(parsed, codestream)
        for component, plane in enumerate(wanted.planes):
            constant = _black(component, wanted, photometric)
            for box in boxes:
                inside = plane[wanted.blocks(component, box)]
                inside[:] = 0
                inside[::_BLOCK, ::_BLOCK] = constant
        # The tables at hand may lack a code that an emptied block needs.
        parsed.optimize_coding = 1
        covered = _written(parsed, target, descriptor)
        written = _coefficients(_parsed(target), covered)
    if not is_same_outside(wanted, written, ()):
        raise PixelError("A frame reads back otherwise than it was written.")
    return covered


def _written(parsed: jpegio.DecompressedJpeg, target: str, descriptor: int) -> bytes:
    try:
        jpegio.write(parsed, target)
    except (RuntimeError, ValueError) as exc:
        raise PixelError("A frame cannot be written in the frequency domain.") from exc
    return os.pread(descriptor, os.fstat(descriptor).st_size, 0)


def _black(component: int, coefficients: Coefficients, photometric: str) -> int:
    """The quantised DC of a black block, rounded away from zero so that decoders clip it to the end of the range."""
    step = coefficients.steps[component]
    if photometric == "MONOCHROME1":
        return -(-_BRIGHTEST // step)
    is_ycc = photometric.startswith("YBR") or coefficients.transform == 1
    if component and is_ycc:
        return 0
    return _DARKEST // step


def _parsed(path: str) -> jpegio.DecompressedJpeg:
    try:
        return jpegio.read(path)
    except (RuntimeError, ValueError, OSError, MemoryError) as exc:
        raise PixelError("A codestream cannot be parsed.") from exc


def _coefficients(parsed: jpegio.DecompressedJpeg, codestream: bytes) -> Coefficients:
    if parsed.data_precision != 8 or parsed.progressive_mode or parsed.arith_code:
        raise PixelError("A codestream is not sequential 8-bit JPEG.")
    first = first_quantisers(codestream)
    try:
        steps = tuple(first[component.quant_tbl_no] for component in parsed.comp_info)
    except KeyError as exc:
        raise PixelError("A codestream lacks a quantisation table.") from exc
    if not all(steps):
        raise PixelError("A quantisation table is damaged.")
    planes, tables = tuple(parsed.coef_arrays), tuple(parsed.quant_tables)
    return Coefficients(planes, tables, steps, frame_header(codestream), adobe_transform(codestream))


@contextmanager
def _in_memory(content: bytes) -> Iterator[tuple[str, int]]:
    """A path and descriptor of a nameless file in memory: the library reads and writes files, and pixels are PHI."""
    descriptor = os.memfd_create("frame")
    try:
        with open(descriptor, "wb", closefd=False) as file:
            file.write(content)
        yield f"/proc/self/fd/{descriptor}", descriptor
    finally:
        os.close(descriptor)
