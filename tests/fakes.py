"""Readers and a model that say what they are told."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from deid.values import CLOSE, Box, Search, Word


class ScriptedOcr:
    """Answers with the same words at each picture, moved by the padding that the stage adds; or asks a function."""

    version = "0"

    def __init__(self, words: Sequence[Word] = (), name: str = "scripted", finds_lines: bool = True) -> None:
        self.name = name
        self.finds_lines = finds_lines
        self.words = tuple(words)
        self.seen: list[np.ndarray] = []
        self.forgotten = 0
        self.answer: Callable[[np.ndarray], tuple[Word, ...]] | None = None

    def read(self, picture: np.ndarray, search: Search = CLOSE, known: Sequence[Box] = ()) -> tuple[Word, ...]:
        self.seen.append(picture)
        return self.words if self.answer is None else self.answer(picture)

    def forget(self) -> None:
        self.forgotten += 1


class ScriptedClassifier:
    """P(PHI) by word."""

    name = "scripted"
    version = "0"

    def __init__(self, scores: dict[str, float]) -> None:
        self.scores = scores

    def classify(self, lines: Sequence[Sequence[str]]) -> tuple[tuple[float, ...], ...]:
        return tuple(tuple(self.scores.get(word, 0.0) for word in line) for line in lines)


def line(text: str, *, left: int = 10, top: int = 10, number: int = 0, height: int = 12) -> tuple[Word, ...]:
    """The words of one line of text, 8 pixels a character."""
    words = []
    for piece in text.split():
        words.append(Word(piece, Box(left, top, 8 * len(piece), height), 0.99, ("scripted",), number))
        left += 8 * (len(piece) + 1)
    return tuple(words)


def page(*lines: str) -> tuple[Word, ...]:
    """The words of lines of text far enough apart to be read by themselves."""
    return tuple(word for number, text in enumerate(lines) for word in line(text, top=10 + 60 * number, number=number))
