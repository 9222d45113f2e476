"""How a picture's words are laid out for the model, the same in training and in use.

The answer is read from the logits of two words, PRIVATE and HARMLESS, at one place for each word of the picture:
nothing is generated, so nothing has to be parsed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

FORMAT = "bidirectional-1"
PRIVATE, HARMLESS = "private", "technical"
LONGEST_WORD_TOKENS = 24
"""What a longer word has beyond this is not looked at."""

Tokenise = Callable[[str], Sequence[int]]


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """What the layout needs of a model's tokeniser. `word` takes a word without its leading space."""

    word: Tokenise
    start: int
    newline: int


@dataclass(frozen=True, slots=True)
class Layout:
    """Tokens of one pass, and the places whose logits answer, one for each word in reading order."""

    tokens: tuple[int, ...]
    asked: tuple[int, ...]


def lay_out(lines: Sequence[Sequence[str]], vocabulary: Vocabulary) -> Layout:
    """The picture's words line by line; each word is asked about at its last token, where attention runs both ways."""
    tokens = [vocabulary.start]
    asked: list[int] = []
    for line in lines:
        for word in line:
            tokens += list(vocabulary.word(word))[:LONGEST_WORD_TOKENS] or [vocabulary.newline]
            asked.append(len(tokens) - 1)
        tokens.append(vocabulary.newline)
    return Layout(tuple(tokens), tuple(asked))
