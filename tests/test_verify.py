"""The proof finds every fault that is put into a written file, and says so without quoting it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from pydicom import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    RLELossless,
)

from deid import verify
from deid.header import clean, needles, write
from deid.identifiers import Needles
from deid.load import load
from deid.profile import Profile
from deid.redact import redact
from deid.values import Box, Check, Reason, Region
from tests.dicom_factory import PHI, dicom, file_bytes, gradient, image

KEY = b"a key that only the tests know"
FRAMES = np.stack([gradient(40, 36), gradient(40, 36)[::-1]])
COLOUR = np.stack([gradient(40, 36), gradient(40, 36)[::-1], 255 - gradient(40, 36)], axis=-1)
REGION = Region(1, Box(4, 6, 20, 9), (Reason.DRAWN,), 1.0)
SYNTAXES = [
    ImplicitVRLittleEndian,
    ExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    DeflatedExplicitVRLittleEndian,
    RLELossless,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
]


def processed(original: Dataset, regions: list[Region]) -> tuple[Dataset, tuple[Region, ...]]:
    redacted, effective = redact(original, regions)
    return clean(redacted, KEY, pixels_changed=bool(effective), pixels_examined=True)[0], effective


def check_written(*given: Any) -> tuple[Check, ...]:
    return verify.check_written(*given)[0]


def failed(checks: tuple[Check, ...]) -> set[str]:
    assert not any(check.review for check in checks)
    said = " ".join(check.detail for check in checks).upper()
    assert not [value for value in PHI.values() if value.upper() in said]
    return {check.name for check in checks if not check.passed}


@pytest.mark.parametrize("syntax", SYNTAXES)
@pytest.mark.parametrize("regions", [[], [REGION]], ids=["no box", "a box"])
def test_what_the_stages_write_passes(syntax: str, regions: list[Region]) -> None:
    original = load(dicom(FRAMES, syntax=syntax))
    out, effective = processed(original, regions)
    checks = check_written(original, write(out), effective, needles(original, Profile()))
    assert failed(checks) == set()
    assert {"opens", "shape", "header values", "elements", "envelope"} <= {check.name for check in checks}


def test_floats_that_are_no_numbers_compare_as_equal() -> None:
    pixels = gradient(12, 12).astype("f4")
    pixels[0, 0] = np.nan
    original = load(dicom(pixels))
    out, effective = processed(original, [Region(None, Box(2, 2, 3, 3), (), 1.0)])
    assert failed(check_written(original, write(out), effective, needles(original, Profile()))) == set()


def _leak_private(out: Dataset) -> None:
    out.private_block(0x0009, "SOMEONE", create=True).add_new(1, "LO", "see Quillfeather")


def _leak_nested(out: Dataset) -> None:
    item = Dataset()
    item.CodeMeaning = "of vantongeren"
    out.ProcedureCodeSequence = Sequence([item])


def _leak_description(out: Dataset) -> None:
    out.StudyDescription = "CT OF QUILLFEATHER"


def _leak_accents(out: Dataset) -> None:
    out.Manufacturer = "Quillfeâther"
    out.SpecificCharacterSet = "ISO_IR 192"


def _leak_date(out: Dataset) -> None:
    out.ImageComments = "born on 19/02/1947"


def _leak_bytes(out: Dataset) -> None:
    out.ICCProfile = b"\0\1QF-7730215\0\0"


def _leak_number(out: Dataset) -> None:
    out.SeriesNumber = "7730215"


def _leak_phrase(out: Dataset) -> None:
    out.ConvolutionKernel = "SN 8842076"


@pytest.mark.parametrize(
    "leak",
    [
        _leak_private,
        _leak_nested,
        _leak_description,
        _leak_accents,
        _leak_date,
        _leak_bytes,
        _leak_number,
        _leak_phrase,
    ],
)
def test_a_header_value_that_is_left_is_found(leak: Callable[[Dataset], None]) -> None:
    original = load(dicom(FRAMES, DeviceSerialNumber="SN-8842076"))
    out, effective = processed(original, [REGION])
    leak(out)
    assert "header values" in failed(check_written(original, write(out), effective, needles(original, Profile())))


def test_common_words_and_short_parts_are_no_leak() -> None:
    original = load(dicom(FRAMES, InstitutionName="General Hospital of Li", PatientName="Li^Yu"))
    out, effective = processed(original, [REGION])
    out.Manufacturer = "General Li Imaging Hospital"
    assert failed(check_written(original, write(out), effective, needles(original, Profile()))) == set()
    out.Manufacturer = "Li Yu"
    assert failed(check_written(original, write(out), effective, needles(original, Profile()))) == {"header values"}


def test_a_small_number_behind_zeros_is_no_number_to_look_for() -> None:
    original = load(dicom(FRAMES, PatientID="0000040", Rows=40))
    out, effective = processed(original, [REGION])
    assert out.Rows == 40
    checks = check_written(original, write(out), effective, needles(original, Profile()))
    assert failed(checks) == set()
    out.SeriesDescription = "study of 0000040"
    assert failed(check_written(original, write(out), effective, needles(original, Profile()))) == {"header values"}


def test_private_and_unknown_elements_are_found_whatever_they_hold() -> None:
    original = load(dicom(FRAMES))
    for tag in (0x00091001, 0x00080FFE, 0x60000022, 0x50000030):
        out, effective = processed(original, [])
        out.add_new(tag, "UN", b"xy")
        assert failed(check_written(original, write(out), effective, Needles())) == {"elements"}


@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, RLELossless, DeflatedExplicitVRLittleEndian])
def test_bytes_around_the_dataset_are_found(syntax: str) -> None:
    original = load(dicom(FRAMES, syntax=syntax))
    out, effective = processed(original, [])
    written = write(out)
    assert failed(check_written(original, b"QUILL".ljust(128, b"\0") + written[128:], effective, Needles())) == {
        "envelope"
    }
    assert "envelope" in failed(check_written(original, written + b"AB\0\0LO\x04\0QUIL", effective, Needles()))
    out.file_meta.SourceApplicationEntityTitle = "BRANNOC"
    assert failed(check_written(original, write(out), effective, Needles())) == {"envelope"}


def test_a_changed_pixel_is_found() -> None:
    original = load(dicom(FRAMES))
    out, effective = processed(original, [REGION])
    pixels = bytearray(out.PixelData)
    pixels[5] ^= 1
    out.PixelData = bytes(pixels)
    checks = check_written(original, write(out), effective, Needles())
    assert failed(checks) == {"pixels outside"}
    assert any("first in frame 0" in check.detail for check in checks)


def test_a_box_that_still_shows_something_is_found() -> None:
    original = load(dicom(FRAMES))
    out, _ = processed(original, [])
    assert failed(check_written(original, write(out), (REGION,), Needles())) == {"pixels inside"}


def test_an_untouched_image_must_be_the_same_bytes() -> None:
    original = load(dicom(FRAMES, syntax=RLELossless))
    out, _ = processed(original, [REGION])
    assert failed(check_written(original, write(out), (), Needles())) == {"pixels untouched"}


def test_another_shape_or_sign_is_found() -> None:
    original = load(dicom(FRAMES))
    for keyword, value in (("PixelRepresentation", 1), ("NumberOfFrames", 1), ("Rows", 20)):
        out, _ = processed(original, [])
        setattr(out, keyword, value)
        assert "shape" in failed(check_written(original, write(out), (), Needles()))


def test_colours_under_another_name_are_found() -> None:
    original = load(file_bytes(image(COLOUR, photometric="YBR_FULL")))
    out, effective = processed(original, [Region(0, Box(1, 1, 5, 5), (), 1.0)])
    out.PhotometricInterpretation = "RGB"
    assert failed(check_written(original, write(out), effective, Needles())) == {"colour"}


def test_pixels_that_no_longer_decode_are_found() -> None:
    original = load(dicom(FRAMES, syntax=JPEG2000Lossless))
    out, effective = processed(original, [REGION])
    out.PixelData = out.PixelData.replace(b"\xff\x51", b"\0\0")
    assert "pixels outside" in failed(check_written(original, write(out), effective, Needles()))


@pytest.mark.parametrize("written", [b"", b"nothing", b"\0" * 128 + b"DICM"])
def test_a_file_that_does_not_open_fails_first(written: bytes) -> None:
    checks = check_written(load(dicom(FRAMES)), written, (), Needles())
    assert [(check.name, check.passed) for check in checks] == [("opens", False)]
