"""Work that aborts, hangs or eats memory, for processes that are started for it; what they import is little."""

from __future__ import annotations

import ctypes
import os
import time
from pathlib import Path
from typing import Any

import numpy as np

from deid.errors import EngineError
from deid.workers import Beat, Work


def start(word: str) -> Work:
    return lambda task, beat: _work(word, task, beat)


def start_badly() -> Work:
    raise EngineError("The reader cannot be started.")


def start_and_die(*_: object) -> Work:
    os.abort()


def start_after_deaths(marks: str, deaths: int) -> Work:
    """Dies so often before it is ready; the folder `marks` remembers."""
    died = len(list(Path(marks).iterdir()))
    if died < deaths:
        (Path(marks) / str(died)).touch()
        os.abort()
    return lambda task, beat: _work("did", task, beat)


def _work(word: str, task: str, beat: Beat) -> str:
    if task == "abort":
        os.abort()
    if task == "segfault":
        ctypes.string_at(0)
    if task == "hang":
        time.sleep(3600)
    if task == "native memory":
        _allocate_or_abort()
    if task == "memory":
        return str(np.ones(3 << 30, np.uint8).sum())
    if task == "beats":
        for _ in range(6):
            time.sleep(0.5)
            beat()
    return f"{word} {task} {os.getpid()}"


def _allocate_or_abort() -> None:
    libc = ctypes.CDLL(None)
    libc.malloc.restype = ctypes.c_void_p
    if not libc.malloc(ctypes.c_size_t(3 << 30)):
        libc.abort()


def start_dying() -> Work:
    def work(data: bytes, beat: Beat) -> None:
        os.abort()

    return work


def start_that_dies_of(batch: object, settings: object, run_id: int) -> Work:
    """As the real start of `jobs`, with files that kill or stall their process in place of readers."""

    from deid.jobs import Done
    from deid.values import FileRecord, Outcome

    def work(source: Any, beat: Beat) -> Done:
        _work("", source.path.stem, beat)
        return Done(source, FileRecord(str(source.relative), Outcome.CLEANED, ""), True, True)

    return work


def start_dying_once(settings: Any) -> Work:
    """Dies of its first errand, whichever that is; a file in the settings' home remembers."""

    def work(errand: object, beat: Beat) -> str:
        with (settings.home / "tries").open("a") as tries:
            tries.write("x")
        if (settings.home / "tries").read_text() == "x":
            os.abort()
        return "done"

    return work


def start_dying_with(settings: object) -> Work:
    def work(errand: Any, beat: Beat) -> str:
        if errand.source.number == 7:
            os.abort()
        return "done"

    return work
