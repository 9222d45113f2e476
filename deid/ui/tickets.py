"""One-time tickets: a script run cannot set a cookie, so the page exchanges a ticket for it at a route."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable

_SECONDS = 60.0


class Tickets:
    """Session ids that wait to be fetched, each once and within a minute."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._waiting: dict[str, tuple[str, float]] = {}

    def issue(self, session_id: str) -> str:
        """The ticket for a session's opaque id."""
        ticket = secrets.token_urlsafe(24)
        with self._lock:
            moment = self._clock()
            self._waiting = {key: kept for key, kept in self._waiting.items() if kept[1] > moment}
            self._waiting[ticket] = (session_id, moment + _SECONDS)
        return ticket

    def redeem(self, ticket: str) -> str | None:
        """The session id, the first time; None afterwards, too late, or for a guess."""
        with self._lock:
            session_id, until = self._waiting.pop(ticket, ("", 0.0))
        return session_id if session_id and until > self._clock() else None


TICKETS = Tickets()
