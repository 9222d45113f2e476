"""How the log is written: lines for people, or JSON objects for programs, with ids in place of names.

A record may carry the fields below; of it nothing else than its message is told, and of other packages' records not
even that: their texts may hold values of a file.
"""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime

from deid.settings import Settings

OURS = "deid"
FIELDS = ("run", "file", "outcome", "state", "files", "seconds", "fault")
"""Of these `run` and `file` are numbers of rows in the store."""
_TAKEN_OVER = ("streamlit", "uvicorn", "uvicorn.error", "uvicorn.access", "tornado")
"""Loggers that bring handlers of their own, which would write lines that are no JSON."""


class JsonLines(logging.Formatter):
    """One JSON object a record."""

    def format(self, record: logging.LogRecord) -> str:
        """The record as a line."""
        told: dict[str, object] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "from": record.name,
        }
        if is_ours(record.name):
            told["said"] = record.getMessage()
            told |= {name: getattr(record, name) for name in FIELDS if hasattr(record, name)}
        if record.exc_info and record.exc_info[0]:
            told["error"] = record.exc_info[0].__name__
        return json.dumps(told, ensure_ascii=False)


def is_ours(logger: str) -> bool:
    """Whether this package wrote it."""
    return logger == OURS or logger.startswith(f"{OURS}.")


def set_up(settings: Settings) -> None:
    """Write this process's log as JSON where the settings say so; it then also tells how runs and files end."""
    if settings.log != "json":
        return
    handler = logging.StreamHandler()
    handler.setFormatter(JsonLines())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger(OURS).setLevel(logging.INFO)
    for name in _TAKEN_OVER:
        log = logging.getLogger(name)
        log.handlers.clear()
        log.propagate = True
        log.setLevel(logging.WARNING)  # below it they tell of each request, and of that nothing may be said here
