"""Words of made-up pictures, and which of them nobody could tell: those have no label."""

from __future__ import annotations

import re
from functools import cache
from typing import NamedTuple

from deid.lexicon import LABEL_ENDS, load_lexicon
from deid.text import alnum, fold
from deid.training.people import kinds_of_places
from deid.training.sections import sections

CLOSED_LISTS = ("brand", "device", "projection", "protocol", "sequence", "kernel")
"""Closed by nature: all are trained on. Made-up ones, under these names with NEW before, are evaluated apart."""
_COUNTED_WIDTH = 3
"""A part of an address or a number that is no longer than this tells nothing where it stands alone."""
_UNITS_OF_TIME = frozenset(("h", "uhr", "kl", "klo"))
_UNIT = re.compile(r"[a-zA-Z]")
_NAMES = ("name", "surname", "given", "eponym")
_TELLING = ("initials", "loose", "signed", "old", *_NAMES)
_LABELS_AND_NAMES = frozenset(("bay", "don", "jina", "pan", "pat"))
_LETTER_AND_NUMBER = re.compile(r"[HKVW]/\d+")
"""An age behind a sex, or a setting: V/100."""
_DOCTORS = frozenset(("dr", "drs", "prof"))
_DAY_AND_MONTH = re.compile(r"(\d{1,2})/(\d{1,2})")


class Token(NamedTuple):
    """A word of a made-up picture."""

    text: str
    phi: bool | None
    """None: people differ; such a word is neither trained on nor counted."""
    kind: str
    """The slot that it came from; "" for a template's own words."""


Line = tuple[Token, ...]


@cache
def technical_marks() -> frozenset[str]:
    """Words of the lists that initials must not look like where no label says whose they are."""
    lists = sections("vocabulary.txt")
    texts = [text for kind, each in lists.items() if kind != "eponym" for text in each]
    return frozenset(fold(word) for text in texts for word in re.findall(r"[^\W\d_]+", text) if len(word) <= 4)


def unsure(tokens: list[Token], index: int) -> Token:
    """The token; without a label where people would differ about it, or where its template says so."""
    token = tokens[index]
    if token.text.startswith("~") and len(token.text) > 1:
        return Token(token.text[1:], None, token.kind)
    before = tokens[index - 1] if index else None
    after = tokens[index + 1] if index + 1 < len(tokens) else None
    beside = [each for each in (before, after) if each]
    alone = len(tokens) == 1
    undecided = (
        (not alnum(token.text) and (token.phi or any(each.phi for each in beside)))
        or _is_unit(token, alone=alone)
        or _may_be_initial(token, beside, after)
        or _may_be_given_name(token)
        or _may_be_day(token, before)
        or _may_name_a_place(token, before, beside)
        or _may_be_surname(token, beside, alone=alone)
        or _may_be_word(token, tokens)
    )
    return Token(token.text, None, token.kind) if undecided else token


def _is_unit(token: Token, *, alone: bool) -> bool:
    """Whether the word is the unit of an old age or a time, a title of one letter, or a letter and a number alone."""
    letters = alnum(token.text)
    if token.kind == "title":
        return len(letters) == 1
    if token.kind in ("time", "datetime"):
        return fold(letters) in _UNITS_OF_TIME
    if token.kind != "old":
        return False
    return not any(each.isdigit() for each in letters) or (
        alone and _LETTER_AND_NUMBER.fullmatch(token.text) is not None
    )


def _may_be_initial(token: Token, beside: list[Token], after: Token | None) -> bool:
    """Whether a letter beside a name may be an initial, a sex, a side or a direction; or letters a number's label."""
    letters = alnum(token.text)
    if token.kind == "loose":
        return after is not None and "/" not in token.text and after.text[:1].isdigit()
    single = len(letters) == 1 and letters.isalpha() and letters == token.text.rstrip(".,")
    beside_name = token.kind in ("sex", "side", *_NAMES) and any(each.kind in _NAMES for each in beside)
    return single and beside_name and load_lexicon().standing(letters) > 0


def _may_be_given_name(token: Token) -> bool:
    """Whether a label or a title that nothing marks as one is somebody's given name or surname elsewhere."""
    label = token.kind in ("title", "namelabel") and not token.text.endswith(LABEL_ENDS)
    return label and fold(alnum(token.text)) in _LABELS_AND_NAMES


def _may_be_day(token: Token, before: Token | None) -> bool:
    """Whether a count may be a day and a month, or a time without its label."""
    if token.kind == "n":
        match = _DAY_AND_MONTH.fullmatch(token.text)
        told = before is not None and before.kind == "" and any(each.isalpha() for each in before.text)
        return match is not None and not told and 0 < min(map(int, match.groups())) <= 12 and _highest(match) <= 31
    follows = before is not None and before.kind == "timelabel"
    return token.kind == "elapsed" and follows and not _UNIT.search(token.text)


def _highest(match: re.Match[str]) -> int:
    return max(map(int, match.groups()))


def _may_name_a_place(token: Token, before: Token | None, beside: list[Token]) -> bool:
    """Whether a label or a kind of place may be part of a place's name, or the name's word one of the trade."""
    word = fold(alnum(token.text))
    if token.kind in ("sitelabel", "wardlabel"):
        return not token.text.endswith(LABEL_ENDS)
    if token.kind == "ward" and word in _ward_labels():
        return True
    if token.kind in ("hospital", "ward"):
        return word in technical_marks() and word.isalpha()
    if token.kind == "modality":
        return before is not None and before.kind == "hospital"
    named = any(each.kind in _NAMES for each in beside)
    if token.kind or not named:
        return False
    if word in _DOCTORS:
        return before is not None and (before.kind == "hospital" or alnum(before.text) in kinds_of_places())
    return alnum(token.text) in kinds_of_places()


def _may_be_surname(token: Token, beside: list[Token], *, alone: bool) -> bool:
    """Whether a name of the trade, alone or beside a name, or a word of a code's meaning may be a person's name."""
    word = fold(alnum(token.text))
    if token.kind == "phrase":
        return word.isalpha() and load_lexicon().standing(word) != 1
    if token.kind not in CLOSED_LISTS:
        return False
    if alone and word in _surnames():
        return True
    lettered = len(word) > 2 and word.isalpha() and word in load_lexicon().eponyms
    return lettered and any(each.kind in _NAMES and each.phi for each in beside)


def _may_be_word(token: Token, tokens: list[Token]) -> bool:
    """Whether a name that is a harmless word too stands without anything that tells of a name."""
    if token.kind not in _NAMES or load_lexicon().standing(token.text) != 1:
        return False
    others = [each for each in tokens if each is not token]
    return not any(each.kind in (*_NAMES, "title") or each.kind.endswith("label") for each in others)


def stranded(line: Line) -> Line:
    """A line that a reader cut off; its parts of addresses and short numbers have no label: nothing tells of them.

    Nor has a surname that is a maker or a view too and has lost the label or the given name beside it; nor initials
    that lost their label and stand for something else on consoles.
    """
    named = any(token.kind in ("name", "surname", "given") or token.kind.endswith("label") for token in line)
    if not named and any(token.kind == "eponym" for token in line):
        return tuple(Token(token.text, None if token.kind == "eponym" else token.phi, token.kind) for token in line)
    if len(line) == 1 and line[0].kind == "initials" and load_lexicon().standing(line[0].text):
        return (Token(line[0].text, None, "initials"),)
    places = [token for token in line if token.phi and token.kind in ("hospital", "ward")]
    if places and all(alnum(token.text) in kinds_of_places() for token in places):
        line = tuple(Token(each.text, None, each.kind) if each in places else each for each in line)
    telling = any(token.phi and (token.kind in _TELLING or len(alnum(token.text)) > _COUNTED_WIDTH) for token in line)
    if telling or any(token.phi is False and (not token.kind or token.kind.endswith("label")) for token in line):
        return line
    return tuple(Token(token.text, None, token.kind) if token.phi else token for token in line)


@cache
def _ward_labels() -> frozenset[str]:
    """Words that are a label before a ward's number, and part of the ward's name elsewhere."""
    return frozenset(fold(alnum(word)) for text in sections("vocabulary.txt")["wardlabel"] for word in text.split())


@cache
def _surnames() -> frozenset[str]:
    return frozenset(fold(each) for each in sections("vocabulary.txt")["eponym"])
