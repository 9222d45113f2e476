"""Made-up pictures drawn and read back by the product's readers: judged is what they make of the text, not the text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import islice

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from deid.ocr import OcrEngine, Picture, read_frame
from deid.training.evaluate import EVALUATION_SEED
from deid.training.images import MadeUp, pictures
from deid.training.split import Split
from deid.training.tokens import Token
from deid.values import Box, View, Word

SIZE_PX = (760, 900)
"""Rows, columns."""
_SIZES = (12, 14, 16, 20, 26)
_INKS = (235, 235, 120, 170)
"""Brightness of the letters; the ground is at 30."""
_COVERED = 0.5
"""A token belongs to a read word that covers this share of it, or the other way round."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What the readers made of drawn pictures."""

    pictures: tuple[MadeUp, ...]
    """The words as read, each with the label of what is drawn there."""
    letters: int
    misread: int
    """Letters, of words that were read as one word each, that were read otherwise, left out or added."""
    words: int
    regrouped: int
    """Words that were read together with others, or in pieces, or not at all."""
    worst: float
    """Share of letters misread of the picture where it is largest."""


def read_back(count: int, readers: Sequence[OcrEngine]) -> Reading:
    """As many pictures of evaluation as the readers see them."""
    source = (each for each in pictures(Split.EVALUATE, EVALUATION_SEED, clean=True) if _drawable(each))
    found = []
    compared: list[tuple[int, int, int, int]] = []
    for number, made in enumerate(islice(source, count)):
        picture, places = draw(made, number)
        words = read_frame({View.WINDOW: picture}, readers)
        for reader in readers:
            reader.forget()
        found.append(_labelled(words, places))
        compared.append(_compared(words, places))
    letters, misread, drawn, regrouped = (sum(column) for column in zip(*compared, strict=True))
    worst = max(wrong / max(all_letters, 1) for all_letters, wrong, _, _ in compared)
    return Reading(tuple(each for each in found if each.lines), letters, misread, drawn, regrouped, worst)


def draw(made: MadeUp, number: int) -> tuple[Picture, list[tuple[Box, Token]]]:
    """The picture, bright on dark noise or the other way round, and where each word stands in it."""
    rows, columns = SIZE_PX
    rng = np.random.default_rng(number)
    ground = np.clip(rng.normal(30, 6, (rows, columns)), 0, 255).astype(np.uint8)
    canvas = Image.fromarray(ground)
    pen = ImageDraw.Draw(canvas)
    font = ImageFont.load_default(_SIZES[number % len(_SIZES)])
    places: list[tuple[Box, Token]] = []
    top = 12
    for line in made.lines:
        left = 12 if number % 3 else int(rng.integers(12, 120))
        space = pen.textlength(" ", font=font)
        for token in line:
            x0, y0, x1, y1 = pen.textbbox((left, top), token.text, font=font)
            if x1 >= columns - 5 or y1 >= rows - 5:
                break
            pen.text((left, top), token.text, fill=_INKS[number % len(_INKS)], font=font)
            if x1 - x0 >= 1 and y1 - y0 >= 1:
                places.append((Box.from_edges(int(x0), int(y0), int(x1) + 1, int(y1) + 1), token))
            left = round(left + pen.textlength(token.text, font=font) + space)
        top += round(_SIZES[number % len(_SIZES)] * 1.7)
    pixels = np.array(canvas)
    return (255 - pixels if number % 5 == 4 else pixels), places


def _compared(words: Sequence[Word], places: Sequence[tuple[Box, Token]]) -> tuple[int, int, int, int]:
    """Letters and how many of them were misread, words and how many of them were not read as one word each."""
    letters = misread = regrouped = 0
    for box, token in places:
        over = [word for word in words if _covers(word, box)]
        if len(over) != 1 or sum(_covers(over[0], each) for each, _ in places) != 1:
            regrouped += 1
            continue
        letters += len(token.text)
        matcher = SequenceMatcher(None, token.text, over[0].text, autojunk=False)
        misread += sum(max(b - a, d - c) for what, a, b, c, d in matcher.get_opcodes() if what != "equal")
    return letters, misread, len(places), regrouped


def _covers(word: Word, box: Box) -> bool:
    return word.box.overlap(box) >= _COVERED * min(box.area, word.box.area)


def _drawable(made: MadeUp) -> bool:
    """Whether the font has the letters."""
    return all(ord(each) < 0x180 for token in made.tokens for each in token.text)


def _labelled(words: Sequence[Word], places: Sequence[tuple[Box, Token]]) -> MadeUp:
    lines: dict[int, list[Token]] = {}
    for word in words:
        under = [token for box, token in places if _covers(word, box)]
        labels = {token.phi for token in under}
        phi = True if True in labels else False if labels == {False} else None
        kinds = [token.kind for token in under if token.phi == phi]
        lines.setdefault(word.line, []).append(Token(word.text, phi, kinds[0] if kinds else ""))
    return MadeUp(tuple(tuple(line) for line in lines.values()))
