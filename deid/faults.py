"""Where a fault came about, in words that are fit for a log."""

from __future__ import annotations

import errno
import traceback

_NO_ROOM = frozenset(
    (
        errno.ENOSPC,
        errno.EDQUOT,
        errno.EROFS,
        errno.EACCES,
        errno.EPERM,
        errno.ENOENT,
        errno.ENOTDIR,
        errno.EEXIST,
        errno.EIO,
    )
)
"""What the system says of a folder that cannot be written; libraries raise OSErrors too."""


def places_of(fault: BaseException) -> str:
    """The kinds of exception and the lines of code they passed; no message, which may hold what must not be logged."""
    parts: list[str] = []
    link: BaseException | None = fault
    while link is not None:
        steps = " ".join(f"{step.name}:{step.lineno}" for step in traceback.extract_tb(link.__traceback__)[-6:])
        parts.append(f"{type(link).__name__} [{steps}]")
        link = link.__cause__ or link.__context__
    return " from ".join(parts)


def cannot_be_written(fault: BaseException) -> bool:
    """Whether the system says that a folder cannot be written; no error of ours, and none of a library about a file."""
    return isinstance(fault, OSError) and fault.errno in _NO_ROOM
