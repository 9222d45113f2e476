"""Where a fault came about, in words that are fit for a log."""

from __future__ import annotations

import traceback


def places_of(fault: BaseException) -> str:
    """The kinds of exception and the lines of code they passed; no message, which may hold what must not be logged."""
    parts: list[str] = []
    link: BaseException | None = fault
    while link is not None:
        steps = " ".join(f"{step.name}:{step.lineno}" for step in traceback.extract_tb(link.__traceback__)[-6:])
        parts.append(f"{type(link).__name__} [{steps}]")
        link = link.__cause__ or link.__context__
    return " from ".join(parts)
