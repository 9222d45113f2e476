"""Made-up pictures that the readers' networks learn from, and what the trained networks see and read."""

from pathlib import Path

import numpy as np
import pytest

from deid.bench.typefaces import typefaces
from deid.engines import detector, rapidocr
from deid.engines.detector import PACKAGE, Detector
from deid.engines.rapidocr import RapidOcr
from deid.training.lettering import LEGIBLE, Lettered, Lettering
from tests.speckle import faint_name

PACKAGES = PACKAGE / "models"


@pytest.fixture(scope="module")
def made() -> list[Lettered]:
    lettering = Lettering(np.random.default_rng(5), typefaces())
    return [lettering.make() for _ in range(6)]


def test_a_picture_is_the_same_for_the_same_seed_and_another_for_another() -> None:
    one, same, other = (Lettering(np.random.default_rng(seed), typefaces()).make() for seed in (5, 5, 6))
    assert np.array_equal(one.grey, same.grey)
    assert one.lines == same.lines
    assert one.grey.shape != other.grey.shape


def test_lines_tell_where_their_ink_is(made: list[Lettered]) -> None:
    assert sum(len(picture.lines) for picture in made) > 20
    for picture in made:
        bare = picture.ink.copy()
        for line in picture.lines:
            left, top, right, bottom = line.box
            assert 0 <= left < right <= picture.grey.shape[1]
            assert 0 <= top < bottom <= picture.grey.shape[0]
            assert picture.ink[top:bottom, left:right].max() > 0.4
            assert len(line.cells) == len(line.text)
            bare[max(top - 2, 0) : bottom + 2, max(left - 2, 0) : right + 2] = 0
        assert (bare > 0.5).mean() < 0.001, "ink beside all lines"


def test_a_line_that_cannot_be_read_is_told_from_one_that_can(made: list[Lettered]) -> None:
    likeness = [line.likeness for picture in made for line in picture.lines]
    assert min(likeness) < LEGIBLE < max(likeness)
    for picture in made:
        for line in picture.lines:
            left, top, right, bottom = line.box
            if line.likeness > 0.9:
                assert np.ptp(picture.grey[top:bottom, left:right].astype(int)) > 20


def test_an_empty_picture_has_no_text() -> None:
    picture = Lettering(np.random.default_rng(5), typefaces()).make(empty=True)
    assert picture.lines == ()
    assert not picture.ink.any()


@pytest.mark.parametrize("seed", [44, 24, 8, 35])
def test_the_trained_detector_sees_faint_letters_that_the_packages_own_does_not(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    picture = faint_name(seed, (45, 80))
    assert len(Detector().search(picture, 1280)) == 1
    monkeypatch.setattr(detector, "DETECTOR", PACKAGES / "PP-OCRv6_det_small.onnx")
    assert Detector().search(picture, 1280) == []


def test_the_trained_recogniser_reads_more_of_hard_lines_than_the_packages_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    trained = RapidOcr()
    monkeypatch.setattr(rapidocr, "RECOGNISER", Path(PACKAGES / "PP-OCRv6_rec_small.onnx"))
    own = RapidOcr()
    right = {"trained": 0, "own": 0}
    lettering = Lettering(np.random.default_rng(77), typefaces())
    for _ in range(6):
        picture = lettering.make()
        for line in picture.lines:
            left, top, right_edge, bottom = line.box
            if line.turn or line.likeness < 0.6 or bottom - top < 6:
                continue
            strip = picture.grey[max(top - 3, 0) : bottom + 3, max(left - 4, 0) : right_edge + 4]
            colour = np.repeat(strip[..., None], 3, axis=2)
            for name, reader in (("trained", trained), ("own", own)):
                right[name] += reader._remember(colour).text.replace(" ", "") == line.text.replace(" ", "")
    assert right["trained"] > right["own"] > 5
