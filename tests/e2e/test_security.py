"""What somebody gets who should get nothing: against a fresh process, with a script instead of a browser."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest
from websocket import WebSocketBadStatusException

from deid.settings import Settings
from deid.store import NewUser, Role, Selection, Store, open_store, session_hash
from deid.ui.places import PAGES
from deid.values import FileRecord, Outcome
from tests.e2e.served import PASSWORD, PATIENCE_SECONDS, Browser, Server, sign_in
from tests.e2e.wire import Wire

pytestmark = pytest.mark.browser
TOLD = ("Welcome", "Lovelace", "Run history", "Images in total", "Signed in as", "Change a user", "quentin")
"""What only people who are signed in may see; Quentin did the run that the tables tell of."""


@pytest.fixture(scope="module")
def store(at: Server) -> Iterator[Store]:
    """The server's own store, with a staff user, a demo user and a run in it."""
    opened = open_store(Settings.from_environment({"DEID_HOME": str(at.home)}))
    opened.add_user(NewUser("bob", PASSWORD, "Bob", role=Role.STAFF))
    opened.add_user(NewUser("dee", PASSWORD, "Dee", role=Role.DEMO))
    opened.add_user(NewUser("quentin", PASSWORD))
    run = opened.start_run("quentin", "batch", 412)
    opened.add_image(run, FileRecord("a.dcm", Outcome.CLEANED, "", "US", signed=False), opened.name_hash("a.dcm"))
    opened.finish_run(run)
    yield opened
    opened.close()


def status(url: str, method: str = "GET", cookie: str = "", **headers: str) -> int:
    """What the server answers to somebody without a browser."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    if cookie:
        named["cookie"] = f"deid_session={cookie}"
    try:
        with urlopen(Request(url, method=method, headers=named), timeout=PATIENCE_SECONDS) as answer:
            return int(answer.status)
    except HTTPError as exc:
        return exc.code


# Without signing in


@pytest.mark.parametrize("slug", ["", *PAGES, "sign-out"])
@pytest.mark.usefixtures("store")
def test_signed_out_a_socket_tells_nothing_of_any_page(at: Server, slug: str) -> None:
    with Wire(at.url) as wire:
        told = wire.run(slug)
    assert "Forgotten your password?" in told
    assert not [each for each in TOLD if each in told]


def test_files_uploads_and_figures_are_refused(at: Server) -> None:
    for path in ("/media/none.png", "/_stcore/metrics", "/api/stats", "/_stcore/agent/interact"):
        assert status(at.url + path) == 401
    with Wire(at.url) as wire:
        wire.run()
        assert status(f"{at.url}/_stcore/upload_file/{wire.tab}/x", "PUT") == 401
    assert status(f"{at.url}/api/session", "POST") == 403
    assert status(f"{at.url}/api/health") == 200


@pytest.mark.parametrize("guess", ["", "x", "../../etc/passwd", "a" * 5000, "%00"])
def test_a_made_up_cookie_opens_nothing(at: Server, guess: str) -> None:
    assert status(f"{at.url}/media/none.png", cookie=guess or "=") == 401


def test_a_tampered_cookie_opens_nothing(at: Server, store: Store) -> None:
    cookie = store.create_session("bob")
    other = ("A" if cookie[-1] != "A" else "B").join((cookie[:-1], ""))
    for changed in (other, cookie.swapcase(), session_hash(cookie)):
        assert status(f"{at.url}/api/none", cookie=changed) == 401
        with Wire(at.url, changed) as wire:
            assert "Forgotten your password?" in wire.run("statistics")


@pytest.mark.parametrize("ended", ["signed out", "disabled", "reset"])
def test_a_copied_cookie_is_worthless_afterwards(at: Server, store: Store, ended: str) -> None:
    name = f"user-{ended.replace(' ', '-')}"
    store.add_user(NewUser(name, PASSWORD))
    cookie = store.create_session(name)
    with Wire(at.url, cookie) as before:
        assert "Welcome" in before.run()
        if ended == "signed out":
            store.revoke_session(session_hash(cookie))
        elif ended == "disabled":
            store.disable_user(name)
        else:
            store.reset_password(name)
        assert "Forgotten your password?" in before.run(), "the open tab too"
    with Wire(at.url, cookie) as after:
        assert "Forgotten your password?" in after.run()
    assert status(f"{at.url}/media/none.png", cookie=cookie) == 401


@pytest.mark.parametrize("origin", ["https://evil.example", "http://127.0.0.1.evil.example", "null"])
def test_another_sites_request_is_refused(at: Server, store: Store, origin: str) -> None:
    cookie = store.create_session("bob")
    for path in ("/_stcore/upload_file/1/2", "/api/session"):
        assert status(at.url + path, "POST", cookie, origin=origin) == 403
    with pytest.raises(WebSocketBadStatusException):
        Wire(at.url, cookie, origin=origin)


def test_ten_guesses_at_the_same_time_are_five(at: Server, store: Store) -> None:
    store.add_user(NewUser("target", PASSWORD))
    wires = [Wire(at.url) for _ in range(10)]

    def guess(wire: Wire) -> str:
        return wire.run(**{"User name": "target", "Password": "not the right one"})

    for wire in wires:
        wire.run()
    with ThreadPoolExecutor(10) as pool:
        told = list(pool.map(guess, wires))
    assert sum("is not right" in each for each in told) == 5
    assert sum("Too many attempts" in each for each in told) == 5
    assert "Too many attempts" in wires[0].run(**{"User name": "target", "Password": PASSWORD})
    for wire in wires:
        wire.__exit__(None, None, None)


@pytest.mark.usefixtures("store")
def test_nobody_drops_what_all_share(at: Server) -> None:
    with Wire(at.url) as wire:
        wire.run()
        wire.clear_cache()
        assert "Forgotten your password?" in wire.run()


# Signed in, and asking for what is another's


def test_another_users_uploads_and_downloads_are_refused(at: Server, store: Store) -> None:
    ada, bob = store.create_session("ada"), store.create_session("bob")
    with Wire(at.url, ada) as hers:
        hers.run("statistics")
        address = at.url + hers.download("Runs as CSV")
        assert status(address, cookie=ada) == 200
        assert status(address, cookie=bob) == 403
        assert status(address) == 401
        for method in ("PUT", "DELETE"):
            assert status(f"{at.url}/_stcore/upload_file/{hers.tab}/x", method, bob) == 403


def test_another_users_tab_is_not_given_back(at: Server, store: Store) -> None:
    ada, bob = store.create_session("ada"), store.create_session("bob")
    with Wire(at.url, ada) as hers:
        assert "Lovelace" in hers.run("account")
        tab = hers.tab
    with Wire(at.url, bob, tab) as his:
        told = his.run("account")
        assert "Lovelace" not in told
        assert his.tab != tab
    with Wire(at.url, "", tab) as nobodys:
        assert "Forgotten your password?" in nobodys.run("account")


def test_a_demo_user_uploads_nothing_and_sees_nobodys_runs(at: Server, store: Store) -> None:
    cookie = store.create_session("dee")
    with Wire(at.url, cookie) as wire:
        told = wire.run()
        assert "Welcome, Dee" in told
        assert "quentin" not in told
        assert status(f"{at.url}/_stcore/upload_file/{wire.tab}/x", "PUT", cookie) == 403
    assert store.runs(about=Selection(user="dee")) == ()
    with Wire(at.url, store.create_session("bob")) as wire:
        assert "quentin" in wire.run(), "staff see it"


@pytest.mark.parametrize("name", ["bob", "dee"])
def test_the_administration_is_refused_by_its_address(at: Server, store: Store, name: str) -> None:
    cookie = store.create_session(name)
    with Wire(at.url, cookie) as wire:
        told = wire.run("administration")
    assert "This page is for administrators." in told
    assert "Change a user" not in told
    assert status(f"{at.url}/_stcore/metrics", cookie=cookie) == 403


# The cookie, in a browser


def test_the_cookie_is_out_of_reach_of_scripts(at: Server, page: Browser) -> None:
    page.open(at.url)
    page.wait_for("Forgotten your password?")
    sign_in(page)
    cookie = page.driver.get_cookie("deid_session")
    assert cookie["httpOnly"]
    assert cookie["sameSite"] == "Lax"
    assert "deid_session" not in page.driver.execute_script("return document.cookie")


def test_the_log_holds_no_traceback_and_no_password(at: Server) -> None:
    log = at.log.read_text()
    assert "Traceback" not in log
    assert PASSWORD not in log
