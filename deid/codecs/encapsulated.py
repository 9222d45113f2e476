"""The codestreams of an encapsulated pixel element: which fragments make which frame, found in one walk.

Frames count from 0. A table of offsets is believed only where it fits the fragments that are there (PS3.5 A.4).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise

from pydicom import Dataset

from deid.errors import PixelError

Span = tuple[int, int]
"""Half-open range of bytes in the value of the pixel element."""
_ITEM = b"\xfe\xff\x00\xe0"
_DELIMITER = b"\xfe\xff\xdd\xe0"
_STARTS = (b"\xff\xd8\xff", b"\xff\x4f\xff\x51")
"""How a JPEG or JPEG-LS and a JPEG 2000 codestream begin."""
_LARGEST_BASIC_OFFSET = 0xFFFFFFFF


@dataclass(frozen=True, slots=True)
class FrameSpans:
    """Where each frame's fragments lie in the value of the pixel element."""

    value: bytes
    spans: tuple[tuple[Span, ...], ...]

    def __len__(self) -> int:
        return len(self.spans)

    def stored(self, frame: int) -> bytes | memoryview:
        """As `codestream`, without a copy where the frame is one fragment."""
        spans = self.spans[frame]
        return memoryview(self.value)[slice(*spans[0])] if len(spans) == 1 else self.codestream(frame)

    def codestream(self, frame: int) -> bytes:
        """The codestream of a frame, its fragments joined."""
        spans = self.spans[frame]
        if len(spans) == 1:
            return self.value[slice(*spans[0])]
        return b"".join(self.value[start:end] for start, end in spans)

    def __iter__(self) -> Iterator[bytes]:
        return (self.codestream(frame) for frame in range(len(self)))


def frame_spans(dataset: Dataset, frames: int) -> FrameSpans:
    """Where the fragments of each frame lie.

    Raises
    ------
    PixelError
        Where fragments are damaged, or there are fewer or more codestreams than frames.

    """
    value = bytes(dataset.PixelData)
    table, items = _items(value)
    extended = _extended_offsets(dataset)
    if extended:
        groups = _by_offsets(items, extended)
    elif any(table):
        groups = _by_offsets(items, table)
    else:
        groups = _by_content(value, items, frames)
    if len(groups) != frames:
        raise PixelError(f"NumberOfFrames says {frames}, but {len(groups)} encapsulated frames are there.")
    return FrameSpans(value, tuple(groups))


def count_codestreams(value: bytes) -> int:
    """How many frames the value seems to hold, where NumberOfFrames is no help."""
    table, items = _items(value)
    starts = sum(value.startswith(_STARTS, start) for start, _ in items)
    return len(table) or starts or len(items)


def starts_of_codestreams(value: bytes) -> int:
    """How many fragments begin a JPEG, JPEG-LS or JPEG 2000 codestream."""
    return sum(value.startswith(_STARTS, start) for start, _ in _items(value)[1])


def encapsulated(frames: Sequence[bytes | memoryview]) -> tuple[bytes, bytes | None, bytes | None]:
    """The value of PixelData, one fragment a frame, and the extended offset tables where the basic one is too small."""
    lengths = [len(frame) + len(frame) % 2 for frame in frames]
    offsets = list(accumulate((8 + length for length in lengths[:-1]), initial=0))
    is_extended = offsets[-1] > _LARGEST_BASIC_OFFSET
    table = b"" if is_extended else struct.pack(f"<{len(offsets)}L", *offsets)
    parts: list[bytes | memoryview] = [_ITEM, struct.pack("<L", len(table)), table]
    for frame, length in zip(frames, lengths, strict=True):
        parts += (_ITEM, struct.pack("<L", length), frame, b"\0" * (length - len(frame)))
    value = b"".join(parts)
    if not is_extended:
        return value, None, None
    return value, struct.pack(f"<{len(offsets)}Q", *offsets), struct.pack(f"<{len(lengths)}Q", *map(len, frames))


def _items(value: bytes) -> tuple[Sequence[int], list[Span]]:
    """The basic offset table, and the fragments after it."""
    spans: list[Span] = []
    position = 0
    while position + 8 <= len(value):
        tag, length = value[position : position + 4], struct.unpack_from("<L", value, position + 4)[0]
        if tag == _DELIMITER:
            break
        if tag != _ITEM or position + 8 + length > len(value):
            raise PixelError("The encapsulated frames cannot be told apart.")
        spans.append((position + 8, position + 8 + length))
        position += 8 + length
    if not spans:
        raise PixelError("The encapsulated frames cannot be told apart.")
    (start, end), *fragments = spans
    if (end - start) % 4:
        raise PixelError("The table of offsets is damaged.")
    return struct.unpack_from(f"<{(end - start) // 4}L", value, start), fragments


def _extended_offsets(dataset: Dataset) -> Sequence[int]:
    if "ExtendedOffsetTable" not in dataset or "ExtendedOffsetTableLengths" not in dataset:
        return ()
    table = bytes(dataset.ExtendedOffsetTable or b"")
    return struct.unpack(f"<{len(table) // 8}Q", table[: len(table) // 8 * 8])


def _by_offsets(items: list[Span], offsets: Sequence[int]) -> list[tuple[Span, ...]]:
    """The fragments from each offset to the next."""
    if not items:
        return []
    base = items[0][0] - 8
    at = {start - 8 - base: number for number, (start, _) in enumerate(items)}
    if offsets[0] != 0 or any(offset not in at for offset in offsets):
        raise PixelError("The table of offsets does not fit the encapsulated frames.")
    firsts = [at[offset] for offset in offsets]
    if any(later <= earlier for earlier, later in pairwise(firsts)):
        raise PixelError("The table of offsets does not fit the encapsulated frames.")
    ends = [*firsts[1:], len(items)]
    return [tuple(items[first:end]) for first, end in zip(firsts, ends, strict=True)]


def _by_content(value: bytes, items: list[Span], frames: int) -> list[tuple[Span, ...]]:
    """One frame, one fragment a frame, or a new frame wherever a codestream begins."""
    if frames == 1:
        return [tuple(items)] if items else []
    if len(items) == frames:
        return [(item,) for item in items]
    groups: list[list[Span]] = []
    for item in items:
        if value.startswith(_STARTS, item[0]) or not groups:
            groups.append([])
        groups[-1].append(item)
    return [tuple(group) for group in groups]
