"""Bar codes and QR codes, drawn by zxing-cpp's own writer: found, overwritten in every frame, reported, never said."""

from __future__ import annotations

from io import BytesIO

import numpy as np
import pytest
import zxingcpp
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom import dcmread
from pydicom.uid import JPEGBaseline8Bit, RLELossless
from zxingcpp import BarcodeFormat

from deid import codes
from deid.codes import Code, Shape, find_codes
from deid.counting import count_words
from deid.engines.zxing import Zxing
from deid.pipeline import Case, Engines, Options, Step, open_case, run, run_step, verdict
from deid.render import distinct_views, render_frame
from deid.report import as_line
from deid.review import Correction, Deed, Suggested, plan, redone
from deid.single import record_of, warnings_of
from deid.values import Box, Category, Outcome, Policy, Reason, View, WordCount
from tests.dicom_factory import dicom, image
from tests.fakes import ScriptedOcr

NUMBER = "MRN7730215"
KINDS = {
    "qr": (BarcodeFormat.QRCode, NUMBER),
    "micro-qr": (BarcodeFormat.MicroQRCode, "7730215"),
    "data-matrix": (BarcodeFormat.DataMatrix, NUMBER),
    "aztec": (BarcodeFormat.Aztec, NUMBER),
    "pdf417": (BarcodeFormat.PDF417, NUMBER),
    "code-128": (BarcodeFormat.Code128, NUMBER),
    "code-39": (BarcodeFormat.Code39, "7730215"),
    "code-93": (BarcodeFormat.Code93, NUMBER),
    "codabar": (BarcodeFormat.Codabar, "A7730215B"),
    "itf": (BarcodeFormat.ITF, "77302150"),
    "ean-13": (BarcodeFormat.EAN13, "590123412345"),
}
ENGINES = Engines((ScriptedOcr(),), b"k" * 32, codes=Zxing())


def drawn(kind: str, scale: int = 2) -> np.ndarray:
    """A code with its quiet zone, black on white."""
    symbology, text = KINDS[kind]
    code = zxingcpp.create_barcode(text, symbology)
    return np.array(zxingcpp.write_barcode_to_image(code, scale=scale, add_quiet_zones=True))


def tissue(rows: int = 326, columns: int = 340, seed: int = 1) -> np.ndarray:
    """Ground that is nowhere flat and holds no code: slopes and noise, 40 to 160."""
    down, across = np.mgrid[:rows, :columns]
    noise = np.random.default_rng(seed).normal(0, 4, (rows, columns))
    return np.clip(100 + 40 * np.sin(down / 37) * np.cos(across / 53) + noise, 40, 160).astype("u1")


def pasted(kind: str, turn: int = 0, *, light_on_dark: bool = False, faint: bool = False) -> tuple[np.ndarray, Box]:
    """Tissue with a code in it, and where that has ink."""
    code = np.rot90(drawn(kind), turn).astype(int)
    ink = np.argwhere(code < 128)
    if light_on_dark:
        code = 255 - code
    if faint:
        code = 90 + code * 60 // 255
    top, left = 28, 40
    picture = tissue()
    picture[top : top + code.shape[0], left : left + code.shape[1]] = code
    (low, left_ink), (high, right_ink) = ink.min(axis=0), ink.max(axis=0) + 1
    return picture, Box.from_edges(left + left_ink, top + low, left + right_ink, top + high)


def views(picture: np.ndarray) -> dict[View, np.ndarray]:
    """What the readers are shown of a picture."""
    dataset = image(picture, photometric="RGB" if picture.ndim == 3 else "MONOCHROME2")
    return distinct_views(dataset, picture)


def lies_within(inner: Box, outer: Box) -> bool:
    return inner.overlap(outer) == inner.area


@pytest.mark.parametrize("look", ["plain", "turned", "light-on-dark", "faint"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_code_is_found_with_all_its_ink(kind: str, look: str) -> None:
    picture, ink = pasted(kind, int(look == "turned"), light_on_dark=look == "light-on-dark", faint=look == "faint")
    found = find_codes(views(picture), Zxing())
    share = 0.9 if kind == "ean-13" else 1.0  # its guard bars are longer than the others, and say nothing
    assert any(ink.overlap(box) >= share * ink.area for box in found)
    assert all(box.area < 2.5 * ink.area for box in found)


def test_a_code_across_the_picture_is_found_in_colour() -> None:
    picture = np.repeat(pasted("qr")[0][..., None], 3, axis=2)
    picture[..., 0] = picture[..., 0] // 2
    assert find_codes({View.WINDOW: picture}, Zxing())
    assert all(lies_within(box, Box(20, 10, 110, 110)) for box in find_codes(views(picture), Zxing()))


def test_a_code_too_damaged_to_be_read_goes_as_well() -> None:
    picture, ink = pasted("qr")
    picture[ink.top + 16 : ink.top + 40, ink.left + 16 : ink.left + 40] = 255
    (found,) = zxingcpp.read_barcodes(picture, return_errors=True)
    assert not found.valid
    assert any(lies_within(ink, box) for box in find_codes(views(picture), Zxing()))


@pytest.mark.parametrize("seed", range(6))
def test_neither_tissue_nor_noise_nor_grids_are_codes(seed: int) -> None:
    noise = np.random.default_rng(seed).integers(0, 255, (300, 400)).astype("u1")
    grid = np.full((300, 400), 200, "u1")
    grid[:: 7 + seed] = 20
    grid[:, :: 9 + seed] = 20
    stripes = np.full((300, 400), 220, "u1")
    stripes[:, (np.arange(400) // (2 + seed)) % 2 == 0] = 10
    for picture in (tissue(seed=seed), noise, grid, stripes):
        assert find_codes(views(picture), Zxing()) == ()


class Seen:
    """Sees the same code in every picture, whatever is done to it."""

    name, version = "seen", "0"
    code = Code(((4, 4), (20, 4), (20, 9), (4, 9)), Shape.SQUARES)

    def find(self, picture: np.ndarray, *, even_ground: bool = False) -> tuple[Code, ...]:
        return (self.code,)


def test_a_picture_in_which_codes_never_end_goes_whole() -> None:
    assert find_codes({View.WINDOW: tissue(40, 60)}, Seen()) == (Box(0, 0, 60, 40),)


def test_bars_are_followed_to_their_ends() -> None:
    picture = np.full((100, 140), 230, "u1")
    bars = np.random.default_rng(3).integers(0, 2, 100) * 230
    picture[10:90, 20:120] = bars
    box = codes._extent(picture, Code(((20, 40), (119, 40), (119, 44), (20, 44)), Shape.BARS))
    assert lies_within(Box(20, 10, 100, 80), box)
    assert box.height < 100 and box.top >= 10 - 5


POINTS = st.tuples(st.integers(-40, 300), st.integers(-40, 300))


@given(st.lists(POINTS, min_size=4, max_size=4), st.sampled_from(Shape))
@settings(max_examples=60, deadline=None)
def test_any_corners_make_a_box_in_the_picture(corners: list[tuple[int, int]], shape: Shape) -> None:
    one, two, three, four = corners
    box = codes._extent(tissue(80, 120), Code((one, two, three, four), shape))
    assert box.right <= 120 and box.bottom <= 80


def test_a_stack_of_which_a_reader_needs_half_is_followed_to_its_end() -> None:
    picture, ink = pasted("pdf417")
    half = ink.left + ink.width // 2
    corners = (ink.left, ink.top), (half, ink.top), (half, ink.bottom), (ink.left, ink.bottom)
    assert lies_within(ink, codes._extent(picture, Code(corners, Shape.STACK)))


def readable(data: bytes) -> bool:
    """Whether zxing-cpp can read a code in any frame of a file, light or dark."""
    dataset = dcmread(BytesIO(data))
    frames = int(dataset.get("NumberOfFrames", 1))
    pictures = [render_frame(dataset, frame, view) for frame in range(frames) for view in (View.FULL, View.LOCAL)]
    return any(zxingcpp.read_barcodes(each) for picture in pictures for each in (picture, 255 - picture))


def through(pixels: np.ndarray, **layout: object) -> tuple[bytes, Case]:
    data = dicom(pixels, **layout)
    assert readable(data)
    return data, run(data, ENGINES, Options())


@pytest.mark.parametrize("kind", ["qr", "code-128", "data-matrix", "pdf417"])
def test_a_number_in_a_code_is_overwritten_and_reported_and_nothing_else_changes(kind: str) -> None:
    picture, ink = pasted(kind)
    data, case = through(picture)
    assert verdict(case) == (Outcome.CLEANED, "")
    assert case.written is not None and not readable(case.written)
    (region,) = case.effective or ()
    assert region.reasons == (Reason.CODE,) and region.frame is None and lies_within(ink, region.box)
    before, after = dcmread(BytesIO(data)).pixel_array, dcmread(BytesIO(case.written)).pixel_array
    outside = np.ones(before.shape, bool)
    outside[region.box.top : region.box.bottom, region.box.left : region.box.right] = False
    assert np.array_equal(before[outside], after[outside])
    record = record_of(case, *verdict(case), "a", ENGINES.made_by)
    assert record.phi_words == (WordCount(Reason.CODE, Category.NUMBER, 1),)
    line = as_line(record)
    assert '"reasons": ["code"]' in line and '"zxing-cpp"' in line and NUMBER not in line


@pytest.mark.parametrize("syntax", [RLELossless, JPEGBaseline8Bit])
def test_a_code_in_compressed_pixels_goes(syntax: str) -> None:
    _, case = through(pasted("qr", 1)[0], syntax=syntax)
    assert verdict(case)[0] is Outcome.CLEANED and case.written is not None and not readable(case.written)


def test_a_code_of_faint_values_among_sixteen_bits_goes() -> None:
    picture = pasted("qr")[0].astype("u2") * 4 + 1000
    picture[316:, :40] = 60_000
    data = dicom(picture, WindowCenter=50_000, WindowWidth=20_000)
    case = run(data, ENGINES, Options())
    (region,) = case.effective or ()
    assert region.reasons == (Reason.CODE,) and verdict(case)[0] is Outcome.CLEANED


def test_a_code_in_one_frame_of_a_loop_goes_from_every_frame() -> None:
    frames = np.stack([tissue(seed=number) for number in range(4)])
    frames[2] = pasted("qr")[0]
    _, case = through(frames)
    assert case.written is not None and not readable(case.written)
    assert [region.frame for region in case.effective or ()] == [None]
    assert verdict(case)[0] is Outcome.CLEANED


def test_every_code_goes_under_the_policy_of_all_text_too() -> None:
    case = run(dicom(pasted("qr")[0]), ENGINES, Options(policy=Policy.ALL_TEXT))
    assert [region.reasons for region in case.effective or ()] == [(Reason.CODE,)]
    assert warnings_of(case) == ("code",), "the release report counts it"


class BlindAtFirst(Zxing):
    """Sees nothing before the file is written."""

    def __init__(self, looks: int) -> None:
        super().__init__()
        self.looks = looks

    def find(self, picture: np.ndarray, *, even_ground: bool = False) -> tuple[Code, ...]:
        self.looks -= 1
        return () if self.looks >= 0 else super().find(picture, even_ground=even_ground)


def test_a_code_that_only_the_check_sees_is_overwritten_then() -> None:
    picture, ink = pasted("qr")
    case = run(dicom(picture), Engines((ScriptedOcr(),), b"k" * 32, codes=BlindAtFirst(3)), Options())
    (region,) = case.effective or ()
    assert region.reasons == (Reason.VERIFY, Reason.CODE) and lies_within(ink, region.box)
    assert verdict(case) == (Outcome.CLEANED, "") and case.written is not None and not readable(case.written)


def test_a_code_that_is_seen_whatever_is_done_waits_for_a_person() -> None:
    case = run(dicom(tissue()), Engines((ScriptedOcr(),), b"k" * 32, codes=Restless()), Options())
    outcome, reason = verdict(case)
    assert outcome is Outcome.NEEDS_REVIEW and "or as a code" in reason


class Restless(Seen):
    """Sees a code somewhere else in each picture, once."""

    def __init__(self) -> None:
        self.looks = 0

    def find(self, picture: np.ndarray, *, even_ground: bool = False) -> tuple[Code, ...]:
        self.looks += 1
        left = 20 * self.looks
        return (Code(((left, 4), (left + 10, 4), (left + 10, 9), (left, 9)), Shape.SQUARES),) if self.looks % 2 else ()


def test_a_code_that_a_person_keeps_is_asked_about_twice() -> None:
    data = dicom(pasted("qr")[0])
    case = run(data, ENGINES, Options())
    (region,) = case.effective or ()
    again = open_case(data, Options())
    for step in (Step.CONVERT, Step.READ, Step.FIND):
        again = run_step(again, step, ENGINES, Options())
    decided = plan(Suggested(case.effective or ()), [Correction(Deed.KEEP, region.box)], 1)
    outcome, reason = verdict(redone(again, decided, ENGINES, Options()))
    assert outcome is Outcome.NEEDS_REVIEW and "a code stands there" in reason


def test_codes_are_counted_beside_words() -> None:
    assert count_words((), 2) == (WordCount(Reason.CODE, Category.NUMBER, 2),)
