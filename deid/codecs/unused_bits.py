"""Bits of a pixel that its value does not use: an overlay may lie there, and nothing that decodes shows it.

Where they hold more than the sign they are cleared, in every frame; no pixel value changes. An overlay need not be
declared for that: another program may have removed the declaration and left the bits.

References
----------
PS3.5 8.1.1 (cells and unused bits), PS3.3 C.9.2 of 2004 (overlays in pixels, retired since).

"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from pydicom import Dataset
from pydicom.uid import ExplicitVRBigEndian, JPEG2000TransferSyntaxes, RLELossless

from deid.codecs.encapsulated import encapsulated
from deid.codecs.encode import LOSSLESS, encode_frame
from deid.codecs.markers import frame_header
from deid.codecs.raw import PixelFormat, StoredFrames, pixel_format, stored_frames
from deid.codecs.regions import replace_pixels, with_offset_tables
from deid.errors import PixelError
from deid.scratch import let_go

_WHOLE_BYTES = (8, 16, 32)
_SIZ_PRECISION = 42
"""Where the bit depth of the first component stands in a JPEG 2000 codestream (ISO/IEC 15444-1 A.5.1)."""


def without_unused_bits(dataset: Dataset) -> Dataset:
    """The dataset, or a copy in which unused bits hold nothing but the sign.

    Raises
    ------
    PixelError
        Where they hold more and cannot be cleared without loss.

    """
    layout = pixel_format(dataset)
    if layout.is_float or layout.bits_stored >= layout.bits_allocated or layout.bits_allocated not in _WHOLE_BYTES:
        return dataset
    if layout.syntax.is_encapsulated:
        return _encoded_without(dataset, layout)
    if layout.photometric == "YBR_FULL_422":
        return dataset
    return _native_without(dataset, layout)


def holds_unused_bits(dataset: Dataset) -> bool:
    """Whether bits that no value uses hold something else than the sign, or may do so."""
    try:
        return without_unused_bits(dataset) is not dataset
    except PixelError:
        return True


def _native_without(dataset: Dataset, layout: PixelFormat) -> Dataset:
    order = ">" if layout.syntax == ExplicitVRBigEndian and layout.bits_allocated > 8 else "<"
    kind = np.dtype(f"{order}{'i' if layout.signed else 'u'}{layout.bits_allocated // 8}")
    value = dataset[layout.keyword].value
    stored = np.frombuffer(value, kind, count=len(value) // kind.itemsize)
    chunk = max(layout.rows * layout.columns * layout.samples, 1)
    cleared: np.ndarray | None = None
    for start in range(0, len(stored), chunk):
        part = stored[start : start + chunk]
        plain = _plain(part, layout)
        let_go(value)
        if plain is None:
            continue
        if cleared is None:
            cleared = stored.copy()
        cleared[start : start + chunk] = plain
    if cleared is None:
        return dataset
    return replace_pixels(dataset, cleared.tobytes() + bytes(value[len(cleared) * kind.itemsize :]))


def _plain(cells: np.ndarray, layout: PixelFormat) -> np.ndarray | None:
    """The values alone, extended by their sign; None where nothing else stands there (zeros are as good as a sign)."""
    unused = layout.bits_allocated - layout.bits_stored
    mask = (1 << layout.bits_stored) - 1
    cells = cells.astype(cells.dtype.newbyteorder("="), copy=False)
    unsigned = cells.view(cells.dtype.str.replace("i", "u"))
    if not layout.signed:
        return None if not (unsigned >> layout.bits_stored).any() else unsigned & mask
    extended = (unsigned << unused).view(cells.dtype) >> unused
    return None if ((extended == cells) | (unsigned & mask == unsigned)).all() else extended


def _encoded_without(dataset: Dataset, layout: PixelFormat) -> Dataset:
    frames = stored_frames(dataset)
    whole = StoredFrames(dataset, replace(layout, bits_stored=layout.bits_allocated), frames.spans)
    codestreams: list[bytes | memoryview] = []
    is_changed = False
    for number in range(len(frames)):
        codestream = frames.stored(number)
        if _precision(bytes(codestream), layout) > layout.bits_stored:
            plain = _plain(whole.decoded(number), layout)
            if plain is not None:
                if layout.syntax not in LOSSLESS:
                    raise PixelError("Bits of the pixels that no value uses hold something that cannot be examined.")
                codestream, is_changed = encode_frame(plain, layout, layout.photometric), True
        codestreams.append(codestream)
    if not is_changed:
        return dataset
    return with_offset_tables(dataset, encapsulated(codestreams, len(frames)), layout.syntax)


def _precision(codestream: bytes, layout: PixelFormat) -> int:
    """How many bits of a cell the codestream holds."""
    if layout.syntax == RLELossless:
        return layout.bits_allocated
    if layout.syntax in JPEG2000TransferSyntaxes:
        if not codestream.startswith(b"\xff\x4f\xff\x51") or len(codestream) <= _SIZ_PRECISION:
            return layout.bits_allocated
        return (codestream[_SIZ_PRECISION] & 0x7F) + 1
    return frame_header(codestream).precision
