"""The command line as it is, but for readers that take their time without using the processor.

python -m tests.idle_readers run INPUT --out DIR
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import numpy as np

from deid import cli, jobs, single
from deid.inputs import InputFile
from deid.ledger import Done
from deid.manifest import Batch
from deid.pipeline import Engines
from deid.settings import Settings
from deid.store import secret
from deid.values import CLOSE, Box, Search, Word
from deid.workers import Beat, Work
from tests.dicom_factory import PHI
from tests.fakes import ScriptedOcr

_SECONDS = 0.1
_NAME = Word(PHI["PatientName"].split("^")[0], Box(26, 30, 60, 20), 0.99, ("idle",))


class IdleOcr(ScriptedOcr):
    """Takes its time, and reads the patient's name wherever something bright stands."""

    def read(
        self, picture: np.ndarray[Any, Any], search: Search = CLOSE, known: Sequence[Box] = ()
    ) -> tuple[Word, ...]:
        time.sleep(_SECONDS)
        return (_NAME,) if picture.max() > 200 else ()


def start(batch: Batch, settings: Settings, run_id: int) -> Work:
    """As the real start of `jobs`."""
    engines = Engines((IdleOcr(),), secret(settings.home, "pseudonym-key"))

    def work(source: InputFile, beat: Beat) -> Done:
        return single.process_file(source, batch, engines, settings, run_id, lambda source, step: beat())

    return work


if __name__ == "__main__":
    from tests import idle_readers

    jobs._start_worker = idle_readers.start  # by its name, under which another process finds it
    cli.main()
