"""Asking what another threshold would change, under Streamlit's test runner."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from deid import serving
from deid.pipeline import Engines, Step
from deid.settings import Settings
from deid.store import NewUser
from deid.ui import keys, shared
from deid.values import Box, Word
from tests.fakes import ScriptedOcr
from tests.test_ui import sign_in, start
from tests.test_ui_pipeline import opened, press
from tests.test_ui_review import text

WORD = "Zwirbelkamm"


@pytest.fixture(autouse=True)
def _installation(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    reader = ScriptedOcr([Word(WORD, Box(30, 30, 80, 16), 0.95, ("scripted",))])
    monkeypatch.setenv("DEID_HOME", str(settings.home))
    monkeypatch.setattr(serving, "make_engines", lambda _settings: Engines((reader,), b"k" * 32))
    serving.forget_engines()
    shared.store().add_user(NewUser("ada", "correct horse battery", "Ada"))
    yield
    shared.store().close()


def test_another_threshold_tells_which_words_it_would_decide_otherwise_and_changes_nothing() -> None:
    page = sign_in(start()).switch_page("../../pages/pipeline.py").run()
    next(each for each in page.button if str(each.key).startswith("demo-")).click().run()
    press(page, "Run all")
    page.session_state[keys.STEP] = Step.FIND.value
    page.run()
    before = opened(page).case.findings
    assert "No word of this file would be decided otherwise" in text(page)
    slider = next(each for each in page.slider if str(each.key).startswith("supposing-"))
    slider.set_value(80).run()
    assert "0 more would go, 1 more would stay" in text(page)
    assert any(WORD in frame.value.to_string() and "stays" in frame.value.to_string() for frame in page.dataframe)
    assert opened(page).case.findings == before
