"""Datasets as the bytes of a file: what pydicom's `dcmwrite` writes, in a fraction of its time.

The common kinds of values are encoded here; every other one is left to pydicom, element by element. All elements must
have been parsed, as those of a cleaned dataset are.

References
----------
PS3.5 6.2 and 7.1 for elements, 7.5 for items, A.5 for deflated datasets; PS3.10 7.1 for the file.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Sequence
from typing import Any

from pydicom import DataElement, Dataset
from pydicom.charset import default_encoding
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import correct_ambiguous_vr, write_data_element
from pydicom.multival import MultiValue
from pydicom.uid import UID, DeflatedExplicitVRLittleEndian, ExplicitVRBigEndian, ImplicitVRLittleEndian
from pydicom.valuerep import EXPLICIT_VR_LENGTH_32

from deid.walking import elements_of

_GROUP_LENGTH, _PIXELS = 0x00020000, 0x7FE00010
_TEXTS = dict.fromkeys(("AE", "AS", "CS", "DA", "DT", "LO", "LT", "SH", "ST", "TM", "UC", "UR", "UT"), b" ")
_PADDING = {**_TEXTS, "UI": b"\0"}
_FORMATS = {"US": "H", "SS": "h", "UL": "L", "SL": "l", "FL": "f", "FD": "d"}
_BYTES = frozenset({"OB", "OW"})
_LONG = frozenset(map(str, EXPLICIT_VR_LENGTH_32))
_MOST = 0xFFFF
"""A longer value does not fit the short form of an explicit representation."""


def file_bytes(dataset: Dataset) -> bytes:
    """The file of a dataset with a complete file meta: a preamble of zeros, the meta, the dataset.

    Raises
    ------
    Exception
        Of many kinds, where an element cannot be encoded.
    """
    syntax = UID(dataset.file_meta.TransferSyntaxUID)
    implicit, little = syntax == ImplicitVRLittleEndian, syntax != ExplicitVRBigEndian
    meta = _Encoder(False, True, undefined_pixels=False).elements(
        [element for element in elements_of(dataset.file_meta) if element.tag != _GROUP_LENGTH], default_encoding
    )
    head = b"\2\0\0\0UL\4\0" + struct.pack("<L", len(meta))
    encoder = _Encoder(implicit, little, undefined_pixels=syntax.is_compressed)
    try:
        body = encoder.dataset(dataset, default_encoding)
    except _AmbiguousError:
        correct_ambiguous_vr(dataset, little)
        body = encoder.dataset(dataset, default_encoding)
    if syntax == DeflatedExplicitVRLittleEndian:
        deflater = zlib.compressobj(wbits=-zlib.MAX_WBITS)
        body = deflater.compress(body) + deflater.flush()
        body += b"\0" * (len(body) % 2)
    return b"".join((b"\0" * 128, b"DICM", head, meta, body))


class _AmbiguousError(Exception):
    """An element has one of several representations, which other elements settle."""


class _Encoder:
    """Encodes elements in one way of explicit or implicit representations and of byte order."""

    def __init__(self, implicit: bool, little: bool, *, undefined_pixels: bool) -> None:
        self.implicit, self.little = implicit, little
        self._undefined_pixels = undefined_pixels
        self._settled = False
        order = "<" if little else ">"
        self._order = order
        self._tag = struct.Struct(f"{order}HH").pack
        self._short = struct.Struct(f"{order}HH2sH").pack
        self._long = struct.Struct(f"{order}HH2sHL").pack
        self._implicit = struct.Struct(f"{order}HHL").pack
        self._item = struct.Struct(f"{order}HHL").pack
        self._single: dict[str, Callable[..., bytes]] = {
            vr: struct.Struct(order + letter).pack for vr, letter in _FORMATS.items()
        }

    def dataset(self, dataset: Dataset, charset: Any) -> bytes:
        """The elements of a dataset or item; `charset` is that of what it stands in."""
        named = dataset.get(0x00080005)
        return self.elements(elements_of(dataset), charset if named is None else named.value)

    def elements(self, elements: Sequence[DataElement], charset: Any) -> bytes:
        """Elements one after the other."""
        return b"".join([self._element(element, charset) for element in elements])

    def _element(self, element: DataElement, charset: Any) -> bytes:
        tag, vr = int(element.tag), element.VR
        if not tag & 0xFFFF and tag >> 16 > 6:
            return b""  # the retired group lengths (PS3.5 7.2)
        if tag == _PIXELS:
            element.is_undefined_length = self._undefined_pixels
        value = None if element.is_undefined_length else self._value(vr, element.value, charset)
        if value is None and len(vr) > 2 and not self._settled:
            self._settled = True
            raise _AmbiguousError
        if value is None or (len(value) > _MOST and vr not in _LONG):
            return self._by_pydicom(element, charset)
        if self.implicit:
            return self._implicit(tag >> 16, tag & 0xFFFF, len(value)) + value
        if vr in _LONG:
            return self._long(tag >> 16, tag & 0xFFFF, vr.encode(), 0, len(value)) + value
        return self._short(tag >> 16, tag & 0xFFFF, vr.encode(), len(value)) + value

    def _value(self, vr: str, value: Any, charset: Any) -> bytes | None:
        """The value as bytes of even length; None where it is of no common kind."""
        if vr in _PADDING:
            return _text(value, _PADDING[vr])
        if vr in ("DS", "IS"):
            return _number_text(value)
        if vr in _FORMATS:
            return self._numbers(value, vr)
        if vr == "SQ":
            return b"".join([self._in_item(item, charset) for item in value])
        if vr in _BYTES and type(value) is bytes:
            return value + b"\0" if len(value) % 2 else value
        return None

    def _numbers(self, value: Any, vr: str) -> bytes | None:
        kind = type(value)
        if kind is int or kind is float:
            return self._single[vr](value)
        # Descriptors of lookup tables are of two representations at once.
        if kind is not MultiValue or vr == "SS" or not {type(each) for each in value} <= {int, float}:
            return None
        return struct.pack(f"{self._order}{len(value)}{_FORMATS[vr]}", *value)

    def _in_item(self, item: Dataset, charset: Any) -> bytes:
        value = self.dataset(item, charset)
        return self._item(0xFFFE, 0xE000, len(value)) + value

    def _by_pydicom(self, element: DataElement, charset: Any) -> bytes:
        stream = DicomBytesIO()
        stream.is_implicit_VR, stream.is_little_endian = self.implicit, self.little
        write_data_element(stream, element, charset)
        return stream.getvalue()


def _text(value: Any, padding: bytes) -> bytes | None:
    if value is None:
        return b""
    if type(value) is MultiValue:
        if not all(isinstance(each, str) for each in value):
            return None
        value = "\\".join(value)
    if not isinstance(value, str) or not value.isascii():
        return None
    return value.encode() + padding * (len(value) % 2)


def _number_text(value: Any) -> bytes | None:
    if value is None or value == "":
        return b""
    values = value if type(value) is MultiValue else (value,)
    text = "\\".join([each.original_string if hasattr(each, "original_string") else str(each) for each in values])
    return _text(text, b" ")
