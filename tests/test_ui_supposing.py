"""Asking what another threshold would change, under Streamlit's test runner."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from streamlit.testing.v1 import AppTest

from deid import serving
from deid.demo import studies
from deid.pipeline import Engines, Step
from deid.settings import Settings
from deid.store import NewUser
from deid.ui import keys, shared, supposing
from deid.values import Box, Word
from tests.fakes import ScriptedClassifier, ScriptedOcr
from tests.test_ui import sign_in, start
from tests.test_ui_pipeline import opened, press
from tests.test_ui_review import text

WORD = "Zwirbelkamm"


@pytest.fixture(autouse=True)
def _installation(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    reader, other = (
        ScriptedOcr([Word(text, Box(30, 30, 80, 16), 0.95, (name,))], name)
        for text, name in ((WORD, "first"), ("Zwirbelkarnm", "second"))
    )
    judge = ScriptedClassifier({WORD: 0.7, "Zwirbelkarnm": 0.2})
    monkeypatch.setenv("DEID_HOME", str(settings.home))
    monkeypatch.setattr(serving, "make_engines", lambda _settings: Engines((reader, other), b"k" * 32, judge))
    supposing._READ.clear()
    monkeypatch.setattr(supposing, "studies", lambda: studies()[:2])
    serving.forget_engines()
    shared.store().add_user(NewUser("ada", "correct horse battery", "Ada"))
    yield
    shared.store().close()


def at_find() -> AppTest:
    """A demo study at the step that finds PHI."""
    page = sign_in(start()).switch_page("../../pages/pipeline.py").run()
    next(each for each in page.button if str(each.key).startswith("demo-")).click().run()
    press(page, "Run all")
    page.session_state[keys.STEP] = Step.FIND.value
    page.run()
    assert not page.exception
    return page


def shown(page: AppTest) -> str:
    return text(page) + " ".join(frame.value.to_string() for frame in page.dataframe)


def test_another_threshold_tells_which_words_it_would_decide_otherwise_and_changes_nothing() -> None:
    page = at_find()
    before = opened(page).case.findings
    assert "No word of this file would be decided otherwise" in text(page)
    slider = next(each for each in page.slider if str(each.key).startswith("supposing-"))
    slider.set_value(80).run()
    assert "0 more would go, 1 more would stay" in text(page)
    assert any(WORD in frame.value.to_string() and "stays" in frame.value.to_string() for frame in page.dataframe)
    assert opened(page).case.findings == before


def test_the_demo_studies_tell_whether_another_threshold_would_be_right() -> None:
    page = at_find()
    next(each for each in page.slider if str(each.key).startswith("supposing-")).set_value(80).run()
    assert "demo studies" not in text(page)
    next(each for each in page.toggle if str(each.key).startswith("supposing-demo-")).set_value(True).run()
    assert not page.exception
    assert "0 more would go, 2 more would stay" in text(page)
    assert "0 that must go would stay, and 0 that may stay would go" in text(page)
    assert "harmless" in shown(page)


def test_evidence_is_told_with_its_weight_and_another_reader_and_no_model_stand_beside_it() -> None:
    page = at_find()
    card = " ".join(each.value for each in page.caption)
    assert "70 % · model: what the language model makes of it" in card
    assert "Together 70 %: a word goes from 50 % on." in card
    before = opened(page).case.findings
    pick(page, "versus-readers-", "second")
    pick(page, "versus-model-", "without the model")
    next(each for each in page.button if each.label == "Read it beside").click().run()
    assert not page.exception
    assert "Read or decided otherwise: 1 of 1 word." in text(page)
    assert "Zwirbelkarnm" in shown(page)
    assert opened(page).case.findings == before


def pick(page: AppTest, key: str, value: str) -> None:
    next(each for each in page.segmented_control if str(each.key).startswith(key)).set_value(value).run()
