"""Words that a reader made of a label and its value, without a space between them, cut where the value begins.

Only the value is judged for what it is then; the label stays. Where nobody knows for sure that a label begins the
word, it is left whole.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace

from deid.lexicon import LABEL_ENDS, LabelKind, Lexicon, label_key
from deid.text import alnum, digit_count
from deid.values import Box, Finding, Word

SHORTEST_BARE = 3
"""A label of fewer letters is one only with a mark behind it, as one of a number is: letters begin those too."""
FEWEST_DIGITS = 3
SURE, LEVEL, LEEWAY = 0.8, 0.6, 0.2
"""A label read so surely, which shares so much of its height with the value's box, ends so many heights before it."""
_SEAM = re.compile(r"(?P<label>[^\W\d](?:[^\d:#=<]*[^\W\d])?)(?P<mark>[.,:;#=<>~_-]*)(?P<value>[+(]*\d.*)")
_MARKED = re.compile(r"(?P<label>[^\W\d](?:[^\d:#=<]*?[^\W\d])?)(?P<mark>[.:]+-|[:#])(?P<value>[^\W\d].*)")
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
    if text.endswith(LABEL_ENDS) or lexicon.labels.get(label_key(text)):
        return None
    found = _SEAM.fullmatch(text)
    if found and digit_count(found["value"]) >= (2 if found["value"].startswith("+") else FEWEST_DIGITS):
        kinds = _BEFORE_NUMBERS
    elif found := _MARKED.fullmatch(text):
        kinds = _BEFORE_NUMBERS if digit_count(found["value"]) >= FEWEST_DIGITS else _BEFORE_NAMES
    else:
        return None
    label, mark = found["label"], found["mark"]
    if len(alnum(label)) < SHORTEST_BARE and not any(each in mark for each in _SURE_MARK):
        return None
    kind = lexicon.labels.get(label_key(label)) or lexicon.labels.get(label_key(re.sub(r"\W+", " ", label)))
    if kind not in kinds or (kind is LabelKind.ID and not mark):
        return None
    return f"{label}:", found["value"]


def _share(text: str, letters: int, width: int) -> int:
    """How many of a word's pixels its first letters fill, about; rather too few, since what follows must not stay."""
    advances = [_NARROW_SHARE if each in _NARROW else _WIDE_SHARE if each in _WIDE else 1.0 for each in text]
    return int(width * max(sum(advances[:letters]) - _NARROW_SHARE, 0) / sum(advances))


def beside_labels(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """The findings, where what goes does not reach over a label that was read by itself, and with the value as well.

    Of one place a reader may make a label and a value in one view, and a single word in another.
    """
    given = tuple(findings)
    stays = [each.word for each in given if not each.is_phi and each.word.confidence >= SURE and not each.word.vertical]
    return tuple(_behind(each, stays) if each.is_phi and not each.word.vertical else each for each in given)


def _behind(finding: Finding, stays: Iterable[Word]) -> Finding:
    word = finding.word
    left = max((edge for label in stays if (edge := _edge(word, label)) is not None), default=word.box.left)
    if left <= word.box.left:
        return finding
    box = Box.from_edges(left, word.box.top, word.box.right, word.box.bottom)
    return replace(finding, word=replace(word, box=box))


def _edge(word: Word, label: Word) -> int | None:
    """Where the value begins, if the label stands at the beginning of the word's box and of one of its readings."""
    letters = alnum(label.text)
    if len(letters) < SHORTEST_BARE - 1 or digit_count(label.text):
        return None
    box, other = word.box, label.box
    shared = min(box.bottom, other.bottom) - max(box.top, other.top)
    level = shared >= LEVEL * min(box.height, other.height)
    if not level or abs(other.left - box.left) > box.height or other.right >= box.right - box.height:
        return None
    if not any(_begins_with(alnum(each), letters) for each in word.readings):
        return None
    return other.right - round(LEEWAY * other.height)


def _begins_with(reading: str, letters: str) -> bool:
    """Whether a reading goes on behind these letters, of which it may lack the last."""
    return len(reading) > len(letters) and reading.startswith(letters[: max(len(letters) - 1, SHORTEST_BARE - 1)])
