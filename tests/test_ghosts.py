"""Words made of pieces of other lines."""

from dataclasses import replace

import pytest

from deid.ghosts import without_ghosts
from deid.values import Box, Evidence, Finding, Reason, Word


def _finding(text: str, box: Box, line: int, confidence: float, reason: Reason = Reason.MODEL) -> Finding:
    p_phi = 0.9 if reason in (Reason.MODEL, Reason.PATTERN) else 0.03
    return Finding(Word(text, box, confidence, ("one",), line), p_phi, (Evidence(reason, "rule", p_phi),))


_CLEAR = (
    _finding("CHEST", Box(10, 10, 40, 12), 0, 0.99, Reason.LEXICON),
    _finding("GAIN", Box(10, 22, 40, 12), 1, 0.99, Reason.LEXICON),
)
_GHOST = _finding("qx", Box(10, 10, 42, 24), 2, 0.6)


def test_a_doubtful_word_over_two_clear_lines_stays() -> None:
    assert [each.is_phi for each in without_ghosts((*_CLEAR, _GHOST))] == [False, False, False]


@pytest.mark.parametrize(
    "other",
    [
        _finding("qx", Box(10, 10, 42, 24), 2, 0.95),
        _finding("20110304", Box(10, 10, 42, 24), 2, 0.6, Reason.PATTERN),
        replace(_GHOST, word=replace(_GHOST.word, box=Box(10, 10, 120, 24))),
        replace(_GHOST, word=replace(_GHOST.word, box=Box(10, 10, 42, 13))),
    ],
    ids=["read well", "a shape", "longer", "one line"],
)
def test_what_is_more_than_pieces_of_other_lines_goes(other: Finding) -> None:
    assert without_ghosts((*_CLEAR, other))[-1].is_phi
