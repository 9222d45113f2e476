"""Words that a reader made of a label and its value, without a space between them, cut where the value begins.

Only the value is judged for what it is then; the label stays. Where nobody knows for sure that a label begins the
word, it is left whole.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace

from deid.lexicon import LabelKind, Lexicon, label_key
from deid.text import alnum, digit_count
from deid.values import Box, Word

SHORTEST_BARE = 3
"""A label of fewer letters is one only with a mark behind it: two letters begin numbers of records too."""
FEWEST_DIGITS = 3
_SEAM = re.compile(r"(?P<label>[^\W\d](?:[^\d:#=<]*[^\W\d])?)(?P<mark>[.,:;#=<>~_-]*)(?P<value>[+(]*\d.*)")
_MARKED = re.compile(r"(?P<label>[^\W\d](?:[^\d:#=<]*?[^\W\d])?)(?P<mark>[.:]+-|:)(?P<value>[^\W\d].*)")
_SURE_MARK = frozenset((":", "#", "=", ".-", ":-"))
_BEFORE_NUMBERS = frozenset((LabelKind.ID, LabelKind.BIRTH, LabelKind.DATE, LabelKind.CONTACT))
_BEFORE_NAMES = frozenset((LabelKind.PERSON, LabelKind.STAFF, LabelKind.INSTITUTION))
_NARROW, _WIDE = frozenset("iIlj1tfr.,:;|!'()[]-"), frozenset("mwMW@")
_NARROW_SHARE, _WIDE_SHARE = 0.5, 1.3


def apart(words: Iterable[Word], lexicon: Lexicon) -> tuple[Word, ...]:
    """The words, in their order, with those cut in two that are a label and a value."""
    return tuple(piece for word in words for piece in _pieces(word, lexicon))


def _pieces(word: Word, lexicon: Lexicon) -> tuple[Word, ...]:
    if word.vertical or word.box.height > word.box.width:
        return (word,)
    cut = _seam(word.text, lexicon)
    if cut is None:
        return (word,)
    label, value = cut
    edge = word.box.left + _share(word.text, len(word.text) - len(value), word.box.width)
    if not word.box.left < edge < word.box.right:
        return (word,)
    box = word.box
    return (
        replace(word, text=label, others=(), box=Box.from_edges(box.left, box.top, edge, box.bottom)),
        replace(word, text=value, box=Box.from_edges(edge, box.top, box.right, box.bottom)),
    )


def _seam(text: str, lexicon: Lexicon) -> tuple[str, str] | None:
    """The label, marked as one, and the value; None where the word is not both."""
    if (found := _SEAM.fullmatch(text)) and digit_count(found["value"]) >= FEWEST_DIGITS:
        kinds = _BEFORE_NUMBERS
    elif found := _MARKED.fullmatch(text):
        kinds = _BEFORE_NAMES
    else:
        return None
    label, mark = found["label"], found["mark"]
    if len(alnum(label)) < SHORTEST_BARE and not any(each in mark for each in _SURE_MARK):
        return None
    kind = lexicon.labels.get(label_key(label)) or lexicon.labels.get(label_key(re.sub(r"\W+", " ", label)))
    if kind not in kinds:
        return None
    return f"{label}:", found["value"]


def _share(text: str, letters: int, width: int) -> int:
    """How many of a word's pixels its first letters fill, about; rather too few, since what follows must not stay."""
    advances = [_NARROW_SHARE if each in _NARROW else _WIDE_SHARE if each in _WIDE else 1.0 for each in text]
    return int(width * max(sum(advances[:letters]) - _NARROW_SHARE, 0) / sum(advances))
