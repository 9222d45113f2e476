"""What a browser may fetch without signing in, and the headers on everything."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.types import Message, Scope
from starlette.websockets import WebSocket

from deid.serving import COOKIE
from deid.settings import Settings
from deid.store import NewUser, Role, SignIn, session_hash
from deid.ui import server, shared
from deid.ui.guard import Guard
from deid.ui.tabs import TABS
from deid.ui.tickets import TICKETS, Tickets

ORIGIN = "http://127.0.0.1:8501"


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes


async def _anything(_request: Request) -> Response:
    return PlainTextResponse("inside")


async def _socket(socket: WebSocket) -> None:
    heard = socket.headers.get("sec-websocket-protocol", "")
    await socket.accept(headers=[(b"heard", heard.encode())])
    await socket.close()


APP = Guard(
    Starlette(
        routes=[
            *server.routes,
            WebSocketRoute("/_stcore/stream", _socket),
            Route("/{path:path}", _anything, methods=["GET", "POST", "PUT"]),
        ]
    )
)


def ask(path: str, method: str = "GET", scheme: str = "http", **headers: str) -> Answer:
    """The application's answer to one request."""
    sent: list[Message] = []
    named = {"host": "127.0.0.1:8501"} | {name.replace("_", "-"): value for name, value in headers.items()}
    scope: Scope = {
        "type": scheme,
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "headers": [(name.encode(), value.encode()) for name, value in named.items()],
        "server": ("127.0.0.1", 8501),
        "subprotocols": [],
    }
    received: list[Message] = [{"type": "websocket.connect"} if scheme == "websocket" else {"type": "http.request"}]

    async def receive() -> Message:
        return received.pop() if received else {"type": f"{scheme}.disconnect"}

    async def send(message: Message) -> None:
        sent.append(message)

    asyncio.run(APP(scope, receive, send))
    first = sent[0]
    answered = {name.decode(): value.decode() for name, value in first.get("headers", [])}
    status = first.get("status", 101 if first["type"] == "websocket.accept" else 403)
    return Answer(status, answered, b"".join(message.get("body", b"") for message in sent[1:]))


@pytest.fixture(autouse=True)
def _installation(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("DEID_HOME", str(settings.home))
    shared.store().add_user(NewUser("ada", "correct horse battery"))
    yield
    shared.store().close()


@pytest.fixture
def cookie() -> str:
    """The cookie header of a browser that is signed in."""
    return f"{COOKIE}={shared.store().create_session('ada')}"


@pytest.fixture
def administrators() -> Iterator[str]:
    """The cookie header of an administrator's browser, whose tab 1 offers the file 0a1b."""
    shared.store().add_user(NewUser("root", "correct horse battery", role=Role.ADMINISTRATOR))
    opaque = shared.store().create_session("root")
    TABS.note("1", session_hash(opaque))
    TABS.note_file("1", "/media/0a1b.dcm")
    yield f"{COOKIE}={opaque}"
    TABS.forget("1")


CLOSED = [
    "/media/0a1b.dcm",
    "/_stcore/upload_file/1/2",
    "/_stcore/metrics",
    "/_stcore/agent/interact",
]


@pytest.mark.parametrize("path", CLOSED)
def test_files_and_figures_need_a_session(path: str, administrators: str) -> None:
    assert ask(path).status == 401
    assert ask(path, cookie=f"{COOKIE}=guess").status == 401
    assert ask(path, cookie=administrators[:-1]).status == 401
    assert ask(path, cookie=administrators).body == b"inside"


@pytest.mark.parametrize("path", ["/api/stats", "/api/", "/api/metrics", "/api/jobs/1"])
def test_no_cookie_opens_the_api(path: str, administrators: str) -> None:
    assert ask(path, cookie=administrators).status == 401
    assert ask(path, authorization="Bearer x").body == b"inside", "the API itself asks whose it is"


def test_the_description_of_the_api_is_for_who_is_signed_in(cookie: str) -> None:
    assert ask("/api/docs").status == 401
    assert ask("/api/docs", cookie=cookie).body == b"inside"


def test_uploads_and_files_are_those_of_ones_own_tabs(administrators: str, cookie: str) -> None:
    for path in ("/media/0a1b.dcm", "/_stcore/upload_file/1/2"):
        assert ask(path, cookie=cookie).status == 403
    again = f"{COOKIE}={shared.store().create_session('root')}"
    assert ask("/media/0a1b.dcm", cookie=again).status == 403, "another sign-in of the same user is another owner"


def test_a_closed_tab_offers_nothing(administrators: str) -> None:
    TABS.forget("1")
    for path in ("/media/0a1b.dcm", "/_stcore/upload_file/1/2"):
        assert ask(path, cookie=administrators).status == 403


def test_figures_of_the_server_are_for_administrators(cookie: str) -> None:
    assert ask("/_stcore/metrics", cookie=cookie).status == 403


def test_a_demo_user_uploads_nothing() -> None:
    shared.store().add_user(NewUser("dee", "correct horse battery", role=Role.DEMO))
    opaque = shared.store().create_session("dee")
    TABS.note("7", session_hash(opaque))
    assert ask("/_stcore/upload_file/7/2", "PUT", cookie=f"{COOKIE}={opaque}").status == 403


def test_a_one_time_password_opens_nothing_but_the_form(cookie: str) -> None:
    password, _ = shared.store().reset_password("ada")
    assert shared.store().check_password("ada", password) is SignIn.WELCOME
    fresh = f"{COOKIE}={shared.store().create_session('ada')}"
    assert ask("/api/docs", cookie=fresh).status == 401


@pytest.mark.parametrize(("named", "kept"), [("1", False), ("9", True), ("", True)], ids=["theirs", "nobodys", "none"])
def test_a_tab_is_given_back_only_to_who_is_signed_in_there(
    administrators: str, cookie: str, named: str, kept: bool
) -> None:
    asked = ", ".join(each for each in ("streamlit", "token", named) if each)
    answer = ask("/_stcore/stream", scheme="websocket", sec_websocket_protocol=asked, cookie=cookie)
    assert (answer.headers["heard"] == asked) is kept
    mine = ask("/_stcore/stream", scheme="websocket", sec_websocket_protocol=asked, cookie=administrators)
    assert mine.headers["heard"] == asked


@pytest.mark.parametrize("path", ["/", "/pipeline", "/_stcore/health", "/static/js/main.js"])
def test_the_page_itself_is_open(path: str) -> None:
    assert ask(path).status == 200


def test_a_copied_cookie_is_worthless_after_signing_out(cookie: str) -> None:
    shared.store().revoke_sessions("ada")
    assert ask("/media/x", cookie=cookie).status == 401


def test_a_disabled_users_cookie_is_worthless(cookie: str) -> None:
    shared.store().disable_user("ada")
    assert ask("/media/x", cookie=cookie).status == 401


@pytest.mark.parametrize("path", ["/", "/media/x", "/api/health"])
def test_every_answer_says_how_it_may_be_used(path: str) -> None:
    headers = ask(path).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert headers["cache-control"] == "no-store"
    assert headers["referrer-policy"] == "no-referrer"


def test_the_applications_own_scripts_may_be_kept() -> None:
    assert "cache-control" not in ask("/static/js/main.js").headers


def test_a_foreign_host_name_is_refused() -> None:
    assert ask("/", host="evil.example:8501").status == 400
    assert ask("/api/health", host="10.0.0.7").status == 200


@pytest.mark.parametrize("method", ["POST", "PUT"])
def test_another_sites_request_is_refused(method: str, administrators: str) -> None:
    assert ask("/_stcore/upload_file/1/2", method, cookie=administrators, origin="http://evil.example").status == 403
    assert ask("/_stcore/upload_file/1/2", method, cookie=administrators, origin=ORIGIN).status == 200


def test_another_sites_websocket_is_refused() -> None:
    assert ask("/_stcore/stream", scheme="websocket", origin="http://evil.example").status == 403
    assert ask("/_stcore/stream", scheme="websocket", origin=ORIGIN).status == 101


def test_health_says_only_ok() -> None:
    assert ask("/api/health").body == b'{"status":"ok"}'


# The cookie


def test_a_ticket_buys_the_cookie_once(cookie: str) -> None:
    session_id = cookie.partition("=")[2]
    ticket = TICKETS.issue(session_id)
    first = ask("/api/session", "POST", x_ticket=ticket, origin=ORIGIN)
    assert first.status == 204
    planted = first.headers["set-cookie"].lower()
    assert planted.startswith(f"{COOKIE}={session_id}".lower())
    assert "httponly" in planted
    assert "samesite=lax" in planted
    assert "secure" not in planted
    assert ask("/api/session", "POST", x_ticket=ticket, origin=ORIGIN).status == 403
    assert ask("/api/session", "POST", origin=ORIGIN).status == 403


def test_behind_tls_the_cookie_is_secure(cookie: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEID_ORIGIN", "https://deid.example.org")
    ticket = TICKETS.issue(cookie.partition("=")[2])
    answer = ask("/api/session", "POST", host="deid.example.org", x_ticket=ticket, origin="https://deid.example.org")
    assert "secure" in answer.headers["set-cookie"].lower()


@pytest.mark.parametrize(("proto", "secure"), [("https", True), ("https, http", True), ("http", False)])
def test_a_proxy_that_ends_tls_makes_the_cookie_secure(cookie: str, proto: str, secure: bool) -> None:
    ticket = TICKETS.issue(cookie.partition("=")[2])
    answer = ask("/api/session", "POST", x_ticket=ticket, origin=ORIGIN, x_forwarded_proto=proto)
    assert ("secure" in answer.headers["set-cookie"].lower()) is secure


def test_a_ticket_is_good_for_a_minute() -> None:
    moment = [0.0]
    tickets = Tickets(clock=lambda: moment[0])
    early, late = tickets.issue("one"), tickets.issue("two")
    moment[0] = 59
    assert tickets.redeem(early) == "one"
    moment[0] = 61
    assert tickets.redeem(late) is None
