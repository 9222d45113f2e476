"""A pydicom decoding plugin for JPEG that pillow cannot read: 12-bit extended, and lossless with any predictor.

`register` adds it; the names below it are those that pydicom asks of a plugin.
"""

from __future__ import annotations

import imagecodecs
import numpy as np
from pydicom.pixels.decoders.base import DecodeRunner, get_decoder
from pydicom.uid import JPEGExtended12Bit, JPEGLossless, JPEGLosslessSV1

DECODER_DEPENDENCIES = dict.fromkeys((JPEGExtended12Bit, JPEGLossless, JPEGLosslessSV1), ("imagecodecs",))
_LABEL = "imagecodecs"


def register() -> None:
    """Add the plugin to pydicom's decoders, once a process."""
    for uid in DECODER_DEPENDENCIES:
        decoder = get_decoder(uid)
        if _LABEL not in decoder.available_plugins:
            decoder.add_plugin(_LABEL, (__name__, "decode_frame"))


def is_available(uid: str) -> bool:
    """Whether this plugin decodes the transfer syntax."""
    return uid in DECODER_DEPENDENCIES


def decode_frame(codestream: bytes, runner: DecodeRunner) -> bytes:
    """The stored samples of one frame, colour by pixel, without a colour transformation."""
    colorspace = None
    if runner.samples_per_pixel > 1:
        colorspace = "YCBCR" if str(runner.photometric_interpretation).startswith("YBR") else "RGB"
    frame: np.ndarray = imagecodecs.jpeg8_decode(codestream, colorspace=colorspace, outcolorspace=colorspace)
    runner.set_option("bits_allocated", 8 * frame.dtype.itemsize)
    runner.set_option("planar_configuration", 0)
    return frame.tobytes()
