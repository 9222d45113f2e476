"""One frame to one lossless codestream, proved by decoding it again."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import imagecodecs
import numpy as np
from pydicom.pixels.encoders.base import get_encoder
from pydicom.uid import (
    HTJ2KLossless,
    HTJ2KLosslessRPCL,
    JPEG2000Lossless,
    JPEGLossless,
    JPEGLosslessSV1,
    JPEGLSLossless,
    RLELossless,
)

from deid.codecs.raw import PixelFormat, decode_codestream
from deid.errors import PixelError

_PYDICOM = (RLELossless, JPEGLSLossless, JPEG2000Lossless)
_HTJ2K = (HTJ2KLossless, HTJ2KLosslessRPCL)
_JPEG = (JPEGLossless, JPEGLosslessSV1)
LOSSLESS = (*_PYDICOM, *_HTJ2K, *_JPEG)
"""Transfer syntaxes in which a frame can be encoded without loss."""


def encode_frame(frame: np.ndarray, layout: PixelFormat, photometric: str) -> bytes:
    """The codestream of a frame in the lossless syntax `layout.syntax`.

    `frame` is as `raw_frame` gives it; `photometric` is what the header says (or will say) of it.

    Raises
    ------
    PixelError
        Where the encoder fails, or what it made decodes to other values.

    """
    target = replace(layout, photometric=photometric, planar=0)
    try:
        codestream = _encoded(frame, target)
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException as exc:
        raise PixelError("A frame cannot be encoded in its transfer syntax.") from exc
    back = decode_codestream(codestream, target)
    if back.shape != frame.shape or not np.array_equal(back, frame):
        raise PixelError("A frame decodes to other values after it was encoded.")
    return codestream


def _encoded(frame: np.ndarray, layout: PixelFormat) -> bytes:
    if layout.syntax in _PYDICOM:
        return _pydicom_encoded(frame, layout)
    if layout.syntax in _HTJ2K:
        return bytes(imagecodecs.htj2k_encode(frame, reversible=True))
    colorspace = None if layout.samples == 1 else "RGB"
    return bytes(
        imagecodecs.jpeg8_encode(
            frame if not layout.signed else frame.view(frame.dtype.str.replace("i", "u")),
            lossless=True,
            predictor=1,
            bitspersample=layout.bits_stored,
            colorspace=colorspace,
            outcolorspace=colorspace,
        )
    )


def _pydicom_encoded(frame: np.ndarray, layout: PixelFormat) -> bytes:
    options: dict[str, Any] = {
        "rows": layout.rows,
        "columns": layout.columns,
        "number_of_frames": 1,
        "samples_per_pixel": layout.samples,
        "photometric_interpretation": layout.photometric,
        "bits_allocated": layout.bits_allocated,
        "bits_stored": layout.bits_stored,
        "pixel_representation": int(layout.signed),
    }
    if layout.samples > 1:
        options["planar_configuration"] = 0
    # What comes out is decoded and compared, which says more than pydicom's table of allowed combinations.
    return bytes(get_encoder(layout.syntax).encode(frame, validate=False, **options))
