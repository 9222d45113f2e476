"""Made-up pictures' text: one patient, console and country each, in lines as a reader returns them."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass

from deid.lexicon import load_lexicon
from deid.training.grammar import Grammar
from deid.training.noise import noisy
from deid.training.people import LATIN, NATIVE, ROMANISED, People
from deid.training.split import Split
from deid.training.tokens import Line, Token, stranded

DATA_VERSION = 6
"""Raised with every change that makes other text from the same seed."""
MISREAD = (0.0, 0.0, 0.0, 0.004, 0.008, 0.012, 0.02, 0.035)
"""Shares of letters read wrong, one drawn for each picture. On drawn pictures the two readers err in 0.7 % of letters,
at worst 2.4 % (docs/benchmarks.md); screens are harder to read than drawings."""
UNLISTED_SHARE, FORGOTTEN_SHARE = 0.15, 0.05
"""Of the pictures in training no list knows any word; of the words in the others a list knows, so many are withheld."""
_MARKS = (*"|~-_.:'*+><▲↓=/\\—■°", "ii", "II", "l", ",")


@dataclass(frozen=True, slots=True)
class MadeUp:
    """The text of one made-up picture."""

    lines: tuple[Line, ...]
    marks: tuple[int, ...] = ()
    """In training: how many marks stand before each word."""

    @property
    def texts(self) -> list[list[str]]:
        """The words alone."""
        return [[token.text for token in line] for line in self.lines]

    @property
    def tokens(self) -> list[Token]:
        """The words in reading order."""
        return [token for line in self.lines for token in line]


def pictures(split: Split, seed: int, *, clean: bool = False, new_names: bool = False) -> Iterator[MadeUp]:
    """Pictures without end, the same for the same seed; `clean` ones are read without mistakes.

    With `new_names` equipment, views and protocols have made-up names that are never trained on.
    """
    rng = random.Random(f"{split.value}:{seed}:{DATA_VERSION}")  # noqa: S311 - made-up text, no secret
    while True:
        yield picture(split, rng, clean=clean, new_names=new_names)


def listed(made: MadeUp) -> MadeUp:
    """The picture with what the word lists say of its words."""
    lexicon = load_lexicon()
    return MadeUp(made.lines, tuple(lexicon.standing(token.text) for token in made.tokens))


def marked(made: MadeUp, rng: random.Random) -> MadeUp:
    """The picture with what the word lists say of its words, some of it withheld: lists do not know everything."""
    if rng.random() < UNLISTED_SHARE:
        return made
    lexicon = load_lexicon()
    says = (0 if rng.random() < FORGOTTEN_SHARE else lexicon.standing(token.text) for token in made.tokens)
    return MadeUp(made.lines, tuple(says))


def picture(split: Split, rng: random.Random, *, clean: bool = False, new_names: bool = False) -> MadeUp:
    """One picture's text."""
    grammar = Grammar(People(split, rng, _locale(rng)), rng, new_names=new_names)
    lines = [grammar.line(kind) for kind in _plan(rng)]
    lines = [_cased(line, rng) for line in lines if line]
    if not lines:
        lines = [grammar.line("technique")]
    read = tuple(_cut(lines, rng))
    rate = 0.0 if clean else rng.choice(MISREAD)
    if not clean:
        read = noisy(read, rng, rate) or read
    if rng.random() < 0.1 and not clean:
        spot = rng.randrange(len(read) + 1)
        read = (
            *read[:spot],
            tuple(Token(rng.choice(_MARKS), False, "mark") for _ in range(rng.randint(1, 2))),
            *read[spot:],
        )
    return MadeUp(read)


def _locale(rng: random.Random) -> str:
    chance = rng.random()
    if chance < 0.76:
        return rng.choice(LATIN)
    return rng.choice(ROMANISED) + "@roman" if chance < 0.96 else rng.choice(NATIVE)


def _plan(rng: random.Random) -> list[str]:
    """Kinds of lines in their order."""
    chance = rng.random()
    technique = ["technique"] * rng.randint(1, 9)
    if chance < 0.25:
        return [rng.choice(("identity", "staff", "when", "place", "place", "technique", "technique", "technique"))]
    if chance < 0.38:
        return technique
    if chance < 0.55:
        plan = [rng.choice(("identity", "identity", "staff", "staff", "when", "place"))] * rng.randint(
            1, 2
        ) + technique[: rng.randint(0, 6)]
        rng.shuffle(plan)
        return plan
    block = (
        ["identity"] * rng.randint(1, 4)
        + ["when"] * rng.randint(0, 2)
        + ["staff"] * rng.randint(0, 2)
        + ["place"] * rng.randint(0, 2)
    )
    if rng.random() < 0.5:
        rng.shuffle(block)
    if rng.random() < 0.3:
        plan = block + technique
        rng.shuffle(plan)
        return plan
    return block + technique if rng.random() < 0.75 else technique + block


def _cased(line: Line, rng: random.Random) -> Line:
    """The line as it stands, or in capitals."""
    if rng.random() < 0.2:
        return tuple(Token(token.text.upper(), token.phi, token.kind) for token in line)
    return line


def _cut(lines: list[Line], rng: random.Random) -> Iterator[Line]:
    """Readers cut lines where a gap is wide, and join what stands level: labels part from their values."""
    held: Line = ()
    for line in lines:
        if len(held) + len(line) < 9 and held and rng.random() < 0.5:
            line = held + line
            held = ()
        elif held:
            yield held
            held = ()
        if len(line) > 1 and rng.random() < 0.12:
            spot = rng.randint(1, len(line) - 1)
            yield stranded(line[:spot])
            yield stranded(line[spot:])
        elif rng.random() < 0.12:
            held = line
        else:
            yield line
    if held:
        yield held
