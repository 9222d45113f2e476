"""The codestreams of an encapsulated pixel element: which fragments make which frame, found in one walk.

Frames count from 0. A table of offsets is believed only where it fits the fragments that are there (PS3.5 A.4).
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import count, pairwise

from pydicom import Dataset

from deid.errors import PixelError
from deid.scratch import IN_MEMORY, Content, Scratch, content, let_go

Span = tuple[int, int]
"""Half-open range of bytes in the value of the pixel element."""
_ITEM = b"\xfe\xff\x00\xe0"
_DELIMITER = b"\xfe\xff\xdd\xe0"
_STARTS = (b"\xff\xd8\xff", b"\xff\x4f\xff\x51")
"""How a JPEG or JPEG-LS and a JPEG 2000 codestream begin."""
_ITEMS_AT_ONCE = 16
_LARGEST_BASIC_OFFSET = 0xFFFFFFFF


@dataclass(frozen=True, slots=True)
class FrameSpans:
    """Where each frame's fragments lie in the value of the pixel element."""

    value: memoryview
    spans: tuple[tuple[Span, ...], ...]

    def __len__(self) -> int:
        return len(self.spans)

    def stored(self, frame: int) -> bytes | memoryview:
        """As `codestream`, without a copy where the frame is one fragment."""
        spans = self.spans[frame]
        let_go(self.value)
        return self.value[slice(*spans[0])] if len(spans) == 1 else self.codestream(frame)

    def codestream(self, frame: int) -> bytes:
        """The codestream of a frame, its fragments joined."""
        let_go(self.value)
        return b"".join(self.value[start:end] for start, end in self.spans[frame])

    def __iter__(self) -> Iterator[bytes]:
        return (self.codestream(frame) for frame in range(len(self)))


def frame_spans(dataset: Dataset, frames: int) -> FrameSpans:
    """Where the fragments of each frame lie.

    Raises
    ------
    PixelError
        Where fragments are damaged, or there are fewer or more codestreams than frames.

    """
    value = memoryview(dataset.PixelData)
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


def count_codestreams(value: bytes | memoryview) -> int:
    """How many frames the value seems to hold, where NumberOfFrames is no help."""
    table, items = _items(value)
    return len(table) or starts_of_codestreams(value) or len(items)


def starts_of_codestreams(value: bytes | memoryview) -> int:
    """How many fragments begin a JPEG, JPEG-LS or JPEG 2000 codestream."""
    found = 0
    for start, _ in _items(value)[1]:
        found += _begins_codestream(value, start)
        let_go(value)
    return found


def end_of_items(body: Content, position: int) -> int:
    """Where the last of the items that begin at `position` ends; beyond the end where the body is cut short."""
    for start, tag, length in _walk(body, position):
        if tag != _ITEM:
            return start
        position = start + 8 + length
    return position


def encapsulated(
    frames: Iterable[Content], number: int, scratch: Scratch = IN_MEMORY, length: int = 0
) -> tuple[Content, bytes | None, bytes | None]:
    """The value of PixelData, one fragment a frame, and the extended offset tables where the basic one is too small.

    Frames, `number` of them and of about `length` bytes in all, are taken one by one, so that none but the value has to
    lie in memory.
    """
    buffer = scratch.file(length)
    buffer.write(_ITEM + struct.pack("<L", 4 * number) + bytes(4 * number))
    first = buffer.tell()
    offsets, lengths = [], []
    for frame in frames:
        offsets.append(buffer.tell() - first)
        lengths.append(len(frame))
        buffer.write(_ITEM + struct.pack("<L", len(frame) + len(frame) % 2))
        buffer.write(frame)
        buffer.write(bytes(len(frame) % 2))
    if offsets[-1] > _LARGEST_BASIC_OFFSET:
        buffer.seek(first - 8)
        buffer.write(_ITEM + bytes(4))
        return (
            content(buffer)[first - 8 :],
            struct.pack(f"<{number}Q", *offsets),
            struct.pack(f"<{number}Q", *lengths),
        )
    buffer.seek(8)
    buffer.write(struct.pack(f"<{number}L", *offsets))
    return content(buffer), None, None


def _begins_codestream(value: bytes | memoryview, start: int) -> bool:
    return bytes(value[start : start + 4]).startswith(_STARTS)


def _walk(value: Content, position: int) -> Iterator[tuple[int, Content, int]]:
    """Where each item begins, its tag and its length, one after the other up to the end of the value."""
    for number in count():
        if position + 8 > len(value):
            return
        length = struct.unpack_from("<L", value, position + 4)[0]
        yield position, value[position : position + 4], length
        position += 8 + length
        if number % _ITEMS_AT_ONCE == 0:
            let_go(value)


def _items(value: bytes | memoryview) -> tuple[Sequence[int], list[Span]]:
    """The basic offset table, and the fragments after it."""
    spans: list[Span] = []
    for start, tag, length in _walk(value, 0):
        if tag == _DELIMITER:
            break
        if tag != _ITEM or start + 8 + length > len(value):
            raise PixelError("The encapsulated frames cannot be told apart.")
        spans.append((start + 8, start + 8 + length))
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


def _by_content(value: memoryview, items: list[Span], frames: int) -> list[tuple[Span, ...]]:
    """One frame, one fragment a frame, or a new frame wherever a codestream begins."""
    if frames == 1:
        return [tuple(items)] if items else []
    if len(items) == frames:
        return [(item,) for item in items]
    groups: list[list[Span]] = []
    for item in items:
        if _begins_codestream(value, item[0]) or not groups:
            groups.append([])
        groups[-1].append(item)
    return [tuple(group) for group in groups]
