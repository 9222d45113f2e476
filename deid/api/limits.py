"""How much may come in, and how often: counted in this process's memory."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

_MINUTE = 60.0


class Pace:
    """A number of requests a minute for each caller; who has used them up waits for the next to be due."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._due: dict[str, float] = {}
        """When the caller's past requests are paid off, in seconds of the clock."""

    def seconds_to_wait(self, caller: str, per_minute: int) -> float:
        """0 where the request may pass, which is then counted; otherwise how long until one may."""
        price = _MINUTE / per_minute
        with self._lock:
            moment = self._clock()
            due = max(self._due.get(caller, moment), moment)
            early = due + price - (moment + _MINUTE)
            if early > 1e-9:
                return early
            if len(self._due) > 10_000:
                self._due = {each: until for each, until in self._due.items() if until > moment}
            self._due[caller] = due + price
        return 0.0


class Room:
    """Memory for what is being sent, shared by all callers."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.taken = 0
        """Bytes."""

    def take(self, size: int, most: int) -> bool:
        """Whether so many bytes more still fit into `most`, which are then taken."""
        with self._lock:
            if self.taken + size > most:
                return False
            self.taken += size
            return True

    def give_back(self, size: int) -> None:
        """They are no longer in use."""
        with self._lock:
            self.taken -= size
