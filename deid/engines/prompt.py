"""How a picture's words are laid out for the model, the same in training and in use.

The answer is read from the logits of two words, PRIVATE and HARMLESS, at one place for each word of the picture:
nothing is generated, so nothing has to be parsed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

FORMAT = "bidirectional-2"
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
    mark: int
    """A tabulator; what a picture's own text holds of it is left out, so that no text can say that a list knows it."""


@dataclass(frozen=True, slots=True)
class Layout:
    """Tokens of one pass, and the places whose logits answer, one for each word in reading order."""

    tokens: tuple[int, ...]
    asked: tuple[int, ...]


def lay_out(lines: Sequence[Sequence[str]], vocabulary: Vocabulary, marks: Iterable[int] = ()) -> Layout:
    """The picture's words line by line; each word is asked about at its last token, where attention runs both ways.

    `marks` says for each word in reading order how many marks stand before it; none where it ends early.
    """
    tokens = [vocabulary.start]
    asked: list[int] = []
    left = iter(marks)
    for line in lines:
        for word in line:
            tokens += [vocabulary.mark] * next(left, 0)
            own = [each for each in vocabulary.word(word) if each != vocabulary.mark]
            tokens += own[:LONGEST_WORD_TOKENS] or [vocabulary.newline]
            asked.append(len(tokens) - 1)
        tokens.append(vocabulary.newline)
    return Layout(tuple(tokens), tuple(asked))
