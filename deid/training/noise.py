"""What readers make of text: letters taken for others, spaces lost or found, edges cut off, accents gone.

A word keeps its label; where two words become one, the new one identifies if either did.
"""

from __future__ import annotations

import random
import unicodedata

from deid.text import alnum
from deid.training.sections import sections
from deid.training.tokens import Line, Token

_TABLES = sections("noise.txt", " ")
_LOOKS = {entry[0]: entry[1:] for entry in _TABLES["looks"]}
_PAIRS = dict(entry.split("=") for entry in _TABLES["pairs"])
_ACCENTED = dict(entry.split("=") for entry in _TABLES["accents"])
SHORTEST_REST = 3
"""Letters and digits by which the rest of a private word is still known for what it is."""
LONG_NUMBER = 5
"""Digits in a row that a record's number may have."""
_MARKS = "._-'|~,:;*`"


def noisy(lines: tuple[Line, ...], rng: random.Random, rate: float) -> tuple[Line, ...]:
    """The lines as a reader that errs at this rate for each letter would give them; empty ones are dropped."""
    read = []
    for line in lines:
        tokens = [as_read(token, misread(token.text, rng, rate)) for token in line]
        tokens = _spaces([token for token in tokens if token.text], rng, min(0.015 + rate * 1.5, 0.12) if rate else 0.0)
        if tokens:
            read.append(tuple(tokens))
    return tuple(read)


def as_read(token: Token, text: str) -> Token:
    """The token as it was read; without a label where a measure became a long number, as those of records are."""
    number = token.phi is False and text.isdigit() and len(text) >= LONG_NUMBER and text != token.text
    return Token(text, None if number else token.phi, token.kind)


def misread(text: str, rng: random.Random, rate: float) -> str:
    """One word as it may be read; "" where nothing of it is left."""
    if not text.isascii() and rng.random() < min(0.15 + rate * 6, 0.8):
        text = _without_accents(text, rng)
    out = []
    index = 0
    while index < len(text):
        each, pair = text[index], text[index : index + 2]
        index += 1
        if rng.random() >= rate:
            out.append(each)
        elif pair in _PAIRS and rng.random() < 0.6:
            out.append(_PAIRS[pair])
            index += 1
        elif each in _PAIRS and rng.random() < 0.4:
            out.append(_PAIRS[each])
        elif each in _LOOKS and rng.random() < 0.8:
            out.append(rng.choice(_LOOKS[each]))
        elif rng.random() < 0.5:
            out.append(rng.choice((each + each, each.swapcase(), "")))
        else:
            out.append(each)
    text = "".join(out)
    if len(text) > 3 and rng.random() < rate * 0.8:
        cut = 1 if rng.random() < 0.7 else min(rng.randint(1, 3), len(text) - 2)
        text = text[cut:] if rng.random() < 0.5 else text[:-cut]
    if rng.random() < rate * 0.6:
        text = text + rng.choice(_MARKS) if rng.random() < 0.6 else rng.choice(_MARKS) + text
    return text


def _without_accents(text: str, rng: random.Random) -> str:
    if rng.random() < 0.3:
        text = "".join(_ACCENTED.get(each, each) for each in text)
    decomposed = unicodedata.normalize("NFKD", text)
    return "".join(each for each in decomposed if not unicodedata.combining(each))


def _spaces(line: list[Token], rng: random.Random, rate: float) -> list[Token]:
    """Words joined that stood beside each other, and words cut in two."""
    out: list[Token] = []
    for token in line:
        joins = out and rng.random() < rate * (2 if out[-1].text[-1] in ":.,=" else 1)
        if joins:
            out[-1] = joined(out[-1], token)
        elif len(token.text) > 3 and rng.random() < rate * 0.5:
            cut = rng.randint(1, len(token.text) - 1)
            out += [_rest(token, token.text[:cut]), _rest(token, token.text[cut:])]
        else:
            out.append(token)
    return out


def _rest(token: Token, text: str) -> Token:
    """A part of a word that was cut in two; without a label where nothing tells what it was."""
    letters = alnum(text)
    unclear = len(letters) < SHORTEST_REST if token.phi else letters.isalpha()
    return Token(text, None if unclear else token.phi, token.kind)


def joined(left: Token, right: Token) -> Token:
    """Two words without the space between them."""
    phi = True if left.phi or right.phi else None if left.phi is None or right.phi is None else False
    return Token(left.text + right.text, phi, left.kind if left.phi or not right.kind else right.kind)
