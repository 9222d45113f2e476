"""Processes that do one task at a time within limits: an abort, a runaway or a memory hog costs its task alone.

Codecs are C and meet files that nobody vouches for. A worker that dies or takes too long is replaced, and its task is
reported lost; one that asks for too much memory gets a MemoryError, or dies of it.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from time import monotonic
from typing import Any, Generic, TypeVar

from deid import memory
from deid.errors import EngineError

try:
    import resource
except ImportError:  # Windows has no limit that a process can set for itself
    resource = None  # type: ignore[assignment]

Task = TypeVar("Task")
Result = TypeVar("Result")
Beat = Callable[[], None]
"""Told by the work that it gets on; the time starts anew."""
Work = Callable[[Any, Beat], Any]
"""What a worker does with a task, made once in its process."""
_SECONDS_TO_END = 5.0
MOST_LOST_STARTS = 5
"""Processes that died one after the other before any was ready: then it is not for chance."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What one task may take: seconds between two beats, and memory beyond what the worker holds when it is ready."""

    seconds: float
    memory_mb: int


@dataclass(frozen=True, slots=True)
class Lost:
    """A task that was not finished, and why in a sentence."""

    reason: str


STOPPED = Lost("The process that worked on it stopped: a decoder may have failed on damaged content.")
TOO_SLOW = Lost("The work on it took longer than DEID_STEP_SECONDS allows.")
LOST_STARTS = "Worker processes stop while they start: memory may not do for so many (--jobs)."
TOO_LARGE = Lost("The work on it needs more memory than DEID_WORKER_MB allows.")


class Worker(Generic[Task, Result]):
    """One process. `start(*arguments)` runs in it once and gives the work; both must be importable by name."""

    def __init__(self, start: Callable[..., Work], arguments: tuple[object, ...]) -> None:
        context = multiprocessing.get_context("spawn")
        self.connection, inside = context.Pipe()
        self.process: BaseProcess = context.Process(target=_serve, args=(inside, start, arguments), daemon=True)
        self.process.start()
        inside.close()
        self.task: Task | None = None
        self._limits = Limits(0, 0)
        self._deadline = 0.0
        self.is_ready = False
        """Whether it has started what it needs, so that a task that it was given has begun."""

    def give(self, task: Task, limits: Limits) -> None:
        """Let it work on the task; its time starts when it is ready."""
        self.task, self._limits = task, limits
        self._deadline = monotonic() + limits.seconds if self.is_ready else float("inf")
        with suppress(OSError):  # a process that has died shows in `outcome`
            self.connection.send((task, limits))

    @property
    def seconds_left(self) -> float | None:
        """Until it has taken too long; None while it is getting ready."""
        return None if self._deadline == float("inf") else max(self._deadline - monotonic(), 0.0)

    def outcome(self) -> Result | Lost | None:
        """What became of the task: None while it is being worked on.

        Raises
        ------
        Exception
            What `start` raised in the process.
        """
        try:
            while self.connection.poll():
                kind, content = self.connection.recv()
                if kind == "failed":
                    raise content
                if kind == "done":
                    self.task = None
                    return content  # type: ignore[no-any-return]
                self.is_ready = True
                self._deadline = monotonic() + self._limits.seconds
        except (EOFError, OSError):
            return STOPPED
        if self.seconds_left == 0.0:
            return TOO_SLOW
        return None

    def end(self) -> None:
        """Stop the process, whatever it does."""
        self.connection.close()
        if self.task is None:
            self.process.join(_SECONDS_TO_END)
        if self.process.is_alive():
            self.process.kill()
        self.process.join(_SECONDS_TO_END)


def wait_for(worker: Worker[Task, Any], task: Task, limits: Limits) -> Any:
    """What became of a task that one worker, which is idle, is given now: its result, or Lost."""
    worker.give(task, limits)
    while (outcome := worker.outcome()) is None and worker.task is not None:
        wait([worker.connection], worker.seconds_left)
    return outcome


def work_through(
    tasks: Iterator[Task],
    count: int,
    start: Callable[..., Work],
    arguments: tuple[object, ...],
    limits: Callable[[Task], Limits],
) -> Iterator[tuple[Task, Any]]:
    """Each task with its result, or Lost, as up to `count` workers finish them.

    A task whose worker died is given to another once more: it may not have been the task's fault, and surely was not
    where the worker died before it was ready.

    Raises
    ------
    Exception
        What `start` raised in a worker.
    EngineError
        Where workers die again and again before they are ready.
    """
    lost_starts = 0
    idle: list[Worker[Task, Any]] = []
    busy: list[Worker[Task, Any]] = []
    again: list[Task] = []
    retried: list[Task] = []
    try:
        while True:
            while len(busy) < count and (task := again.pop() if again else next(tasks, None)) is not None:
                worker = idle.pop() if idle else Worker(start, arguments)
                worker.give(task, limits(task))
                busy.append(worker)
            if not busy:
                return
            left = [seconds for worker in busy if (seconds := worker.seconds_left) is not None]
            wait([worker.connection for worker in busy], min(left, default=None))
            for worker in list(busy):
                task = worker.task
                outcome = worker.outcome()
                if outcome is None or task is None:
                    continue
                busy.remove(worker)
                if isinstance(outcome, Lost) and outcome is not TOO_LARGE:
                    worker.end()
                else:
                    idle.append(worker)
                lost_starts = 0 if worker.is_ready else lost_starts + 1
                if lost_starts >= MOST_LOST_STARTS:
                    raise EngineError(LOST_STARTS)
                if not worker.is_ready:
                    again.append(task)
                    continue
                if outcome is STOPPED and task not in retried:
                    again.append(task)
                    retried.append(task)
                    continue
                if task in retried:
                    retried.remove(task)
                yield task, outcome
    finally:
        for worker in (*idle, *busy):
            worker.end()


def _serve(connection: Connection, start: Callable[..., Work], arguments: tuple[object, ...]) -> None:
    """The life of a worker process. Ctrl-C is for the process that gives the tasks."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    memory.keep_freed()
    try:
        work = start(*arguments)
    except Exception as exc:
        connection.send(("failed", exc))
        return
    held = _held_mb()
    with suppress(EOFError, OSError):  # the other side has gone
        connection.send(("ready", None))
        while True:
            task, limits = connection.recv()
            _limit_memory(held + limits.memory_mb)
            connection.send(("beat", None))
            try:
                result = work(task, lambda: connection.send(("beat", None)))
            except MemoryError:
                result = TOO_LARGE
            connection.send(("done", result))


def _end_with_parent() -> None:
    """A process whose parent was killed would go on with its file, and nobody would hear of it."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _held_mb() -> int:
    """Address space of this process; 0 where the system does not tell."""
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    except (OSError, ValueError):
        return 0
    return pages * resource.getpagesize() >> 20


def _limit_memory(megabytes: int) -> None:
    if resource is None or not _held_mb():
        return
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    wanted = megabytes << 20
    resource.setrlimit(resource.RLIMIT_AS, (wanted if hard == resource.RLIM_INFINITY else min(wanted, hard), hard))
