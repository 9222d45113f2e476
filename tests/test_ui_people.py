"""The pages about people under Streamlit's own test runner: roles, accounts, administration, statistics."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from deid.addresses import address_kind
from deid.bench import last, measure
from deid.bench.making import make_cases
from deid.bench.typefaces import typefaces
from deid.pipeline import Engines, Options
from deid.settings import Settings
from deid.store import Action, Actor, Events, NewUser, Role, SignIn
from deid.ui import keys, measured, places, rules, shared, trail, visitors
from tests.fakes import ScriptedOcr
from tests.test_ui import PASSWORD, headings, sign_in, start

PAGES = tuple(places.PAGES)


@pytest.fixture(autouse=True)
def _installation(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("DEID_HOME", str(settings.home))
    yield
    shared.store().close()


def signed_in(role: Role) -> AppTest:
    """The pages before a user of that role; an administrator Root is there too."""
    shared.store().add_user(NewUser("root", PASSWORD, "Root", role=Role.ADMINISTRATOR))
    shared.store().add_user(NewUser("ada", PASSWORD, "Ada", "Lovelace", "", role))
    return sign_in(start())


def go(page: AppTest, slug: str) -> AppTest:
    page.switch_page(f"../../pages/{slug}.py").run()
    assert not page.exception
    return page


def press(page: AppTest, label: str) -> AppTest:
    next(each for each in page.button if each.label == label).click().run()
    assert not page.exception
    return page


def fill(page: AppTest, **fields: str) -> None:
    for label, value in fields.items():
        next(each for each in page.text_input if each.label == label.replace("_", " ")).input(value)


# Roles


@pytest.mark.parametrize("role", list(Role))
def test_the_administration_is_for_administrators(role: Role) -> None:
    page = go(signed_in(role), "administration")
    if role is Role.ADMINISTRATOR:
        assert "Change a user" in headings(page)
    else:
        assert [each.value for each in page.error] == ["This page is for administrators."]
        assert not page.dataframe
        assert not page.button


@pytest.mark.parametrize("role", list(Role))
@pytest.mark.parametrize("slug", [slug for slug in PAGES if slug != "administration"])
def test_every_other_page_is_for_everybody(role: Role, slug: str) -> None:
    page = go(signed_in(role), slug)
    assert page.title
    assert not page.error


@pytest.mark.parametrize(("role", "offered"), [(Role.ADMINISTRATOR, True), (Role.STAFF, False), (Role.DEMO, False)])
def test_the_menu_offers_what_the_role_may_see(role: Role, offered: bool) -> None:
    hidden = {slug for slug in PAGES if places.page(slug, role).visibility == "hidden"}
    assert hidden == (set() if offered else {"administration"})


@pytest.mark.parametrize("role", list(Role))
def test_a_demo_user_sees_no_other_users_runs(role: Role) -> None:
    page = signed_in(role)
    shared.store().start_run("root", "batch", 412)
    page.run()
    seen = [str(each.value) for each in page.dataframe]
    assert any("root" in each for each in seen) is (role is not Role.DEMO)


def test_a_role_taken_away_acts_at_the_next_click() -> None:
    page = go(signed_in(Role.ADMINISTRATOR), "administration")
    shared.store().change_role("ada", Role.STAFF)
    page.run()
    assert [each.value for each in page.error] == ["This page is for administrators."]


@pytest.mark.parametrize("slug", PAGES)
def test_signed_out_a_page_shows_nothing(slug: str) -> None:
    shared.store().add_user(NewUser("ada", PASSWORD))
    script = str(places._SCRIPTS / f"{slug}.py")
    page = AppTest.from_file(script, default_timeout=180).run()
    assert [each.value for each in page.error] == ["Please sign in."]
    assert not page.title
    assert not page.button


# One-time passwords


def test_a_one_time_password_leads_to_the_form_for_ones_own_and_nowhere_else() -> None:
    shared.store().add_user(NewUser("root", PASSWORD, role=Role.ADMINISTRATOR))
    given = shared.store().invite(NewUser("ada", "", "Ada"), Actor("root"))
    page = sign_in(start(), given)
    assert headings(page) == ["DICOM de-identifier", "Welcome, Ada: choose a password"]
    fill(page, New_password=given, New_password_again=given)
    press(page, "Keep this password")
    assert "another password" in page.error[0].value
    fill(page, New_password="another good sentence", New_password_again="another good sentence")
    press(page, "Keep this password")
    assert "Welcome, Ada" in headings(page)
    assert shared.store().check_password("ada", "another good sentence") is SignIn.WELCOME


# The account


def test_the_profile_is_changed_in_the_database() -> None:
    page = go(signed_in(Role.STAFF), "account")
    fill(page, First_name="Augusta", Last_name="King", **{"E-mail": "ada@example.org"})
    press(page, "Save")
    ada = shared.store().user("ada")
    assert ada is not None
    assert (ada.name, ada.email) == ("Augusta King", "ada@example.org")
    fill(page, **{"E-mail": "nobody"})
    press(page, "Save")
    assert "e-mail address" in page.error[0].value


def test_other_browsers_are_listed_and_ended() -> None:
    page = signed_in(Role.STAFF)
    other = sign_in(start())
    go(page, "account")
    assert sum("this browser" in each.value for each in page.markdown) == 1
    press(page, "End")
    assert "Sign in" in headings(other.run())
    assert "Welcome, Ada" in headings(go(page, "dashboard"))


def test_signing_out_everywhere_else_keeps_this_browser() -> None:
    page = signed_in(Role.STAFF)
    others = [sign_in(start()) for _ in range(2)]
    press(go(page, "account"), "Sign out everywhere else")
    assert all("Sign in" in headings(each.run()) for each in others)
    assert page.run().title[0].value == "Account"


# The administration


def test_a_changed_setting_is_in_force_at_once() -> None:
    page = go(signed_in(Role.ADMINISTRATOR), "administration")
    page.get("button_group")[0].set_value("Settings").run()
    page.number_input(key="setting-box_padding").set_value(7)
    press(page, "Save")
    assert shared.settings().box_padding == 7
    assert [each.subject for each in shared.store().events(Events(action=Action.SETTING_CHANGED))] == [
        "box_padding = 7"
    ]


def test_a_setting_of_the_environment_is_shown_and_not_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEID_BOX_PADDING", "4")
    page = go(signed_in(Role.ADMINISTRATOR), "administration")
    page.get("button_group")[0].set_value("Settings").run()
    field = page.number_input(key="setting-box_padding")
    assert (field.value, field.disabled) == (4, True)


def test_every_changeable_setting_has_words() -> None:
    assert set(rules.LABELS) == set(rules.CHANGEABLE)


def test_the_audit_log_is_filtered_and_taken_as_a_file() -> None:
    page = go(signed_in(Role.ADMINISTRATOR), "administration")
    page.get("button_group")[0].set_value("Audit log").run()
    assert not page.exception
    assert next(iter(page.dataframe[0].value["What"])) == "sign-in"
    page.selectbox[1].set_value(Action.USER_ADDED).run()
    assert set(page.dataframe[0].value["What"]) == {"user added"}
    rows = list(csv.DictReader(io.StringIO(trail.exported(Events(), Actor("ada")).decode())))
    assert [row["action"] for row in rows] == ["exported", "sign-in", "user added", "user added"]
    assert (rows[0]["user"], rows[0]["subject"]) == ("ada", "audit")


def test_what_was_measured_is_shown_with_its_pictures_and_can_be_dropped(settings: Settings, tmp_path: Path) -> None:
    page = go(signed_in(Role.ADMINISTRATOR), "administration")
    page.get("button_group")[0].set_value("Measured").run()
    assert not page.exception
    assert "deid bench" in page.code[0].value
    list(make_cases(2, tmp_path / "cases", 5, typefaces(None)))
    places = measure.Places(crops=last.crops_folder(settings.home))
    engines = Engines((ScriptedOcr(),), bytes(16))
    results = measure.measure(tmp_path / "cases", engines, Options(), places, lambda result: None)
    last.keep(settings.home, results)
    page.run()
    assert not page.exception
    assert next(each.value for each in page.metric if each.label == "Still readable") == "100.0 %"
    words = page.dataframe[0].value
    assert len(words) == sum(word.score.leaked for result in results for word in result.words)
    assert all(address.startswith("data:image/png;base64,") for address in words[""])
    assert set(words["What decided"]) == {"nothing"}
    assert measured.decided("lexicon:known") == "is a harmless word of the list"
    press(page, "Delete these results")
    assert last.last(settings.home) is None


# What is kept of a visitor


@pytest.mark.parametrize(
    ("address", "kind"),
    [
        (None, "this machine"),
        ("127.0.0.1", "this machine"),
        ("::1", "this machine"),
        ("10.1.2.3", "local network"),
        ("8.8.8.8", "internet"),
        ("nonsense", ""),
    ],
)
def test_of_an_address_only_its_kind_is_kept(address: object, kind: str) -> None:
    assert address_kind(address) == kind


@pytest.mark.parametrize(
    ("agent", "kind"),
    [
        ("Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 HeadlessChrome/140.0 Safari/537.36", "Chrome on Linux"),
        ("Mozilla/5.0 (Windows NT 10.0) Chrome/140 Safari/537.36 Edg/140.0", "Edge on Windows"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) Version/19.0 Safari/604.1", "Safari on iOS"),
        ("Mozilla/5.0 (Macintosh; Intel Mac OS X 15.0; rv:140.0) Firefox/140.0", "Firefox on macOS"),
        ("curl/8", ""),
        (None, ""),
    ],
)
def test_of_a_browser_only_its_kind_is_kept(agent: object, kind: str) -> None:
    assert visitors.browser_kind(agent) == kind


def test_the_session_holds_no_password(settings: Settings) -> None:
    page = signed_in(Role.STAFF)
    assert PASSWORD not in str(dict(page.session_state._state.filtered_state))
    assert page.session_state[keys.SESSION]
