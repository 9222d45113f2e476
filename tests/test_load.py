"""What is accepted, in whatever wrapping; what is refused, and that the reason says nothing of the content."""

from __future__ import annotations

import struct

import numpy as np
import pytest
from pydicom import Dataset
from pydicom.data import get_testdata_file
from pydicom.sequence import Sequence
from pydicom.uid import (
    MPEG2MPML,
    DeflatedExplicitVRLittleEndian,
    EncapsulatedPDFStorage,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGLSLossless,
    MediaStorageDirectoryStorage,
    RLELossless,
)

from deid.codecs.raw import frame_count, raw_frame
from deid.errors import DeidError, PixelError, RefusedError
from deid.load import HEAD_BYTES, is_dicom, load
from tests.dicom_factory import PHI, bare_bytes, dicom, file_bytes, gradient, image

FRAME = gradient(12, 10, "u2", 4000)
SYNTAXES = [
    pytest.param(ImplicitVRLittleEndian, id="implicit"),
    pytest.param(ExplicitVRLittleEndian, id="explicit"),
    pytest.param(ExplicitVRBigEndian, id="big endian"),
    pytest.param(DeflatedExplicitVRLittleEndian, id="deflated"),
    pytest.param(RLELossless, id="RLE"),
    pytest.param(JPEGLSLossless, id="JPEG-LS"),
]


@pytest.mark.parametrize("syntax", SYNTAXES)
def test_a_file_opens_in_its_syntax(syntax: str) -> None:
    dataset = load(dicom(FRAME, syntax=syntax))
    assert dataset.file_meta.TransferSyntaxUID == syntax
    assert np.array_equal(raw_frame(dataset, 0), FRAME)


@pytest.mark.parametrize("syntax", SYNTAXES[:3])
def test_a_file_without_preamble_and_meta_gets_its_syntax_guessed(syntax: str) -> None:
    data = bare_bytes(image(FRAME, syntax=syntax))
    assert is_dicom(data[:HEAD_BYTES])
    dataset = load(data)
    assert dataset.file_meta.TransferSyntaxUID == syntax
    assert np.array_equal(raw_frame(dataset, 0), FRAME)


@pytest.mark.parametrize("syntax", [RLELossless, JPEG2000Lossless, JPEGBaseline8Bit])
def test_a_bare_encapsulated_file_is_known_by_its_codestream(syntax: str) -> None:
    frame = gradient(64, 64)
    dataset = load(bare_bytes(image(frame, syntax=syntax)))
    assert raw_frame(dataset, 0).shape == (64, 64)


def test_a_file_without_preamble_but_with_meta_opens() -> None:
    assert load(dicom(FRAME)[132:]).Rows == 12


def test_stray_item_tags_are_left_behind() -> None:
    data = dicom(FRAME)
    at = data.index(struct.pack("<HH", 0x0028, 0x0002))
    stray = struct.pack("<HHL", 0xFFFE, 0xE0DD, 0)
    dataset = load(data[:at] + stray + data[at:])
    assert np.array_equal(raw_frame(dataset, 0), FRAME)
    assert not [tag for tag in dataset._dict if tag >> 16 == 0xFFFE]


@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, RLELossless, DeflatedExplicitVRLittleEndian])
def test_garbage_after_the_pixels_is_not_read(syntax: str) -> None:
    dataset = load(dicom(FRAME, syntax=syntax) + b"Quillfeather was here, born 19470219")
    assert np.array_equal(raw_frame(dataset, 0), FRAME)
    assert list(dataset.keys())[-1] == 0x7FE00010


def test_bytes_of_the_pixel_element_beyond_the_frames_are_cut_off() -> None:
    dataset = image(FRAME)
    dataset.PixelData += b"QUILLFEATHER"
    assert load(file_bytes(dataset)).PixelData == image(FRAME).PixelData


@pytest.mark.parametrize("stated", ["1A", "two", "1\\2", "-"])
def test_garbage_for_a_number_of_frames_is_counted_instead(stated: str) -> None:
    dataset = image(np.stack([FRAME, FRAME + 1]))
    dataset[0x00280008].VR = "LO"
    dataset[0x00280008].value = stated
    opened = load(file_bytes(dataset))
    assert (frame_count(opened), opened.NumberOfFrames) == (2, 2)


def test_an_undecodable_value_is_left_behind() -> None:
    data = dicom(FRAME)
    at = data.index(b"DA\x08\x0020210817")
    damaged = data[:at] + b"FD\x08\x00abcdefgh" + data[at + 12 :]
    assert load(damaged).Rows == 12


def _without_pixels() -> bytes:
    dataset = image(FRAME)
    del dataset.PixelData
    return file_bytes(dataset)


def _directory() -> bytes:
    dataset = Dataset()
    dataset.file_meta = image(FRAME).file_meta
    dataset.file_meta.MediaStorageSOPClassUID = MediaStorageDirectoryStorage
    dataset.file_meta.MediaStorageSOPInstanceUID = "1.2.3"
    dataset.DirectoryRecordSequence = Sequence([])
    return file_bytes(dataset)


def _pdf() -> bytes:
    dataset = image(FRAME)
    del dataset.PixelData
    dataset.SOPClassUID = EncapsulatedPDFStorage
    dataset.EncapsulatedDocument = b"%PDF-1.7 Quillfeather "
    return file_bytes(dataset)


def _short_frames() -> bytes:
    dataset = image(np.stack([FRAME, FRAME]))
    dataset.NumberOfFrames = 3
    return file_bytes(dataset)


def _deflated_and_cut() -> bytes:
    data = dicom(FRAME, syntax=DeflatedExplicitVRLittleEndian)
    return data[: len(data) - 40]


REFUSED = [
    pytest.param(b"", "empty", id="empty"),
    pytest.param(b"Quillfeather wrote this by hand, it is long enough." * 40, "not a DICOM", id="text"),
    pytest.param(b"\0" * 2000, "not a DICOM", id="zeros"),
    pytest.param(b"\x89PNG\r\n\x1a\n" + b"\0" * 500, "not a DICOM", id="PNG"),
    pytest.param(b"\0" * 128 + b"DICM", "damaged", id="only a prefix"),
    pytest.param(dicom(FRAME)[:-30], "cut short", id="cut in the pixels"),
    pytest.param(dicom(FRAME)[:500], "cut short|no pixels", id="cut in the header"),
    pytest.param(dicom(FRAME, syntax=RLELossless)[:-60], "cut short", id="cut in a fragment"),
    pytest.param(_deflated_and_cut(), "cut short", id="cut in the deflated part"),
    pytest.param(_short_frames(), "fewer pixels", id="fewer frames than stated"),
    pytest.param(_without_pixels(), "no pixels", id="no pixels"),
    pytest.param(_directory(), "DICOMDIR", id="directory"),
    pytest.param(_pdf(), "document", id="PDF"),
    pytest.param(dicom(FRAME, NumberOfFrames=0), "0 frames", id="0 frames"),
]


@pytest.mark.parametrize(("data", "reason"), REFUSED)
def test_refused_with_a_reason_that_holds_no_value(data: bytes, reason: str) -> None:
    with pytest.raises(RefusedError, match=reason) as refusal:
        load(data)
    _assert_no_phi(refusal.value)


def test_limits_are_refusals() -> None:
    data = dicom(np.stack([FRAME, FRAME]))
    with pytest.raises(RefusedError, match="DEID_MAX_FRAMES"):
        load(data, max_frames=1)
    with pytest.raises(RefusedError, match="DEID_MAX_PIXELS"):
        load(data, max_pixels_per_frame=119)


def _of_syntax(uid: str) -> bytes:
    dataset = image(gradient(64, 64), syntax=RLELossless)
    dataset.file_meta.TransferSyntaxUID = uid
    return file_bytes(dataset)


def _with_embedded_overlay() -> bytes:
    dataset = image(FRAME, bits_stored=12)
    dataset.add_new(0x60000100, "US", 16)
    dataset.add_new(0x60000102, "US", 11)
    return file_bytes(dataset)


def _hidden_second_frame() -> bytes:
    dataset = image(np.stack([gradient(64, 64)] * 2), syntax=JPEGLSLossless)
    dataset.NumberOfFrames = 1
    # An empty offset table, so that nothing tells one frame from two fragments of one.
    offsets = struct.unpack_from("<L", dataset.PixelData, 4)[0]
    dataset.PixelData = struct.pack("<HHL", 0xFFFE, 0xE000, 0) + dataset.PixelData[8 + offsets :]
    return file_bytes(dataset)


QUARANTINED = [
    pytest.param(_of_syntax(MPEG2MPML), "No decoder", id="video"),
    pytest.param(_of_syntax("1.2.840.10008.1.2.4.94"), "No decoder", id="JPIP"),
    pytest.param(_of_syntax("1.2.840.10008.1.2.4.52"), "No decoder", id="retired JPEG process"),
    pytest.param(_with_embedded_overlay(), "overlay", id="overlay in bits of the values"),
    pytest.param(_hidden_second_frame(), "more encapsulated", id="a frame that is not counted"),
    pytest.param(dicom(np.stack([FRAME] * 3), NumberOfFrames=2), "more pixels", id="native frame not counted"),
    pytest.param(dicom(FRAME, BitsAllocated=0), "cannot be found", id="no bits"),
]


@pytest.mark.parametrize(("data", "reason"), QUARANTINED)
def test_pixels_that_nobody_can_examine_are_quarantined(data: bytes, reason: str) -> None:
    with pytest.raises(PixelError, match=reason) as fault:
        load(data)
    _assert_no_phi(fault.value)


def test_a_deflated_bomb_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("deid.load.MAX_INFLATED_BYTES", 1000)
    with pytest.raises(RefusedError, match="larger than"):
        load(dicom(gradient(200, 200), syntax=DeflatedExplicitVRLittleEndian))


@pytest.mark.parametrize("cut", range(0, 1200, 97))
def test_no_cut_gives_anything_but_our_own_error(cut: int) -> None:
    with pytest.raises(DeidError):
        load(dicom(FRAME)[:cut])


@pytest.mark.parametrize("name", ["badVR.dcm", "MR_small_bigendian.dcm", "image_dfl.dcm", "liver_expb_1frame.dcm"])
def test_pydicoms_odd_files_open(name: str) -> None:
    from pathlib import Path

    path = get_testdata_file(name)
    assert isinstance(path, str)
    assert raw_frame(load(Path(path).read_bytes()), 0).size


def _assert_no_phi(error: DeidError) -> None:
    said = str(error).upper()
    assert not [value for value in PHI.values() if any(part in said for part in value.upper().split("^"))]
