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
from collections.abc import Iterator, Mapping, Sequence
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
from deid.codecs.raw import PixelFormat, StoredFrames, encoded_frames, pixel_format, raw_photometric, stored_frames
from deid.codecs.regions import grown, with_offset_tables
from deid.errors import PixelError
from deid.scratch import IN_MEMORY, Scratch
from deid.values import Box, Region

SYNTAXES = (JPEGBaseline8Bit, JPEGExtended12Bit)
DECODER = f"pyjpegio {version('pyjpegio')}, coefficients"
"""What reads both sides where JPEG is compared."""
SEQUENTIAL = (0xC0, 0xC1)
"""Markers of the frame headers of sequential DCT with Huffman coding."""
_BLOCK = 8
_DARKEST, _BRIGHTEST = -1024, 1016
"""DC coefficients, dequantised, of a block of samples 0 and of samples 255."""
_DC_CODES = frozenset(range(12))
_AC_CODES = frozenset({0x00, 0xF0, *(run << 4 | size for run in range(16) for size in range(1, 11))})
"""What blocks of 8-bit samples are coded with (ISO/IEC 10918-1 F.1.2): sizes of differences; runs and sizes."""


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


def overwrite(
    dataset: Dataset, regions: Sequence[Region], scratch: Scratch = IN_MEMORY
) -> tuple[Dataset, tuple[Region, ...]]:
    """A new dataset in which the regions are black, and the regions grown to whole blocks, cut where the frame ends.

    The blocks are those of luma, or the whole coded units where chroma that is not black lies between the two.

    Raises
    ------
    PixelError
        Where a codestream cannot be parsed, or reads back otherwise than it was meant.

    """
    covering = _covering(dataset, regions)
    count, length = len(covering.frames), len(dataset.PixelData)
    try:
        pixels = encapsulated(covering.codestreams(), count, scratch, length)
    except _OutgrownError:
        covering.settle()
        pixels = encapsulated(covering.codestreams(), count, scratch, length)
    copy = with_offset_tables(dataset, pixels, covering.frames.layout.syntax)
    remember_loss(dataset, copy)
    return copy, tuple(covering.regions)


@dataclass(frozen=True, slots=True, eq=False)
class Parsed:
    """A codestream whose coefficients can be changed where they stand, and written again."""

    coefficients: Coefficients
    _library: jpegio.DecompressedJpeg

    def written(self, *, new_tables: bool = False) -> bytes:
        """The coefficients as they are now, in the same order: coded data without anything that is not the picture's.

        Raises
        ------
        PixelError
            Where they cannot be written.

        """
        self._library.optimize_coding = int(new_tables)
        with _in_memory(b"") as (target, descriptor):
            try:
                jpegio.write(self._library, target)
            except (RuntimeError, ValueError) as exc:
                raise PixelError("A frame cannot be written in the frequency domain.") from exc
            return os.pread(descriptor, os.fstat(descriptor).st_size, 0)

    @property
    def has_every_code(self) -> bool:
        """Whether any block can be written in the Huffman tables at hand."""
        tables = ((self._library.dc_huff_tables, _DC_CODES), (self._library.ac_huff_tables, _AC_CODES))
        return all(codes <= _codes_of(table) for several, codes in tables for table in several)


def parse(codestream: bytes) -> Parsed:
    """The quantised coefficients of a sequential 8-bit DCT codestream, ready to be changed.

    Raises
    ------
    PixelError
        Where it cannot be parsed.

    """
    with _in_memory(codestream) as (path, _):
        try:
            parsed = jpegio.read(path)
        except (RuntimeError, ValueError, OSError, MemoryError) as exc:
            raise PixelError("A codestream cannot be parsed.") from exc
    return Parsed(_coefficients(parsed, codestream), parsed)


def read_coefficients(codestream: bytes) -> Coefficients:
    """As `parse`, to look at.

    Raises
    ------
    PixelError
        Where it cannot be parsed.

    """
    return parse(codestream).coefficients


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


class _OutgrownError(Exception):
    """A region that earlier frames share has to grow after they were covered."""


@dataclass(slots=True)
class _Covering:
    """Frames in which regions are overwritten one by one, each parsed once as a rule.

    A region begins on the grid of luma blocks, and grows to its coarse box with the first frame that asks for it.
    """

    frames: StoredFrames
    photometric: str
    coarse: tuple[Region, ...]
    regions: list[Region]

    def codestreams(self) -> Iterator[bytes | memoryview]:
        """Each frame's codestream, with the regions black.

        Raises
        ------
        _OutgrownError
            Where a region grows that earlier frames share.
        """
        is_read_back = True
        for frame in range(len(self.frames)):
            if not any(region.frame in (None, frame) for region in self.regions):
                yield self.frames.stored(frame)
                continue
            parsed = parse(self.frames.codestream(frame))
            if self._grow(frame, parsed.coefficients) and frame:
                raise _OutgrownError
            boxes = [region.box for region in self.regions if region.frame in (None, frame)]
            yield _covered(parsed, boxes, self.photometric, is_read_back=is_read_back)
            is_read_back = False

    def settle(self) -> None:
        """Let every region grow as far as any frame asks for."""
        for frame in range(len(self.frames)):
            if self._undecided(frame):
                self._grow(frame, read_coefficients(self.frames.codestream(frame)))

    def _undecided(self, frame: int) -> list[int]:
        pairs = enumerate(zip(self.regions, self.coarse, strict=True))
        return [number for number, (fine, coarse) in pairs if fine.frame in (None, frame) and fine.box != coarse.box]

    def _grow(self, frame: int, coefficients: Coefficients) -> bool:
        """Let the regions of a frame grow that must; whether one did that other frames share."""
        is_shared = False
        for number in self._undecided(frame):
            coarse, fine = self.coarse[number], self.regions[number]
            if not _is_chroma_black(coefficients, coarse.box, fine.box, self.photometric):
                self.regions[number] = coarse
                is_shared |= coarse.frame is None
        return is_shared


def _covering(dataset: Dataset, regions: Sequence[Region]) -> _Covering:
    layout = pixel_format(dataset)
    area = (layout.rows, layout.columns)
    frames = stored_frames(dataset)
    headers = [frame_header(codestream) for codestream in encoded_frames(dataset)]
    units = {_unit(header) for header in headers}
    unit = math.lcm(*(across for across, _ in units)), math.lcm(*(down for _, down in units))
    coarse = tuple(replace(region, box=grown(region.box, unit, area)) for region in regions)
    if all(_has_finest_luma(header) for header in headers):
        fine = [replace(region, box=grown(region.box, (_BLOCK, _BLOCK), area)) for region in regions]
    else:
        fine = list(coarse)
    return _Covering(frames, raw_photometric(dataset), coarse, fine)


def _covered(parsed: Parsed, boxes: Sequence[Box], photometric: str, *, is_read_back: bool) -> bytes:
    """The codestream with the boxes black.

    Frames of a loop are made alike, so that one read back here tells whether another way has to be taken: whoever
    verifies the file reads all of them. New Huffman tables are needed only where those at hand may lack a code.
    """
    _cover(parsed.coefficients, boxes, photometric)
    new_tables = not parsed.has_every_code
    covered = parsed.written(new_tables=new_tables)
    if (is_read_back or new_tables) and not is_same_outside(parsed.coefficients, read_coefficients(covered), ()):
        raise PixelError("A frame reads back otherwise than it was written.")
    return covered


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


def _cover(coefficients: Coefficients, boxes: Sequence[Box], photometric: str) -> None:
    """Make the boxes black where the coefficients stand."""
    for component, plane in enumerate(coefficients.planes):
        constant = _black(component, coefficients, photometric)
        for box in boxes:
            inside = plane[coefficients.blocks(component, box)]
            inside[:] = 0
            inside[::_BLOCK, ::_BLOCK] = constant


def _codes_of(table: Mapping[str, np.ndarray]) -> set[int]:
    return set(table["symbols"][: int(np.sum(table["counts"]))].tolist())


def _black(component: int, coefficients: Coefficients, photometric: str) -> int:
    """The quantised DC of a black block, rounded away from zero so that decoders clip it to the end of the range."""
    step = coefficients.steps[component]
    if photometric == "MONOCHROME1":
        return -(-_BRIGHTEST // step)
    is_ycc = photometric.startswith("YBR") or coefficients.transform == 1
    if component and is_ycc:
        return 0
    return _DARKEST // step


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
