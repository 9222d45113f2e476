"""Which words and templates belong to training and which to evaluation: by a hash, so that nothing is in both."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from enum import StrEnum
from functools import cache

from deid.text import fold

EVALUATION_SHARE = 5
"""One in this many."""
MOST_TRIES = 400


class Split(StrEnum):
    """The two worlds of made-up text."""

    TRAIN = "train"
    EVALUATE = "evaluate"


@cache
def split_of(text: str) -> Split:
    """Where a word, a name or a template belongs."""
    digest = hashlib.sha256(f"split-1:{fold(text)}".encode()).digest()
    return Split.EVALUATE if digest[0] % EVALUATION_SHARE == 0 else Split.TRAIN


def in_split(texts: Sequence[str], split: Split) -> tuple[str, ...]:
    """Those of the texts that belong to the split; phrases go by their first word."""
    return tuple(text for text in texts if split_of(text.split()[0].strip("-_:")) is split)


def drawn(draw: Callable[[], str], split: Split) -> str:
    """A text of the split from a source that knows no split: every word of some length must belong to it.

    The last one drawn stands where the source holds none of the split.
    """
    text = ""
    for _ in range(MOST_TRIES):
        text = draw()
        pieces = [piece for piece in text.replace("-", " ").replace("'", " ").split() if len(piece) > 2]
        if all(split_of(piece) is split for piece in pieces or [text]):
            return text
    raise LookupError("a source of made-up text holds too little of one split")
