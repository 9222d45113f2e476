"""What a Dask worker does with a file: hand it to a process of its own, as `deid run` does on one machine.

An errand names a file and says what to do with it; the content never travels, and neither does the pseudonym key: a
worker reads both where it is, and refuses the errand where its key, model or version is another.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from threading import Lock

from deid.errors import DeidError, EngineError, UsageError
from deid.inputs import InputFile
from deid.jobs import limits_of_file, make_engines
from deid.ledger import Done, decides
from deid.manifest import Batch
from deid.settings import Settings
from deid.single import process_file
from deid.workers import LOST_STARTS, MOST_LOST_STARTS, STOPPED, Beat, Lost, Work, Worker, wait_for

_OTHER = "A worker has another pseudonym key, model or version than this program: give all of them the same."


@dataclass(frozen=True, slots=True)
class Errand:
    """One file of a run. Paths may be PHI, and Dask logs what it is given: nothing of it is shown."""

    source: InputFile
    batch: Batch
    run_id: int
    agreed: str
    """What decides about the file where the run was begun (`ledger.decides`)."""

    def __repr__(self) -> str:
        return f"Errand(run {self.run_id}, file {self.source.number})"


@dataclass(slots=True)
class Hand:
    """The process of a worker that holds readers and model, started when it is first needed and after each loss."""

    start: Callable[..., Work]
    _lock: Lock = field(default_factory=Lock)
    _worker: Worker[Errand, Done] | None = None

    def do(self, errand: Errand, settings: Settings) -> Done | Lost:
        """What became of the file; one whose process died is tried once more.

        Raises
        ------
        EngineError
            Where a reader or the model cannot be started, or the process dies each time before it is ready.
        """
        with self._lock:
            lost_starts, tries_left = 0, 2
            while True:
                worker = self._worker or Worker(self.start, (settings,))
                self._worker = None
                outcome: Done | Lost = wait_for(worker, errand, limits_of_file(errand.source, settings))
                if not isinstance(outcome, Lost):
                    self._worker = worker
                    return outcome
                worker.end()
                if worker.is_ready:
                    tries_left -= 1
                else:
                    lost_starts += 1
                if lost_starts >= MOST_LOST_STARTS:
                    raise EngineError(LOST_STARTS)
                if outcome is not STOPPED or not tries_left:
                    return outcome

    def end(self) -> None:
        """Stop the process."""
        with self._lock:
            if self._worker is not None:
                self._worker.end()
            self._worker = None


def start(settings: Settings) -> Work:
    """What the process does with an errand; engines are built once."""
    engines = make_engines(replace(settings, threads=settings.threads or 1))  # the scheduler fills the cores

    def work(errand: Errand, beat: Beat) -> Done:
        return process_file(errand.source, errand.batch, engines, settings, errand.run_id, lambda source, step: beat())

    return work


_hand = Hand(start)


def run_errand(errand: Errand) -> Done | Lost | DeidError:
    """What became of the file. Errors are returned: Dask would log a raised one with what it was given."""
    try:
        settings = Settings.from_environment()
        if decides(errand.batch, settings) != errand.agreed:
            return UsageError(_OTHER)
        return _hand.do(errand, settings)
    except DeidError as exc:
        return exc
    except Exception as exc:
        # As in `jobs`: whatever surprises here, its text may hold values.
        return EngineError(f"A worker failed ({type(exc).__name__}).")
