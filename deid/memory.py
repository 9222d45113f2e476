"""Memory that was freed: kept for the next frame, or given back to the system. With C libraries but glibc's nothing is.

glibc gives each thread that allocates a heap of its own, up to eight a core, and keeps there what is freed. Pictures in
a dozen threads leave hundreds of megabytes so. It can be asked to give back what lies free in between, but the free end
of a heap it gives back for the first heap alone: a server that is to come back to what it held has only that one. The
blocks of a frame, though, glibc gives back each time, and asks for them again with the next: the system has to empty
them, which takes as long as reading a frame of JPEG.
"""

from __future__ import annotations

import ctypes
import sys
from contextlib import suppress
from functools import cache
from typing import Any

_ARENA_MAX = -8
"""M_ARENA_MAX of malloc.h."""
ONE_HEAP = {"MALLOC_ARENA_MAX": "1"}
"""In the environment in which a process is started: only then no thread has a heap of its own."""
_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3
_KEPT_BYTES, _LARGEST_KEPT = 32 << 20, 16 << 20
"""Not more than so much stays with the process, and no single block larger than this."""


@cache
def _library() -> Any:
    return ctypes.CDLL(None) if sys.platform == "linux" else None


def share_heaps() -> None:
    """Let threads that begin from now on share the heaps that there are: for a process not started with ONE_HEAP."""
    with suppress(AttributeError, OSError):
        _library().mallopt(_ARENA_MAX, 1)


def keep_freed() -> None:
    """Let a process that works on one frame after another keep what each frees."""
    with suppress(AttributeError, OSError):
        _library().mallopt(_MMAP_THRESHOLD, _LARGEST_KEPT)
        _library().mallopt(_TRIM_THRESHOLD, _KEPT_BYTES)


def give_back() -> None:
    """Return to the system what is free."""
    with suppress(AttributeError, OSError):
        _library().malloc_trim(ctypes.c_size_t(0))
