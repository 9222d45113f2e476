"""Closing what browsers left behind: Streamlit keeps a closed tab's state and uploads for minutes, or for good."""

from __future__ import annotations

import asyncio
import logging
import time
from typing import Protocol

from deid import memory
from deid.ui import shared

_LOG = logging.getLogger(__name__)
_EVERY_SECONDS = 5.0
_GRACE_SECONDS = 30.0
"""A tab that lost its network comes back within this."""


class Sessions(Protocol):
    """What the janitor needs of Streamlit's runtime."""

    def disconnected(self) -> set[str]:
        """Ids of sessions without a browser."""

    def close(self, session_id: str) -> None:
        """End a session, with its state and its uploaded files."""


class Janitor:
    """Closes a session once it has been without a browser for the time of grace."""

    def __init__(self, sessions: Sessions, grace_seconds: float = _GRACE_SECONDS) -> None:
        self._sessions = sessions
        self._grace = grace_seconds
        self._since: dict[str, float] = {}

    def sweep(self, moment: float) -> None:
        """Look once; `moment` in seconds of a clock that only runs forward."""
        gone = self._sessions.disconnected()
        self._since = {session_id: self._since.get(session_id, moment) for session_id in gone}
        for session_id, since in self._since.items():
            if moment - since >= self._grace:
                self._sessions.close(session_id)

    async def work(self) -> None:
        """Look again and again, until cancelled."""
        while True:
            await asyncio.sleep(_EVERY_SECONDS)
            try:
                self.sweep(time.monotonic())
                shared.desk().tidy()
                shared.background().purge()
                await asyncio.to_thread(memory.give_back)
            except Exception as exc:
                _LOG.error("the janitor stumbled: %s", type(exc).__name__)
