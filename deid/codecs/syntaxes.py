"""Every transfer syntax that DICOM names: which ways of changing pixels serve it, in what order, or why none does.

A way is named by its module in this package. The first whose `handles` agrees is taken; where that fails on an odd
codestream, the next one is tried. A syntax that is in neither table is refused too.
"""

from __future__ import annotations

from pydicom.uid import (
    HTJ2K,
    JPEG2000,
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    HTJ2KLossless,
    HTJ2KLosslessRPCL,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGExtended12Bit,
    JPEGLossless,
    JPEGLosslessSV1,
    JPEGLSLossless,
    JPEGLSNearLossless,
    RLELossless,
)

_NATIVE = ("native",)
_LOSSLESS = ("lossless", "transcode")
_DCT = ("dct", "transcode")
_LOSSY = ("transcode",)
WAYS: dict[UID, tuple[str, ...]] = {
    ImplicitVRLittleEndian: _NATIVE,
    ExplicitVRLittleEndian: _NATIVE,
    ExplicitVRBigEndian: _NATIVE,
    DeflatedExplicitVRLittleEndian: _NATIVE,
    RLELossless: _LOSSLESS,
    JPEGLSLossless: _LOSSLESS,
    JPEG2000Lossless: _LOSSLESS,
    HTJ2KLossless: _LOSSLESS,
    HTJ2KLosslessRPCL: _LOSSLESS,
    JPEGLossless: _LOSSLESS,
    JPEGLosslessSV1: _LOSSLESS,
    JPEGBaseline8Bit: _DCT,
    JPEGExtended12Bit: _DCT,
    JPEGLSNearLossless: _LOSSY,
    JPEG2000: _LOSSY,
    HTJ2K: _LOSSY,
}
_NO_DECODER = "No decoder for this transfer syntax is installed"
_REASONS = (
    ("1.2.840.10008.1.2.4.10", "it is video, whose frames cannot be changed one by one."),
    ("1.2.840.10008.1.2.7.", "it is a live stream, not a file."),
    ("1.2.840.10008.1.2.4.94", "the pixels are not in the file but on a server."),
    ("1.2.840.10008.1.2.4.95", "the pixels are not in the file but on a server."),
    ("1.2.840.10008.1.2.4.204", "the pixels are not in the file but on a server."),
    ("1.2.840.10008.1.2.4.205", "the pixels are not in the file but on a server."),
    ("1.2.840.10008.1.2.4.9", "it is JPEG 2000 over several components (Part 2)."),
    ("1.2.840.10008.1.2.4.5", "it is a retired JPEG process."),
    ("1.2.840.10008.1.2.4.6", "it is a retired JPEG process."),
    ("1.2.840.10008.1.2.1.98", "the pixels are encapsulated without compression."),
    ("1.2.840.10008.1.2.6.", "it is no encoding of an image."),
    ("1.2.840.10008.1.20", "it is a retired private encoding."),
)
"""Beginnings of UIDs, the first that fits counts."""


def why_not(syntax: str) -> str:
    """Why files in a transfer syntax are quarantined, as a sentence; empty where they are handled."""
    if syntax in WAYS:
        return ""
    reason = next((reason for start, reason in _REASONS if syntax.startswith(start)), "")
    return f"{_NO_DECODER}: {reason}" if reason else f"{_NO_DECODER}."
