"""Engines that several callers share."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence

import numpy as np
import pytest

from deid.errors import StoppedError
from deid.pipeline import Engines
from deid.turns import Turns, taking_turns, watched
from deid.values import CLOSE, Box, Search, Word
from tests.fakes import ScriptedClassifier, ScriptedOcr

PICTURE = np.zeros((4, 4), np.uint8)


class Busy(ScriptedOcr):
    """Counts how many callers are inside at once."""

    inside = most = 0

    def read(self, picture: np.ndarray, search: Search = CLOSE, known: Sequence[Box] = ()) -> tuple[Word, ...]:
        self.inside += 1
        self.most = max(self.most, self.inside)
        time.sleep(0.002)
        self.inside -= 1
        return super().read(picture)


def test_whoever_waited_longest_is_next() -> None:
    turns, order = Turns(), []

    def wait(number: int) -> None:
        with turns:
            order.append(number)

    threads = []
    with turns:
        for number in range(5):
            threads.append(threading.Thread(target=wait, args=(number,)))
            threads[-1].start()
            while len(turns._waiting) <= number:
                time.sleep(0.001)
    for thread in threads:
        thread.join()
    assert order == [0, 1, 2, 3, 4]


def test_an_engine_serves_one_caller_at_a_time() -> None:
    reader = Busy()
    (shared,) = taking_turns(Engines((reader,), b"")).readers
    threads = [threading.Thread(target=lambda: [shared.read(PICTURE) for _ in range(10)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(reader.seen), reader.most) == (40, 1)


def test_a_turn_ends_with_an_exception() -> None:
    turns = Turns()
    with pytest.raises(ValueError, match="said"), turns:
        raise ValueError("said")
    with turns:
        pass


def test_work_stops_before_the_next_picture_and_before_the_model() -> None:
    def stop() -> None:
        raise StoppedError("The run was cancelled.")

    reader = ScriptedOcr()
    engines = watched(Engines((reader,), b"", ScriptedClassifier({})), stop)
    with pytest.raises(StoppedError):
        engines.readers[0].read(PICTURE)
    assert engines.classifier is not None
    with pytest.raises(StoppedError):
        engines.classifier.classify([["a"]])
    assert reader.seen == []


def test_shared_and_watched_engines_go_by_their_own_names() -> None:
    engines = Engines((ScriptedOcr(),), b"", ScriptedClassifier({}))
    assert watched(taking_turns(engines), lambda: None).made_by == engines.made_by
