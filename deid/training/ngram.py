"""The yardstick: logistic regression on the letters of a word and of its neighbours.

A model that does not beat it earns nothing.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from deid.text import fold
from deid.training.images import MadeUp

BUCKETS = 1 << 18
EPOCHS = 4
_RATE = 0.15


class NgramModel:
    """Weights of hashed character n-grams, learnt by AdaGrad on the same text as the adapter."""

    def __init__(self, pictures: Sequence[MadeUp], seed: int = 7) -> None:
        self._weights = np.zeros(BUCKETS, np.float32)
        labelled = [
            (features, label)
            for each in pictures
            for features, label in zip(picture_features(each.texts), (token.phi for token in each.tokens), strict=True)
            if label is not None
        ]
        squares = np.full(BUCKETS, 1e-6, np.float32)
        rng = np.random.default_rng(seed)
        for _ in range(EPOCHS):
            for index in rng.permutation(len(labelled)):
                features, label = labelled[index]
                error = _sigmoid(float(self._weights[features].sum())) - float(label)
                squares[features] += error * error
                self._weights[features] -= _RATE * error / np.sqrt(squares[features])

    def logits(self, lines: Sequence[Sequence[str]]) -> list[float]:
        """Logit of each word in reading order."""
        return [float(self._weights[features].sum()) for features in picture_features(lines)]


def picture_features(lines: Sequence[Sequence[str]]) -> list[NDArray[np.int64]]:
    """Hashed features of each word: its n-grams of 1 to 5 characters, its shape, and the words around it."""
    found = []
    for line in lines:
        for index, word in enumerate(line):
            before = line[index - 1] if index else "<"
            after = line[index + 1] if index + 1 < len(line) else ">"
            names = [f"w={word}", f"f={fold(word)}", f"s={_shape(word)}", f"b={fold(before)}", f"a={fold(after)}"]
            names += [f"bs={_shape(before)}", f"as={_shape(after)}", f"bb={_shape(before)}|{_shape(word)}"]
            text = f"^{word}$"
            names += [f"n{n}{text[i : i + n]}" for n in range(1, 6) for i in range(len(text) - n + 1)]
            names += [f"p{one}{two}" for one, two in pairwise(fold(f"^{before}$"))]
            hashed = {zlib.crc32(name.encode()) % BUCKETS for name in names}
            found.append(np.fromiter(hashed, np.int64, len(hashed)))
    return found


def _shape(word: str) -> str:
    marks = ("9" if each.isdigit() else "A" if each.isupper() else "a" if each.isalpha() else each for each in word)
    shape: list[str] = []
    for mark in marks:
        if shape[-1:] != [mark] or mark not in "9Aa":
            shape.append(mark)
    return "".join(shape)


def _sigmoid(logit: float) -> float:
    return float(1 / (1 + np.exp(-np.clip(logit, -30, 30))))
