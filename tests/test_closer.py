"""A closer look where a search was hardly sure of text (`deid.engines.closer`)."""

import numpy as np
import pytest

from deid.engines.closer import MOST_PX, look_closer
from deid.engines.detector import Detector, FoundLine
from deid.engines.finding import find_lines
from deid.values import Box, Search
from tests.speckle import faint_block


class Asked(Detector):
    """Shows one line in the left top corner of each part that it is asked for, and remembers what that was."""

    def __init__(self) -> None:
        self.parts: list[tuple[tuple[int, ...], float]] = []

    def search_enlarged(self, picture: np.ndarray, scale: float) -> list[FoundLine]:
        self.parts.append((picture.shape, scale))
        return [_line(0, 0, 30, 10, 0.9)]


def _line(left: int, top: int, width: int, height: int, score: float) -> FoundLine:
    right, bottom = left + width, top + height
    return np.array([[left, top], [right, top], [right, bottom], [left, bottom]], np.float32), score


PICTURE = np.zeros((400, 600, 3), np.uint8)


@pytest.mark.parametrize(("size_px", "seed"), [(9, 9), (10, 59), (11, 49)])
def test_lines_of_a_faint_block_are_told_apart(size_px: int, seed: int) -> None:
    picture, detector = faint_block(seed, size_px), Detector()
    assert len(detector.search(picture, 1280)) < 2
    assert len([line for line in find_lines(detector, picture) if not line.faint]) >= 3


@pytest.mark.parametrize(
    "found",
    [_line(50, 50, 80, 16, 0.8), _line(50, 50, 20, 16, 0.5), _line(50, 50, 200, 50, 0.5)],
    ids=["sure", "a mark", "large letters"],
)
def test_only_small_letters_in_doubt_are_looked_at(found: FoundLine) -> None:
    detector = Asked()
    assert look_closer(detector, PICTURE, [found], []) == []
    assert detector.parts == []


def test_a_line_of_known_words_is_not_looked_at() -> None:
    class Doubting(Asked):
        def search_closely(self, picture: np.ndarray, side_px: int) -> tuple[list[FoundLine], list[list[FoundLine]]]:
            return [_line(100, 100, 80, 16, 0.5)], []

    asked, known = Doubting(), Doubting()
    find_lines(asked, PICTURE)
    find_lines(known, PICTURE, known=[Box(100, 100, 80, 16)])
    assert len(asked.parts) == 1
    assert known.parts == []


def test_what_is_found_has_the_pictures_coordinates() -> None:
    ((quad, score),) = look_closer(Asked(), PICTURE, [_line(100, 100, 80, 16, 0.5)], [])
    assert quad.min(axis=0).tolist() == [100 - 3 * 17, 100 - 3 * 17] and score == 0.9


def test_places_that_overlap_are_looked_at_together() -> None:
    detector = Asked()
    beside = [_line(100, 100, 80, 16, 0.5), _line(100, 120, 80, 16, 0.5), _line(400, 350, 40, 16, 0.5)]
    assert len(look_closer(detector, PICTURE, beside, [_line(200, 120, 90, 60, 0.1)])) == 2
    assert sorted(shape for shape, _ in detector.parts)[1][1] > 200


@pytest.mark.parametrize(("width", "height"), [(3000, 60), (3000, 1500)])
def test_a_large_place_is_enlarged_to_no_more_than_a_picture(width: int, height: int) -> None:
    detector = Asked()
    look_closer(detector, np.zeros((2000, 3200, 3), np.uint8), [], [_line(50, 50, width, height, 0.1)])
    for (rows, columns, _), scale in detector.parts:
        assert rows * columns * scale**2 <= MOST_PX * 1.01 and scale >= 1.2


def test_a_place_of_a_few_pixels_is_left() -> None:
    detector = Asked()
    assert look_closer(detector, PICTURE[:5], [], [_line(0, 0, 3, 3, 0.1)]) == []
    assert detector.parts == []


def test_a_search_at_a_given_size_looks_closer_too() -> None:
    picture = faint_block(49, 11)
    lines = [line for line in find_lines(Detector(), picture, Search(800)) if not line.faint]
    assert len(Detector().search(picture, 800)) < 3 <= len(lines)
