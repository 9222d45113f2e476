"""Memory that was freed and that the C library still holds, given back to the system.

glibc gives each thread that allocates a heap of its own, up to eight a core, and keeps there what is freed. Pictures in
a dozen threads leave hundreds of megabytes so. With other C libraries this does nothing.
"""

from __future__ import annotations

import ctypes
import sys
from contextlib import suppress
from functools import cache
from typing import Any

_ARENA_MAX = -8
"""M_ARENA_MAX of malloc.h."""
_HEAPS = 2


@cache
def _library() -> Any:
    return ctypes.CDLL(None) if sys.platform == "linux" else None


def share_heaps() -> None:
    """Let all threads of this process share two heaps; to be called before there are many."""
    with suppress(AttributeError, OSError):
        _library().mallopt(_ARENA_MAX, _HEAPS)


def give_back() -> None:
    """Return to the system what is free."""
    with suppress(AttributeError, OSError):
        _library().malloc_trim(ctypes.c_size_t(0))
