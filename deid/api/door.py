"""What stands before every endpoint: whose token it is, how often and how much; and that a fault tells nothing.

It is ASGI middleware rather than a dependency of each endpoint, so that none can forget it, and so that nothing is read
of a request before it is known who sends it.
"""

from __future__ import annotations

import asyncio
import hmac
import logging
import secrets
from dataclasses import dataclass
from typing import Any

from fastapi import HTTPException
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect, HTTPConnection
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from deid import serving
from deid.api import gauges
from deid.api.limits import Pace, Room
from deid.errors import StoreError
from deid.faults import places_of
from deid.settings import Settings
from deid.store import SessionKind, User, session_hash

LOG = logging.getLogger(__name__)
LOGIN, DOCS, OPENAPI, METRICS, JOBS = "/login", "/docs", "/openapi.json", "/metrics", "/jobs"
UPLOADS = ("/convert", "/mask_image", JOBS)
SIGN_INS_PER_MINUTE = 60
"""Of one address: each costs the time of a password hash, whether or not the name exists."""
_WRAPPING = 1 << 20
"""Bytes of a multipart body that are not the files."""
_NO_FILES = 1 << 16
SILENT_SECONDS = 60.0
"""How long nothing may come in while a body has not ended."""
_USER = "user"


@dataclass(frozen=True, slots=True)
class _Refusal:
    status: int
    detail: str
    headers: tuple[tuple[str, str], ...] = ()

    def as_response(self) -> JSONResponse:
        return JSONResponse({"detail": self.detail}, self.status, dict(self.headers))


_NO_TOKEN = _Refusal(401, "Sign in first, and send the token.", (("www-authenticate", "Bearer"),))


class Door:
    """Lets a request in with the user that its token belongs to, or answers in the application's place."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._pace, self._room = Pace(), Room()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        told = _Told(send)
        path = _path_of(scope)
        try:
            await self._let_in(scope, path, receive, told)
        except ClientDisconnect:
            return
        except StoreError as exc:
            LOG.error("the database did not answer: %s", places_of(exc))
            await told.refuse(_Refusal(503, "The database does not answer."), scope, receive)
        except Exception as exc:
            # The last stop: beyond it the server would log the exception's text, which may hold values.
            fault = secrets.token_hex(4)
            LOG.error("fault %s: %s", fault, places_of(exc))
            refusal = _Refusal(500, f"Something went wrong, and nothing was written. Fault id: {fault}")
            await told.refuse(refusal, scope, receive)
        finally:
            gauges.REQUESTS.labels(_method(scope), _endpoint(scope), str(told.status)).inc()

    async def _let_in(self, scope: Scope, path: str, receive: Receive, told: _Told) -> None:
        settings = await run_in_threadpool(serving.settings)
        found = await _caller(scope, path, settings)
        refusal = found if isinstance(found, _Refusal) else self._too_often(scope, path, found, settings)
        refusal = refusal or _too_long(scope, _most(path, settings))
        if refusal is not None:
            await told.refuse(refusal, scope, receive)
            return
        scope.setdefault("state", {})[_USER] = found
        body = _Body(receive, self._room, _most(path, settings), settings.api_mb << 20)
        try:
            await self._app(scope, body.receive, told.send)
        finally:
            self._room.give_back(body.taken)

    def _too_often(self, scope: Scope, path: str, user: User | None, settings: Settings) -> _Refusal | None:
        if user is not None:
            wait = self._pace.seconds_to_wait(f"user {user.id}", settings.api_per_minute)
        elif path == LOGIN:
            client = scope.get("client")
            wait = self._pace.seconds_to_wait(f"address {client[0] if client else ''}", SIGN_INS_PER_MINUTE)
        else:
            return None
        if not wait:
            return None
        return _Refusal(429, "Too many requests: wait a moment.", (("retry-after", str(int(wait) + 1)),))


def user_of(scope: Scope) -> User:
    """Who was let in."""
    user: User = scope["state"][_USER]
    return user


def token_of(headers: Headers) -> str:
    """The bearer token of a request; empty without one."""
    kind, _, token = headers.get("authorization", "").partition(" ")
    return token.strip() if kind.lower() == "bearer" else ""


async def _caller(scope: Scope, path: str, settings: Settings) -> User | _Refusal | None:
    """Whose request it is; None where it needs nobody."""
    if path == LOGIN:
        return None
    token = token_of(Headers(scope=scope))
    if path == METRICS and _is_collector(token, settings):
        return None
    store = serving.store()
    user = None
    if token:
        user = await run_in_threadpool(store.session_user, session_hash(token), SessionKind.PROGRAM)
    elif path in (DOCS, OPENAPI) and scope["method"] in ("GET", "HEAD"):  # they show nothing of anybody's
        cookie = HTTPConnection(scope).cookies.get(serving.COOKIE, "")
        user = await run_in_threadpool(store.session_user, session_hash(cookie)) if cookie else None
    if user is None or user.must_choose_password:
        return _NO_TOKEN
    return user


def _is_collector(token: str, settings: Settings) -> bool:
    known = settings.metrics_token
    return bool(known) and hmac.compare_digest(token.encode(), known.encode())


def _path_of(scope: Scope) -> str:
    """The path below the mount."""
    path = str(scope["path"])
    return path.removeprefix(str(scope.get("root_path", ""))) or "/"


def _method(scope: Scope) -> str:
    method = str(scope["method"])
    return method if method in ("GET", "HEAD", "POST", "DELETE") else "other"


def _endpoint(scope: Scope) -> str:
    """The endpoint's pattern: never the path as it was asked for, which may hold anything."""
    route: Any = scope.get("route")
    return str(getattr(route, "path", "")) or "none"


def _most(path: str, settings: Settings) -> int:
    """Bytes that a body may have."""
    if path == JOBS:
        return settings.max_batch_mb * 1_000_000 + _WRAPPING
    return (settings.max_upload_mb << 20) + _WRAPPING if path in UPLOADS else _NO_FILES


def _too_long(scope: Scope, most: int) -> _Refusal | None:
    stated = Headers(scope=scope).get("content-length", "")
    return _Refusal(413, _said(most)) if stated.isdecimal() and (len(stated) > 15 or int(stated) > most) else None


def _said(most: int) -> str:
    return f"This is larger than the {most:,} bytes that may come in here at once."


class _Body:
    """A request's body on its way in; more than may be, and it ends with an answer instead."""

    def __init__(self, receive: Receive, room: Room, most: int, room_bytes: int) -> None:
        self._receive, self._room, self._most, self._room_bytes = receive, room, most, room_bytes
        self._more = True
        self.taken = 0

    async def receive(self) -> Message:
        try:
            # What has come in takes room, so a sender that falls silent is not waited for.
            message = await asyncio.wait_for(self._receive(), SILENT_SECONDS if self._more else None)
        except TimeoutError as exc:
            raise HTTPException(408, "Nothing came in for too long.") from exc
        self._more = bool(message.get("more_body"))
        size = len(message.get("body") or b"")
        if self.taken + size > self._most:
            raise HTTPException(413, _said(self._most))
        if not self._room.take(size, self._room_bytes):
            raise HTTPException(429, "Too much is being sent at the moment: try again.", {"retry-after": "5"})
        self.taken += size
        return message


class _Told:
    """What has been answered so far."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self.status = 0

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
        await self._send(message)

    async def refuse(self, refusal: _Refusal, scope: Scope, receive: Receive) -> None:
        """Answer so; an answer that has begun is cut off instead, and the server closes the connection."""
        if not self.status:
            await refusal.as_response()(scope, receive, self.send)
