"""How many clean files people have to look at before a share of leaks can be ruled out, and what a sample says.

Files are drawn without putting back, so the number of leaks in a sample is hypergeometric. For a sample without a leak
from very many files this is the rule of three: at 95 % no more than 3 in n.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, exp, floor, lgamma, log10
from typing import TypeVar

CONFIDENCE = 0.95
Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Sample:
    """What people found."""

    population: int
    """Files that came out clean."""
    looked: int
    leaks: int = 0

    def __post_init__(self) -> None:
        if not 0 <= self.leaks <= self.looked <= self.population:
            raise ValueError("not a sample of this population")


def most_leaks(sample: Sample, confidence: float = CONFIDENCE) -> int:
    """The largest number of leaking files in the population that the sample does not rule out (one-sided, exact)."""
    low, high = sample.leaks, sample.population - (sample.looked - sample.leaks)
    while low < high:
        middle = (low + high + 1) // 2
        if _at_most(sample, middle) > 1 - confidence:
            low = middle
        else:
            high = middle - 1
    return low


def highest_share(sample: Sample, confidence: float = CONFIDENCE) -> float:
    """The same as a share of the population, 0 to 1."""
    return most_leaks(sample, confidence) / sample.population if sample.population else 0.0


def size_for(population: int, share: float, confidence: float = CONFIDENCE) -> int:
    """How many files to look at so that, if none leaks, less than this share of the population does."""
    low, high = 0, population
    while low < high:
        middle = (low + high) // 2
        if highest_share(Sample(population, middle), confidence) < share:
            high = middle
        else:
            low = middle + 1
    return low


def drawn(items: Sequence[Item], size: int, seed: int) -> tuple[Item, ...]:
    """So many of the items, each as likely as any other, in the order given; the same seed draws the same ones."""
    chosen = random.Random(seed).sample(range(len(items)), min(size, len(items)))  # noqa: S311 - no secret
    return tuple(items[index] for index in sorted(chosen))


def sentence(sample: Sample, confidence: float = CONFIDENCE) -> str:
    """What the sample says, in words."""
    leaks = "no leak" if not sample.leaks else "1 leak" if sample.leaks == 1 else f"{sample.leaks:,} leaks"
    share = 100 * highest_share(sample, confidence)
    bound = f"at most {_rounded_up(share):g} %" if share else "none left"
    return f"{leaks} in {sample.looked:,} of {sample.population:,}: {bound} with {100 * confidence:g} % confidence"


def _at_most(sample: Sample, leaking: int) -> float:
    """The probability of no more leaks in the sample than were found, if so many files of the population leak."""
    clean = sample.population - leaking
    everything = _log_choices(sample.population, sample.looked)
    total = 0.0
    for leaks in range(sample.leaks + 1):
        rest = sample.looked - leaks
        if leaks <= leaking and rest <= clean:
            total += exp(_log_choices(leaking, leaks) + _log_choices(clean, rest) - everything)
    return total


def _log_choices(of: int, take: int) -> float:
    return lgamma(of + 1) - lgamma(take + 1) - lgamma(of - take + 1)


def _rounded_up(value: float) -> float:
    """Two digits that count, never less than the value: it is a bound."""
    unit = 10.0 ** (floor(log10(value)) - 1)
    return round(ceil(value / unit - 1e-9) * unit, 12)
