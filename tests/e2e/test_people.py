"""People in a real browser: coming in, what each role meets, passwords, sessions, figures, a phone and a keyboard."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait

from deid.settings import Settings
from deid.store import NewUser, Role, Store, open_store
from tests.conftest import empty
from tests.e2e.served import PASSWORD, PATIENCE_SECONDS, Browser, Server, browser, server, sign_in
from tests.test_figures import a_record, counted

pytestmark = pytest.mark.browser
PAGES = ["", "dashboard", "pipeline", "quality", "statistics", "administration", "account"]
MENU = {
    Role.ADMINISTRATOR: ["Dashboard", "Pipeline", "Review", "Quality", "Statistics", "Administration"],
    Role.STAFF: ["Dashboard", "Pipeline", "Review", "Quality", "Statistics"],
    Role.DEMO: ["Dashboard", "Pipeline", "Review", "Quality", "Statistics"],
}


@pytest.fixture(scope="module")
def store(at: Server) -> Iterator[Store]:
    """The server's own store, with a staff user and a demo user beside the administrator Ada."""
    opened = open_store(Settings.from_environment({"DEID_HOME": str(at.home)}))
    opened.add_user(NewUser("bob", PASSWORD, "Bob", "Hope", role=Role.STAFF))
    opened.add_user(NewUser("dee", PASSWORD, "Dee", role=Role.DEMO))
    yield opened
    opened.close()


@contextmanager
def another(folder: Path) -> Iterator[Browser]:
    """A second browser."""
    with browser(folder) as opened:
        yield opened


def enter(page: Browser, at: Server, slug: str = "", name: str = "ada", password: str = PASSWORD) -> None:
    """Open an address and sign in there."""
    page.open(f"{at.url}/{slug}")
    page.wait_for("Forgotten your password?")
    sign_in(page, name, password)


def menu(page: Browser) -> list[str]:
    """What the navigation offers, without what is about the user."""
    links = page.driver.find_elements(By.CSS_SELECTOR, '[data-testid="stTopNavLink"]')
    return [line for link in links for line in link.text.splitlines()[-1:]]


# Coming in


@pytest.mark.parametrize("slug", PAGES)
def test_signed_out_every_address_shows_only_the_form(at: Server, page: Browser, slug: str) -> None:
    page.open(f"{at.url}/{slug}")
    page.wait_for("Forgotten your password?")
    assert not any(told in page.text for told in ("Welcome,", "Run history", "Try a demo study", "Lovelace", "Audit"))


def test_a_deep_link_survives_signing_in_and_a_refresh(at: Server, page: Browser) -> None:
    enter(page, at, "statistics")
    page.wait_for("Statistics")
    assert page.driver.current_url.endswith("/statistics")
    page.driver.refresh()
    page.wait_for("no figures yet")
    assert page.driver.current_url.endswith("/statistics")


def test_a_wrong_password_stays_outside(at: Server, page: Browser) -> None:
    page.open(at.url)
    page.wait_for("Forgotten your password?")
    page.fill("User name", "ada")
    page.fill("Password", "certainly not this one")
    page.click("Sign in")
    page.wait_for("is not right")
    assert page.driver.get_cookie("deid_session") is None


def test_signing_out_ends_the_session_in_the_browser(at: Server, page: Browser) -> None:
    enter(page, at, "account")
    page.wait_for("Signed in as")
    page.click("Sign out", exactly=True)
    page.wait_for("Forgotten your password?")
    page.driver.refresh()
    page.wait_for("Forgotten your password?")
    assert "Lovelace" not in page.text


def test_the_form_is_filled_in_and_sent_with_the_keyboard_alone(at: Server, page: Browser) -> None:
    page.open(at.url)
    page.wait_for("Forgotten your password?")
    for _ in range(12):
        focused = page.driver.switch_to.active_element
        if focused.get_attribute("aria-label") == "User name":
            break
        focused.send_keys(Keys.TAB)
    page.driver.switch_to.active_element.send_keys("ada", Keys.TAB)
    page.driver.switch_to.active_element.send_keys(PASSWORD, Keys.ENTER)
    page.wait_for("Welcome, Ada")


# Roles


@pytest.mark.parametrize(
    ("name", "role"), [("ada", Role.ADMINISTRATOR), ("bob", Role.STAFF), ("dee", Role.DEMO)], ids=list(Role)
)
@pytest.mark.usefixtures("store")
def test_each_role_meets_its_pages(at: Server, page: Browser, name: str, role: Role) -> None:
    enter(page, at, "administration", name)
    page.wait_for("Change a user" if role is Role.ADMINISTRATOR else "This page is for administrators.")
    assert page.driver.current_url.endswith("/administration")
    assert ("Add a user" in page.text) is (role is Role.ADMINISTRATOR)
    assert menu(page) == MENU[role]


def test_an_added_user_comes_in_with_the_one_time_password(
    at: Server, store: Store, page: Browser, tmp_path: Path
) -> None:
    enter(page, at, "administration")
    page.click("Add a user")
    page.fill("User name", "grace")
    page.fill("First name", "Grace")
    page.click("Add", exactly=True)
    page.wait_for("It is shown only now")
    password = page.read('[data-testid="stCode"] code')
    assert re.fullmatch(r"(?:[a-z2-9]{4}-){3}[a-z2-9]{4}", password)
    page.close_dialog()
    page.wait_for("4 of 4 users")
    with another(tmp_path / "grace") as hers:
        enter(hers, at, "statistics", "grace", password)
        hers.wait_for("Welcome, Grace: choose a password")
        assert hers.fetch("/media/none.png") == 401
        hers.fill("New password", "another good sentence")
        hers.fill("New password again", "another good sentence")
        hers.click("Keep this password")
        hers.wait_for("no figures yet")
        assert menu(hers) == MENU[Role.STAFF]
        _reset_and_disable(page, hers, store)


def _reset_and_disable(page: Browser, hers: Browser, store: Store) -> None:
    """The administrator resets Grace's password, then disables her; both act at her next click."""
    for button, confirmation, done in (
        ("Reset the password", "Reset it", "It is shown only now"),
        ("Disable", "Disable", "disabled"),
    ):
        page.driver.refresh()
        page.pick("User", "grace")
        page.click(button)
        page.wait_for("is signed out everywhere")
        page.click(confirmation, -1)
        page.wait_for(done)
        hers.driver.refresh()
        hers.wait_for("Forgotten your password?")
    grace = store.user("grace")
    assert grace is not None
    assert (grace.active, grace.must_choose_password) == (False, True)


# Passwords and sessions


def test_a_password_change_signs_other_browsers_out(at: Server, store: Store, page: Browser, tmp_path: Path) -> None:
    store.add_user(NewUser("cleo", PASSWORD, "Cleo"))
    enter(page, at, "account", "cleo")
    page.wait_for("Signed in as")
    with another(tmp_path / "other") as other:
        enter(other, at, "", "cleo")
        other.wait_for("Welcome, Cleo")
        page.driver.refresh()
        page.wait_for("Sign out everywhere else")
        page.fill("Current password", PASSWORD)
        page.fill("New password", "another good sentence")
        page.fill("New password again", "another good sentence")
        page.click("Change password")
        page.wait_for("other browsers are signed out")
        other.driver.refresh()
        other.wait_for("Forgotten your password?")
        sign_in(other, "cleo", "another good sentence")
        other.wait_for("Welcome, Cleo")
        page.driver.refresh()
        page.wait_for("Sign out everywhere else")
        assert page.text.count("Chrome on Linux") == 2
        page.click("End", exactly=True)
        page.wait_for_not("Sign out everywhere else")
        other.driver.refresh()
        other.wait_for("Forgotten your password?")


# Figures


@pytest.mark.parametrize("kind", ["sqlite", "mariadb"])
def test_the_statistics_equal_what_sql_counts(
    kind: str, request: pytest.FixtureRequest, tmp_path: Path, page: Browser
) -> None:
    settings = Settings.from_environment({"DEID_HOME": str(tmp_path / "home")})
    if kind == "mariadb":
        url: str = request.getfixturevalue("mariadb_url")
        empty(url, keep_schema=True)
        settings = replace(settings, database_url=url)
    store = open_store(settings)
    store.add_user(NewUser("ada", PASSWORD, "Ada", role=Role.ADMINISTRATOR))
    chance = random.Random(11)
    run = store.start_run("ada", "batch", 300)
    for number in range(300):
        store.add_image(run, a_record(chance), store.name_hash(str(number)))
    store.finish_run(run)
    store.close()
    signs = counted(settings, "signed", "outcome <> 'refused'")
    outcomes = counted(settings, "outcome")
    with server(tmp_path, DEID_DATABASE_URL=settings.database_url) as at:
        enter(page, at, "statistics")
        page.wait_for("Run history")
        text = " ".join(page.text.split())
        assert f"Images in total {sum(signs.values())}" in text
        assert f"Signed {signs[1]}" in text
        assert f"Unsigned {signs[0]}" in text
        assert "PHI words found 900" in text
        assert f"Leak checks failed {outcomes['needs_review']}" in text
        for modality, count in counted(settings, "modality", "outcome <> 'refused'").items():
            assert f" {count}" in page.described("By modality"), modality
        for outcome, count in outcomes.items():
            assert f"{str(outcome).replace('_', ' ')} {count}" in page.described("Outcomes")


# Looks


@pytest.fixture
def phone(tmp_path: Path) -> Iterator[Browser]:
    """A browser as narrow as a phone."""
    with browser(tmp_path / "phone", width=390, height=844, phone=True) as opened:
        yield opened


def test_on_a_phone_nothing_is_wider_than_the_screen(at: Server, phone: Browser) -> None:
    phone.open(at.url)
    phone.wait_for("Forgotten your password?")
    phone.wait_until_it_fits()
    sign_in(phone)
    for slug, shown in (
        ("", "This installation"),
        ("statistics", "no figures yet"),
        ("administration", "Change a user"),
        ("account", "Where you are signed in"),
    ):
        phone.open(f"{at.url}/{slug}")
        phone.wait_for(shown)
        phone.wait_until_it_fits()
        if not slug:
            WebDriverWait(phone.driver, PATIENCE_SECONDS).until(lambda _: len(set(widths(phone))) == 1, "unequal cards")


def widths(page: Browser) -> list[int]:
    """Of the cards with figures, in pixels."""
    cards = "[...document.querySelectorAll('[data-testid=\"stMetric\"]')]"
    found = page.driver.execute_script(f"return {cards}.map((card) => Math.round(card.getBoundingClientRect().width))")
    return list(map(int, found))


def test_every_picture_has_words(at: Server, store: Store, page: Browser) -> None:
    run = store.start_run("ada", "batch", 20)
    chance = random.Random(2)
    for number in range(20):
        store.add_image(run, a_record(chance), store.name_hash(str(number)))
    enter(page, at, "statistics")
    page.wait_for("Run history")
    for heading in ("By modality", "Outcomes", "Files a day", "Time of each stage"):
        assert page.described(heading)
    assert not [each for each in page.driver.find_elements(By.TAG_NAME, "img") if not each.get_attribute("alt")]


def test_the_log_holds_no_traceback_and_no_password(at: Server) -> None:
    log = at.log.read_text()
    assert "Traceback" not in log
    assert PASSWORD not in log
