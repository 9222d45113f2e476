"""What a browser may fetch without signing in, and the headers on everything it gets."""

from __future__ import annotations

from urllib.parse import urlsplit

from google.protobuf.message import DecodeError
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import HTTPConnection
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from streamlit.proto.BackMsg_pb2 import BackMsg

from deid.errors import StoreError
from deid.serving import COOKIE
from deid.settings import Settings
from deid.store import User, session_hash
from deid.ui import shared
from deid.ui.tabs import TABS, file_of

HEALTH = "/api/health"
EXCHANGE = "/api/session"

_MEDIA, _UPLOAD, _METRICS, _SOCKET = "/media/", "/_stcore/upload_file/", "/_stcore/metrics", "/_stcore/stream"
_CLOSED = (_MEDIA, _UPLOAD, _METRICS, "/_stcore/agent/", "/api/")
_OPEN = (HEALTH, EXCHANGE, "/api/login")
_API, _API_DOCS = "/api/", ("/api/docs", "/api/openapi.json")
_TAB_PLACE = 3
"""Streamlit's browser part names, in the header for the subprotocol: the protocol, a token, and its tab."""
_ORDERS = ("clear_cache", "set_run_on_save")
"""The first drops the readers and the model of all users."""
_KEEPABLE = "/static/"
_HEADERS = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "content-security-policy": "frame-ancestors 'none'; object-src 'none'; base-uri 'self'; form-action 'self'",
    "cross-origin-opener-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=()",
}


class Guard:
    """Streamlit hands uploads and downloads to whoever knows the URL; behind this, only to who is signed in."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer in the application's place where a request is not let through."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        path = str(scope["path"])
        refusal = await _refusal(scope, path)
        if refusal is None:
            heard = _without_orders(receive) if scope["type"] == "websocket" else receive
            await self._app(_without_foreign_tab(scope, path), heard, _with_headers(send, path))
        elif scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close", "code": 1008})
        else:
            await refusal(scope, receive, _with_headers(send, path))


async def _refusal(scope: Scope, path: str) -> Response | None:
    settings = shared.environment()
    headers = Headers(scope=scope)
    if path == HEALTH:
        return None
    if not _known_host(headers.get("host", ""), settings):
        return PlainTextResponse(f"Open {settings.origin}, or set DEID_ORIGIN to the address in use.", 400)
    if not _same_site(headers, scope, settings):
        return PlainTextResponse("This request came from another site.", 403)
    if not path.startswith(_CLOSED) or path in _OPEN:
        return None
    if path.startswith(_API) and headers.get("authorization"):
        return None  # the API knows whose token this is
    if path.startswith(_API) and path not in _API_DOCS:
        return JSONResponse({"detail": "Sign in first, and send the token."}, 401, {"www-authenticate": "Bearer"})
    owner = _owner(scope)
    try:
        user = await run_in_threadpool(shared.store().session_user, owner)
    except StoreError:
        return PlainTextResponse("The database does not answer.", 503)
    if user is None or user.must_choose_password:
        return PlainTextResponse("Sign in first.", 401)
    return None if _may(user, owner, path) else PlainTextResponse("This is not yours.", 403)


def _may(user: User, owner: str, path: str) -> bool:
    """Whether the user may have this; uploads and files are those of the tabs of the same sign-in session."""
    if path.startswith(_UPLOAD):
        return user.role.may_upload and TABS.owner(path.removeprefix(_UPLOAD).partition("/")[0]) == owner
    if path.startswith(_MEDIA):
        return TABS.offers(file_of(path), owner)
    return user.role.may_administer if path.startswith(_METRICS) else True


def _without_foreign_tab(scope: Scope, path: str) -> Scope:
    """The request to connect, without the name of a tab that somebody else is signed in to.

    A browser that lost its connection names its tab to get it back; whoever named another's would get that.
    """
    if scope["type"] != "websocket" or path != _SOCKET:
        return scope
    entries = [entry.strip() for entry in Headers(scope=scope).get("sec-websocket-protocol", "").split(",")]
    if len(entries) < _TAB_PLACE or TABS.owner(entries[_TAB_PLACE - 1]) in ("", _owner(scope)):
        return scope
    kept = ", ".join(entries[: _TAB_PLACE - 1]).encode()
    headers = [(name, kept if name == b"sec-websocket-protocol" else value) for name, value in scope["headers"]]
    return {**scope, "headers": headers, "subprotocols": entries[: _TAB_PLACE - 1]}


def _without_orders(receive: Receive) -> Receive:
    """What a browser says, without what only a developer may: Streamlit asks nobody before it obeys."""

    async def receiver() -> Message:
        while True:
            message = await receive()
            if not _is_order(message.get("bytes") or b""):
                return message

    return receiver


def _is_order(frame: bytes) -> bool:
    told = BackMsg()
    try:
        told.ParseFromString(frame)
    except DecodeError:
        return False
    return told.WhichOneof("type") in _ORDERS


def _owner(scope: Scope) -> str:
    return cookie_hash(HTTPConnection(scope).cookies.get(COOKIE))


def cookie_hash(cookie: object) -> str:
    """The hash of the session id in a cookie; empty without one."""
    return session_hash(cookie) if isinstance(cookie, str) and cookie else ""


def behind_tls(connection: HTTPConnection) -> bool:
    """Whether the browser came by https, as the setting or the proxy says; who lies about it only hurts themselves."""
    forwarded = connection.headers.get("x-forwarded-proto", "").partition(",")[0].strip().lower()
    return "https" in (urlsplit(shared.environment().origin).scheme, connection.url.scheme, forwarded)


def _known_host(host: str, settings: Settings) -> bool:
    """Whether the server is addressed by a name of its own: a foreign name may have been rebound to this machine."""
    names = {"127.0.0.1", "localhost", "::1", settings.bind, urlsplit(settings.origin).hostname}
    return urlsplit(f"//{host}").hostname in names


def _same_site(headers: Headers, scope: Scope, settings: Settings) -> bool:
    changes = scope["type"] == "websocket" or scope["method"] not in ("GET", "HEAD", "OPTIONS")
    origin = headers.get("origin")
    if not changes or origin is None:
        return True
    return origin == settings.origin or urlsplit(origin).netloc == headers.get("host")


def _with_headers(send: Send, path: str) -> Send:
    async def sender(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in _HEADERS.items():
                headers[name] = value
            if not path.startswith(_KEEPABLE):
                headers["cache-control"] = "no-store"
        await send(message)

    return sender
