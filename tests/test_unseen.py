"""What lies in the pixel element and no picture shows is gone when the file is open; all else keeps its bytes."""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO
from typing import Any

import numpy as np
import pytest
from PIL import Image
from pydicom import Dataset
from pydicom.encaps import encapsulate
from pydicom.sequence import Sequence
from pydicom.uid import (
    JPEG2000,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    HTJ2KLossless,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGExtended12Bit,
    JPEGLossless,
    JPEGLSLossless,
    RLELossless,
)

from deid import header
from deid.codecs.raw import encoded_frames, iter_raw_frames, raw_frame
from deid.codecs.readable import hidden_texts
from deid.codecs.rle_surplus import holds_surplus
from deid.codecs.unseen import holds_unseen
from deid.codecs.unused_bits import holds_unused_bits
from deid.errors import PixelError
from deid.load import load
from deid.redact import redact
from deid.values import Box, Region
from deid.verify import check_written
from tests.dicom_factory import file_bytes, gradient, image

TEXT = b"Quillfeather 19470219"
GREY = gradient(48, 40)
GREY12 = gradient(48, 40, "u2", 4095)


def _stream(syntax: str, pixels: np.ndarray = GREY, **layout: Any) -> bytes:
    return encoded_frames(load(file_bytes(image(pixels, syntax=syntax, **layout)))).codestream(0)


def _segment(marker: int, payload: bytes) -> bytes:
    return bytes((0xFF, marker)) + (len(payload) + 2).to_bytes(2, "big") + payload


def _after_start(payload: bytes) -> Callable[[bytes], bytes]:
    return lambda stream: stream[:2] + payload + stream[2:]


def _j2k_comment(stream: bytes) -> bytes:
    """A comment after the SIZ segment, where only the first segment's place is fixed."""
    end = 4 + int.from_bytes(stream[4:6], "big")
    return stream[:end] + b"\xff\x64" + (len(TEXT) + 4).to_bytes(2, "big") + b"\0\1" + TEXT + stream[end:]


def _tile_comment(stream: bytes) -> bytes:
    """A comment in the header of the only tile-part, whose length grows with it."""
    at = stream.index(b"\xff\x90")
    comment = b"\xff\x64" + (len(TEXT) + 4).to_bytes(2, "big") + b"\0\1" + TEXT
    length = int.from_bytes(stream[at + 6 : at + 10], "big") + len(comment)
    return stream[: at + 6] + length.to_bytes(4, "big") + stream[at + 10 : at + 12] + comment + stream[at + 12 :]


def _before_end(payload: bytes) -> Callable[[bytes], bytes]:
    """Bytes after the last block, where decoders look for the end of the image."""
    return lambda stream: stream[: stream.rindex(b"\xff\xd9")] + payload + b"\xff\xd9"


HIDDEN: list[Any] = [
    pytest.param(JPEGBaseline8Bit, _before_end(TEXT), id="after the last block"),
    pytest.param(JPEGExtended12Bit, _before_end(TEXT), id="after the last block, extended"),
    pytest.param(JPEGBaseline8Bit, _before_end(TEXT + _segment(0xFE, TEXT)), id="before a late comment"),
    pytest.param(JPEGBaseline8Bit, lambda stream: _before_end(TEXT)(stream)[:-2], id="no end of the image"),
    pytest.param(JPEGBaseline8Bit, _after_start(_segment(0xFE, TEXT)), id="JPEG comment"),
    pytest.param(JPEGBaseline8Bit, _after_start(_segment(0xE1, b"Exif\0\0" + TEXT)), id="Exif"),
    pytest.param(JPEGBaseline8Bit, _after_start(_segment(0xED, b"Photoshop 3.0\0" + TEXT)), id="Photoshop"),
    pytest.param(
        JPEGBaseline8Bit, _after_start(_segment(0xE0, b"JFIF\0\1\1\0\0\1\0\1\3\1" + TEXT[:9])), id="JFIF thumbnail"
    ),
    pytest.param(JPEGBaseline8Bit, lambda stream: stream + TEXT, id="after the JPEG"),
    pytest.param(JPEGBaseline8Bit, _after_start(_segment(0xFE, b"Lavc58 of Quillfeather")), id="beside an encoder"),
    pytest.param(JPEGLossless, _after_start(_segment(0xFE, TEXT)), id="JPEG lossless"),
    pytest.param(JPEGLSLossless, _after_start(_segment(0xE8, b"SPIFF\0" + b"\0" * 24 + TEXT)), id="JPEG-LS"),
    pytest.param(JPEGLSLossless, _after_start(_segment(0xFE, TEXT)), id="JPEG-LS comment"),
    pytest.param(JPEG2000Lossless, _j2k_comment, id="J2K comment"),
    pytest.param(JPEG2000, _tile_comment, id="J2K comment of a tile"),
    pytest.param(JPEG2000Lossless, lambda stream: stream + TEXT, id="after the J2K"),
    pytest.param(HTJ2KLossless, _j2k_comment, id="HTJ2K comment"),
]


@pytest.mark.parametrize(("syntax", "hide"), HIDDEN)
@pytest.mark.parametrize("fragments", [1, 3])
def test_text_in_a_codestream_becomes_zeros_and_the_picture_stays(
    syntax: str, hide: Callable[[bytes], bytes], fragments: int
) -> None:
    built = image(GREY, syntax=syntax)
    plain = raw_frame(load(file_bytes(built)), 0)
    built.PixelData = encapsulate([hide(_stream(syntax))], fragments_per_frame=fragments)
    assert holds_unseen(built)
    dataset = load(file_bytes(built))
    assert b"uillfe" not in bytes(dataset.PixelData)
    assert len(dataset.PixelData) == len(built.PixelData)
    assert not holds_unseen(dataset)
    assert np.array_equal(raw_frame(dataset, 0), plain)


def _tile_end(stream: bytes) -> bytes:
    """Text after the last packet of the only tile-part, whose length grows with it."""
    at = stream.index(b"\xff\x90")
    length = int.from_bytes(stream[at + 6 : at + 10], "big") + len(TEXT)
    return _before_end(TEXT)(stream[: at + 6] + length.to_bytes(4, "big") + stream[at + 10 :])


def _progressive(pixels: np.ndarray) -> bytes:
    buffer = BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", progressive=True)
    return buffer.getvalue()


def _between_scans(stream: bytes) -> bytes:
    at = stream.index(b"\xff\xc4", stream.index(b"\xff\xda"))
    return stream[:at] + TEXT + stream[at:]


IN_CODED_DATA: list[Any] = [
    pytest.param(JPEGLossless, GREY, {}, _before_end(TEXT), id="JPEG lossless"),
    pytest.param(JPEGExtended12Bit, GREY12, {"bits_stored": 12}, _before_end(TEXT), id="12-bit JPEG"),
    pytest.param(JPEGBaseline8Bit, GREY, {}, lambda _: _before_end(TEXT)(_progressive(GREY)), id="progressive JPEG"),
    pytest.param(JPEGBaseline8Bit, GREY, {}, lambda _: _between_scans(_progressive(GREY)), id="between scans"),
    pytest.param(JPEG2000Lossless, GREY, {}, _tile_end, id="J2K"),
    pytest.param(JPEG2000, GREY, {}, _tile_end, id="J2K lossy"),
    pytest.param(HTJ2KLossless, GREY, {}, _tile_end, id="HTJ2K"),
]


@pytest.mark.parametrize(("syntax", "pixels", "layout", "hide"), IN_CODED_DATA)
@pytest.mark.parametrize("fragments", [1, 3])
def test_text_that_the_picture_does_not_need_becomes_zeros_in_any_coded_data(
    syntax: str, pixels: np.ndarray, layout: dict[str, Any], hide: Callable[[bytes], bytes], fragments: int
) -> None:
    built = image(pixels, syntax=syntax, **layout)
    hiding = hide(_stream(syntax, pixels, **layout))
    built.PixelData = encapsulate([hiding], fragments_per_frame=fragments)
    plain = raw_frame(built, 0)
    assert holds_unseen(built)
    dataset = load(file_bytes(built))
    assert TEXT[1:] not in encoded_frames(dataset).codestream(0)
    assert encoded_frames(dataset).codestream(0) != hiding
    assert len(dataset.PixelData) == len(built.PixelData)
    assert not holds_unseen(dataset)
    assert np.array_equal(raw_frame(dataset, 0), plain)


def test_jpeg_ls_with_more_than_its_picture_is_not_opened_by_its_decoder() -> None:
    built = image(GREY, syntax=JPEGLSLossless)
    built.PixelData = encapsulate([_before_end(TEXT)(_stream(JPEGLSLossless))])
    with pytest.raises(PixelError):
        raw_frame(load(file_bytes(built)), 0)


NEEDED = b"\xf0\x01\x95kQZ9"
"""What a made-up picture is made of; its last four bytes read as text."""


@pytest.mark.parametrize(
    ("hidden", "found"),
    [
        (b"Quillfeather 19470219", True),
        (b"Quillfeather" + bytes(400), True),
        (b"Quillf", True),
        (b"Quillf" + bytes(400), False),
        (b"\x80" + b"a" * 16, False),
        (b"", False),
    ],
)
def test_only_what_the_picture_does_without_is_text_that_hides(hidden: bytes, found: bool) -> None:
    def decode(codestream: bytes) -> np.ndarray:
        return np.frombuffer(codestream, np.uint8, count=len(NEEDED), offset=3)

    codestream = b"abc" + NEEDED + hidden + b"\xff\xd9"
    span = (3, len(codestream) - 2)
    cleared = bytearray(codestream)
    for start, zeros in hidden_texts(codestream, [span], decode):
        cleared[start : start + len(zeros)] = zeros
    assert bytes(cleared).startswith(b"abc" + NEEDED)
    assert (bytes(cleared) != codestream) is found
    assert b"illf" not in cleared or not found


@pytest.mark.parametrize("filler", [0, 40])
@pytest.mark.parametrize("photometric", ["MONOCHROME2", "YBR_FULL_422"])
def test_text_between_restart_intervals_becomes_zeros(photometric: str, filler: int) -> None:
    pixels = GREY if photometric == "MONOCHROME2" else np.stack([GREY, GREY[::-1], 255 - GREY], axis=-1)
    built = image(pixels, photometric=photometric, syntax=JPEGBaseline8Bit)
    buffer = BytesIO()
    subsampling = {} if pixels.ndim == 2 else {"subsampling": "4:2:2"}
    Image.fromarray(pixels).save(buffer, "JPEG", restart_marker_blocks=3, **subsampling)
    plain = buffer.getvalue()
    assert plain.count(b"\xff\xd1") == 1
    built.PixelData = encapsulate([plain])
    assert load(file_bytes(built)).PixelData == built.PixelData
    hiding = plain.replace(b"\xff\xd1", TEXT + b"\xff\xd1")
    built.PixelData = encapsulate([_before_end(bytes(filler))(hiding)])
    dataset = load(file_bytes(built))
    assert b"uillfe" not in bytes(dataset.PixelData)
    assert len(dataset.PixelData) == len(built.PixelData)
    coded = encoded_frames(dataset).codestream(0)
    assert coded.rstrip(b"\0").removesuffix(b"\xff\xd9").rstrip(b"\0") == plain.removesuffix(b"\xff\xd9")
    built.PixelData = encapsulate([plain])
    assert np.array_equal(raw_frame(dataset, 0), raw_frame(load(file_bytes(built)), 0))


@pytest.mark.parametrize("regions", [[], [Region(None, Box(8, 8, 10, 10), (), 1.0)]], ids=["untouched", "redacted"])
@pytest.mark.parametrize("hidden", [True, False], ids=["hidden", "plain"])
def test_text_after_the_last_block_fails_the_proof(regions: list[Region], hidden: bool) -> None:
    original = load(file_bytes(image(GREY, syntax=JPEGBaseline8Bit)))
    redacted, effective = redact(original, regions)
    cleaned, _ = header.clean(redacted, b"k" * 32, pixels_changed=bool(regions), pixels_examined=True)
    stream = encoded_frames(redacted).codestream(0)
    cleaned.PixelData = encapsulate([_before_end(b"anybody else")(stream) if hidden else stream])
    checks, found = check_written(original, header.write(cleaned), effective, header.needles(original))
    assert next(check for check in checks if check.name == "unseen").passed is not hidden
    assert found is not None and set(found.plain_frames) == ({0} if regions and not hidden else set())


KEPT: list[Any] = [
    pytest.param(JPEGBaseline8Bit, _before_end(b"\xff\xff\xff\xff\xff"), id="fill bytes"),
    pytest.param(JPEGBaseline8Bit, _before_end(b"\0\0\0\0\0\0"), id="zeros after the last block"),
    pytest.param(JPEGBaseline8Bit, _after_start(_segment(0xFE, b"LEAD Technologies Inc. V1.01\0")), id="LEAD"),
    pytest.param(JPEGBaseline8Bit, _after_start(_segment(0xEE, b"Adobe\0\x64\0\0\0\0\0")), id="Adobe"),
    pytest.param(JPEGBaseline8Bit, _after_start(_segment(0xEE, b"Adobe\0\0\0\0\0")), id="Adobe, cut short"),
    pytest.param(JPEGBaseline8Bit, lambda stream: stream + b"\0\0\xff\0", id="padding"),
    pytest.param(JPEGLSLossless, _after_start(_segment(0xE8, b"mrfx\0")), id="colour transformation"),
    pytest.param(JPEG2000Lossless, lambda stream: stream, id="J2K that names its encoder"),
]


@pytest.mark.parametrize(("syntax", "change"), KEPT)
def test_what_decoders_need_and_the_names_of_encoders_stay(syntax: str, change: Callable[[bytes], bytes]) -> None:
    built = image(GREY, syntax=syntax)
    built.PixelData = encapsulate([change(_stream(syntax))])
    assert load(file_bytes(built)).PixelData == built.PixelData


SIGNED12 = (GREY12.astype("i4") - 2048).astype("i2")
OVERLAY = np.where(gradient(48, 40) > 200, 0x8000, 0).astype("u2")
BITS: list[Any] = [
    pytest.param(ExplicitVRLittleEndian, GREY12 | OVERLAY, GREY12, id="native"),
    pytest.param(ExplicitVRBigEndian, GREY12 | OVERLAY, GREY12, id="big endian"),
    pytest.param(ExplicitVRLittleEndian, SIGNED12 ^ OVERLAY.view("i2"), SIGNED12, id="signed"),
    pytest.param(ExplicitVRBigEndian, SIGNED12 ^ OVERLAY.view("i2"), SIGNED12, id="signed, big endian"),
    pytest.param(RLELossless, GREY12 | OVERLAY, GREY12, id="RLE"),
    pytest.param(JPEGLossless, GREY12 | OVERLAY, GREY12, id="JPEG lossless"),
    pytest.param(JPEG2000Lossless, GREY12 | OVERLAY, GREY12, id="J2K"),
]


@pytest.mark.parametrize("declared", [False, True])
@pytest.mark.parametrize(("syntax", "pixels", "plain"), BITS)
def test_bits_above_the_stored_ones_are_cleared(
    syntax: str, pixels: np.ndarray, plain: np.ndarray, declared: bool
) -> None:
    built = image(np.stack([plain, pixels]), syntax=syntax)
    built.BitsStored, built.HighBit = 12, 11
    if declared:
        built.add_new(0x60000100, "US", 16)
        built.add_new(0x60000102, "US", 15)
    assert holds_unused_bits(built)
    dataset = load(file_bytes(built))
    assert not holds_unused_bits(dataset)
    assert all(np.array_equal(frame, plain) for frame in iter_raw_frames(dataset))
    assert dataset.file_meta.TransferSyntaxUID == syntax


@pytest.mark.parametrize("pixels", [GREY12, SIGNED12, SIGNED12 & 0x0FFF], ids=["unsigned", "signed", "without signs"])
@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, RLELossless])
def test_bits_that_hold_nothing_else_keep_their_bytes(syntax: str, pixels: np.ndarray) -> None:
    built = image(pixels, syntax=syntax)
    built.BitsStored, built.HighBit = 12, 11
    assert load(file_bytes(built)).PixelData == built.PixelData


def test_bits_that_only_a_lossy_codestream_could_give_up_are_quarantined() -> None:
    built = image(GREY12, syntax=JPEGExtended12Bit, bits_stored=12)
    built.BitsStored, built.HighBit = 10, 9
    with pytest.raises(PixelError, match="no value uses"):
        load(file_bytes(built))


def test_rows_of_an_rle_frame_that_no_decoder_shows_are_gone() -> None:
    built = image(np.stack([gradient(60, 40), gradient(60, 40) // 2]), syntax=RLELossless)
    built.Rows = 48
    assert holds_surplus(built)
    dataset = load(file_bytes(built))
    assert not holds_surplus(dataset)
    assert len(dataset.PixelData) < len(built.PixelData)
    assert np.array_equal(raw_frame(dataset, 1), gradient(60, 40)[:48] // 2)


@pytest.mark.parametrize("pixels", [GREY, GREY12, np.stack([GREY[:5, :7]] * 2)], ids=["8 bit", "12 bit", "odd"])
def test_an_rle_frame_without_more_keeps_its_bytes(pixels: np.ndarray) -> None:
    built = image(pixels, syntax=RLELossless)
    assert load(file_bytes(built)).PixelData == built.PixelData


def test_bytes_between_rle_segments_are_found_by_the_proof() -> None:
    built = image(GREY, syntax=RLELossless)
    original = load(file_bytes(built))
    cleaned, _ = header.clean(original, b"k" * 32, pixels_changed=False, pixels_examined=True)
    cleaned.PixelData = encapsulate([encoded_frames(original).codestream(0) + b"quillfeather"])
    checks, _ = check_written(original, header.write(cleaned), (), header.needles(original))
    assert "unseen" in {check.name for check in checks if not check.passed}


def _icon(dataset: Dataset) -> None:
    icon = Dataset()
    icon.Rows, icon.Columns, icon.BitsAllocated, icon.PixelData = 8, 8, 8, TEXT.ljust(64)
    icon[0x7FE00010].VR = "OB"
    dataset.IconImageSequence = Sequence([icon])


def _overlay(dataset: Dataset) -> None:
    dataset.add_new(0x60000010, "US", 48)
    dataset.add_new(0x60000011, "US", 40)
    dataset.add_new(0x60001500, "LO", TEXT.decode())
    dataset.add_new(0x60003000, "OW", TEXT.ljust(240))


def _curve(dataset: Dataset) -> None:
    dataset.add_new(0x50003000, "OW", TEXT.ljust(64))
    dataset.add_new(0x50002500, "LO", TEXT.decode())


def _graphic_text(dataset: Dataset) -> None:
    text, annotation = Dataset(), Dataset()
    text.UnformattedTextValue = TEXT.decode()
    annotation.TextObjectSequence = Sequence([text])
    dataset.GraphicAnnotationSequence = Sequence([annotation])


def _roi(dataset: Dataset) -> None:
    item = Dataset()
    item.ROIName, item.ROIDescription = "of Quillfeather", TEXT.decode()
    dataset.StructureSetROISequence = Sequence([item])


def _waveform(dataset: Dataset) -> None:
    item = Dataset()
    item.UnformattedTextValue = TEXT.decode()
    dataset.WaveformAnnotationSequence = Sequence([item])


def _report(dataset: Dataset) -> None:
    item = Dataset()
    item.ValueType, item.TextValue = "TEXT", TEXT.decode()
    dataset.ContentSequence = Sequence([item])


def _pixel_address(dataset: Dataset) -> None:
    dataset.PixelDataProviderURL = "http://archive/quillfeather"


@pytest.mark.parametrize("hide", [_icon, _overlay, _curve, _graphic_text, _roi, _waveform, _report, _pixel_address])
def test_text_outside_the_pixels_does_not_leave(hide: Callable[[Dataset], None]) -> None:
    built = image(GREY)
    hide(built)
    original = load(file_bytes(built) + TEXT)
    redacted, effective = redact(original, [Region(None, Box(3, 3, 9, 9), (), 1.0)])
    cleaned, _ = header.clean(redacted, b"k" * 32, pixels_changed=True, pixels_examined=True)
    written = header.write(cleaned)
    assert b"uillfeather" not in written
    assert b"19470219" not in written
    checks, _ = check_written(original, written, effective, header.needles(original))
    assert all(check.passed for check in checks)
