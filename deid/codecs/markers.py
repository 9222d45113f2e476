"""The marker segments of JPEG and JPEG-LS codestreams, found without decoding anything.

References
----------
ISO/IEC 10918-1 Annex B; ISO/IEC 14495-1 Annex C.

"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from deid.errors import PixelError

EOI, SOS, DQT, COM = 0xD9, 0xDA, 0xDB, 0xFE
APP0, APP8, APP14, APP15 = 0xE0, 0xE8, 0xEE, 0xEF
_BARE = frozenset({0x01, *range(0xD0, 0xD9)})
"""Markers without a segment: TEM, RSTn, SOI."""
_FRAME_HEADERS = frozenset({*range(0xC0, 0xD0), 0xF7}) - {0xC4, 0xC8, 0xCC}
# Coded data hides FF by a zero byte after it (JPEG) or a zero bit (JPEG-LS); restart markers belong to it.
_AFTER_CODED_DATA = re.compile(rb"\xff[\x80-\xcf\xd8-\xfe]")


@dataclass(frozen=True, slots=True)
class Segment:
    """One marker and where its payload lies, length field excluded; both are the end of the marker for EOI."""

    marker: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class FrameHeader:
    """What a start of frame says."""

    marker: int
    """0xC0 baseline, 0xC1 extended, 0xC2 progressive, 0xC3 lossless, 0xF7 JPEG-LS, others rarer."""
    precision: int
    rows: int
    columns: int
    sampling: tuple[tuple[int, int], ...]
    """(horizontal, vertical) factor of each component."""


def segments(codestream: bytes) -> Iterator[Segment]:
    """Every segment up to the end of the image; one that has no end leads to no EOI.

    Raises
    ------
    PixelError
        Where no marker stands where one must.

    """
    position = 2
    while position + 2 <= len(codestream):
        marker = codestream[position + 1]
        if codestream[position] != 0xFF:
            raise PixelError("A codestream has no marker where one must stand.")
        if marker == 0xFF:
            position += 1
            continue
        if marker in _BARE:
            position += 2
            continue
        if marker == EOI:
            yield Segment(EOI, position + 2, position + 2)
            return
        end = position + 2 + int.from_bytes(codestream[position + 2 : position + 4], "big")
        if end < position + 4 or end > len(codestream):
            raise PixelError("A segment of a codestream is damaged.")
        yield Segment(marker, position + 4, end)
        position = end
        if marker == SOS:
            found = _AFTER_CODED_DATA.search(codestream, end)
            if found is None:
                return
            position = found.end() - 2


def header_segments(codestream: bytes) -> Iterator[Segment]:
    """The segments up to the first scan, or to the last where scans hold single components."""
    components = 0
    for segment in segments(codestream):
        yield segment
        if segment.marker in _FRAME_HEADERS and segment.end >= segment.start + 6:
            components = codestream[segment.start + 5]
        if segment.marker == SOS and segment.end > segment.start and codestream[segment.start] >= components:
            return


def frame_header(codestream: bytes) -> FrameHeader:
    """The start of frame of a JPEG or JPEG-LS codestream.

    Raises
    ------
    PixelError
        Where there is none.

    """
    for segment in header_segments(codestream):
        payload = codestream[segment.start : segment.end]
        if segment.marker not in _FRAME_HEADERS or len(payload) < 6 or len(payload) < 6 + 3 * payload[5]:
            continue
        factors = [payload[7 + 3 * number] for number in range(payload[5])]
        return FrameHeader(
            segment.marker,
            payload[0],
            int.from_bytes(payload[1:3], "big"),
            int.from_bytes(payload[3:5], "big"),
            tuple((factor >> 4, factor & 15) for factor in factors),
        )
    raise PixelError("A codestream has no start of frame.")


def adobe_transform(codestream: bytes) -> int | None:
    """How an Adobe marker says that colour is stored (0 as it is, 1 YCC, 2 YCCK); None without one."""
    for segment in header_segments(codestream):
        if segment.marker == APP14 and codestream[segment.start : segment.start + 5] == b"Adobe":
            return codestream[segment.start + 11] if segment.end >= segment.start + 12 else None
    return None


def first_quantisers(codestream: bytes) -> dict[int, int]:
    """The DC entry of each quantisation table, by the table's number.

    Raises
    ------
    PixelError
        Where a table is defined twice, so that scans differ in it, or is cut short.

    """
    first: dict[int, int] = {}
    for segment in header_segments(codestream):
        position = segment.start
        while segment.marker == DQT and position < segment.end:
            wide, number = codestream[position] >> 4, codestream[position] & 15
            width = 2 if wide else 1
            if number in first or position + 1 + 64 * width > segment.end:
                raise PixelError("The quantisation tables of a codestream cannot be told.")
            first[number] = int.from_bytes(codestream[position + 1 : position + 1 + width], "big")
            position += 1 + 64 * width
    return first
