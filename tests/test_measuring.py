"""Made-up cases with truth, their scorer and the tables made of it."""

import importlib.util
import os
import random
import stat
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from types import ModuleType

import numpy as np
import pydicom
import pytest
from pydicom.uid import ExplicitVRLittleEndian
from typer.testing import CliRunner

from deid.bench import last, measure
from deid.bench.dots import Look
from deid.bench.lines import Patch
from deid.bench.making import _Canvas, _spot, make_cases
from deid.bench.score import Truth, read_truths, score_case, total
from deid.bench.typefaces import Dotted, Drawn, Outlined, fit_for, typefaces
from deid.cli import app
from deid.errors import UsageError
from deid.pipeline import Engines, Options
from deid.values import Box, Outcome, Word
from tests.fakes import ScriptedOcr

FACES = (Dotted(Look.BLOCKS), Dotted(Look.STROKES), Drawn(), Outlined("pillow"))
BENCH = Path(os.environ.get("DEID_BENCH") or Path(__file__).parents[2] / "shared" / "bench")
NEEDS_BENCH = pytest.mark.skipif(not (BENCH / "score.py").is_file(), reason="the bench sets are not here")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("cases")
    assert len(list(make_cases(16, made, 3, FACES))) == 16
    return made


@pytest.fixture(scope="module")
def truths(folder: Path) -> tuple[Truth, ...]:
    return tuple(read_truths(folder))


def painted(truth: Truth, part: float = 1.0, words: slice = slice(None)) -> bytes:
    """The original with a part of each PHI word's box in one colour, stored as it can be compared."""
    dataset = pydicom.dcmread(BytesIO(truth.original), force=True)
    pixels = np.array(dataset.pixel_array)
    for word in [each for each in truth.words if each.phi and not each.skip][words]:
        left, top, width, height = word.box
        columns = slice(left, left + (width if word.vertical else round(width * part)))
        rows = slice(top, top + (round(height * part) if word.vertical else height))
        for place in pixels.reshape(-1, *truth.mask.shape, *pixels.shape[-1:] * (dataset.SamplesPerPixel > 1)):
            place[rows, columns] = 0
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    if dataset.PhotometricInterpretation == "YBR_FULL_422":
        dataset.PhotometricInterpretation = "RGB"
    dataset.PixelData = pixels.tobytes()
    dataset["PixelData"].VR = "OB" if dataset.BitsAllocated == 8 else "OW"
    dataset["PixelData"].is_undefined_length = False
    buffer = BytesIO()
    dataset.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()


def test_equal_seeds_make_equal_cases(folder: Path, tmp_path: Path) -> None:
    for name in make_cases(2, tmp_path, 3, FACES):
        for ending in (".dcm", ".json", ".mask.png"):
            assert (tmp_path / (name + ending)).read_bytes() == (folder / (name + ending)).read_bytes()


def test_what_the_border_cuts_is_still_there_in_part() -> None:
    """A narrow word is cut by fewer pixels than it has."""
    patch = Patch((), (), np.ones((18, 8), np.float32), np.ones((18, 8), np.int32))
    spots = [
        _spot(_Canvas(np.zeros((1, 60, 80, 3), np.float32), random.Random(seed)), patch, {"clipped"})
        for seed in range(200)
    ]
    found = [spot for spot in spots if spot is not None]
    assert len(found) > 150
    assert all(-18 < top < 60 and -8 < left < 80 for top, left in found)
    assert any(left < 0 for _, left in found)


def test_other_seeds_make_other_names(folder: Path, tmp_path: Path) -> None:
    list(make_cases(16, tmp_path, 4, FACES))
    names = [
        {word.text for truth in read_truths(each) for word in truth.words if word.category == "id"}
        for each in (folder, tmp_path)
    ]
    assert not names[0] & names[1]


def test_every_kind_of_hard_text_comes_up(truths: tuple[Truth, ...]) -> None:
    tags = {tag for truth in truths for tag in truth.tags}
    assert tags >= {"faint", "crushed", "in-anatomy", "clipped", "sideways", "inverse", "colour", "tiny", "huge"}
    assert tags >= {"frames", "multiframe", "header-empty", "header-matches", "header-contradicts"}
    assert any(word.vertical for truth in truths for word in truth.words)
    assert any(word.frames for truth in truths for word in truth.words)


def test_words_that_nobody_could_read_are_not_counted(truths: tuple[Truth, ...]) -> None:
    words = [word for truth in truths for word in truth.words]
    skipped = [word for word in words if word.skip]
    assert 0 < len(skipped) < 0.25 * len(words)
    assert all(word.skip for word in words if not any(each.isalnum() for each in word.text))


def test_each_letters_pixels_are_in_the_truth(truths: tuple[Truth, ...]) -> None:
    for truth in truths:
        for number, word in enumerate(truth.words):
            rows, columns = np.nonzero(truth.mask == number + 1)
            left, top, width, height = word.box
            assert rows.size
            assert (left, top) == (columns.min(), rows.min())
            assert (width, height) == (np.ptp(columns) + 1, np.ptp(rows) + 1)


def test_an_untouched_copy_leaks_everything(truths: tuple[Truth, ...]) -> None:
    figures = total(score_case(truth, truth.original) for truth in truths).figures()
    assert figures["leak_words"] == 1.0
    assert figures["lost_words"] == 0.0
    assert figures["missing"] == 0


def test_painted_words_do_not_leak(truths: tuple[Truth, ...]) -> None:
    figures = total(score_case(truth, painted(truth)) for truth in truths).figures()
    assert figures["leak_words"] == 0.0
    assert figures["stray_ppm"] == 0.0


def test_a_case_without_output_or_of_another_shape_is_missing(truths: tuple[Truth, ...]) -> None:
    scores = [score_case(truths[0], output) for output in (None, b"nothing", truths[1].original)]
    assert [bool(score.error) for score in scores] == [True] * 3
    assert total(scores).figures()["missing"] == 3


def test_a_typeface_is_not_asked_for_letters_it_has_not() -> None:
    assert fit_for("ABC 12", FACES) == FACES
    assert not fit_for("王", FACES)


def test_a_folder_without_typefaces_is_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError):
        typefaces(tmp_path)


def test_words_are_told_with_their_readers_and_reasons(truths: tuple[Truth, ...], folder: Path, tmp_path: Path) -> None:
    seen = {truth.original: truth for truth in truths if not any(word.frames for word in truth.words)}
    only = tmp_path / "one"
    only.mkdir()
    name = next(truth.name for truth in seen.values() if "sideways" not in truth.tags)
    for ending in (".dcm", ".json", ".mask.png"):
        (only / (name + ending)).write_bytes((folder / (name + ending)).read_bytes())
    truth = next(iter(read_truths(only)))
    words = tuple(
        Word(word.text, Box(max(word.box[0], 0) + 20, max(word.box[1], 0) + 20, *word.box[2:]), 0.99, ("scripted",), k)
        for k, word in enumerate(truth.words)
    )
    reader = ScriptedOcr(words)
    told: list[measure.CaseResult] = []
    places = measure.Places(tmp_path / "out", tmp_path / "crops")
    results = measure.measure(only, Engines((reader,), bytes(16)), Options(), places, told.append)
    assert told == list(results)
    assert set(measure.groups(results, "reader")) == {"scripted"}
    assert results[0].outcome in (Outcome.CLEANED, Outcome.NEEDS_REVIEW)
    scored = score_case(truth, (tmp_path / "out" / f"{name}.dcm").read_bytes())
    assert scored == results[0].score
    by_modality = measure.groups(results, "modality")
    assert by_modality[truth.modality].phi == sum(word.phi and not word.skip for word in truth.words)
    without, with_text = (measure.as_object(results, each) for each in (False, True))
    assert "words" not in without["cases"][0]
    assert "words" in with_text["cases"][0]
    assert without["total"]["missing"] == 0


def test_what_leaks_is_shown_as_a_crop_and_kept_for_its_owner_alone(folder: Path, tmp_path: Path) -> None:
    assert last.last(tmp_path) is None
    places = measure.Places(crops=last.crops_folder(tmp_path))
    results = measure.measure(folder, Engines((ScriptedOcr(),), bytes(16)), Options(), places, lambda result: None)
    leaked = [word.text for result in results for word in result.words if word.score.leaked]
    assert len(leaked) > 50
    assert set(measure.groups(results, "reader")) == {measure.NOBODY}
    assert len(list(measure.told_words(results))) == len(leaked)
    last.keep(tmp_path, results)
    found = last.last(tmp_path)
    assert found is not None
    assert [miss.text for miss in found.misses if miss.leaked] == leaked
    assert all(miss.crop is not None and miss.text not in repr(miss) for miss in found.misses)
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "bench").iterdir()}
    assert modes == {last.RESULTS: 0o600, last.CROPS: 0o700}
    (tmp_path / "bench" / last.RESULTS).write_text("{}")
    assert last.last(tmp_path) is None
    last.forget(tmp_path)
    assert not (tmp_path / "bench").exists()


def test_cases_are_made_from_the_command_line(tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["bench", "--make", "2", "--seed", "9", str(tmp_path / "made")])
    assert done.exit_code == 0
    assert len(list((tmp_path / "made").glob("*.dcm"))) == 2


@pytest.mark.parametrize("arguments", [["--by", "colour"], []], ids=["an unknown table", "no case"])
def test_what_cannot_be_measured_is_a_usage_error(arguments: list[str], tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["bench", *arguments, str(tmp_path)])
    assert isinstance(done.exception, UsageError)


@pytest.fixture(scope="module")
def score() -> Iterator[ModuleType]:
    spec = importlib.util.spec_from_file_location("score", BENCH / "score.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    yield module


@pytest.mark.bench
@NEEDS_BENCH
@pytest.mark.parametrize("part", [0.0, 0.3, 0.6, 0.9, 1.0])
def test_the_sets_own_scorer_agrees(part: float, truths: tuple[Truth, ...], tmp_path: Path, score: ModuleType) -> None:
    few = [truth for truth in read_truths(BENCH / "dev") if len(truth.original) < 400_000][:6]
    where = {truth.name: BENCH / "dev" for truth in few}
    for truth in [*few, *truths[:6]]:
        output = painted(truth, part)
        (tmp_path / f"{truth.name}.dcm").write_bytes(output)
        folder = where.get(truth.name)
        if folder is None:
            continue
        row = score.score_case(folder / f"{truth.name}.json", tmp_path)
        assert score.total([row]) == total([score_case(truth, output)]).figures()


@pytest.mark.bench
@NEEDS_BENCH
def test_the_sets_own_scorer_reads_made_up_cases(
    truths: tuple[Truth, ...], folder: Path, tmp_path: Path, score: ModuleType
) -> None:
    for truth in truths:
        (tmp_path / f"{truth.name}.dcm").write_bytes(painted(truth, 0.5, slice(1, None)))
    rows = [score.score_case(folder / f"{truth.name}.json", tmp_path) for truth in truths]
    ours = [score_case(truth, (tmp_path / f"{truth.name}.dcm").read_bytes()) for truth in truths]
    assert score.total(rows) == total(ours).figures()
    assert [row["header_left"] for row in rows] == [list(each.header_left) for each in ours]
