"""Engines that several callers share: one picture at a time, whoever waited longest is next."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import replace
from types import TracebackType
from typing import Any

import numpy as np

from deid.classify import Classifier
from deid.ocr import OcrEngine
from deid.pipeline import Engines
from deid.values import CLOSE, Box, Search, Word


class Turns:
    """A lock that is handed to whoever has waited longest: a long batch cannot keep a single click waiting."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._taken = False
        self._waiting: deque[threading.Lock] = deque()

    def __enter__(self) -> None:
        with self._guard:
            if not self._taken:
                self._taken = True
                return
            gate = threading.Lock()
            gate.acquire()
            self._waiting.append(gate)
        gate.acquire()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        with self._guard:
            if self._waiting:
                self._waiting.popleft().release()
            else:
                self._taken = False


def taking_turns(engines: Engines) -> Engines:
    """The same engines, fit for several threads: each serves one caller at a time, a picture or an image's words."""
    classifier = engines.classifier
    return replace(
        engines,
        readers=tuple(_Reader(reader, Turns()) for reader in engines.readers),
        classifier=_Judge(classifier, Turns()) if classifier else None,
    )


def watched(engines: Engines, before: Callable[[], None]) -> Engines:
    """The same engines; `before` is called before each picture or image's words, and may stop the work by raising."""
    classifier = engines.classifier
    return replace(
        engines,
        readers=tuple(_Reader(reader, _Nobody(), before) for reader in engines.readers),
        classifier=_Judge(classifier, _Nobody(), before) if classifier else None,
    )


class _Nobody:
    """Nobody else is there to wait for."""

    def __enter__(self) -> None: ...

    def __exit__(self, *_: object) -> None: ...


class _Reader:
    def __init__(self, reader: OcrEngine, turns: Turns | _Nobody, before: Callable[[], None] = lambda: None) -> None:
        self._reader, self._turns, self._before = reader, turns, before
        self.name, self.version, self.finds_lines = reader.name, reader.version, reader.finds_lines

    def read(
        self,
        picture: np.ndarray[Any, Any],
        search: Search = CLOSE,
        known: Sequence[Box] = (),
    ) -> tuple[Word, ...]:
        self._before()
        with self._turns:
            return self._reader.read(picture, search, known)

    def forget(self) -> None:
        with self._turns:
            self._reader.forget()


class _Judge:
    def __init__(self, judge: Classifier, turns: Turns | _Nobody, before: Callable[[], None] = lambda: None) -> None:
        self._judge, self._turns, self._before = judge, turns, before
        self.name, self.version = judge.name, judge.version

    def classify(self, lines: Sequence[Sequence[str]]) -> tuple[tuple[float, ...], ...]:
        self._before()
        with self._turns:
            return self._judge.classify(lines)
