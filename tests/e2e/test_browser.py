"""The whole application as people meet it: a fresh server process and a real browser."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from deid.demo import studies
from tests.e2e.served import PASSWORD, ROOT, Browser, Server, browser, server, set_up, sign_in

pytestmark = pytest.mark.browser
PAGES = ["", "dashboard", "pipeline", "statistics", "account"]
DEMO = studies()[0]


@pytest.fixture(scope="module")
def at(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server whose administrator was made in the browser."""
    folder = tmp_path_factory.mktemp("server")
    with server(folder) as running:
        with browser(folder / "first") as page:
            set_up(page, running)
        yield running


@pytest.fixture
def page(tmp_path: Path) -> Iterator[Browser]:
    """A browser that has never been here."""
    with browser(tmp_path / "profile") as opened:
        yield opened


def status(url: str, method: str = "GET", **headers: str) -> int:
    """What the server answers to somebody without a browser."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    try:
        with urlopen(Request(url, method=method, headers=named), timeout=10) as answer:
            return int(answer.status)
    except HTTPError as exc:
        return exc.code


@pytest.mark.parametrize("slug", PAGES)
def test_signed_out_every_address_shows_only_the_form(at: Server, page: Browser, slug: str) -> None:
    page.open(f"{at.url}/{slug}")
    page.wait_for("Forgotten your password?")
    assert "Sign in" in page.text
    assert not any(told in page.text for told in ("Welcome,", "Run history", "Try a demo study", "Lovelace"))


def test_a_deep_link_survives_signing_in(at: Server, page: Browser) -> None:
    page.open(f"{at.url}/statistics")
    page.wait_for("Forgotten your password?")
    sign_in(page)
    page.wait_for("Statistics")
    assert page.driver.current_url.endswith("/statistics")


def test_a_wrong_password_stays_outside(at: Server, page: Browser) -> None:
    page.open(at.url)
    page.wait_for("Forgotten your password?")
    page.fill("User name", "ada")
    page.fill("Password", "certainly not this one")
    page.click("Sign in")
    page.wait_for("is not right")
    assert page.driver.get_cookie("deid_session") is None


def test_a_demo_study_goes_through_every_step(at: Server, page: Browser) -> None:
    page.open(at.url)
    page.wait_for("Forgotten your password?")
    sign_in(page)
    page.wait_for("Welcome, Ada")
    page.click("Open")
    page.wait_for_picture()
    for button, shown in [
        ("2 Read text", "words in this frame"),
        ("3 Find PHI", "words go"),
        ("4 Draw boxes", "boxes in this frame"),
        ("5 Redact", "Before and after"),
        ("6 Clean header", "header elements changed"),
        ("7 Verify", "read again and checked"),
    ]:
        page.click(button)
        page.wait_for(shown, 180)
        page.wait_for_picture()
    assert "Cleaned. Every check passed." in page.text
    assert "; 0 elsewhere" in page.text
    fetched = page.driver.execute_script("return performance.getEntriesByType('resource').map(e => e.name)")
    assert not [name for name in fetched if name.startswith(f"{at.url}/media/")]
    page.open(f"{at.url}/statistics")
    page.wait_for("Images in total")
    page.wait_for("Ultrasound")


def test_a_refresh_keeps_the_user_signed_in(at: Server, page: Browser) -> None:
    page.open(at.url)
    page.wait_for("Forgotten your password?")
    sign_in(page)
    page.driver.refresh()
    page.wait_for("Welcome, Ada")


def test_the_cookie_is_out_of_reach_of_scripts(at: Server, page: Browser) -> None:
    page.open(at.url)
    page.wait_for("Forgotten your password?")
    sign_in(page)
    cookie = page.driver.get_cookie("deid_session")
    assert cookie["httpOnly"]
    assert cookie["sameSite"] == "Lax"
    assert "deid_session" not in page.driver.execute_script("return document.cookie")


def test_a_copied_cookie_is_worthless_after_signing_out(at: Server, page: Browser) -> None:
    page.open(at.url)
    page.wait_for("Forgotten your password?")
    sign_in(page)
    page.wait_for("Welcome, Ada")
    copied = f"deid_session={page.driver.get_cookie('deid_session')['value']}"
    assert status(f"{at.url}/media/none.png", cookie=copied) == 404
    page.open(f"{at.url}/account")
    page.wait_for("Signed in as")
    page.click("Sign out")
    page.wait_for("Forgotten your password?")
    assert status(f"{at.url}/media/none.png", cookie=copied) == 401
    page.driver.refresh()
    page.wait_for("Forgotten your password?")


def test_files_and_figures_are_refused_without_a_session(at: Server) -> None:
    for path in ("/media/none.png", "/_stcore/metrics", "/api/stats", "/_stcore/agent/interact"):
        assert status(at.url + path) == 401
    assert status(f"{at.url}/_stcore/upload_file/none/none", "PUT") == 401
    assert status(f"{at.url}/api/session", "POST") == 403
    assert status(f"{at.url}/api/health") == 200


def test_an_upload_goes_through_and_is_let_go(at: Server, page: Browser, tmp_path: Path) -> None:
    path = tmp_path / "DELACROIX_no_extension"
    path.write_bytes(DEMO.build())
    page.open(f"{at.url}/pipeline")
    page.wait_for("Forgotten your password?")
    sign_in(page)
    page.wait_for("Try a demo study")
    page.driver.find_element("css selector", 'input[type="file"]').send_keys(str(path))
    page.wait_for("Your file")
    page.wait_for_picture()
    page.click("Run all")
    page.wait_for("read again and checked", 180)
    assert "DELACROIX" not in at.log.read_text()
    for kept in at.home.rglob("*"):
        assert not kept.is_file() or b"DELACROIX" not in kept.read_bytes()


def test_the_log_holds_no_traceback_and_no_password(at: Server) -> None:
    log = at.log.read_text()
    assert "Traceback" not in log
    assert PASSWORD not in log


def test_an_unreachable_database_stops_the_server_with_one_line(tmp_path: Path) -> None:
    url = "mysql+pymysql://deid:sesame-open@127.0.0.1:1/deid"
    ended = subprocess.run(
        [sys.executable, "-m", "streamlit", "run", "streamlit_app.py", "--server.port=0"],
        cwd=ROOT,
        env={
            "PATH": "/usr/bin:/bin",
            "HOME": str(tmp_path),
            "DEID_HOME": str(tmp_path / "h"),
            "DEID_DATABASE_URL": url,
        },
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    lines = [line for line in (ended.stdout + ended.stderr).splitlines() if line.strip()]
    assert ended.returncode == 5
    assert len(lines) == 1
    assert "cannot be used" in lines[0]
    assert "sesame" not in lines[0]
