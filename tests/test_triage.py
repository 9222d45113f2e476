"""What a quick look says of files."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from deid import triage
from deid.bench.scenes import ground
from deid.cli import app
from deid.demo import studies
from deid.demo.encode import Syntax, set_grey, to_file
from deid.demo.header import NOBODY, NOWHERE, Machine, Patient, make_header
from deid.engines.detector import Detector
from deid.errors import UsageError
from deid.triage import Sort, glance, sampled
from deid.values import Box

MACHINE = Machine("Kestrel", "Prism 9", "", "")
SOMEBODY = Patient("Varga^Istvan", "PX-771", "19640312", "M", "059Y")
LIMITS = (1000, 10_000_000)


def _file(pixels: np.ndarray, patient: Patient = NOBODY, modality: str = "CT") -> bytes:
    frames = len(pixels) if pixels.ndim == 3 else 1
    dataset = make_header("triage", modality, frames, patient, NOWHERE, MACHINE)
    set_grey(dataset, pixels, 8)
    return to_file(dataset, Syntax.EXPLICIT)


def _sees(lines: int) -> Callable[[np.ndarray, int], Sequence[Box]]:
    return lambda picture, side_px: [Box(0, 0, 9, 9)] * lines


PIXELS = np.arange(64 * 64, dtype=np.uint8).reshape(64, 64)


@pytest.mark.parametrize(
    ("patient", "lines", "sort"),
    [
        (SOMEBODY, 2, Sort.BOTH),
        (NOBODY, 2, Sort.TEXT),
        (SOMEBODY, 0, Sort.HEADER),
        (NOBODY, 0, Sort.NEITHER),
    ],
    ids=lambda value: str(value) if isinstance(value, int | Sort) else "",
)
def test_a_file_is_sorted_by_its_picture_and_its_header(patient: Patient, lines: int, sort: Sort) -> None:
    seen = glance(_file(PIXELS, patient), _sees(lines), *LIMITS)
    assert (seen.sort, seen.lines, seen.modality, seen.device) == (sort, lines, "CT", "Kestrel Prism 9")


def test_of_a_loop_three_frames_are_looked_at_and_said() -> None:
    pictures: list[np.ndarray] = []

    def find(picture: np.ndarray, side_px: int) -> list[Box]:
        pictures.append(picture)
        return []

    frames = np.stack([PIXELS + each for each in range(9)])
    seen = glance(_file(frames, modality="US"), find, *LIMITS)
    assert (seen.frames, seen.looked_at, len(pictures)) == (9, (0, 4, 8), 3 * len(triage.SIDES_PX))
    assert glance(_file(frames, modality="US"), _sees(1), *LIMITS).looked_at == (0,)
    assert [sampled(count) for count in (0, 1, 3, 4)] == [(), (0,), (0, 1, 2), (0, 2, 3)]


def test_what_is_not_dicom_or_cannot_be_decoded_is_said() -> None:
    assert glance(b"text", _sees(0), *LIMITS).sort is Sort.OTHER
    assert glance(_file(PIXELS)[:-100], _sees(0), *LIMITS).sort is Sort.UNREADABLE


@pytest.fixture(scope="module")
def finder() -> Detector:
    return Detector(exact=False, few_sizes=True)


@pytest.mark.parametrize("modality", ["US", "MR", "CR", "MG"])
def test_the_detector_sees_the_text_of_a_demo_study_and_none_in_bare_anatomy(modality: str, finder: Detector) -> None:
    study = next(each for each in studies() if each.modality == modality)
    assert glance(study.build(), finder.find, *LIMITS).lines >= 3
    bare = ground(modality, np.random.default_rng(4), (512, 512)).astype(np.uint8)
    assert glance(_file(bare), finder.find, *LIMITS).sort is Sort.NEITHER


@pytest.mark.parametrize(("scores", "lines"), [([0.76, 0.5], 1), ([0.74, 0.6], 0), ([0.7, 0.6, 0.5], 3)])
def test_one_sure_line_or_several_less_sure_ones_are_text(
    scores: list[float], lines: int, finder: Detector, monkeypatch: pytest.MonkeyPatch
) -> None:
    quad = np.array([[4, 4], [40, 4], [40, 12], [4, 12]], np.float32)
    monkeypatch.setattr(finder, "search", lambda picture, side_px: [(quad, score) for score in scores])
    assert len(finder.find(PIXELS, 480)) == lines


def test_large_frames_are_made_smaller_before_they_are_searched() -> None:
    sizes: list[tuple[int, ...]] = []

    def find(picture: np.ndarray, side_px: int) -> list[Box]:
        sizes.append(picture.shape)
        return []

    glance(_file(np.tile(PIXELS, (50, 10))), find, *LIMITS)
    assert max(sizes[0]) < 1100


def test_the_command_counts_by_device_and_tells_each_file_as_json(tmp_path: Path) -> None:
    (tmp_path / "a.dcm").write_bytes(_file(PIXELS, SOMEBODY))
    (tmp_path / "b.txt").write_text("no image")
    counted = CliRunner().invoke(app, ["triage", str(tmp_path), "--jobs", "1"])
    assert counted.exit_code == 0
    assert "CT   Kestrel Prism 9" in counted.output
    assert "1 not DICOM" in counted.output
    told = CliRunner().invoke(app, ["triage", str(tmp_path), "--json", "--jobs", "1"])
    lines = {each["file"]: each for each in map(json.loads, told.output.splitlines())}
    assert lines["a.dcm"]["looked_at"] == [0]
    assert lines["b.txt"]["holds"] == triage.Sort.OTHER.value


def test_an_input_that_is_missing_is_a_usage_error(tmp_path: Path) -> None:
    assert isinstance(CliRunner().invoke(app, ["triage", str(tmp_path / "none")]).exception, UsageError)
