"""Words that are nearly known."""

from dataclasses import replace

import pytest

from deid.classify import find_phi
from deid.lexicon import load_lexicon
from deid.nearly import as_known, is_nearly_known
from deid.values import UNREAD, Box, FrameWords, Word
from tests.fakes import ScriptedClassifier, line


@pytest.mark.parametrize(
    ("text", "nearly"),
    [
        ("BDOMEN", True),
        ("Abdome", True),
        ("PELUIS", True),
        ("ALUE_M", True),
        ("KIDNEV", True),
        ("LONC", True),
        ("Qwvb", False),
        ("Zzyqx", False),
        ("ab", False),
        ("1964", False),
        ("Hospita", False),
        ("Radiologi", False),
    ],
)
def test_a_letter_at_an_end_or_its_like_is_forgiven_but_no_words_of_places(text: str, nearly: bool) -> None:
    assert is_nearly_known(text, load_lexicon()) is nearly


@pytest.mark.parametrize(
    ("text", "others", "stands"),
    [
        ("Datun", ("Datum:",), "Datum:"),
        ("Bom", ("Born",), "Born"),
        ("LVIS", ("PELVIS",), "PELVIS"),
        ("Ospe", ("Ospedale",), "Ospedale"),
        ("Floro", ("Fluoro",), "Fluoro"),
        ("KIDNEY", ("KIDNEYS",), "KIDNEY"),
        ("Gane", ("Gain", "Ganesh"), "Gane"),
        ("RF", ("PRF",), "RF"),
        ("F", ("Filter",), "F"),
        ("Varga", ("Gain",), "Varga"),
        ("Varga", ("Vargas",), "Varga"),
        ("5", ("5 Born",), "5"),
        (UNREAD, ("Born",), UNREAD),
        ("γ□ννηση□:", (), "γεννησησ:"),
        ("□μ.", (), "ημ."),
        ("γ□ννησρ□:", (), "γ□ννησρ□:"),
        ("Gain□", (), "Gain□"),
        ("□A□IEN□", ("□A□I□N□", "PATIENT"), "PATIENT"),
        ("D□B:", ("DOB:",), "DOB:"),
        ("□□:", ("Pt:",), "□□:"),
        ("□AT□EN□", ("MARTENS",), "□AT□EN□"),
    ],
)
def test_a_known_reading_stands_for_one_that_is_a_piece_or_a_misreading_of_it(
    text: str, others: tuple[str, ...], stands: str
) -> None:
    word = as_known(Word(text, Box(0, 0, 40, 12), 0.95, ("scripted",), others=others), load_lexicon())
    assert word.text == stands
    assert {*word.readings} - {stands} == {text, *others} - {stands}


def test_a_known_reading_decides() -> None:
    (word,) = line("LVIS")
    model = ScriptedClassifier({"LVIS": 0.99})
    (frame,) = find_phi([FrameWords(0, (), (word, *line("Gain", top=60, number=1)))], (), model)
    assert [each.is_phi for each in frame.findings] == [True, False]
    (frame,) = find_phi(
        [FrameWords(0, (), (replace(word, others=("PELVIS",)), *line("Gain", top=60, number=1)))], (), model
    )
    assert [each.is_phi for each in frame.findings] == [False, False]
