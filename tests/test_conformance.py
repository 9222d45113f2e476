"""What the header says of changed pixels is true, and dciodvfy finds nothing wrong that was not wrong before."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydicom.uid import (
    JPEG2000,
    ExplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGExtended12Bit,
    JPEGLSLossless,
    RLELossless,
)

from deid import header
from deid.codecs.raw import raw_frame
from deid.load import load
from deid.redact import redact
from deid.values import Box, Reason, Region
from tests.dicom_factory import dicom, gradient

GREY, DEEP = gradient(64, 60), gradient(64, 60, "u2", 4095)
COLOUR = np.stack([GREY, GREY[::-1], 255 - GREY], axis=-1)
REGION = Region(None, Box(8, 8, 20, 12), (Reason.DRAWN,), 1.0)
FILES: list[Any] = [
    pytest.param(DEEP, ExplicitVRLittleEndian, {"bits_stored": 12}, id="native"),
    pytest.param(COLOUR, ExplicitVRLittleEndian, {"photometric": "RGB", "planar": 1}, id="native colour"),
    pytest.param(COLOUR, JPEGBaseline8Bit, {"photometric": "YBR_FULL_422"}, id="JPEG in blocks"),
    pytest.param(np.stack([GREY] * 3), JPEGBaseline8Bit, {}, id="JPEG loop"),
    pytest.param(DEEP, RLELossless, {"bits_stored": 12}, id="RLE"),
    pytest.param(DEEP, JPEGLSLossless, {"bits_stored": 12}, id="JPEG-LS"),
    pytest.param(COLOUR, JPEG2000Lossless, {"photometric": "YBR_RCT"}, id="J2K"),
    pytest.param(DEEP, JPEGExtended12Bit, {"bits_stored": 12}, id="12-bit JPEG transcoded"),
    pytest.param(GREY, JPEG2000, {}, id="lossy J2K transcoded"),
]


@pytest.mark.parametrize(("pixels", "syntax", "layout"), FILES)
def test_the_validator_finds_no_new_error(
    pixels: np.ndarray, syntax: str, layout: dict[str, Any], tmp_path: Path
) -> None:
    validator = shutil.which("dciodvfy", path=str(Path(sys.executable).parent)) or shutil.which("dciodvfy")
    if validator is None:
        pytest.skip("dciodvfy is not installed")
    data = dicom(pixels, syntax=syntax, **layout)
    redacted, _ = redact(load(data), [REGION])
    cleaned, _ = header.clean(redacted, b"k" * 32, pixels_changed=True, pixels_examined=True)
    found = []
    for name, content in (("before", data), ("after", header.write(cleaned))):
        (tmp_path / name).write_bytes(content)
        done = subprocess.run([validator, str(tmp_path / name)], capture_output=True, text=True, check=False)
        errors = (line for line in done.stderr.splitlines() if line.startswith("Error"))
        found.append({re.sub(r"<[\d.]+>", "<>", line) for line in errors})
    assert found[1] - found[0] == set()


@pytest.mark.parametrize(("pixels", "syntax", "layout"), FILES)
def test_the_header_tells_the_truth_about_the_new_pixels(
    pixels: np.ndarray, syntax: str, layout: dict[str, Any]
) -> None:
    extremes = {} if layout.get("photometric") else {"SmallestImagePixelValue": 3, "LargestImagePixelValue": 5000}
    original = load(dicom(pixels, syntax=syntax, **layout, **extremes))
    redacted, _ = redact(original, [REGION])
    cleaned, _ = header.clean(redacted, b"k" * 32, pixels_changed=True, pixels_examined=True)
    output = load(header.write(cleaned))
    assert list(output.ImageType)[:2] == ["DERIVED", "PRIMARY"]
    is_lossy = syntax in (JPEGBaseline8Bit, JPEGExtended12Bit, JPEG2000)
    assert (output.get("LossyImageCompression") == "01") is is_lossy
    assert bool(output.get("LossyImageCompressionMethod")) is is_lossy
    if extremes:
        frame = raw_frame(output, 0)
        assert (output.SmallestImagePixelValue, output.LargestImagePixelValue) == (frame.min(), frame.max())


@pytest.mark.parametrize(("pixels", "syntax", "layout"), FILES)
def test_without_a_box_the_header_says_nothing_new_of_the_pixels(
    pixels: np.ndarray, syntax: str, layout: dict[str, Any]
) -> None:
    original = load(dicom(pixels, syntax=syntax, **layout))
    untouched, _ = redact(original, [])
    cleaned, _ = header.clean(untouched, b"k" * 32, pixels_changed=False, pixels_examined=True)
    assert list(cleaned.ImageType) == ["ORIGINAL", "PRIMARY"]
    assert "LossyImageCompression" not in cleaned
    assert cleaned.PixelData == original.PixelData
