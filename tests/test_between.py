"""Lines of a block that nobody read."""

import cv2
import numpy as np
import pytest

from deid.between import lines_between
from deid.beyond import Picture
from deid.values import UNREAD, Box, Evidence, Finding, Reason, Word

_PITCH, _LETTERS = 11, 8


def _block(*lines: str) -> Picture:
    """Small letters, lines one under another, on an even ground."""
    picture = np.full((90, 160), 128, np.uint8)
    for number, text in enumerate(lines):
        place = (10, 20 + _LETTERS + number * _PITCH)
        cv2.putText(picture, text, place, cv2.FONT_HERSHEY_SIMPLEX, 0.32, 230, 1, cv2.LINE_AA)
    return picture


def _word(text: str, number: int, width: int = 62, *, goes: bool = True) -> Finding:
    """A word of the line with this number in the block, in a box as loose as those of small letters are."""
    p_phi = 0.97 if goes else 0.03
    box = Box(8, 20 + number * _PITCH - 4, width, _LETTERS + 8)
    evidence = Evidence(Reason.PATTERN if goes else Reason.LEXICON, "rule", p_phi)
    return Finding(Word(text, box, 0.99, ("one",), number), p_phi, (evidence,))


def test_a_line_between_two_that_nobody_read_goes_as_far_as_its_ink() -> None:
    words = (_word("AK47", 0, 34), _word("QWVB", 2, 34))
    (found,) = lines_between(words, _block("AK47", "BN 820 9911", "QWVB"))[2:]
    assert found.is_phi
    assert found.word.text == UNREAD
    assert abs(found.word.box.top - (20 + _PITCH)) <= 1
    assert found.word.box.right >= 58 > words[0].word.box.right


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        (("AK477107", "", "QWVBSON"), (_word("AK477107", 0), _word("QWVBSON", 2))),
        (("AK477107", "GAIN 52"), (_word("AK477107", 0), _word("GAIN", 1, goes=False))),
        (("CHEST", "BN 820 9911"), (_word("CHEST", 0, goes=False),)),
        (("AK477107", ".", ""), (_word("AK477107", 0),)),
    ],
    ids=["nothing there", "read", "beside what stays", "too short"],
)
def test_no_other_rows_go(lines: tuple[str, ...], words: tuple[Finding, ...]) -> None:
    assert lines_between(words, _block(*lines)) == words


def test_a_box_beyond_the_edge_of_the_picture_does_no_harm() -> None:
    over = _word("AK477107", 6)
    far = Finding(Word("x", Box(150, 80, 40, 40), 0.9, ("one",), 9), 0.97, over.evidence)
    assert lines_between((over, far), _block("AK477107"))[:2] == (over, far)
