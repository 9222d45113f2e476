"""The whole exception tree. Messages name tags, frames and file ids, never a value.

    DeidError (exit 1)
    ├── UsageError (exit 2)            the command line or a setting cannot be used as given
    ├── RefusedError                   the input is not something this product de-identifies
    ├── QuarantineError                a stage could not finish or verify found a fault
    │   ├── PixelError                 the pixels cannot be decoded or written back
    │   └── HeaderError                the header cannot be cleaned
    ├── StoppedError                   somebody cancelled the run this was part of
    ├── CancelledRun (exit 130)        somebody stopped the program during a run
    ├── EngineError (exit 4)           a reader or the model cannot be started
    ├── PlaceError (exit 6), OSError   a storage that a URL names does not give or take a file
    └── StoreError (exit 5)            the database cannot be reached or has another schema
        └── StoreLostError             it was there and does not answer now: waiting may help

Exit 0 and 3 are outcomes, not errors: see cli.py.
"""

from __future__ import annotations


class DeidError(Exception):
    """Base of all errors that this package raises on purpose; its text is fit for a person and holds no PHI."""

    exit_code = 1


class UsageError(DeidError):
    """The command line or a setting cannot be used as given."""

    exit_code = 2


class RefusedError(DeidError):
    """The input is not something this product de-identifies: nothing is written for it."""


class QuarantineError(DeidError):
    """A stage could not finish, so the file must not leave."""


class PixelError(QuarantineError):
    """The pixels cannot be decoded or written back without loss."""


class HeaderError(QuarantineError):
    """The header cannot be cleaned."""


class StoppedError(DeidError):
    """Somebody cancelled the run this was part of: nothing is written for the file at hand."""


class CancelledRun(DeidError):
    """Somebody stopped the program during a run: what has come out stays, and the run can be resumed."""

    exit_code = 130

    def __init__(self, run_id: int) -> None:
        super().__init__(f"Run {run_id} was cancelled. To go on with it: deid run --resume {run_id}")


class EngineError(DeidError):
    """A reader or the model cannot be started."""

    exit_code = 4


class PlaceError(DeidError, OSError):
    """A storage that a URL names does not give or take a file: for one file as if a disk did not."""

    exit_code = 6


class StoreError(DeidError):
    """The database cannot be reached or has another schema."""

    exit_code = 5


class StoreLostError(StoreError):
    """The database was there and does not answer now."""
