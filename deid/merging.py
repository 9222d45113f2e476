"""Readings of the same pixels made one word: of several readers, and of several views of a frame.

What any of them saw stays as a reading; the boxes reach as far as any of them tells.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

from rapidfuzz import fuzz

from deid.text import alnum
from deid.values import UNREAD, Box, Word

SAME_PLACE = 0.5
"""Two words share their place when this share of the smaller one's box is covered."""
COVERED = 0.7
"""Pieces make up a word when they cover this share of its box."""
ALIKE = 80.0
"""Per cent of equal letters from which two readers saw the same text."""


def same_place(one: Box, two: Box) -> bool:
    """Whether two boxes cover mostly the same pixels."""
    return one.overlap(two) >= SAME_PLACE * min(one.area, two.area)


def merge(known: Sequence[Word], more: Sequence[Word]) -> tuple[Word, ...]:
    """Both sets of words; where two share their place, one stands and the other reading is kept beside it.

    A second reader's spaces are taken over: where it saw several words in the place of one, that one is cut.
    """
    merged: list[Word] = []
    used: set[int] = set()
    for word in known:
        there = [i for i, each in enumerate(more) if same_place(word.box, each.box)]
        others = [more[i] for i in there]
        apart = [each for each in others if _same_reader(word, each) and not _same_extent(word.box, each.box)]
        used.update(i for i in there if more[i] not in apart)
        if _makes_up(apart, word):
            used.update(i for i in there if more[i] in apart)
            merged.extend(replace(each, line=word.line) for each in apart)
            continue
        alike = [each for each in others if each not in apart]
        merged.extend(_cut(word, alike) or [_joined(word, alike)])
    offset = 1 + max((word.line for word in known), default=-1)
    rest = (word for i, word in enumerate(more) if i not in used)
    merged.extend(
        replace(word, line=word.line + offset)
        for word in rest
        if not _makes_up([each for each in known if word.box.overlap(each.box) >= SAME_PLACE * each.box.area], word)
    )
    return tuple(merged)


def _makes_up(pieces: Sequence[Word], word: Word) -> bool:
    """Whether one reader saw a word in one view in pieces in another: the same letters in the same place."""
    if len(pieces) < 2 or not all(_same_reader(word, each) for each in pieces):
        return False
    covered = sum(word.box.overlap(each.box) for each in pieces)
    if word.text == UNREAD:
        return covered >= COVERED * word.box.area
    together = "".join(each.text for each in pieces)
    return covered >= COVERED * word.box.area and fuzz.ratio(alnum(together), alnum(word.text)) >= ALIKE


def _same_reader(one: Word, two: Word) -> bool:
    return not set(one.readers).isdisjoint(two.readers)


def _same_extent(one: Box, two: Box) -> bool:
    shared = one.overlap(two)
    return shared >= SAME_PLACE * (one.area + two.area - shared)


def _joined(known: Word, others: Sequence[Word]) -> Word:
    """One word from several readings of its place; the surer of two views by one reader stands."""
    best = known
    for other in others:
        if _same_reader(other, known) and other.confidence > best.confidence:
            best = other
    for other in others:
        if _same_reader(other, best) and _is_cut_off(best.text, other.text):
            best = replace(best, box=best.box.around(other.box))
    texts = dict.fromkeys((*known.readings, *(text for other in others for text in other.readings)))
    readers = dict.fromkeys((*known.readers, *(name for other in others for name in other.readers)))
    return replace(
        best, others=tuple(text for text in texts if text != best.text), readers=tuple(readers), line=known.line
    )


def _is_cut_off(text: str, longer: str) -> bool:
    """Whether one reading is the beginning or the end of another."""
    piece, whole = alnum(text), alnum(longer)
    return 0 < len(piece) < len(whole) and (whole.startswith(piece) or whole.endswith(piece))


def _cut(word: Word, others: Sequence[Word]) -> list[Word]:
    """The word cut where another reader saw spaces in the same letters; empty where it did not."""
    pieces = sorted((each for each in others if not _same_reader(word, each)), key=lambda each: each.box.left)
    if not pieces or word.vertical or len({each.readers for each in pieces}) > 1:
        return []
    if len(pieces) == 1:
        pieces = _with_rest(word, pieces[0])
    if len(pieces) < 2 or fuzz.ratio("".join(each.text for each in pieces), word.text) < ALIKE:
        return []
    total = sum(len(each.text) for each in pieces)
    cuts, edges, seen = [0], [word.box.left], 0
    for before, after in pairwise(pieces):
        seen += len(before.text)
        cuts.append(round(seen * len(word.text) / total))
        edges.append(min(max((before.box.right + after.box.left) // 2, edges[-1] + 1), word.box.right - 1))
    cuts.append(len(word.text))
    edges.append(word.box.right)
    if any(stop <= start for start, stop in pairwise(edges)):
        return []
    parts = []
    for number, piece in enumerate(pieces):
        text = word.text[cuts[number] : cuts[number + 1]]
        box = Box.from_edges(edges[number], word.box.top, edges[number + 1], word.box.bottom)
        others_said = tuple(each for each in (piece.text,) if each != text)
        parts.append(replace(word, text=text, box=box, others=others_said, readers=(*word.readers, *piece.readers)))
    return parts if all(each.text for each in parts) and all(map(_is_seam, parts, parts[1:])) else []


def _with_rest(word: Word, piece: Word) -> list[Word]:
    """The piece, and the rest of the word that another reader saw none of."""
    rest = len(word.text) - len(piece.text)
    if rest < 2:
        return [piece]
    if word.text.endswith(piece.text) and piece.box.left - word.box.left > 1:
        left = Box.from_edges(word.box.left, word.box.top, piece.box.left, word.box.bottom)
        return [replace(piece, text=word.text[:rest], box=left), piece]
    if word.text.startswith(piece.text) and word.box.right - piece.box.right > 1:
        right = Box.from_edges(piece.box.right, word.box.top, word.box.right, word.box.bottom)
        return [piece, replace(piece, text=word.text[-rest:], box=right)]
    return [piece]


def _is_seam(before: Word, after: Word) -> bool:
    """Whether a space may have been lost between two pieces: letters meet digits, or a label or a new word begins."""
    last, first = before.text[-1], after.text[0]
    if last.isalpha() != first.isalpha() and last.isdigit() != first.isdigit():
        return True
    if last in ".:,)" and first.isalnum():
        return not any(each.isdigit() for each in before.text)
    return last.islower() and first.isupper()


def stretched(words: Sequence[Word], lines: Sequence[Word]) -> tuple[Word, ...]:
    """The words, those at the ends of lines that were seen again drawn out to where these begin and end now.

    Two views rarely agree to the pixel where a letter ends.
    """
    longer = list(words)
    for line in lines:
        there = [index for index, word in enumerate(longer) if same_place(word.box, line.box)]
        if not there:
            continue
        spans = {index: _along(longer[index].box, vertical=line.vertical) for index in there}
        first = min(there, key=lambda index: spans[index][0])
        last = max(there, key=lambda index: spans[index][1])
        start, stop = _along(line.box, vertical=line.vertical)
        for index in {first, last}:
            begin = min(start, spans[index][0]) if index == first else spans[index][0]
            end = max(stop, spans[index][1]) if index == last else spans[index][1]
            box = longer[index].box
            if line.vertical:
                box = Box.from_edges(box.left, begin, box.right, end)
            else:
                box = Box.from_edges(begin, box.top, end, box.bottom)
            longer[index] = replace(longer[index], box=box)
    return tuple(longer)


def _along(box: Box, *, vertical: bool) -> tuple[int, int]:
    """Where a box begins and ends along its line."""
    return (box.top, box.bottom) if vertical else (box.left, box.right)
