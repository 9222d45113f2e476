"""Bytes of codestreams that no picture shows: comments, application data, thumbnails, whatever follows the image.

They can hold text that nobody reads, so they are made zeros where they stand. Lengths and offsets stay, and so do
segments that decoders need and the few comments that encoders are known to leave. What hides within the coded data of
8-bit sequential JPEG, after its last block or between restart intervals, shows when the same blocks are coded again;
in other coded data text is looked for (readable.py).

References
----------
ISO/IEC 10918-1 B.2.4 (APPn, COM); ISO/IEC 15444-1 A.9.2 (CME) and Annex I (JP2 boxes).

"""

from __future__ import annotations

import re
from collections.abc import Callable, Container, Iterable, Iterator, Sequence

import numpy as np
from pydicom import DataElement, Dataset
from pydicom.tag import Tag
from pydicom.uid import JPEG2000TransferSyntaxes, JPEGLSTransferSyntaxes, JPEGTransferSyntaxes

from deid.codecs import dct
from deid.codecs.encapsulated import Span
from deid.codecs.markers import (
    APP0,
    APP8,
    APP14,
    APP15,
    COM,
    EOI,
    SOS,
    Segment,
    frame_header,
    header_segments,
    segments,
)
from deid.codecs.raw import decode_codestream, encoded_frames, pixel_format
from deid.codecs.readable import hidden_texts
from deid.errors import PixelError
from deid.scratch import IN_MEMORY, Scratch

_JFIF_PAYLOAD, _ADOBE_PAYLOAD, _SPIFF_PAYLOAD, _COLOUR_PAYLOAD = 14, 12, 30, 5
_SHORTEST_TAIL = 4
_SPIFF_END = b"\0\0\0\1"
_PADDING = frozenset(b"\0\xff ")
_ENCODERS = (
    rb"Created by (GDCM/)?OpenJPEG version [\d.]+",
    rb"Creator: JasPer Version [\d.]+",
    rb"Kakadu-v?[\d.]+",
    rb"Kdu-Layer-Info: log_2\{Delta-D\(squared-error\)/Delta-L\(bytes\)\}, L\(bytes\)[\s\d.,e+-]*",
    rb"OpenJPH Ver [\d.]+",
    rb"LEAD Technologies,? Inc\. V[\d.]+",
    rb"CREATOR: gd-jpeg v[\d.]+ \(using IJG JPEG v\d+\)(, (default )?quality( = \d+)?)?",
    rb"Intel\(R\) JPEG Library, version [\d., \[\]]+",
    rb"Lavc[\d.]+",
    rb"AppleMark",
)
_HARMLESS = re.compile(rb"(" + rb"|".join(_ENCODERS) + rb")[\s\0]*")
"""Comments that name an encoder and nothing else."""


def without_unseen(dataset: Dataset, scratch: Scratch = IN_MEMORY) -> Dataset:
    """The dataset, or a copy in which what no picture shows is zeros; each fragment keeps its length.

    Raises
    ------
    PixelError
        Where codestreams cannot be told apart, or their segments are damaged.

    """
    find = _finder(dataset)
    if find is None:
        return dataset
    spans = encoded_frames(dataset)
    changed: memoryview | None = None
    for frame in range(len(spans)):
        codestream = spans.codestream(frame)
        for start, wanted in find(codestream):
            end = start + len(wanted)
            if codestream[start:end] == wanted:
                continue
            changed = scratch.copy(spans.value) if changed is None else changed
            for first, last in _in_fragments(spans.spans[frame], start, end):
                changed[first:last] = wanted[: last - first]
                wanted = wanted[last - first :]
    if changed is None:
        return dataset
    element = DataElement(Tag("PixelData"), dataset["PixelData"].VR, changed.toreadonly())
    element.is_undefined_length = dataset["PixelData"].is_undefined_length
    copy = Dataset()
    copy.update(dataset)
    copy.file_meta = dataset.file_meta
    copy.add(element)
    return copy


def holds_unseen(dataset: Dataset, plain: Container[int] = ()) -> bool:
    """Whether a codestream holds something that no picture shows and that is not zeros.

    `plain` are frames whose coded data is known to hold its blocks alone: `is_plain` has said so.
    """
    find = _finder(dataset)
    if find is None:
        return False
    return any(
        codestream[start : start + len(wanted)] != wanted
        for frame, codestream in enumerate(encoded_frames(dataset))
        for start, wanted in (_in_segments if frame in plain else find)(codestream)
    )


def is_plain(codestream: bytes, parsed: dct.Parsed) -> bool:
    """Whether the coded data of a sequential JPEG, parsed before, is known to hold its blocks alone."""
    try:
        scans = _scans(codestream, list(segments(codestream)))
        return len(scans) == 1 and _surplus(codestream, scans[0], parsed) is None
    except PixelError:
        return False


def _finder(dataset: Dataset) -> Callable[[bytes], Iterator[tuple[int, bytes]]] | None:
    """What gives, for a codestream, where something may stand that no picture shows, and what must stand there."""
    layout = pixel_format(dataset)

    def decode(codestream: bytes) -> np.ndarray:
        return decode_codestream(codestream, layout)

    def in_jpeg(codestream: bytes) -> Iterator[tuple[int, bytes]]:
        found = list(segments(codestream))
        yield from _zeros(_in_jpeg(codestream, found))
        scans = _scans(codestream, found)
        parsed = _parsed(codestream) if layout.syntax in dct.SYNTAXES and len(scans) == 1 else None
        if parsed is None:
            yield from hidden_texts(codestream, scans, decode)
        else:
            yield from _coded_anew(codestream, scans[0], parsed)

    def in_jpeg2000(codestream: bytes) -> Iterator[tuple[int, bytes]]:
        yield from _zeros(_in_jpeg2000(codestream))
        yield from hidden_texts(codestream, _tiles(codestream), decode)

    if layout.syntax in JPEGTransferSyntaxes or layout.syntax in JPEGLSTransferSyntaxes:
        return in_jpeg
    return in_jpeg2000 if layout.syntax in JPEG2000TransferSyntaxes else None


def _zeros(spans: Iterator[Span]) -> Iterator[tuple[int, bytes]]:
    return ((start, bytes(end - start)) for start, end in spans if start < end)


def _in_segments(codestream: bytes) -> Iterator[tuple[int, bytes]]:
    return _zeros(_in_jpeg(codestream, segments(codestream)))


def _parsed(codestream: bytes) -> dct.Parsed | None:
    """The codestream, where it is 8-bit sequential JPEG that can be coded anew."""
    try:
        header = frame_header(codestream)
        if header.marker not in dct.SEQUENTIAL or header.precision != 8:
            return None
        return dct.parse(codestream)
    except PixelError:
        return None


def _coded_anew(codestream: bytes, span: Span, parsed: dct.Parsed) -> Iterator[tuple[int, bytes]]:
    """Coded data that holds more than its blocks: those blocks alone, and zeros behind them."""
    try:
        wanted = _surplus(codestream, span, parsed)
        if wanted is None:
            return
        start, end = span
        after = dct.read_coefficients(codestream[:start] + wanted + codestream[end:])
    except PixelError:
        return  # a frame that cannot be read like this is never edited like this, and `verify` searches it
    if dct.is_same_outside(parsed.coefficients, after, ()):
        yield start, wanted


def _surplus(codestream: bytes, span: Span, parsed: dct.Parsed) -> bytes | None:
    """What the coded data should be where it holds more than its blocks: they alone, and zeros; None where it is so."""
    again = parsed.written()
    *_, scan = header_segments(again)
    coded = again[scan.end :].removesuffix(b"\xff\xd9")
    start, end = span
    surplus = end - start - len(coded)
    is_plain = codestream[start : end - surplus] == coded and _is_padding(codestream[end - surplus : end])
    return None if surplus < _SHORTEST_TAIL or is_plain else coded + bytes(surplus)


def _scans(codestream: bytes, found: Sequence[Segment]) -> list[Span]:
    """Where the coded data of each scan lies."""
    spans: list[Span] = []
    for number, segment in enumerate(found):
        if segment.marker != SOS:
            continue
        if number + 1 == len(found):
            spans.append((segment.end, len(codestream)))
            continue
        following = found[number + 1]
        spans.append((segment.end, following.start - (2 if following.marker == EOI else 4)))
    return spans


def _tiles(codestream: bytes) -> list[Span]:
    """Where the coded data of all tiles lies, headers of tile-parts among it."""
    start = codestream.find(b"\xff\x93")
    return [(start + 2, len(codestream))] if start >= 0 else []


def _in_fragments(fragments: tuple[Span, ...], start: int, end: int) -> Iterator[Span]:
    """Where a range of the joined codestream lies in the value."""
    before = 0
    for first, last in fragments:
        length = last - first
        low, high = max(start - before, 0), min(end - before, length)
        if low < high:
            yield first + low, first + high
        before += length


def _in_jpeg(codestream: bytes, found: Iterable[Segment]) -> Iterator[Span]:
    end = len(codestream)
    for segment in found:
        if segment.marker == EOI:
            if not _is_padding(codestream[segment.end : end]):
                yield segment.end, end
        elif segment.marker == COM:
            if not _HARMLESS.fullmatch(codestream[segment.start : segment.end]):
                yield segment.start, segment.end
        elif APP0 <= segment.marker <= APP15:
            kept = _kept(segment.marker, codestream[segment.start : segment.end])
            yield segment.start + kept, segment.end


def _kept(marker: int, payload: bytes) -> int:
    """How many bytes of application data decoders need: the rest is a thumbnail or foreign."""
    if marker == APP0 and payload.startswith(b"JFIF\0"):
        return _JFIF_PAYLOAD
    if marker == APP14 and payload.startswith(b"Adobe"):
        return _ADOBE_PAYLOAD
    if marker == APP8 and payload.startswith(b"SPIFF\0"):
        return _SPIFF_PAYLOAD
    if marker == APP8 and payload.startswith(b"mrfx"):
        return _COLOUR_PAYLOAD
    return len(payload) if marker == APP8 and payload.startswith(_SPIFF_END) and len(payload) <= 6 else 0


def _in_jpeg2000(codestream: bytes) -> Iterator[Span]:
    if not codestream.startswith(b"\xff\x4f"):
        yield from _in_boxes(codestream)
        return
    yield from _in_j2k(codestream, 0, len(codestream))


def _in_boxes(codestream: bytes) -> Iterator[Span]:
    """A JP2 file around the codestream: only boxes that decoders need may say something."""
    position = 0
    while position + 8 <= len(codestream):
        length, kind = (
            int.from_bytes(codestream[position : position + 4], "big"),
            codestream[position + 4 : position + 8],
        )
        start = position + 8
        if length == 1:
            length, start = int.from_bytes(codestream[start : start + 8], "big"), start + 8
        end = min(position + length, len(codestream)) if length else len(codestream)
        if kind == b"jp2c":
            yield from _in_j2k(codestream, start, end)
        elif kind not in (b"jP  ", b"ftyp", b"jp2h", b"rreq"):
            yield start, end
        if end <= position:
            return
        position = end
    if not _is_padding(codestream[position:]):
        yield position, len(codestream)


def _in_j2k(codestream: bytes, start: int, end: int) -> Iterator[Span]:
    """Comments of the main header and of the header of each tile-part, and what follows the end of the codestream."""
    position = start + 2
    part_start = part_length = 0
    while position + 4 <= end:
        marker = int.from_bytes(codestream[position : position + 2], "big")
        if marker == 0xFFD9:
            break
        if marker == 0xFF93:
            if not part_length:
                return
            position = part_start + part_length
            continue
        after = position + 2 + int.from_bytes(codestream[position + 2 : position + 4], "big")
        if marker == 0xFF90:
            part_start, part_length = position, int.from_bytes(codestream[position + 6 : position + 10], "big")
            if part_length and part_length < 14:
                return
        elif marker == 0xFF64 and not _HARMLESS.fullmatch(codestream[position + 6 : after]):
            yield position + 6, min(after, end)
        if marker < 0xFF00:
            return
        position = after
    if codestream[position : position + 2] == b"\xff\xd9" and not _is_padding(codestream[position + 2 : end]):
        yield position + 2, end


def _is_padding(tail: bytes) -> bool:
    """Whether what follows an image is too short for a word, or only zeros and fillers."""
    return len(tail) < _SHORTEST_TAIL or not set(tail) - _PADDING
