"""What another threshold would change is what it does change."""

from __future__ import annotations

import pytest

from deid.classify import find_phi
from deid.values import FrameWords, Hint, Policy
from deid.whatif import changes
from tests.fakes import ScriptedClassifier, page

HINTS = (Hint("PatientName", "Quillfeather^Ottoline"),)
WORDS = (
    FrameWords(0, (2,), page("Quillfeather Gain 52 dB", "Zwiebel Halde Gerne", "12.03.1971 Tresk")),
    FrameWords(1, (), page("Morgenrot", "Depth 15 cm Lux")),
)
SAYS = {"Zwiebel": 0.45, "Halde": 0.6, "Gerne": 0.1, "Tresk": 0.3, "Morgenrot": 0.92, "Lux": 0.55}


@pytest.mark.parametrize("classifier", [ScriptedClassifier(SAYS), None], ids=["model", "no model"])
@pytest.mark.parametrize("threshold", [0.05, 0.2, 0.4, 0.5, 0.65, 0.72, 0.9])
def test_it_is_what_judging_again_comes_to(classifier: ScriptedClassifier | None, threshold: float) -> None:
    before = find_phi(WORDS, HINTS, classifier)
    after = find_phi(WORDS, HINTS, classifier, threshold=threshold)
    expected = {
        (was.frame, number): new.is_phi
        for was, will in zip(before, after, strict=True)
        for number, (old, new) in enumerate(zip(was.findings, will.findings, strict=True))
        if old.is_phi != new.is_phi
    }
    found = changes(WORDS, before, HINTS, threshold)
    assert {(each.frame, each.number): each.then.is_phi for each in found} == expected


def test_thresholds_do_change_something_here() -> None:
    before = find_phi(WORDS, HINTS, ScriptedClassifier(SAYS))
    more = {each.now.word.text for each in changes(WORDS, before, HINTS, 0.25)}
    assert "Tresk" in more or "Zwiebel" in more
    assert "Morgenrot" in {each.now.word.text for each in changes(WORDS, before, HINTS, 0.95)}


def test_what_the_header_says_goes_at_every_threshold() -> None:
    before = find_phi(WORDS, HINTS, ScriptedClassifier(SAYS))
    assert "Quillfeather" not in {each.now.word.text for each in changes(WORDS, before, HINTS, 0.95)}


def test_where_all_text_goes_there_is_nothing_to_change() -> None:
    before = find_phi(WORDS, HINTS, None, Policy.ALL_TEXT)
    assert changes(WORDS, before, HINTS, 0.95) == ()
