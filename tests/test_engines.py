"""The real readers on letters that we drew."""

import os
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from onnxruntime import InferenceSession
from PIL import Image, ImageDraw, ImageFont

from deid import jobs
from deid.bench.dots import Look, draw_dots
from deid.bench.scenes import ground
from deid.changes import read_part
from deid.engines.detector import DETECTOR, Detector, FoundLine
from deid.engines.finding import find_lines
from deid.engines.network import Network
from deid.engines.rapidocr import RapidOcr, _ends_label, _is_unread, _Reading, _split
from deid.engines.tesseract import Tesseract
from deid.errors import EngineError, UsageError
from deid.grounds import bordered, even_ground
from deid.ocr import read_frame
from deid.settings import Settings
from deid.values import KNOWN, UNNAMED, UNREAD, Box, Search, View, Word
from tests.speckle import faint_name


def _drawn(*lines: tuple[int, int, str], size: tuple[int, int] = (640, 480), height: int = 18) -> np.ndarray:
    image = Image.new("L", size, 12)
    draw = ImageDraw.Draw(image)
    for left, top, text in lines:
        draw.text((left, top), text, 235, ImageFont.load_default(size=height))
    return np.asarray(image)


@pytest.fixture(scope="module")
def readers() -> tuple[RapidOcr, Tesseract]:
    return RapidOcr(), Tesseract()


_CYRILLIC = {
    "Ж": "2026 0046 4006",
    "И": "0006 0640 4046",
    "Ц": "0006 4046 0656 5658",
    "Ш": "0006 2026 4046 0646",
    "Щ": "0006 2026 4046 0656 5658",
}
"""Strokes of capitals: where each begins and ends, in columns and rows. No typeface with them is sure to be there."""


def _in_cyrillic(word: str, unit: int = 3) -> np.ndarray:
    image = Image.new("L", (480, 320), 12)
    draw = ImageDraw.Draw(image)
    for number, letter in enumerate(word):
        for stroke in _CYRILLIC[letter].split():
            column, row, until_column, until_row = (unit * int(each) for each in stroke)
            left = 40 + 7 * unit * number
            draw.line((left + column, 60 + row, left + until_column, 60 + until_row), fill=235, width=2)
    return np.asarray(image)


def _read(picture: np.ndarray, readers: tuple[RapidOcr, Tesseract]) -> tuple[Word, ...]:
    return read_frame({View.WINDOW: picture}, readers)


def test_the_detector_answers_alike_in_both_runtimes() -> None:
    """And OpenVINO does not round, whatever the processor offers."""
    values = np.random.default_rng(5).standard_normal((1, 3, 320, 416)).astype(np.float32)
    session = InferenceSession(str(DETECTOR), providers=["CPUExecutionProvider"])
    expected = session.run(None, {session.get_inputs()[0].name: values})[0]
    network = Network(DETECTOR)
    assert np.abs(network(values) - expected).max() < 2e-3
    assert np.array_equal(network(values), network(values))


def test_nothing_is_installed_that_reports_how_openvino_is_used() -> None:
    assert find_spec("openvino") and not find_spec("openvino_telemetry")


def test_the_quick_search_finds_the_lines_of_the_exact_one() -> None:
    picture = bordered(_drawn((40, 60, "DOB: 12/03/1964  Gain 52%"), (40, 200, "Persist Med")))
    exact, quick = Detector(), Detector(exact=False)
    assert exact.precision == "f32"
    assert quick.precision in ("f32", "bf16")
    pairs = list(zip(exact.search(picture, 1280), quick.search(picture, 1280), strict=True))
    assert len(pairs) >= 2
    assert all(np.abs(one - two).max() <= 4 for (one, _), (two, _) in pairs)


def test_grey_and_colour_of_the_same_picture_are_searched_alike() -> None:
    picture = bordered(_drawn((40, 60, "Persist Med"), size=(333, 217)))
    grey, colour = (Detector().search(each, 800) for each in (picture, np.repeat(picture[..., None], 3, axis=2)))
    assert len(grey) == 1
    assert np.array_equal(grey[0][0], colour[0][0])


@pytest.mark.parametrize("text", ["ЖИЩЦ", "ШИЦЖИ", "ИЖИЦЩИ"])
def test_letters_that_have_no_names_are_told_as_such_one_by_one(text: str, readers: tuple[RapidOcr, Tesseract]) -> None:
    (word,) = _read(_in_cyrillic(text), readers)
    assert word.text == UNNAMED * len(text)
    assert word.confidence > 0.8


def test_a_line_that_is_known_from_end_to_end_is_not_read_again(readers: tuple[RapidOcr, Tesseract]) -> None:
    picture = bordered(_drawn((40, 60, "DOB: 12/03/1964  Gain 52%"), (40, 200, "Persist Med")))
    rapid = readers[0]
    words = rapid.read(picture)
    assert [word.text for word in words] == ["DOB:", "12/03/1964", "Gain", "52%", "Persist", "Med"]
    boxes = [word.box for word in words]
    assert [word.text for word in rapid.read(picture, known=boxes)] == [KNOWN, KNOWN]
    for unknown, left in ((1, 4), (5, 2)):
        again = rapid.read(picture, known=[box for number, box in enumerate(boxes) if number != unknown])
        assert [word.text == KNOWN for word in again] == [*[False] * left, True], (
            "a line of which one word is not known is read whole"
        )


@pytest.mark.parametrize(
    ("seed", "apart", "text"), [(24, (15, 35), "esterberg"), (63, (20, 40), "Westerberg"), (69, (20, 40), "stoberg")]
)
def test_a_line_that_the_detector_hardly_sees_is_read(
    seed: int, apart: tuple[int, int], text: str, readers: tuple[RapidOcr, Tesseract]
) -> None:
    picture = faint_name(seed, apart)
    assert Detector().search(picture, 1280) == []
    assert any(text in word.text for word in readers[0].read(picture))


@pytest.mark.parametrize(("seed", "turns"), [(5, 1), (17, 1), (17, -1), (25, -1)])
def test_faint_text_that_runs_up_or_down_is_found_and_read(
    seed: int, turns: int, readers: tuple[RapidOcr, Tesseract]
) -> None:
    picture = np.ascontiguousarray(np.rot90(faint_name(seed, (30, 60)), turns))
    assert [line for line in find_lines(Detector(), picture) if not line.faint]
    words = readers[0].read(picture)
    assert words and all(word.vertical for word in words)


@pytest.mark.parametrize(
    ("columns", "rows", "score", "there"),
    [
        (90, 20, 0.2, True),
        (90, 20, 0.1, False),
        (40, 20, 0.2, False),
        (100, 44, 0.2, True),
        (100, 44, 0.1, False),
        (80, 44, 0.2, False),
        (75, 30, 0.2, False),
    ],
)
def test_a_long_line_or_a_block_that_the_detector_hardly_sees_goes_unread(
    columns: int,
    rows: int,
    score: float,
    there: bool,
    readers: tuple[RapidOcr, Tesseract],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bare = np.repeat(np.random.default_rng(3).normal(128, 6, (120, 200, 1)), 3, axis=2).astype(np.uint8)
    right, bottom = 40 + columns, 40 + rows
    quad = np.array([[40, 40], [right, 40], [right, bottom], [40, bottom]], np.float32)
    monkeypatch.setattr(readers[0]._detector, "search_closely", lambda *_, **__: ([], [[(quad, score)]]))
    words = readers[0].read(bare)
    assert [word.text for word in words] == [UNREAD] * there
    assert all(word.confidence == 0 for word in words)


def test_two_threads_read_what_one_reads(readers: tuple[RapidOcr, Tesseract]) -> None:
    picture = bordered(_drawn(*((40, 40 + 60 * row, f"DOB: 12/03/196{row}  Gain 5{row}%") for row in range(6))))
    assert RapidOcr(2).read(picture) == readers[0].read(picture)


@pytest.mark.parametrize(
    ("gap", "stop", "start"),
    [
        ("0000000000", 0.5, 0.5),
        ("0009900000", 0.55, 0.43),
        ("0999000009", 0.53, 0.53),
        ("5556555565", 0.55, 0.45),
    ],
    ids=["one gap", "two gaps", "a gap in a letter", "uneven ground"],
)
def test_a_word_reaches_as_far_as_a_stroke_of_it_may_stand(gap: str, stop: float, start: float) -> None:
    ink = np.array([int(each) for each in "9909909909099099090" + "9" + gap + "9" * 20], np.float64)
    assert len(ink) == 50
    ink[40] = 0  # a line has its contrast whatever one gap shows
    reading = _Reading("AB 12", (0.1, 0.4, 0.6, 0.9), (1.0,) * 4)
    (one, _, end, _), (other, begin, _, _) = _split(reading, ink)
    assert (one, other) == ("AB", "12")
    assert (end, begin) == pytest.approx((stop, start))


def test_words_have_boxes_of_their_own(readers: tuple[RapidOcr, Tesseract]) -> None:
    words = _read(_drawn((40, 60, "DOB: 12/03/1964  Gain 52%")), readers)
    assert [word.text for word in words] == ["DOB:", "12/03/1964", "Gain", "52%"]
    font = ImageFont.load_default(size=18)
    label = 40 + font.getlength("DOB:")
    assert abs(words[0].box.right - label) < 8
    assert words[1].box.left >= label - 4
    assert {word.line for word in words} == {words[0].line}


@pytest.mark.parametrize(
    ("text", "following", "ends"),
    [
        ("DOB:", "1", True),
        ("12:", "3", False),
        ("D.O.B.", "1", True),
        ("D.O.", "B", False),
        ("Dr.", "R", True),
        ("DR.", "R", False),
        ("T.", "H", False),
        ("v.", "1", False),
        ("T2.", "5", False),
        ("No.", "7", True),
    ],
)
def test_a_label_ends_without_a_space(text: str, following: str, ends: bool) -> None:
    assert _ends_label(text, following) is ends


def test_text_at_the_border_is_read(readers: tuple[RapidOcr, Tesseract]) -> None:
    words = _read(_drawn((0, 0, "WESTERBERG"), (540, 455, "R 7482913")), readers)
    assert {"WESTERBERG", "7482913"} <= {word.text for word in words}


@pytest.mark.parametrize("turns", [1, 3], ids=["upwards", "downwards"])
def test_text_up_the_side_is_read_in_its_place(readers: tuple[RapidOcr, Tesseract], turns: int) -> None:
    upright = _drawn((60, 20, "Westerberg Anneli"))
    words = _read(np.rot90(upright, turns).copy(), readers)
    assert [word.text for word in words] == ["Westerberg", "Anneli"]
    assert all(word.vertical and word.box.height > word.box.width for word in words)
    first, second = words
    assert (first.box.top > second.box.top) == (turns == 1)


def test_inverse_text_and_small_text_are_read(readers: tuple[RapidOcr, Tesseract]) -> None:
    words = _read(255 - _drawn((40, 60, "Westerberg 7482913"), height=11), readers)
    assert [word.text for word in words] == ["Westerberg", "7482913"]


def test_a_large_picture_is_read_in_tiles(readers: tuple[RapidOcr, Tesseract]) -> None:
    picture = _drawn((30, 30, "Westerberg"), (2300, 2650, "7482913"), size=(2500, 2700), height=24)
    words = _read(picture, readers)
    assert [word.text for word in words] == ["Westerberg", "7482913"]
    assert words[1].box.overlap(Box(2300, 2650, 90, 24)) > 0


@pytest.mark.parametrize(
    ("longer", "share", "sides"),
    [(1100, 1.0, [1280]), (2500, 1.0, [2048]), (1200, 0.5, [1024]), (2700, 1.0, [2048] * 3)],
)
def test_a_large_picture_is_searched_more_closely(longer: int, share: float, sides: list[int]) -> None:
    """Scaled to half of its size, one of 2500 px loses letters that a person reads well."""
    asked: list[int] = []

    class Blind(Detector):
        def __init__(self) -> None: ...

        def search(self, picture: np.ndarray, side_px: int) -> list[FoundLine]:
            asked.append(side_px)
            return []

        def search_closely(self, picture: np.ndarray, side_px: int) -> tuple[list[FoundLine], list[list[FoundLine]]]:
            return self.search(picture, side_px), []

    assert find_lines(Blind(), np.zeros((longer, 300, 3), np.uint8), Search(share=share)) == []
    assert asked == sides


def test_tesseract_reads_what_it_is_shown() -> None:
    words = Tesseract().read(255 - _drawn((40, 60, "Westerberg")))
    assert [word.text for word in words] == ["Westerberg"]


def test_the_finder_forgets(readers: tuple[RapidOcr, Tesseract]) -> None:
    readers[0].read(_drawn((40, 60, "Westerberg")))
    assert readers[0]._remembered
    readers[0].forget()
    assert not readers[0]._remembered


@pytest.mark.parametrize(
    ("text", "shape", "unread"),
    [("190//-", (23, 133), True), ("", (20, 180), True), ("Name: Holm", (20, 120), False), ("^", (20, 30), False)],
)
def test_a_long_line_of_few_letters_was_not_read(text: str, shape: tuple[int, int], unread: bool) -> None:
    reading = _Reading(text, tuple(0.5 for _ in text), tuple(0.9 for _ in text))
    assert _is_unread(reading, np.zeros((*shape, 3), np.uint8)) is unread


def test_a_whole_picture_is_no_line_of_text(readers: tuple[RapidOcr, Tesseract]) -> None:
    """The detector takes this one for a single large letter."""
    picture = bordered(even_ground(ground("MR", np.random.default_rng(4), (512, 512)).astype(np.uint8)))
    assert Detector().find(picture, 1280) == ()


@pytest.mark.parametrize("pitch", [5, 7])
def test_letters_of_dots_are_letters(pitch: int, readers: tuple[RapidOcr, Tesseract]) -> None:
    dots = draw_dots("BRANDT 1964", pitch, Look.DOTS)
    picture = np.full((480, 800), 20, np.float32)
    picture[200 : 200 + dots.shape[0], 60 : 60 + dots.shape[1]] += 200 * dots
    words = readers[0].read(bordered(even_ground(picture.astype(np.uint8))))
    assert [word.text for word in words] == ["BRANDT", "1964"]


def test_letters_of_dots_in_a_part_of_a_frame_are_letters(readers: tuple[RapidOcr, Tesseract]) -> None:
    dots = draw_dots("BRANDT", 5, Look.DOTS)
    picture = np.full((480, 800), 20, np.float32)
    picture[200 : 200 + dots.shape[0], 60 : 60 + dots.shape[1]] += 200 * dots
    shown = even_ground(picture.astype(np.uint8))
    words = read_part({View.LOCAL: shown}, readers, (), Box(0, 128, 400, 192))
    assert [word.text for word in words] == ["BRANDT"]
    assert 45 <= words[0].box.left <= 65 and 185 <= words[0].box.top <= 205


def test_a_block_is_read_where_it_reaches_onto_grain(readers: tuple[RapidOcr, Tesseract]) -> None:
    shown = ground("US", np.random.default_rng(1), (400, 480)).astype(np.float32)
    for top, text, levels in ((200, "User: Holm", 140), (220, "Umea Clinic", 140), (240, "Accession 338296", 50)):
        drawn = _drawn((150, top, text), size=(480, 400), height=14).astype(np.float32)
        shown += levels * (drawn - drawn.min()) / np.ptp(drawn)
    words = readers[0].read(bordered(even_ground(np.clip(shown, 0, 255).astype(np.uint8))))
    (number,) = (word for word in words if word.text.endswith("8296"))
    assert number.box.top > max(word.box.top for word in words if word.text == "Clinic")


def test_the_library_and_the_program_of_tesseract_read_alike() -> None:
    picture = 255 - _drawn((40, 60, "Westerberg  12/03/1964"), (40, 120, "Gain 52 dB"))
    within, beside = Tesseract(), Tesseract(in_process=False)
    assert within.version == beside.version
    words = within.read(picture)
    assert len(words) == 5
    assert words == beside.read(picture)
    colour = np.repeat(picture[..., None], 3, axis=2)
    assert [word.text for word in within.read(colour)] == [word.text for word in words]
    assert words == within.read(picture), "one picture leaves nothing for the next"


def test_without_its_library_the_program_of_tesseract_is_started(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("deid.engines.tesseract.load_library", lambda: None)
    assert [word.text for word in Tesseract().read(255 - _drawn((40, 60, "Westerberg")))] == ["Westerberg"]


def test_tesseract_leaves_the_model_its_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    """A limit in the environment would bind every library that uses OpenMP."""
    monkeypatch.delenv("OMP_THREAD_LIMIT", raising=False)
    Tesseract().read(255 - _drawn((40, 60, "Westerberg")))
    assert "OMP_THREAD_LIMIT" not in os.environ


def test_a_language_that_tesseract_has_no_data_for_is_an_engine_error() -> None:
    with pytest.raises(EngineError, match="no data"):
        Tesseract("xyz")


def test_tesseract_is_given_up_after_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("deid.engines.tesseract.TIMEOUT_S", 0.001)
    page = 255 - _drawn(*((10, 10 + 22 * row, "Westerberg 12/03/1964 Gain 52 dB Persist") for row in range(20)))
    with pytest.raises(EngineError, match="too long"):
        Tesseract().read(page)


@pytest.mark.parametrize(("search", "precisions"), [("exact", {"f32"}), ("quick", {"f32", "bf16"})])
def test_the_search_is_as_the_settings_say(search: str, precisions: set[str], tmp_path: Path) -> None:
    settings = Settings.from_environment({"DEID_HOME": str(tmp_path), "DEID_MODEL": "none", "DEID_SEARCH": search})
    reader = jobs.make_engines(settings).readers[0]
    assert reader.version.rpartition(" ")[2] in precisions


def test_another_way_to_search_is_refused() -> None:
    with pytest.raises(UsageError, match="DEID_SEARCH must be quick or exact"):
        Settings.from_environment({"DEID_SEARCH": "fast"})
