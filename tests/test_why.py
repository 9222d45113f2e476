"""Why a word goes or stays, in words."""

from __future__ import annotations

import pytest

from deid.lexicon import LabelKind
from deid.ui import looks, why
from deid.values import UNREAD, Box, Evidence, Finding, Reason, Word

WORD = Word("DELACROIX", Box(0, 0, 10, 10), 0.9, ("scripted",))
NAME = Evidence(Reason.HEADER, "PatientName", 0.99)
MODEL = Evidence(Reason.MODEL, "llm", 0.99)


@pytest.mark.parametrize(
    ("p_phi", "evidence", "told"),
    [
        (0.99, (NAME, MODEL), "goes: matches the patient's name in the header; model 99 %"),
        (0.99, (Evidence(Reason.HEADER, "PatientID", 0.99),), "goes: matches the patient ID in the header"),
        (0.99, (Evidence(Reason.HEADER, "NoSuchElement", 0.99),), "goes: matches the value in the header"),
        (0.97, (Evidence(Reason.PATTERN, "date", 0.97),), "goes: has the shape of a date"),
        (0.95, (Evidence(Reason.CONTEXT, "birth", 0.95),), "goes: stands beside a label for a date of birth"),
        (0.99, (MODEL,), "goes: no rule settles it, the language model does; model 99 %"),
        (0.03, (Evidence(Reason.LEXICON, "measure", 0.03),), "stays: is a measurement"),
        (0.3, (Evidence(Reason.LEXICON, "near", 0.2),), "stays: is nearly a harmless word of the list"),
        (0.2, (Evidence(Reason.LEXICON, "ghost", 0.2), MODEL),
         "stays: was made of pieces of other lines, each of them read well; model 99 %"),
        (0.03, (Evidence(Reason.LEXICON, "known", 0.03), MODEL), "stays: is a harmless word of the list; model 99 %"),
    ],
    ids=["name", "number", "unknown element", "shape", "label", "model alone", "measurement", "near", "ghost",
         "against the model"],
)  # fmt: skip
def test_what_settled_it_comes_first_then_the_model(p_phi: float, evidence: tuple[Evidence, ...], told: str) -> None:
    assert why.sentence(Finding(WORD, p_phi, evidence)) == told


def test_a_word_between_two_thresholds_has_a_sentence_too() -> None:
    finding = Finding(WORD, 0.4, (Evidence(Reason.MODEL, "llm", 0.4),), threshold=0.3)
    assert finding.reasons == ()
    assert why.sentence(finding) == "goes: model 40 %"


@pytest.mark.parametrize("reason", [each for each in Reason if each is not Reason.HEADER], ids=str)
def test_every_reason_has_words_whatever_the_rule(reason: Reason) -> None:
    assert why.said(Evidence(reason, "a rule of tomorrow", 0.9))


@pytest.mark.parametrize("kind", list(LabelKind), ids=str)
def test_every_kind_of_label_has_words_of_its_own(kind: LabelKind) -> None:
    general = why.said(Evidence(Reason.CONTEXT, "a rule of tomorrow", 0.9))
    assert why.said(Evidence(Reason.CONTEXT, kind.value, 0.95)) != general


def test_what_nobody_could_read_is_said_in_words_and_checks_have_plain_names() -> None:
    assert looks.told(UNREAD, hidden=False) == looks.told(UNREAD, hidden=True) == "(not readable)"
    assert looks.told("DELACROIX", hidden=True) == "•" * 9
    assert (looks.check("unseen"), looks.check("header values")) == ("Hidden places", "Header values")
