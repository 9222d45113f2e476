"""Waiting for a database that went away: work stands still meanwhile, and stops cleanly when it takes too long."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from deid.errors import StoreError, StoreLostError

LOG = logging.getLogger(__name__)
_LONGEST_PAUSE = 2.0
Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to wait."""

    seconds: float

    def __call__(self, ask: Callable[[], Answer]) -> Answer:
        """What `ask` gives, asked again and again while the database does not answer.

        Raises
        ------
        StoreError
            Where it took too long.
        """
        deadline, pause = time.monotonic() + self.seconds, 0.1
        while True:
            try:
                return ask()
            except StoreLostError as exc:
                if time.monotonic() >= deadline:
                    waited = f"The database has not answered for {self.seconds:g} seconds"
                    raise StoreError(f"{waited}: start it again, then resume the run.") from exc
                if pause == 0.1:
                    LOG.warning("the database does not answer; the work waits for it")
            time.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)
