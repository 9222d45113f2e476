"""JPEG is emptied block by block: no other coefficient moves, and what decodes says so."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from pydicom import Dataset
from pydicom.encaps import encapsulate
from pydicom.uid import JPEGBaseline8Bit, JPEGExtended12Bit, JPEGLSLossless

from deid.codecs import dct
from deid.codecs.markers import adobe_transform, first_quantisers, frame_header, segments
from deid.codecs.raw import encoded_frames, iter_raw_frames, raw_frame, raw_photometric
from deid.compare import compare_datasets
from deid.errors import PixelError
from deid.load import load
from deid.redact import redact, way_of, way_taken
from deid.values import Box, Reason, Region
from tests.dicom_factory import file_bytes, gradient, image

ROWS, COLUMNS = 75, 101
GREY = gradient(ROWS, COLUMNS)
COLOUR = np.stack([GREY, GREY[::-1], 255 - GREY], axis=-1)
BOX = Box(37, 21, 20, 9)


def region(box: Box, frame: int | None = None) -> Region:
    return Region(frame, box, (Reason.DRAWN,), 1.0)


def jpeg(pixels: np.ndarray, **options: Any) -> bytes:
    buffer = BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", **({"quality": 90} | options))
    return buffer.getvalue()


def of_codestreams(codestreams: list[bytes], pixels: np.ndarray, photometric: str, **layout: Any) -> Dataset:
    """A loaded dataset whose frames are these codestreams; `pixels` is one of the frames."""
    frames = np.stack([pixels] * len(codestreams)) if len(codestreams) > 1 else pixels
    built = image(frames, photometric=photometric, syntax=JPEGBaseline8Bit, **layout)
    built.PixelData = encapsulate(codestreams)
    return load(file_bytes(built))


ADOBE = b"\xff\xee\x00\x0eAdobe\x00\x64\x00\x00\x00\x00"
KINDS: list[Any] = [
    pytest.param(GREY, "MONOCHROME2", {}, (8, 8), [0], id="grey"),
    pytest.param(GREY, "MONOCHROME1", {}, (8, 8), [255], id="inverted grey"),
    pytest.param(COLOUR, "YBR_FULL", {"subsampling": "4:4:4"}, (8, 8), [0, 128, 128], id="4:4:4"),
    pytest.param(COLOUR, "YBR_FULL_422", {"subsampling": "4:2:2"}, (16, 8), [0, 128, 128], id="4:2:2"),
    pytest.param(COLOUR, "YBR_FULL_422", {"subsampling": "4:2:0"}, (16, 16), [0, 128, 128], id="4:2:0"),
    pytest.param(COLOUR, "RGB", {"keep_rgb": True}, (8, 8), [0, 0, 0], id="RGB"),
    pytest.param(
        COLOUR, "YBR_FULL", {"subsampling": 0, "restart_marker_blocks": 3}, (8, 8), [0, 128, 128], id="restart"
    ),
    pytest.param(GREY, "MONOCHROME2", {"quality": 3}, (8, 8), [0], id="coarse"),
    pytest.param(GREY, "MONOCHROME2", {"quality": 100, "optimize": True}, (8, 8), [0], id="fine"),
]


@pytest.mark.parametrize(("pixels", "photometric", "options", "unit", "black"), KINDS)
def test_blocks_of_a_box_become_black_and_no_other_coefficient_moves(
    pixels: np.ndarray, photometric: str, options: dict[str, Any], unit: tuple[int, int], black: list[int]
) -> None:
    dataset = of_codestreams([jpeg(pixels, **options)], pixels, photometric)
    before = raw_frame(dataset, 0)
    redacted, effective = redact(dataset, [region(BOX)])
    assert way_of(dataset) == way_taken(dataset, redacted, effective) == "dct"
    box = effective[0].box
    assert (box.left % unit[0], box.top % unit[1], box.right % unit[0], box.bottom % unit[1]) == (0, 0, 0, 0)
    assert BOX.overlap(box) == BOX.area
    reopened = load(file_bytes(redacted))
    assert reopened.file_meta.TransferSyntaxUID == JPEGBaseline8Bit
    found = compare_datasets(dataset, reopened, effective)
    assert (found.elsewhere, found.changed_frames, found.uneven_frames, found.inside) == (0, (), (), box.area)
    after = raw_frame(reopened, 0)
    beside = 0 if unit == (8, 8) else 1
    assert bool(found.halo) is bool(beside)
    outside = np.ones(before.shape[:2], bool)
    outside[box.top - beside : box.bottom + beside, box.left - beside : box.right + beside] = False
    assert np.array_equal(before[outside], after[outside])
    core = after[box.top + beside : box.bottom - beside or None, box.left + beside : box.right - beside]
    assert (core.reshape(-1, len(black)) == black).all()
    luma = (after if after.ndim == 2 else after[..., 0])[box.top : box.bottom, box.left : box.right]
    assert (luma == black[0]).all()


@pytest.mark.parametrize(("pixels", "photometric", "options", "unit", "black"), KINDS)
def test_twice_is_once(
    pixels: np.ndarray, photometric: str, options: dict[str, Any], unit: tuple[int, int], black: list[int]
) -> None:
    dataset = of_codestreams([jpeg(pixels, **options)], pixels, photometric)
    once, effective = redact(dataset, [region(BOX)])
    twice, again = redact(once, effective)
    assert (twice.PixelData, again) == (once.PixelData, effective)


def test_the_extended_process_with_8_bits_is_edited_too() -> None:
    dataset = load(file_bytes(image(GREY, syntax=JPEGExtended12Bit)))
    redacted, _ = redact(dataset, [region(BOX)])
    assert redacted.file_meta.TransferSyntaxUID == JPEGExtended12Bit


def test_the_loss_is_stated() -> None:
    redacted, _ = redact(of_codestreams([jpeg(GREY)], GREY, "MONOCHROME2"), [region(BOX)])
    assert (redacted.LossyImageCompression, redacted.LossyImageCompressionMethod) == ("01", "ISO_10918_1")
    assert float(redacted.LossyImageCompressionRatio) > 1


def test_an_adobe_marker_decides_what_is_black() -> None:
    plain = jpeg(COLOUR, subsampling="4:4:4")
    dataset = of_codestreams([plain[:2] + ADOBE + b"\x01" + plain[20:]], COLOUR, "YBR_FULL")
    assert raw_photometric(dataset) == "RGB"
    redacted, effective = redact(dataset, [region(BOX)])
    box = effective[0].box
    assert not raw_frame(redacted, 0)[box.top : box.bottom, box.left : box.right].any()
    assert compare_datasets(dataset, redacted, effective).elsewhere == 0


def test_frames_without_a_box_keep_their_codestream() -> None:
    streams = [jpeg(GREY), jpeg(GREY[::-1]), jpeg(GREY // 2)]
    dataset = of_codestreams(streams, GREY, "MONOCHROME2")
    redacted, effective = redact(dataset, [region(BOX, 1)])
    before, after = list(encoded_frames(dataset)), list(encoded_frames(redacted))
    assert (before[0], before[2]) == (after[0], after[2])
    assert before[1] != after[1]
    assert compare_datasets(dataset, redacted, effective).changed_frames == ()


def test_frames_of_different_sampling_share_the_coarser_grid() -> None:
    streams = [jpeg(COLOUR, subsampling="4:4:4"), jpeg(COLOUR, subsampling="4:2:0")]
    redacted, effective = redact(of_codestreams(streams, COLOUR, "YBR_FULL"), [region(BOX, 0)])
    assert effective[0].box == Box(32, 16, 32, 16)
    assert len(list(iter_raw_frames(redacted))) == 2


def _tables(codestream: bytes) -> list[bytes]:
    return [codestream[each.start : each.end] for each in segments(codestream) if each.marker == 0xC4]


@pytest.mark.parametrize("is_complete", [True, False], ids=["tables of the standard", "tables of the frame's own"])
def test_huffman_tables_stay_where_they_have_every_code(is_complete: bool) -> None:
    stream = jpeg(GREY, optimize=not is_complete)
    assert dct.parse(stream).has_every_code is is_complete
    redacted, _ = redact(of_codestreams([stream], GREY, "MONOCHROME2"), [region(BOX)])
    written = encoded_frames(redacted).codestream(0)
    assert (_tables(written) == _tables(stream)) is is_complete


def test_a_frame_that_reads_back_otherwise_is_left_to_another_way(monkeypatch: pytest.MonkeyPatch) -> None:
    dataset = of_codestreams([jpeg(GREY)], GREY, "MONOCHROME2")
    monkeypatch.setattr(dct.Parsed, "written", lambda parsed, new_tables=False: jpeg(GREY[::-1]))
    redacted, effective = redact(dataset, [region(BOX)])
    assert way_taken(dataset, redacted, effective) == "transcode"


def _progressive(dataset: Dataset) -> None:
    dataset.PixelData = encapsulate([jpeg(GREY, progressive=True)])


def _tables_twice(dataset: Dataset) -> None:
    stream = jpeg(GREY)
    at = stream.index(b"\xff\xdb")
    table = stream[at : at + 69]
    dataset.PixelData = encapsulate([stream[:at] + table + stream[at:]])


def _palette(dataset: Dataset) -> None:
    dataset.PhotometricInterpretation = "PALETTE COLOR"


@pytest.mark.parametrize("change", [_progressive, _tables_twice, _palette])
def test_what_cannot_be_edited_in_blocks_is_transcoded_without_loss(change: Any) -> None:
    built = image(GREY, syntax=JPEGBaseline8Bit)
    change(built)
    dataset = load(file_bytes(built))
    redacted, effective = redact(dataset, [region(BOX)])
    assert redacted.file_meta.TransferSyntaxUID == JPEGLSLossless
    assert effective[0].box == BOX
    assert way_taken(dataset, redacted, effective) == "transcode"
    found = compare_datasets(dataset, redacted, effective)
    assert (found.changed_frames, found.uneven_frames) == ((), ())


def test_a_change_of_a_coefficient_outside_is_found() -> None:
    dataset = of_codestreams([jpeg(GREY)], GREY, "MONOCHROME2")
    redacted, effective = redact(dataset, [region(BOX)])
    other, _ = redact(redacted, [region(Box(80, 60, 2, 2))])
    assert compare_datasets(dataset, other, effective).changed_frames == (0,)


def test_another_quantisation_is_found() -> None:
    dataset = of_codestreams([jpeg(GREY)], GREY, "MONOCHROME2")
    redacted, effective = redact(dataset, [region(BOX)])
    stream = bytearray(encoded_frames(redacted).codestream(0))
    at = stream.index(b"\xff\xdb")
    stream[at + 9] += 1
    redacted.PixelData = encapsulate([bytes(stream)])
    assert compare_datasets(dataset, redacted, effective).changed_frames == (0,)


def test_a_box_that_is_not_emptied_is_found() -> None:
    dataset = of_codestreams([jpeg(GREY)], GREY, "MONOCHROME2")
    assert compare_datasets(dataset, dataset, (region(Box(32, 16, 32, 16)),)).uneven_frames == (0,)


def test_headers_of_a_codestream_are_read_without_decoding() -> None:
    stream = jpeg(COLOUR, subsampling="4:2:0")
    header = frame_header(stream)
    assert (header.marker, header.precision, header.rows, header.columns) == (0xC0, 8, ROWS, COLUMNS)
    assert header.sampling == ((2, 2), (1, 1), (1, 1))
    assert adobe_transform(stream) is None
    assert set(first_quantisers(stream)) == {0, 1}


FINE, COARSE = Box.from_edges(40, 16, 72, 32), Box.from_edges(32, 16, 80, 32)
"""A box of (42, 18) to (70, 30) on the grid of 8 x 8, and on that of 16 x 16 and 16 x 8."""
COLOURED: list[Any] = [
    pytest.param((slice(0), slice(0)), FINE, 0, id="grey"),
    pytest.param((slice(22, 26), slice(52, 60)), FINE, 1, id="colour in blocks within the box"),
    pytest.param((slice(22, 26), slice(44, 47)), COARSE, 1, id="colour in blocks that reach out of the box"),
    pytest.param((slice(22, 26), slice(74, 76)), COARSE, 1, id="colour beside the box"),
    pytest.param((slice(40, 44), slice(2, 90)), FINE, 0, id="colour elsewhere"),
]


@pytest.mark.parametrize("sampling", ["4:2:2", "4:2:0"])
@pytest.mark.parametrize(("coloured", "box", "beside"), COLOURED)
def test_a_box_grows_to_chroma_blocks_only_where_they_hold_colour(
    coloured: tuple[slice, slice], box: Box, beside: int, sampling: str
) -> None:
    grey = np.stack([GREY] * 3, axis=-1)
    pixels = grey.copy()
    pixels[coloured] = 250, 220, 0
    dataset = of_codestreams([jpeg(each, subsampling=sampling) for each in (grey, pixels)], pixels, "YBR_FULL_422")
    redacted, effective = redact(dataset, [region(Box.from_edges(42, 18, 70, 30))])
    assert [each.box for each in effective] == [box]
    found = compare_datasets(dataset, redacted, effective)
    assert (found.changed_frames, found.uneven_frames, bool(found.halo)) == ((), (), bool(beside))
    for before, after in zip(iter_raw_frames(dataset), iter_raw_frames(redacted), strict=True):
        outside = np.ones(before.shape[:2], bool)
        outside[box.top - beside : box.bottom + beside, box.left - beside : box.right + beside] = False
        assert np.array_equal(before[outside], after[outside])
        core = after[box.top + beside : box.bottom - beside, box.left + beside : box.right - beside]
        assert (core == [0, 128, 128]).all()


def test_colour_that_changes_at_the_rim_of_a_box_is_found() -> None:
    pixels = np.stack([GREY] * 3, axis=-1)
    dataset = of_codestreams([jpeg(pixels, subsampling="4:2:0")], pixels, "YBR_FULL_422")
    redacted, effective = redact(dataset, [region(FINE)])
    assert effective[0].box == FINE
    one, two = (dct.read_coefficients(encoded_frames(each).codestream(0)) for each in (dataset, redacted))
    assert dct.is_same_outside(one, two, [FINE])
    two.planes[1][8, 16] += 1
    assert dct.is_same_outside(one, two, [COARSE])
    assert not dct.is_same_outside(one, two, [FINE])


@pytest.mark.parametrize("cut", range(2, 700, 31))
def test_a_cut_codestream_is_a_pixel_error_or_is_read(cut: int) -> None:
    try:
        dct.read_coefficients(jpeg(GREY)[:cut])
    except PixelError:
        return
    assert cut > 300


SAMPLINGS = st.sampled_from(["grey", "4:4:4", "4:2:2", "4:2:0"])


@settings(max_examples=60, deadline=None)
@given(
    data=st.data(), sampling=SAMPLINGS, rows=st.integers(1, 40), columns=st.integers(1, 40), frames=st.integers(1, 2)
)
def test_any_boxes_in_any_sampling(data: st.DataObject, sampling: str, rows: int, columns: int, frames: int) -> None:
    shape = (rows, columns) if sampling == "grey" else (rows, columns, 3)
    noise = np.random.default_rng(data.draw(st.integers(0, 99)))
    pixels = [noise.integers(0, 255, shape).astype("u1") for _ in range(frames)]
    if sampling != "grey":
        coloured = data.draw(st.integers(0, columns))
        for each in pixels:
            each[:, coloured:] = each[:, coloured:, :1]
    options = {} if sampling == "grey" else {"subsampling": sampling}
    photometric = "MONOCHROME2" if sampling == "grey" else "YBR_FULL_422"
    dataset = of_codestreams([jpeg(each, **options) for each in pixels], pixels[0], photometric)
    boxes = st.builds(Box, st.integers(0, columns), st.integers(0, rows), st.integers(1, 9), st.integers(1, 9))
    chosen = st.builds(region, boxes, st.none() | st.integers(0, frames - 1))
    redacted, effective = redact(dataset, data.draw(st.lists(chosen, max_size=3)))
    assert redacted.file_meta.TransferSyntaxUID == JPEGBaseline8Bit
    found = compare_datasets(dataset, redacted, effective)
    assert (found.changed_frames, found.uneven_frames) == ((), ())
    again, _ = redact(redacted, effective)
    assert again.PixelData == redacted.PixelData
    if not effective:
        assert redacted.PixelData == dataset.PixelData
    for each in effective:
        assert not (each.box.left % 8 or each.box.top % 8)
    for number, (before, after) in enumerate(zip(iter_raw_frames(dataset), iter_raw_frames(redacted), strict=True)):
        outside = np.ones(before.shape[:2], bool)
        beside = int(sampling not in ("grey", "4:4:4"))
        for each in effective:
            if each.frame in (None, number):
                box = each.box
                outside[
                    max(box.top - beside, 0) : box.bottom + beside, max(box.left - beside, 0) : box.right + beside
                ] = False
        assert np.array_equal(before[outside], after[outside])
