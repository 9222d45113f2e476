"""Exactly the pixels of the boxes change, in every layout; the rest of the pixel element stays as it is."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom import Dataset
from pydicom.encaps import encapsulate, encapsulate_extended
from pydicom.uid import (
    HTJ2K,
    JPEG2000,
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

from deid.codecs import transcode
from deid.codecs.raw import encoded_frames, iter_raw_frames, pixel_format, raw_frame, raw_photometric
from deid.errors import PixelError
from deid.load import load
from deid.redact import redact, way_of
from deid.values import Box, Reason, Region
from tests.dicom_factory import file_bytes, gradient, image

ROWS, COLUMNS = 70, 64
GREY8 = gradient(ROWS, COLUMNS)
GREY16 = gradient(ROWS, COLUMNS, "u2", 4095)
SIGNED = (gradient(ROWS, COLUMNS, "u2", 3000).astype("i4") - 1024).astype("i2")
COLOUR = np.stack([GREY8, GREY8[::-1], 255 - GREY8], axis=-1)
YBR422 = np.repeat(COLOUR[:, ::2], 2, axis=1).copy()
YBR422[..., 0] = GREY8
BITS = gradient(ROWS, 61) > 120
BOX = Box(11, 5, 30, 12)


def region(box: Box, frame: int | None = None) -> Region:
    return Region(frame, box, (Reason.DRAWN,), 1.0)


def opened(pixels: np.ndarray, **layout: Any) -> Dataset:
    return load(file_bytes(image(pixels, **layout)))


def mask(shape: tuple[int, ...], box: Box) -> np.ndarray:
    inside = np.zeros(shape[:2], bool)
    inside[box.top : box.bottom, box.left : box.right] = True
    return inside


NATIVE: list[Any] = [
    pytest.param(GREY8, {}, id="8 bit"),
    pytest.param(GREY16, {"bits_stored": 12}, id="16 bit"),
    pytest.param(GREY16, {"photometric": "MONOCHROME1", "bits_stored": 12}, id="MONOCHROME1"),
    pytest.param(SIGNED, {}, id="signed"),
    pytest.param(SIGNED, {"bits_stored": 13}, id="signed in 13 bits"),
    pytest.param(GREY16.astype("u4") << 9, {}, id="32 bit"),
    pytest.param(GREY16.astype("f4") / 7, {}, id="float"),
    pytest.param(GREY16.astype("f8") / 7, {}, id="double"),
    pytest.param(BITS, {}, id="1 bit, rows not on bytes"),
    pytest.param(np.stack([BITS, ~BITS, BITS]), {}, id="1 bit, 3 frames not on bytes"),
    pytest.param(COLOUR, {"photometric": "RGB"}, id="RGB by pixel"),
    pytest.param(COLOUR, {"photometric": "RGB", "planar": 1}, id="RGB by plane"),
    pytest.param(np.stack([COLOUR, COLOUR[::-1]]), {"photometric": "RGB", "planar": 1}, id="2 frames by plane"),
    pytest.param(COLOUR, {"photometric": "YBR_FULL"}, id="YBR_FULL"),
    pytest.param(YBR422, {"photometric": "YBR_FULL_422"}, id="YBR_FULL_422"),
    pytest.param(GREY8[:3, :3], {}, id="odd and tiny"),
    pytest.param(np.stack([GREY8[:5, :7]] * 3), {}, id="odd frames"),
]


@pytest.mark.parametrize(
    "syntax", [ImplicitVRLittleEndian, ExplicitVRLittleEndian, ExplicitVRBigEndian, DeflatedExplicitVRLittleEndian]
)
@pytest.mark.parametrize(("pixels", "layout"), NATIVE)
def test_native_pixels_change_inside_the_box_alone(syntax: str, pixels: np.ndarray, layout: dict[str, Any]) -> None:
    dataset = opened(pixels, syntax=syntax, **layout)
    _assert_only_the_box_changes(dataset, region(BOX if dataset.Rows > 20 else Box(1, 1, 2, 2)))
    assert way_of(dataset) == "native"


@pytest.mark.parametrize(
    ("pixels", "layout"),
    [
        pytest.param(GREY8, {}, id="grey"),
        pytest.param(np.stack([GREY8[:5, :7]] * 3), {}, id="odd frames"),
        pytest.param(COLOUR, {"photometric": "RGB", "planar": 1}, id="RGB by plane"),
    ],
)
def test_bytes_in_words_of_big_endian_stand_in_swapped_pairs(pixels: np.ndarray, layout: dict[str, Any]) -> None:
    built = image(pixels, syntax=ExplicitVRBigEndian, **layout)
    built["PixelData"].VR = "OW"
    built.PixelData = np.frombuffer(built.PixelData, "u2").byteswap().tobytes()
    dataset = load(file_bytes(built))
    plain = opened(pixels, **layout)
    assert all(map(np.array_equal, iter_raw_frames(dataset), iter_raw_frames(plain)))
    _assert_only_the_box_changes(dataset, region(BOX if dataset.Rows > 20 else Box(1, 1, 2, 2)))


LOSSLESS: list[Any] = [
    pytest.param(RLELossless, GREY16, {}, id="RLE"),
    pytest.param(RLELossless, COLOUR, {"photometric": "RGB"}, id="RLE colour"),
    pytest.param(RLELossless, COLOUR, {"photometric": "YBR_FULL"}, id="RLE YBR"),
    pytest.param(RLELossless, SIGNED, {}, id="RLE signed"),
    pytest.param(RLELossless, GREY16.astype("u4") << 9, {}, id="RLE 32 bit"),
    pytest.param(JPEGLSLossless, GREY16, {"bits_stored": 12}, id="JPEG-LS"),
    pytest.param(JPEGLSLossless, COLOUR, {"photometric": "RGB"}, id="JPEG-LS colour"),
    pytest.param(JPEGLSLossless, SIGNED, {"bits_stored": 13}, id="JPEG-LS signed"),
    pytest.param(JPEG2000Lossless, GREY16, {"bits_stored": 12}, id="J2K"),
    pytest.param(JPEG2000Lossless, SIGNED, {}, id="J2K signed"),
    pytest.param(JPEG2000Lossless, COLOUR, {"photometric": "YBR_RCT"}, id="J2K colour with transformation"),
    pytest.param(JPEG2000Lossless, COLOUR, {"photometric": "RGB"}, id="J2K colour"),
    pytest.param(HTJ2KLossless, GREY16, {"bits_stored": 12}, id="HTJ2K"),
    pytest.param(HTJ2KLosslessRPCL, GREY8, {}, id="HTJ2K RPCL"),
    pytest.param(JPEGLossless, GREY16, {"bits_stored": 12}, id="JPEG lossless"),
    pytest.param(JPEGLosslessSV1, GREY8, {}, id="JPEG lossless SV1"),
    pytest.param(JPEGLosslessSV1, SIGNED, {}, id="JPEG lossless signed"),
    pytest.param(JPEGLosslessSV1, COLOUR, {"photometric": "RGB"}, id="JPEG lossless colour"),
]


@pytest.mark.parametrize(("syntax", "pixels", "layout"), LOSSLESS)
def test_lossless_codestreams_keep_their_syntax(syntax: str, pixels: np.ndarray, layout: dict[str, Any]) -> None:
    dataset = opened(pixels, syntax=syntax, **layout)
    redacted = _assert_only_the_box_changes(dataset, region(BOX))
    assert redacted.file_meta.TransferSyntaxUID == syntax
    assert redacted.PhotometricInterpretation == dataset.PhotometricInterpretation


LOSSY: list[Any] = [
    pytest.param(JPEGExtended12Bit, GREY16, {"bits_stored": 12}, "MONOCHROME2", id="JPEG 12 bit"),
    pytest.param(JPEGLSNearLossless, GREY8, {}, "MONOCHROME2", id="near-lossless JPEG-LS"),
    pytest.param(JPEG2000, GREY8, {}, "MONOCHROME2", id="lossy J2K"),
    pytest.param(HTJ2K, GREY8, {}, "MONOCHROME2", id="lossy HTJ2K"),
]


@pytest.mark.parametrize(("syntax", "pixels", "layout", "photometric"), LOSSY)
def test_lossy_codestreams_are_transcoded_without_further_loss(
    syntax: str, pixels: np.ndarray, layout: dict[str, Any], photometric: str
) -> None:
    dataset = opened(pixels, syntax=syntax, **layout)
    redacted = _assert_only_the_box_changes(dataset, region(BOX))
    assert redacted.file_meta.TransferSyntaxUID == JPEGLSLossless
    assert redacted.PhotometricInterpretation == photometric == raw_photometric(redacted)
    assert redacted.LossyImageCompression == "01"
    assert float(redacted.LossyImageCompressionRatio) > 0
    assert redacted.LossyImageCompressionMethod.startswith("ISO_")


def test_colours_that_the_decoder_has_converted_are_called_so() -> None:
    built = image(COLOUR, photometric="YBR_FULL_422", syntax=JPEGBaseline8Bit)
    stream = encoded_frames(load(file_bytes(built))).codestream(0)
    adobe = b"\xff\xee\x00\x0eAdobe\x00\x64\x00\x00\x00\x00\x01"
    built.PixelData = encapsulate([stream[:2] + adobe + stream[20:]])
    dataset = load(file_bytes(built))
    assert raw_photometric(dataset) == "RGB"
    assert np.abs(raw_frame(dataset, 0).astype(int) - COLOUR).mean() < 40
    redacted, _ = transcode.overwrite(dataset, [region(BOX)])
    assert redacted.PhotometricInterpretation == "RGB"


def test_a_stated_ratio_and_method_of_compression_are_kept() -> None:
    dataset = opened(
        GREY8, syntax=JPEG2000, LossyImageCompressionRatio="31.5", LossyImageCompressionMethod="ISO_15444_1"
    )
    redacted, _ = redact(dataset, [region(BOX)])
    assert redacted.LossyImageCompressionRatio == 31.5


def test_tiny_frames_that_an_encoder_refuses_are_still_redacted() -> None:
    dataset = opened(GREY8[:3, :3], syntax=JPEGBaseline8Bit)
    _assert_only_the_box_changes(dataset, region(Box(0, 0, 1, 1)))


@pytest.mark.parametrize("syntax", [RLELossless, JPEGLSLossless, JPEG2000Lossless])
def test_frames_without_a_box_keep_their_codestream(syntax: str) -> None:
    dataset = opened(np.stack([GREY8, GREY8[::-1], GREY8 // 2]), syntax=syntax)
    redacted, effective = redact(dataset, [region(BOX, frame=1)])
    before, after = list(encoded_frames(dataset)), list(encoded_frames(redacted))
    assert (before[0], before[2]) == (after[0], after[2])
    assert before[1] != after[1]
    assert effective == (region(BOX, frame=1),)


def test_a_stale_extended_offset_table_does_not_survive() -> None:
    built = image(np.stack([GREY8, GREY8[::-1] // 3]), syntax=RLELossless)
    frames = list(encoded_frames(load(file_bytes(built))))
    built.PixelData, built.ExtendedOffsetTable, built.ExtendedOffsetTableLengths = encapsulate_extended(frames)
    dataset = load(file_bytes(built))
    redacted, _ = redact(dataset, [region(BOX, frame=0)])
    assert "ExtendedOffsetTable" not in redacted
    assert np.array_equal(raw_frame(redacted, 1), GREY8[::-1] // 3)


@pytest.mark.parametrize(
    ("pixels", "layout", "black"),
    [
        pytest.param(GREY8, {}, 0, id="MONOCHROME2"),
        pytest.param(
            GREY16,
            {"photometric": "MONOCHROME1", "bits_stored": 12},
            GREY16.max(),
            id="MONOCHROME1: darkest of the frame",
        ),
        pytest.param(SIGNED, {}, -1024, id="signed: darkest of the frame"),
        pytest.param(SIGNED, {"PixelPaddingValue": -2000}, -1024, id="signed: no padding value that no pixel has"),
        pytest.param(COLOUR, {"photometric": "RGB"}, [0, 0, 0], id="RGB"),
        pytest.param(COLOUR, {"photometric": "YBR_FULL"}, [0, 128, 128], id="YBR_FULL"),
        pytest.param(YBR422, {"photometric": "YBR_FULL_422"}, [0, 128, 128], id="YBR_FULL_422"),
    ],
)
def test_a_box_is_black(pixels: np.ndarray, layout: dict[str, Any], black: Any) -> None:
    dataset = opened(pixels, **layout)
    redacted, effective = redact(dataset, [region(BOX)])
    inside = raw_frame(redacted, 0)[mask((ROWS, COLUMNS), effective[0].box)]
    assert (inside == np.array(black)).all()


def test_a_palette_box_takes_the_darkest_index() -> None:
    dataset = image(GREY8, photometric="PALETTE COLOR")
    ramp = np.linspace(65535, 0, 256).astype("<u2")
    ramp[77] = 0
    ramp[255] = 30000
    for colour in ("Red", "Green", "Blue"):
        dataset.add_new(f"{colour}PaletteColorLookupTableDescriptor", "US", [256, 0, 16])
        dataset.add_new(f"{colour}PaletteColorLookupTableData", "OW", ramp.tobytes())
    redacted, _ = redact(load(file_bytes(dataset)), [region(BOX)])
    assert set(raw_frame(redacted, 0)[mask((ROWS, COLUMNS), BOX)].tolist()) == {77}


def test_subsampled_native_boxes_grow_to_pairs_of_columns() -> None:
    _, effective = redact(opened(YBR422, photometric="YBR_FULL_422"), [region(Box(11, 5, 30, 12))])
    assert effective[0].box == Box(10, 5, 32, 12)


def test_a_box_is_cut_to_the_frame_and_dropped_outside_of_it() -> None:
    dataset = opened(GREY8)
    _, effective = redact(dataset, [region(Box(60, 60, 100, 100)), region(Box(64, 0, 5, 5))])
    assert [each.box for each in effective] == [Box(60, 60, 4, 10)]
    with pytest.raises(PixelError, match="frame 1"):
        redact(dataset, [region(BOX, frame=1)])


@pytest.mark.parametrize(
    "syntax", [ImplicitVRLittleEndian, ExplicitVRBigEndian, RLELossless, JPEGBaseline8Bit, JPEG2000]
)
def test_without_boxes_the_pixel_element_keeps_its_bytes(syntax: str) -> None:
    dataset = opened(GREY8, syntax=syntax)
    untouched, effective = redact(dataset, [])
    assert untouched is not dataset
    assert (untouched.PixelData, effective) == (dataset.PixelData, ())
    assert untouched.file_meta.TransferSyntaxUID == syntax


def test_the_extremes_in_the_header_are_made_true_again() -> None:
    pixels = GREY16.copy()
    pixels[6, 12] = 4095
    pixels[0, 0] = 3
    dataset = opened(np.clip(pixels, 3, 4095), SmallestImagePixelValue=3, LargestImagePixelValue=4095)
    redacted, _ = redact(dataset, [region(BOX)])
    frame = raw_frame(redacted, 0)
    assert (redacted.SmallestImagePixelValue, redacted.LargestImagePixelValue) == (frame.min(), frame.max())
    assert dataset.LargestImagePixelValue == 4095


LAYOUTS = st.sampled_from(
    [
        ("u1", "MONOCHROME2", ExplicitVRLittleEndian, 0),
        ("u2", "MONOCHROME1", ExplicitVRBigEndian, 0),
        ("i2", "MONOCHROME2", ImplicitVRLittleEndian, 0),
        ("u1", "RGB", ExplicitVRLittleEndian, 1),
        ("u1", "YBR_FULL", DeflatedExplicitVRLittleEndian, 0),
        ("?", "MONOCHROME2", ExplicitVRLittleEndian, 0),
        ("u2", "MONOCHROME2", RLELossless, 0),
        ("u1", "RGB", JPEGLSLossless, 0),
    ]
)


@settings(max_examples=120, deadline=None)
@given(data=st.data(), layout=LAYOUTS, rows=st.integers(1, 19), columns=st.integers(1, 19), frames=st.integers(1, 3))
def test_any_boxes_in_any_layout(
    data: st.DataObject, layout: tuple[str, str, str, int], rows: int, columns: int, frames: int
) -> None:
    kind, photometric, syntax, planar = layout
    if syntax == JPEGLSLossless:
        rows, columns = rows + 8, columns + 8  # the encoder refuses the tiniest
    samples = (3,) if photometric in ("RGB", "YBR_FULL") else ()
    noise = np.random.default_rng(data.draw(st.integers(0, 99))).integers(0, 200, (frames, rows, columns, *samples))
    dataset = opened(
        noise > 99 if kind == "?" else noise.astype(kind), photometric=photometric, syntax=syntax, planar=planar
    )
    boxes = st.builds(Box, st.integers(0, columns), st.integers(0, rows), st.integers(1, 9), st.integers(1, 9))
    chosen = st.builds(region, boxes, st.none() | st.integers(0, frames - 1))
    regions = data.draw(st.lists(chosen, max_size=3))
    once, effective = redact(dataset, regions)
    twice, again = redact(once, effective)
    assert twice[0x7FE00010].value == once[0x7FE00010].value
    assert again == effective
    for number, (before, after) in enumerate(zip(iter_raw_frames(dataset), iter_raw_frames(once), strict=True)):
        outside = np.ones(before.shape[:2], bool)
        for each in effective:
            if each.frame in (None, number):
                outside &= ~mask(before.shape, each.box)
        assert np.array_equal(before[outside], after[outside])
    if not effective:
        assert once.PixelData == dataset.PixelData


def _assert_only_the_box_changes(dataset: Dataset, wanted: Region) -> Dataset:
    """Also that the original is not edited, that the result opens again, and that twice is once."""
    layout = pixel_format(dataset)
    value = dataset[layout.keyword].value
    redacted, effective = redact(dataset, [wanted])
    assert dataset[layout.keyword].value is value
    assert pixel_format(dataset) == layout
    reopened = load(file_bytes(redacted))
    for before, after in zip(iter_raw_frames(dataset), iter_raw_frames(reopened), strict=True):
        inside = mask(before.shape, effective[0].box)
        assert np.array_equal(before[~inside], after[~inside])
        assert (after[inside] == after[inside][0]).all()
        assert after.dtype == before.dtype
    twice, _ = redact(reopened, effective)
    assert twice[layout.keyword].value == reopened[layout.keyword].value
    return redacted


def test_a_decoder_that_panics_is_a_pixel_error() -> None:
    built = image(GREY16, syntax=RLELossless)
    damaged = bytearray(encoded_frames(load(file_bytes(built))).codestream(0))
    damaged[240], damaged[4622] = 148, 213
    built.PixelData = encapsulate([bytes(damaged)])
    with pytest.raises(PixelError, match="Frame 0") as fault:
        load(file_bytes(built))
    assert not isinstance(fault.value.__cause__, Exception)
