"""One frame read and judged by other engines, and in a demo study of which the truth is known."""

from __future__ import annotations

import pytest

from deid.demo import studies
from deid.pipeline import Engines, Options, Step, open_case, run_step
from deid.trials import Pair, demo_changes, pairs, read_alone, read_demo
from deid.values import Box, FrameFindings, FrameWords, Word
from tests.dicom_factory import PHI, dicom, gradient
from tests.fakes import ScriptedClassifier, ScriptedOcr

NAME = PHI["PatientName"].split("^")[0]


def word(text: str, left: int, *, width: int = 40) -> Word:
    return Word(text, Box(left, 20, width, 12), 0.95, ("scripted",))


def engines(*words: Word, says: dict[str, float] | None = None) -> Engines:
    return Engines((ScriptedOcr(words),), b"k" * 32, ScriptedClassifier(says) if says else None)


DATA = dicom(gradient(60, 300))
HERE = engines(word("Gain", 4), word("Zwirbel", 60), word(NAME, 120), says={"Zwirbel": 0.9})
THERE = engines(word("Gain", 6), word("Zwirbe1", 62), word("Morgenrot", 200), says={"Zwirbe1": 0.9, "Morgenrot": 0.9})


def reading(made: Engines) -> tuple[FrameFindings, FrameWords]:
    found = read_alone(run_step(open_case(DATA, Options()), Step.CONVERT, made, Options()), 0, made, Options())
    return found.findings, found.words


def test_each_word_of_either_reading_is_told_once() -> None:
    found = pairs(reading(HERE)[0], reading(THERE)[0])
    assert [(_text(pair.here), _text(pair.there), pair.differs) for pair in found] == [
        ("Gain", "Gain", False),
        ("Zwirbel", "Zwirbe1", True),
        (NAME, "", True),
        ("", "Morgenrot", True),
    ]


def test_without_the_model_the_decision_may_be_another() -> None:
    one, other = (reading(engines(word("Zwirbel", 60), says=says))[0] for says in ({"Zwirbel": 0.001}, None))
    (pair,) = pairs(one, other)
    assert pair.differs
    assert pair.here is not None and pair.there is not None
    assert (pair.here.is_phi, pair.there.is_phi) == (False, True)


def test_what_was_found_before_is_not_changed() -> None:
    case = open_case(DATA, Options())
    for step in (Step.CONVERT, Step.READ, Step.FIND):
        case = run_step(case, step, HERE, Options())
    before = case.findings
    read_alone(case, 0, THERE, Options())
    assert case.findings == before


@pytest.mark.parametrize(("share", "same"), [(1.0, True), (0.75, True), (0.25, False)], ids=str)
def test_words_are_the_same_where_their_places_are(share: float, same: bool) -> None:
    shift = round(40 * (1 - share))
    found = pairs(reading(engines(word("Gain", 60)))[0], reading(engines(word("Gain", 60 + shift)))[0])
    assert len(found) == (1 if same else 2)


def test_of_a_demo_study_it_is_known_whether_a_change_is_right() -> None:
    study = studies()[0]
    phi = next(text.split()[0] for text in study.phi_texts if text.split()[0].isalpha())
    made = engines(word("Zwirbelkamm", 30), word("Gain", 100))
    found = demo_changes(study, read_demo(study, made, Options()), 0.95)
    assert [(change.now.word.text, is_phi) for change, is_phi in found] == [("Zwirbelkamm", False)]
    unknown = engines(word(phi, 30))
    reading_of_it = read_demo(study, unknown, Options())
    changed = demo_changes(study, reading_of_it, 0.9999)
    assert all(is_phi for _, is_phi in changed)


def _text(finding: object) -> str:
    return finding.word.text if finding else ""  # type: ignore[attr-defined]


def test_two_that_agree_do_not_differ() -> None:
    findings = reading(HERE)[0].findings
    assert not any(Pair(each, each).differs for each in findings)
