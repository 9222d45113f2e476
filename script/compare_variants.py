#!/usr/bin/env python3
"""Trains variants of the adapter on the same pictures, one after the other, and measures them on the same others.

    .venv/bin/pip install -r requirements-train.txt
    .venv/bin/python script/compare_variants.py --steps 80 --pictures 120 > variants.md

Each begins afresh and sees the same pictures in the same batches, so that what is compared is what a variant makes of
them; the seconds, which are a processor's, say what it costs. Measured in torch, before any quantising.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import count, islice

import torch

from deid.engines.llama import bundled_base
from deid.engines.prompt import LONGEST_WORD_TOKENS, Layout, Vocabulary, lay_out
from deid.training import evaluate, lora
from deid.training.config import TrainConfig, load_config
from deid.training.images import MadeUp, listed
from deid.training.samples import Sample, drawn, grouped, sample_of
from deid.training.tokenisers import tokeniser_of
from deid.training.tokens import Token


@dataclass(frozen=True, slots=True)
class Variant:
    """What is trained."""

    name: str
    layers: int = 16
    rank: int = 16
    listed: bool = False
    """Each word is asked about after the text, one after the other, and attention runs one way."""
    marks: bool = True
    """Words that a list knows bear a mark."""


VARIANTS = (
    Variant("in use: 16 layers, rank 16"),
    Variant("without marks", marks=False),
    Variant("rank 8", rank=8),
    Variant("30 layers", layers=0),
    Variant("list format, 30 layers", layers=0, listed=True),
)


class ListTrainee(lora.Trainee):
    """A trainee whose attention runs one way."""

    def mask(self, real: torch.Tensor) -> torch.Tensor:
        """What each token may look at: those before it."""
        width = real.shape[1]
        before = torch.ones(width, width, dtype=torch.bool).tril()
        return before[None] & real[:, None, :]


def asked_in_turn(picture: MadeUp, vocabulary: Vocabulary) -> Layout:
    """The text, then each word again with a colon, at which the answer is read."""
    colon = vocabulary.word("a:")[-1]
    tokens = list(lay_out(picture.texts, vocabulary, picture.marks).tokens)
    asked = []
    for token in picture.tokens:
        tokens += [vocabulary.newline, *vocabulary.word(token.text)[:LONGEST_WORD_TOKENS], colon]
        asked.append(len(tokens) - 1)
    return Layout(tuple(tokens), tuple(asked))


def main() -> None:
    """Print a table as Markdown."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--steps", type=int, default=80)
    parser.add_argument("--pictures", type=int, default=120)
    parser.add_argument("--only", type=int, nargs="*", default=range(len(VARIANTS)), help="numbers of variants, from 0")
    given = parser.parse_args()
    torch.set_num_threads(1)
    print("| variant | words seen | s of training | s an image | AUC | specificity at recall 0.995 |")
    print("|---" * 6 + "|")
    for number in given.only:
        print(row(VARIANTS[number], given.steps, given.pictures), flush=True)


def row(variant: Variant, steps: int, pictures: int) -> str:
    """A variant's line of the table."""
    config = replace(load_config(), layers=variant.layers, rank=variant.rank, alpha=2.0 * variant.rank)
    vocabulary, answers = tokeniser_of(bundled_base())
    made = lora.make_trainee(config, bundled_base(), vocabulary, answers)
    trainee = ListTrainee(made.model, made.head, made.vocabulary) if variant.listed else made
    began = time.process_time()
    words = train(config, trainee, steps, variant)
    trained = time.process_time() - began
    trainee.model.eval()
    evaluated = evaluate.evaluation_pictures(pictures)
    began = time.process_time()
    with torch.no_grad():
        figures = evaluate.figures(lambda lines: judged(trainee, lines, variant), evaluated)
    each = (time.process_time() - began) / pictures
    return (
        f"| {variant.name} | {words} | {trained:.0f} | {each:.2f} | {figures.auc:.4f} | "
        f"{figures.specificity_at_recall:.3f} |"
    )


def train(config: TrainConfig, trainee: lora.Trainee, steps: int, variant: Variant) -> int:
    """Trains for as many steps; returns how many words it saw."""
    optimiser = torch.optim.AdamW(trainee.parameters, lr=config.learning_rate, betas=(0.9, 0.98), weight_decay=0.0)
    trainee.model.train()
    words = 0
    for step, made in enumerate(islice(_batches(config, trainee.vocabulary), steps)):
        group = [_sample(each, trainee.vocabulary, variant) for each in made]
        for each in optimiser.param_groups:
            each["lr"] = lora.rate(config, step, step / steps)
        optimiser.zero_grad()
        lora.loss_of(trainee, group).backward()
        torch.nn.utils.clip_grad_norm_(trainee.parameters, 1.0)
        optimiser.step()
        words += sum(len(each.labels) for each in group)
    return words


def judged(trainee: lora.Trainee, lines: Sequence[Sequence[str]], variant: Variant) -> list[float]:
    """Scores of one picture's words."""
    made = listed(MadeUp(tuple(tuple(Token(text, False, "") for text in line) for line in lines)))
    return [float(each) for each in trainee.scores([_sample(made, trainee.vocabulary, variant).layout])]


def _batches(config: TrainConfig, vocabulary: Vocabulary) -> Iterator[list[MadeUp]]:
    """The same pictures in the same batches for each variant."""
    for number in count():
        made, rng = drawn(config, number)
        sized = [(len(sample_of(each, vocabulary).layout.tokens), each) for each in made]
        yield from grouped(sized, config.batch_tokens, rng)


def _sample(made: MadeUp, vocabulary: Vocabulary, variant: Variant) -> Sample:
    shown = made if variant.marks else MadeUp(made.lines)
    sample = sample_of(shown, vocabulary)
    return replace(sample, layout=asked_in_turn(shown, vocabulary)) if variant.listed else sample


if __name__ == "__main__":
    main()
