"""Words that belong to what goes in another line right beside them."""

from dataclasses import replace

import pytest

from deid.classify import find_phi
from deid.values import FrameWords, Word
from tests.fakes import ScriptedClassifier, line

SURE = {"maging": 0.99, "University": 0.99, "2007": 0.95}


def _going(*words: Word) -> str:
    (frame,) = find_phi([FrameWords(0, (), words)], (), ScriptedClassifier(SURE))
    return " ".join(each.word.text for each in frame.findings if each.is_phi)


def _two(first: str, second: str, gap: int, drop: int = 0) -> tuple[Word, ...]:
    """Two lines of a word each, so many pixels apart (of heights of 12), the second so much lower."""
    (one,) = line(first)
    (two,) = line(second, left=one.box.right + gap, top=10 + drop, number=1)
    return one, two


@pytest.mark.parametrize(
    ("first", "second", "gap", "drop", "goes"),
    [
        ("Womens", "maging", 6, 0, "Womens maging"),
        ("Womens", "maging", 40, 0, "maging"),
        ("Womens", "maging", 6, 12, "maging"),
        ("Frame", "maging", 6, 0, "maging"),
        ("Womens", "Gain", 6, 0, ""),
        ("Hospital:", "maging", 6, 0, "maging"),
        ("5", "2007", 40, 0, "5 2007"),
        ("5", "2007", 60, 0, "2007"),
        ("45", "2007", 40, 0, "2007"),
        ("2007", "5", 40, 0, "2007"),
    ],
)
def test_what_stands_right_beside_it_goes_too(first: str, second: str, gap: int, drop: int, goes: str) -> None:
    assert _going(*_two(first, second, gap, drop)) == goes


def test_a_name_that_runs_up_is_followed_up() -> None:
    upright = [
        replace(each, vertical=True, box=replace(each.box, left=10, top=10 + 85 * each.line, width=12, height=80))
        for each in _two("Hospital", "University", 5)
    ]
    assert _going(*upright) == "Hospital University"
    far = replace(upright[1], box=replace(upright[1].box, top=140))
    assert _going(upright[0], far) == "University"
    assert _going(upright[0], replace(upright[1], vertical=False)) == "University"
