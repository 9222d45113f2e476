"""The pages under Streamlit's own test runner: signed out, signed in, step by step, and when something goes wrong."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from deid import serving
from deid.demo import studies
from deid.errors import PixelError
from deid.pipeline import Engines, Step
from deid.settings import Settings
from deid.store import NewUser, Role
from deid.ui import casework, faults, keys, shared, tables
from deid.ui.auth import TICKETS
from deid.ui.casework import STEPS
from deid.ui.janitor import Janitor
from deid.values import Box, Outcome, Word

MAIN = str(Path(__file__).resolve().parents[1] / "deid" / "ui" / "main.py")
PASSWORD = "correct horse battery"
DEMO = studies()[0]


class OneWord:
    """A reader that sees the patient's name in the corner of every picture."""

    name, version, finds_lines = "scripted", "1", True

    def read(self, picture: object, search: object = None, known: object = ()) -> tuple[Word, ...]:
        name = DEMO.patient.name.partition("^")[0]
        return (
            Word(name, Box(30, 30, 80, 16), 0.9, ("scripted",)),
            Word("Gain", Box(30, 90, 40, 16), 0.9, ("scripted",)),
        )

    def forget(self) -> None:
        """Nothing was kept."""


@pytest.fixture(autouse=True)
def _installation(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("DEID_HOME", str(settings.home))
    monkeypatch.setattr(serving, "make_engines", lambda _settings: Engines((OneWord(),), b"k" * 32))
    serving.forget_engines()
    yield
    shared.store().close()


@pytest.fixture
def ada() -> None:
    shared.store().add_user(NewUser("ada", PASSWORD, "Ada", "Lovelace", "", Role.STAFF))


def start() -> AppTest:
    page = AppTest.from_file(MAIN, default_timeout=180).run()
    assert not page.exception
    return page


def sign_in(page: AppTest, password: str = PASSWORD) -> AppTest:
    page.text_input[0].input("Ada")
    page.text_input[1].input(password)
    return page.button[0].click().run()


def headings(page: AppTest) -> list[str]:
    return [str(each.value) for each in (*page.title, *page.subheader)]


def held(page: AppTest) -> dict[str, object]:
    """Everything in the page's session state."""
    return dict(page.session_state._state.filtered_state)


# Signing in


def test_a_fresh_installation_asks_for_the_setup_code() -> None:
    code = shared.store().new_setup_code()
    page = start()
    assert "Set up the first administrator" in headings(page)
    for label, value in {
        "Setup code": code,
        "First name": "Ada",
        "User name": "ada",
        "Password": PASSWORD,
        "Password again": PASSWORD,
    }.items():
        next(each for each in page.text_input if each.label == label).input(value)
    page.button[0].click().run()
    assert "Sign in" in headings(page)
    assert [user.role for user in shared.store().users()] == [Role.ADMINISTRATOR]


def test_a_wrong_setup_code_makes_nobody() -> None:
    shared.store().new_setup_code()
    page = start()
    for each in page.text_input:
        each.input({"Setup code": "AAAA-AAAA-AAAA-AAAA", "User name": "eve"}.get(each.label, PASSWORD))
    page.button[0].click().run()
    assert "e-mail" in page.error[0].value or "setup code" in page.error[0].value
    assert shared.store().users() == ()


@pytest.mark.usefixtures("ada")
@pytest.mark.parametrize("script", ["dashboard", "pipeline", "statistics", "account"])
def test_signed_out_every_page_shows_nothing_but_the_form(script: str) -> None:
    page = AppTest.from_file(str(Path(MAIN).parents[2] / "pages" / f"{script}.py"), default_timeout=180).run()
    assert [each.value for each in page.error] == ["Please sign in."]
    assert not page.title
    assert not page.button


@pytest.mark.usefixtures("ada")
def test_signing_in_greets_by_name_and_hands_out_a_ticket_once() -> None:
    page = sign_in(start())
    assert not page.exception
    assert "Welcome, Ada" in headings(page)
    session_id = TICKETS.redeem(page.session_state[keys.TICKET])
    assert session_id
    assert casework.find(page.session_state[keys.SESSION], "none") is None
    assert session_id not in str(held(page))


@pytest.mark.usefixtures("ada")
def test_a_wrong_password_says_so_and_too_many_lock() -> None:
    page = start()
    for _ in range(5):
        sign_in(page, "not the password")
        assert "not right" in page.error[0].value
    sign_in(page)
    assert "Too many attempts" in page.error[0].value


@pytest.mark.usefixtures("ada")
def test_a_revoked_session_is_out_at_the_next_click() -> None:
    page = sign_in(start())
    shared.store().revoke_sessions("ada")
    page.run()
    assert "Sign in" in headings(page)
    assert keys.SESSION not in page.session_state


@pytest.mark.usefixtures("ada")
def test_changing_the_password_keeps_this_browser_and_ends_the_others() -> None:
    first, second = sign_in(start()), sign_in(start())
    first.switch_page("../../pages/account.py").run()
    assert not first.exception
    new = "another good sentence"
    for label, value in {"Current password": PASSWORD, "New password": new, "New password again": new}.items():
        next(each for each in first.text_input if each.label == label).input(value)
    next(each for each in first.button if each.label == "Change password").click().run()
    assert "password is changed" in first.success[0].value
    second.run()
    assert "Sign in" in headings(second)
    assert "Welcome, Ada" in headings(sign_in(second, new))


# Pages


@pytest.mark.usefixtures("ada")
def test_statistics_without_figures_show_where_to_begin() -> None:
    page = sign_in(start()).switch_page("../../pages/statistics.py").run()
    assert not page.exception
    assert "no figures yet" in page.info[0].value


@pytest.fixture
def opened(ada: None) -> AppTest:
    """The pipeline page with a demo study."""
    page = sign_in(start()).switch_page("../../pages/pipeline.py").run()
    page.button(key=f"demo-{DEMO.name}").click().run()
    assert not page.exception
    return page


def test_each_step_runs_alone_and_shows_its_result(opened: AppTest) -> None:
    for step in list(Step)[1:]:
        opened.button(key=f"step-{step.value}").click().run()
        assert not opened.exception, STEPS[step]
    assert "Cleaned" in opened.success[0].value
    proof = next(each.value for each in opened.markdown if "pixels changed" in each.value)
    assert "all inside 2 boxes; 0 elsewhere" in proof
    assert shared.store().totals().by_outcome == ((Outcome.CLEANED, 1),)
    assert [run.kind for run in shared.store().runs()] == ["page"]


def test_run_all_ends_with_the_clean_file(opened: AppTest) -> None:
    next(each for each in opened.button if each.label == "Run all").click().run()
    assert "Cleaned" in opened.success[0].value
    assert [each.proto.label for each in opened.get("link_button")] == ["Download the clean file · 2.1 MB"]
    found = casework.find(opened.session_state[keys.SESSION], opened.session_state[keys.CASE])
    assert found is not None
    assert found.case.written is not None


def test_a_later_step_cannot_run_before_its_turn(opened: AppTest) -> None:
    assert opened.button(key="step-verify").disabled
    assert not opened.button(key="step-read").disabled


def test_the_session_holds_ids_and_choices_only(opened: AppTest) -> None:
    next(each for each in opened.button if each.label == "Run all").click().run()
    kept = held(opened)
    assert all(isinstance(value, str | int | bool | tuple | dict | list | None) for value in kept.values())
    assert DEMO.patient.name.partition("^")[0] not in str(kept)


def test_worked_on_again_a_file_counts_once(opened: AppTest) -> None:
    next(each for each in opened.button if each.label == "Run all").click().run()
    next(each for each in opened.button if each.label == "Run this step again").click().run()
    assert shared.store().totals().images == 1


def test_what_is_no_dicom_is_refused_with_a_reason(ada: None) -> None:
    page = sign_in(start()).switch_page("../../pages/pipeline.py").run()
    page.file_uploader[0].set_value([("note.dcm", b"just text", "application/octet-stream")]).run()
    assert page.error[0].value
    assert shared.store().totals().by_outcome == ()


def test_signing_out_clears_the_desk(opened: AppTest) -> None:
    owner, case_id = opened.session_state[keys.SESSION], opened.session_state[keys.CASE]
    opened.switch_page("../../pages/account.py").run()
    next(each for each in opened.button if each.label == "Sign out").click().run()
    assert "Sign in" in headings(opened)
    assert casework.find(owner, case_id) is None
    assert shared.store().session_user(owner) is None


# When something goes wrong


def test_a_step_that_cannot_finish_quarantines(opened: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise PixelError("The pixels cannot be decoded.")

    monkeypatch.setattr(casework, "run_step", fail)
    opened.button(key="step-read").click().run()
    assert opened.error[0].value == "The pixels cannot be decoded."
    assert shared.store().totals().by_outcome == ((Outcome.QUARANTINED, 1),)
    assert all(opened.button(key=f"step-{step.value}").disabled for step in list(Step)[1:])


def test_a_surprise_shows_a_sentence_and_logs_no_value(caplog: pytest.LogCaptureFixture) -> None:
    planted = "DELACROIX"
    try:
        try:
            {}[planted]
        except KeyError as exc:
            raise ValueError(f"cannot parse {planted}") from exc
    except ValueError as exc:
        with caplog.at_level(logging.ERROR):
            logging.getLogger("deid.faults").propagate = True
            assert faults.report(exc)
    assert "ValueError" in caplog.text
    assert "KeyError" in caplog.text
    assert planted not in caplog.text


def test_streamlit_does_not_log_the_message_of_an_exception() -> None:
    faults.silence_streamlit()
    faults.silence_streamlit()
    log = logging.getLogger("streamlit.error_util")
    record = log.makeRecord(log.name, logging.ERROR, "f", 1, "Uncaught", (), (ValueError, ValueError("x"), None))
    assert not log.filter(record)
    assert len(log.filters) == 1


# Small things


def test_every_step_has_a_name() -> None:
    assert list(STEPS) == list(Step)


def test_runs_come_as_a_table(ada: None) -> None:
    shared.store().start_run("ada", "page", 1)
    assert list(tables.runs(shared.store().runs())["By"]) == ["ada"]


def test_the_janitor_closes_a_session_after_its_grace() -> None:
    class Sessions:
        gone: set[str] = {"a"}  # noqa: RUF012
        closed: list[str] = []  # noqa: RUF012

        def disconnected(self) -> set[str]:
            return self.gone

        def close(self, session_id: str) -> None:
            self.closed.append(session_id)

    sessions = Sessions()
    janitor = Janitor(sessions, grace_seconds=30)
    janitor.sweep(0)
    sessions.gone = set()
    janitor.sweep(20)
    sessions.gone = {"a"}
    janitor.sweep(40)
    assert sessions.closed == []
    janitor.sweep(70)
    assert sessions.closed == ["a"]
