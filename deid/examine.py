"""A file's pixels decoded once in a process of their own, before anything in this process touches them.

For callers that must work in their own process: the pages keep opened files and one set of readers in memory. What a
decoder survives there it survives here, since it sees the same bytes.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from threading import Lock

from deid.codecs import dct
from deid.codecs.raw import stored_frames
from deid.errors import DeidError, QuarantineError
from deid.load import load
from deid.workers import Beat, Limits, Lost, Work, Worker, wait_for


@dataclass(slots=True)
class Examiner:
    """One worker process, started when it is first needed and replaced when a file costs it."""

    _lock: Lock = field(default_factory=Lock)
    _worker: Worker[bytes, None] | None = None

    def examine(self, data: bytes, limits: Limits) -> None:
        """Nothing, where the file can be decoded or is refused in an orderly way.

        Raises
        ------
        QuarantineError
            Where the process stopped, or took more than the limits allow.
        """
        with self._lock:
            worker = self._worker or Worker(start, ())
            self._worker = None
            outcome = wait_for(worker, data, limits)
            if not isinstance(outcome, Lost):
                self._worker = worker
                return
            worker.end()
        raise QuarantineError(outcome.reason)

    def end(self) -> None:
        """Stop the process."""
        with self._lock:
            if self._worker is not None:
                self._worker.end()
            self._worker = None


def start() -> Work:
    """What the worker does: see `decode_all`."""
    return decode_all


def decode_all(data: bytes, beat: Beat) -> None:
    """Decode every frame in every way that later steps use; a fault that is our own error is theirs to report."""
    try:
        dataset = load(data)
        frames = stored_frames(dataset)
        by_blocks = dct.handles(dataset)
        for frame in range(len(frames)):
            frames.decoded(frame)
            if by_blocks:
                dct.read_coefficients(bytes(frames.stored(frame)))
            beat()
    except DeidError:
        return
