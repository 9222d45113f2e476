"""Routes beside the pages, the guard before them, and what runs as long as the server does."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from collections.abc import AsyncIterator
from typing import Any

import streamlit as st
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route
from streamlit import config
from streamlit.runtime import Runtime

from deid import logs
from deid.errors import DeidError
from deid.serving import COOKIE
from deid.ui import downloads, faults, shared
from deid.ui.guard import EXCHANGE, HEALTH, Guard, behind_tls
from deid.ui.janitor import Janitor
from deid.ui.tabs import TABS
from deid.ui.tickets import TICKETS


async def exchange(request: Request) -> Response:
    """The session cookie, for a one-time ticket."""
    session_id = TICKETS.redeem(request.headers.get("x-ticket", ""))
    if session_id is None:
        return PlainTextResponse("This ticket is not valid.", 403)
    settings = await run_in_threadpool(shared.settings)
    response = Response(status_code=204)
    response.set_cookie(
        COOKIE,
        session_id,
        max_age=int(settings.session_hours * 3600),
        path="/",
        secure=behind_tls(request),
        httponly=True,
        samesite="lax",
    )
    return response


async def health(_request: Request) -> Response:
    """Whether the server and its database answer."""
    try:
        await run_in_threadpool(lambda: shared.store().needs_setup())
    except DeidError:
        return JSONResponse({"status": "not ok"}, 503)
    return JSONResponse({"status": "ok"})


@contextlib.asynccontextmanager
async def lifespan(app: st.App) -> AsyncIterator[None]:
    """Open the store, say how to begin, and keep a janitor at work while the server runs."""
    faults.silence_streamlit()
    try:
        logs.set_up(shared.environment())
        _begin()
    except DeidError as exc:
        sys.stderr.write(f"deid: {exc}\n")
        sys.stderr.flush()
        os._exit(exc.exit_code)  # an exception here would be printed with its traceback, and end with another code
    runtime = _Runtime(app)
    TABS.watch(runtime.files)
    janitor = asyncio.create_task(Janitor(runtime).work())
    try:
        yield
    finally:
        janitor.cancel()
        await run_in_threadpool(shared.background().close)


def _begin() -> None:
    settings, store = shared.environment(), shared.store()
    shared.background().recover()
    config.set_option("server.corsAllowedOrigins", [settings.origin])
    config.set_option("server.maxUploadSize", settings.max_upload_mb)
    if store.needs_setup():
        sys.stdout.write(
            f"\n  Nobody can sign in yet. Open {settings.origin} and enter this one-time setup code:\n\n"
            f"      {store.new_setup_code()}\n\n"
        )
        sys.stdout.flush()


class _Runtime:
    """Streamlit's runtime has no public list of its disconnected sessions; here and in `tabs` we reach in."""

    def __init__(self, app: st.App) -> None:
        self._app = app

    def disconnected(self) -> set[str]:
        """Ids of sessions without a browser."""
        manager: Any = self._runtime._session_mgr
        return {info.session.id for info in manager._session_storage.list()}

    def close(self, session_id: str) -> None:
        """End a session, with its state and its uploaded files."""
        self._runtime.close_session(session_id)
        TABS.forget(session_id)

    @property
    def files(self) -> Any:
        """The manager of files that pages offer."""
        return self._runtime.media_file_mgr

    @property
    def _runtime(self) -> Runtime:
        assert self._app._runtime is not None
        return self._app._runtime


routes = [
    Route(EXCHANGE, exchange, methods=["POST"]),
    Route(HEALTH, health, methods=["GET"]),
    *downloads.routes,
]
middleware = [Middleware(Guard)]
