"""Words that are nearly one of a closed list: a letter at an end was not seen, or one was taken for its like.

It is no proof, since names are like words too: such a word stays only where the model, too, is not sure of the
opposite, and nothing else speaks against it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from rapidfuzz import process
from rapidfuzz.distance import OSA

from deid.lexicon import LABEL_ENDS, MOST_CLIPPED, SHORTEST_NEAR, Lexicon, label_key
from deid.text import alnum, core, fold, has_greek, in_greek, is_alphabetic, letter_count, parts
from deid.values import UNNAMED, UNREAD, Word

SHORTEST = 3
SHORTEST_READING = 4
"""Letters from which a known reading of a word stands in place of one that nothing knows."""

_LIKE = (
    *(("u", "v"), ("v", "u"), ("0", "o"), ("1", "i"), ("1", "l"), ("i", "l"), ("l", "i"), ("c", "g"), ("g", "c")),
    *(("m", "rn"), ("rn", "m"), ("m", "in"), ("m", "ni"), ("vv", "w"), ("d", "cl"), ("cl", "d"), ("n", "ri")),
    *(("8", "b"), ("5", "s"), ("f", "t"), ("t", "f"), ("e", "c"), ("c", "e"), ("q", "o"), ("o", "q"), ("h", "n")),
)
"""What was read, and what may have stood there."""


def is_nearly_known(text: str, lexicon: Lexicon) -> bool:
    """Whether a word that no list holds, or each of its parts, is one of theirs but for what readers do to a letter."""
    pieces = parts(text)
    return bool(pieces) and all(lexicon.knows(each) or _is_near(each, lexicon) for each in pieces)


def as_known(word: Word, lexicon: Lexicon) -> Word:
    """The word as another view or reader saw it where that is known, and what stands is a piece or a misreading of it.

    No other reading may say more: a known word is a piece of a name now and then. What stood stays as another reading.
    A letter that the reader has no name for is the one that another reading has, or in Greek the word of a label.
    """
    if UNNAMED in word.text and (named := _with_names(word, lexicon)):
        return replace(word, text=named, others=tuple(each for each in word.readings if each != named))
    if word.text == UNREAD or not word.others or not is_alphabetic(word.text):
        return word
    text = fold(core(word.text))
    if not text or _is_listed(word.text, lexicon):
        return word
    longest = max(len(alnum(each)) for each in word.readings)
    for other in word.others:
        known = fold(core(other))
        if not is_alphabetic(other) or longest > len(alnum(other)) or len(alnum(other)) < SHORTEST_READING:
            continue
        if _is_listed(other, lexicon) and _may_be(text, known):
            others = tuple(each for each in word.readings if each != other)
            return replace(word, text=other, others=others)
    return word


def _with_names(word: Word, lexicon: Lexicon) -> str:
    """The known word that has the letters of which half are named; empty where there is none."""
    if 2 * word.text.count(UNNAMED) > letter_count(word.text):
        return ""
    shape = _shape(word.text)
    for other in word.others:
        if shape.fullmatch(fold(other)) and _is_listed(other, lexicon):
            return other
    letters = word.text.rstrip("".join(LABEL_ENDS) + ".")
    shape = _shape(in_greek(letters))
    for known in (each for label in lexicon.labels if has_greek(letters) for each in label.split()):
        if has_greek(known.upper()) and shape.fullmatch(known):
            return known + word.text[len(letters) :]
    return ""


def _shape(text: str) -> re.Pattern[str]:
    """What has the letters of a word, and any for those without names."""
    return re.compile("".join("." if each == UNNAMED else re.escape(each) for each in fold(text)))


def _is_listed(text: str, lexicon: Lexicon) -> bool:
    """Whether the whole text is a known word, a label or one of an institution."""
    folded = fold(core(text))
    return (
        folded in lexicon.institution
        or label_key(text.rstrip("".join(LABEL_ENDS))) in lexicon.labels
        or lexicon.knows(text)
    )


def _may_be(text: str, known: str) -> bool:
    """Whether a reading is a piece of a known word, or but a letter away from it."""
    if known.startswith(text) or known.endswith(text):
        return True
    return OSA.distance(text, known, score_cutoff=1) <= 1 or known in _alike(text)


def _is_near(text: str, lexicon: Lexicon) -> bool:
    word = fold(core(text))
    if len(word) < SHORTEST or sum(map(str.isdigit, word)) > 1 or not any(map(str.isalpha, word)):
        return False
    if _names_a_place(word, lexicon):
        return False
    if word in lexicon.eponyms:
        return False
    if len(word) >= SHORTEST_NEAR and process.extractOne(word, lexicon.close, scorer=OSA.distance, score_cutoff=1):
        return True
    return word in lexicon.clipped or any(each in lexicon.console for each in _alike(word))


def _names_a_place(word: str, lexicon: Lexicon) -> bool:
    """Whether the word is, or is nearly, one of places, people's titles or dates."""
    longer = (each for each in lexicon.places if len(each) <= len(word) + MOST_CLIPPED)
    if any(each.startswith(word) or each.endswith(word) for each in longer):
        return True
    return process.extractOne(word, lexicon.places, scorer=OSA.distance, score_cutoff=1) is not None


def _alike(word: str) -> Iterator[str]:
    """The word with one of its letters, or of its pairs, made another that looks like it."""
    for read, stood in _LIKE:
        start = word.find(read)
        while start >= 0:
            yield word[:start] + stood + word[start + len(read) :]
            start = word.find(read, start + 1)
