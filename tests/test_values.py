"""Invariants of the values."""

import pytest

from deid.values import Box, Evidence, Finding, Reason, Word


@pytest.mark.parametrize("edges", [(-1, 0, 2, 2), (0, -1, 2, 2), (0, 0, 0, 2), (0, 0, 2, 0)])
def test_a_box_without_area_or_outside_is_refused(edges: tuple[int, int, int, int]) -> None:
    with pytest.raises(ValueError, match="not a box"):
        Box(*edges)


def test_boxes_are_half_open() -> None:
    assert Box(0, 0, 10, 10).overlap(Box(10, 0, 5, 10)) == 0
    assert Box(0, 0, 10, 10).overlap(Box(9, 9, 5, 5)) == 1


def test_reasons_speak_for_the_decision_taken() -> None:
    word = Word("x", Box(0, 0, 1, 1), 1.0, ("r",))
    evidence = (Evidence(Reason.LEXICON, "known", 0.03), Evidence(Reason.HEADER, "PatientName", 0.99))
    assert Finding(word, 0.99, evidence).reasons == (Reason.HEADER,)
    assert Finding(word, 0.03, evidence).reasons == (Reason.LEXICON,)


def test_the_reason_that_settled_the_word_comes_first_however_sure_the_model_is() -> None:
    word = Word("Smith", Box(0, 0, 9, 9), 0.9, ("reader",))
    evidence = (Evidence(Reason.MODEL, "llm", 0.9999), Evidence(Reason.HEADER, "PatientName", 0.99))
    assert Finding(word, 0.99, evidence).reasons == (Reason.HEADER, Reason.MODEL)
