"""Made-up pictures as a training takes them, in batches of like length; drawn beside it where it has processes.

A graphics card takes thousands of pictures a second and one process draws a few hundred, so others draw ahead. What is
drawn depends on the seed and the chunk's number alone, whoever draws it.
"""

from __future__ import annotations

import multiprocessing
from collections import deque
from collections.abc import Generator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from random import Random
from typing import TypeVar

from deid.engines.prompt import Layout, Vocabulary, lay_out
from deid.training.config import TrainConfig
from deid.training.images import DATA_VERSION, MadeUp, marked, picture
from deid.training.split import Split
from deid.training.tokenisers import tokeniser_of

LONGEST_TOKENS = 900
TOKENS_A_PICTURE = 8
"""A chunk holds one picture for so many tokens of a batch, so that several batches of like length come of it."""
CHUNKS_AHEAD = 2
"""For each process that draws."""

Item = TypeVar("Item")

_drawing: dict[str, Vocabulary] = {}


@dataclass(frozen=True, slots=True)
class Sample:
    """One picture: its tokens, the places that are asked about, and what each word there is."""

    layout: Layout
    labels: tuple[bool | None, ...]
    """None where nobody can tell: such a word is not counted."""


def sample_of(made: MadeUp, vocabulary: Vocabulary) -> Sample:
    """A picture as the layout in use shows it."""
    return Sample(lay_out(made.texts, vocabulary, made.marks), tuple(token.phi for token in made.tokens))


def drawn(config: TrainConfig, number: int) -> tuple[list[MadeUp], Random]:
    """The pictures of a chunk, and the random state that goes on behind them."""
    rng = Random(f"{config.seed}:{number}:{DATA_VERSION}")  # noqa: S311 - made-up text, no secret
    pictures = max(config.batch_tokens // TOKENS_A_PICTURE, 1)
    return [marked(picture(Split.TRAIN, rng), rng) for _ in range(pictures)], rng


def grouped(sized: Sequence[tuple[int, Item]], batch_tokens: int, rng: Random) -> list[list[Item]]:
    """Items with their number of tokens in batches of like length, in any order; those that are too long are left out.

    A batch has up to `batch_tokens`, padding included.
    """
    groups: list[list[Item]] = [[]]
    for size, item in sorted((each for each in sized if each[0] <= LONGEST_TOKENS), key=lambda each: each[0]):
        if groups[-1] and size * (len(groups[-1]) + 1) > batch_tokens:
            groups.append([])
        groups[-1].append(item)
    rng.shuffle(groups)
    return groups


def chunk(config: TrainConfig, vocabulary: Vocabulary, number: int) -> list[list[Sample]]:
    """The batches of a chunk."""
    made, rng = drawn(config, number)
    samples = [sample_of(each, vocabulary) for each in made]
    return grouped([(len(each.layout.tokens), each) for each in samples], config.batch_tokens, rng)


def batches(
    config: TrainConfig, base: Path, vocabulary: Vocabulary, first: int
) -> Generator[tuple[int, list[Sample]], None, None]:
    """Batches without end from a chunk on: (number of the chunk, samples of like length)."""
    if not config.processes:
        for number in count(first):
            yield from ((number, group) for group in chunk(config, vocabulary, number))
    context = multiprocessing.get_context("spawn")  # a fork would carry the card's state along
    with ProcessPoolExecutor(config.processes, context, _begin, (base,)) as pool:
        ahead: deque[tuple[int, Future[list[list[Sample]]]]] = deque()
        numbers = count(first)
        try:
            while True:
                while len(ahead) < CHUNKS_AHEAD * config.processes:
                    number = next(numbers)
                    ahead.append((number, pool.submit(_chunk, config, number)))
                number, coming = ahead.popleft()
                yield from ((number, group) for group in coming.result())
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def _begin(base: Path) -> None:
    _drawing["vocabulary"] = tokeniser_of(base)[0]


def _chunk(config: TrainConfig, number: int) -> list[list[Sample]]:
    return chunk(config, _drawing["vocabulary"], number)
