"""zxing-cpp as a CodeFinder."""

from __future__ import annotations

from importlib.metadata import version

import numpy as np
from numpy.typing import NDArray
from zxingcpp import Barcode, BarcodeFormat, BarcodeFormats, Binarizer, Position, TextMode, read_barcodes

from deid.codes import Code, Corner, Shape

_SQUARES = (BarcodeFormat.QRCode, BarcodeFormat.DataMatrix, BarcodeFormat.Aztec)
_BARS = (
    BarcodeFormat.Code128,
    BarcodeFormat.Code39,
    BarcodeFormat.Code93,
    BarcodeFormat.Codabar,
    BarcodeFormat.ITF,
    BarcodeFormat.EANUPC,
    BarcodeFormat.PDF417,
)
_SEEN_WHERE_DAMAGED = frozenset((BarcodeFormat.QRCode, BarcodeFormat.Aztec))
"""Their finder patterns are seen in nothing else; damaged ones of other kinds are seen in anatomy and in text."""


class Zxing:
    """Finds what zxing-cpp reads, and squares of which it sees that they are damaged; needs no lock."""

    name = "zxing-cpp"

    def __init__(self) -> None:
        self.version = version("zxing-cpp")

    def find(self, picture: NDArray[np.uint8], *, even_ground: bool = False) -> tuple[Code, ...]:
        """Codes of bars dark on light, and square ones both ways."""
        pixels = np.ascontiguousarray(picture)
        threshold = Binarizer.GlobalHistogram if even_ground else Binarizer.LocalAverage
        found = _read(pixels, (*_SQUARES, *_BARS), threshold)
        if not even_ground:
            # Small stacked bars are lost where each place has a threshold of its own.
            found += _read(pixels, (BarcodeFormat.PDF417,), Binarizer.GlobalHistogram)
        return _codes(found)


def _read(pixels: NDArray[np.uint8], kinds: tuple[BarcodeFormat, ...], threshold: Binarizer) -> list[Barcode]:
    return read_barcodes(
        pixels, formats=BarcodeFormats(kinds), binarizer=threshold, text_mode=TextMode.Hex, return_errors=True
    )


def _codes(found: list[Barcode]) -> tuple[Code, ...]:
    codes = []
    for each in found:
        corners = _corners(each.position)
        if each.valid or (each.symbology in _SEEN_WHERE_DAMAGED and len(set(corners)) > 2):
            codes.append(Code(corners, _shape_of(each.symbology)))
    return tuple(codes)


def _shape_of(kind: BarcodeFormat) -> Shape:
    if kind == BarcodeFormat.PDF417:
        return Shape.STACK
    return Shape.SQUARES if kind in _SQUARES else Shape.BARS


def _corners(place: Position) -> tuple[Corner, Corner, Corner, Corner]:
    start, end = place.top_left, place.top_right
    across, back = place.bottom_right, place.bottom_left
    return (start.x, start.y), (end.x, end.y), (across.x, across.y), (back.x, back.y)
