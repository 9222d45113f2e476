"""What rules and lists know of a word, as numbers that correct the model's answer for it.

A model of this size does not read from digits that an age identifies, nor how far a list can be trusted. By how much it
errs for such words is measured on made-up text (deid/training/calibrate.py), and the adapter bears the weights.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from deid import patterns
from deid.text import alnum

KNOWN = (
    "listed",
    "listed, or a name",
    "an age that identifies",
    "a younger age",
    "a measure with its unit",
    "two counts",
    "a decimal",
    "a short number",
    "one letter",
)
"""In the order of an adapter's weights."""
_TWO_COUNTS = re.compile(r"\d{1,3}/\d{1,3}")
_DECIMAL = re.compile(r"[-+]?\d{0,3}[.,]\d{1,3}")
_LONGEST_SHORT_NUMBER = 3


def known_of(line: Sequence[str], standings: Sequence[int]) -> Iterator[tuple[bool, ...]]:
    """For each word of a line whether each of `KNOWN` is true of it; `standings` is what the word lists say."""
    ages = patterns.ages_in_line(line)
    for index, (word, standing) in enumerate(zip(line, standings, strict=True)):
        letters = alnum(word)
        old = index in ages and patterns.is_old(ages[index])
        yield (
            standing == 1,
            standing > 1,
            old,
            index in ages and not old,
            patterns.is_measure(word) and any(map(str.isalpha, word)) and any(map(str.isdigit, word)),
            _TWO_COUNTS.fullmatch(word.strip("()[]")) is not None,
            _DECIMAL.fullmatch(word) is not None,
            word.isdigit() and len(word) <= _LONGEST_SHORT_NUMBER,
            len(letters) == 1 and letters.isalpha(),
        )


def corrections(line: Sequence[str], standings: Sequence[int], weights: Sequence[float]) -> list[float]:
    """What is added to the model's logit of each word of a line; nothing where the adapter has no weights."""
    if not weights:
        return [0.0] * len(line)
    return [
        sum(weight for weight, holds in zip(weights, known, strict=True) if holds)
        for known in known_of(line, standings)
    ]
