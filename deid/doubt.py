"""Words that look harmless and may be what is left of a date, a number or initials of which a part was not read.

Each rule looks at the words of one line as they were read, with what other readers and views made of them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from deid import patterns
from deid.lexicon import LABEL_ENDS, Lexicon
from deid.text import alnum, as_digits, core, digit_count, fold, is_alphabetic, letter_count
from deid.values import UNNAMED, UNREAD, Word

UNREADABLE = 0.5
"""Below this confidence the letters of a word are not believed."""
CLEAR = 0.95
"""A word that was read as surely as this was read whole, as far as its strokes go."""
SURE = 0.8
"""And one of more than this is text where another view saw nothing that it could read."""
FEWEST_UNNAMED = 3
"""So many letters without names, or digits among them, are a word of another script: marks are read as one or two."""
GARBLED, GARBLED_WORDS, GARBLED_DIGITS = 0.75, 4, 6
"""A line of so many words and digits was not read where its words are less sure than this on average."""
DOUBTED, DOUBTED_WORDS = 0.7, 3
"""Nor was one of so many words at least, each less sure than this, of which none is known."""
AMID_WORDS, AMID_SHARE = 3, 0.5
"""So many words of a line without digits go, and more than this share of its letters: the line is one name."""
HALF_DAYS = frozenset(("am", "pm", "a.m", "p.m", "a", "p", "m"))
"""And what is left of them where a letter was not seen."""
_SEXES = frozenset("mfwhkvxdoж男女")
_NO_MARK = re.compile(r"[^0-9A-Za-z]+")
_LOST_STROKE = re.compile(r"(?P<first>\d{1,2})(?P<second>\d{2})[/.-](?P<third>\d{2}|\d{4})")
_DAY_AND_MONTH = re.compile(r"\d{1,2}[/.-]\d{1,2}[/.-]?")
_YEAR = re.compile(r"[/.-]?(?:19|20)\d{2}")
_YEAR_CUT = re.compile(r"(?:19|20)\d{2}|[12]\d{2}")
_TIME_OF_DAY = re.compile(r"\d{1,2}[.:]\d{2}[.:]\d{2}")
_DAY_MONTH_YEAR = re.compile(r"\d{1,2}([a-z]{3})\d{2,4}")
_REST_OF_NUMBER = re.compile(r"0\d{1,3}")
_CLOCK_END = re.compile(r"(?<!\d)(?:[01]?\d|2[0-3])[-.,]?[0-5]\d$")
_BARE = re.compile(r"\d{1,4}")


def rests_in_line(words: Sequence[Word], phones: set[int], lexicon: Lexicon) -> set[int]:
    """Indices of words that may be a part of something that identifies; `phones` are those that dial."""
    if _is_garbled(words):
        return set(range(len(words)))
    found = {index for index, word in enumerate(words) if _may_be_rest(word)}
    found |= {index + 1 for index in found if index + 1 < len(words) and words[index + 1].confidence < SURE}
    for index in range(len(words) - 1):
        before, after = words[index], words[index + 1]
        one, two = as_digits(core(before.text)), as_digits(core(after.text))
        pair = _are_a_day(one, two) or _are_a_number(one, two) or _are_a_month(before.text + after.text, lexicon)
        dials = index + 1 in phones and index not in phones and digit_count(before.text) > 0
        if pair:
            found.update((index, index + 1))
        elif (_YEAR_CUT.fullmatch(one) and _TIME_OF_DAY.fullmatch(two)) or (dials and before.confidence < CLEAR):
            found.add(index)
    return found


def is_doubtful(word: Word) -> bool:
    """Whether letters were seen that are not believed."""
    return word.confidence < UNREADABLE and bool(alnum(word.text))


def is_unread(word: Word) -> bool:
    """Whether another view or reader could not read what this one made something of, not surely."""
    return word.confidence < SURE and any(each == UNREAD or is_unnamed(each) for each in word.others)


def is_unnamed(text: str, *, beside: bool = False) -> bool:
    """Whether half of the letters of a word, or some amid digits, are of a script that the reader has no names for.

    `beside` another such word one is enough; alone, fewer than FEWEST_UNNAMED may as well be marks.
    """
    unnamed, letters = text.count(UNNAMED), letter_count(text)
    if any(map(str.isalpha, text)):
        return unnamed >= (1 if beside else FEWEST_UNNAMED) and 2 * unnamed >= letters
    return unnamed > 0 and (beside or letters >= FEWEST_UNNAMED)


def is_initial(word: Word) -> bool:
    """Whether this was read as one letter with a point, as beside a surname; views and sides have none."""
    return any(len(text) == 2 and text[0].isalpha() and text[1] == "." for text in word.readings)


def may_be_sex(word: Word) -> bool:
    """Whether this is one letter without a point that behind a name is a sex, and no initial."""
    return fold(word.text) in _SEXES


def may_be_initials(word: Word, lexicon: Lexicon) -> bool:
    """Whether a mark of two characters was read as two letters too, which nothing knows: 1B, which may be IB."""
    if word.confidence >= CLEAR or len(alnum(word.text)) != 2:
        return False
    return any(is_alphabetic(each) and len(alnum(each)) == 2 and not lexicon.knows(each) for each in word.others)


def may_be_half_day(clock: Word, half: Word) -> bool:
    """Whether a word is the half of the day behind hours and minutes of which nobody saw the colon: 1016 M."""
    told = clock.confidence < CLEAR and any(_CLOCK_END.search(each) for each in clock.readings)
    return told and fold(core(half.text)) in HALF_DAYS


def _is_garbled(words: Sequence[Word]) -> bool:
    """Whether a line is many pieces with digits in them, read so unsurely that it may be any date or number."""
    sure = sum(word.confidence for word in words) / max(len(words), 1)
    digits = sum(digit_count(word.text) for word in words)
    return len(words) >= GARBLED_WORDS and sure < GARBLED and digits >= GARBLED_DIGITS


def is_doubted(words: Sequence[Word], lexicon: Lexicon) -> bool:
    """Whether none of a few words was read surely, and none is a known one of three letters or more."""
    if len(words) < DOUBTED_WORDS or any(word.confidence >= DOUBTED for word in words):
        return False
    return not any(len(alnum(reading)) > 2 and lexicon.knows(reading) for word in words for reading in word.readings)


def amid(words: Sequence[Word], goes: Sequence[bool]) -> set[int]:
    """Indices of words that stay in a line without digits of which most goes, as in a name of an institution."""
    if any(digit_count(word.text) for word in words) or sum(goes) < AMID_WORDS:
        return set()
    letters = [len(alnum(word.text)) for word in words]
    going = sum(each for each, leaves in zip(letters, goes, strict=True) if leaves)
    if going <= AMID_SHARE * sum(letters):
        return set()
    return {i for i in range(len(words)) if not goes[i] and letters[i] and not words[i].text.endswith(LABEL_ENDS)}


def _may_be_rest(word: Word) -> bool:
    """Whether a reading of the word says more than the one that stands, or a stroke of a date is missing."""
    if word.confidence >= CLEAR and not word.others:
        return False
    letters = alnum(word.text)
    for other in word.others:
        longer = alnum(other)
        if letters and letters != longer and longer.startswith(letters) and patterns.id_shape(other):
            return True
    if word.confidence >= CLEAR:
        return False
    if match := _LOST_STROKE.fullmatch(as_digits(core(word.text))):
        return patterns.is_calendar(*match.groups())
    return "/" in word.text and any(_is_day(each) for each in word.readings)


def _is_day(reading: str) -> bool:
    """Whether three groups of digits make a day whatever stands between them: 26/11.[08."""
    groups = [each for each in _NO_MARK.split(as_digits(reading)) if each]
    return len(groups) == 3 and all(map(str.isdigit, groups)) and patterns.is_calendar(*groups)


def _are_a_day(one: str, two: str) -> bool:
    """A day and a month, and a year behind a space that nobody wrote."""
    return bool(_DAY_AND_MONTH.fullmatch(one) and _YEAR.fullmatch(two))


def _are_a_number(one: str, two: str) -> bool:
    """Digits, and more of them that begin with a nought, as no count does."""
    return bool(_BARE.fullmatch(one) and _REST_OF_NUMBER.fullmatch(two))


def _are_a_month(joined: str, lexicon: Lexicon) -> bool:
    """A day, a month of which a letter was misread, and a year: 20D and KT24."""
    match = _DAY_MONTH_YEAR.fullmatch(fold(core(joined)))
    if match is None or lexicon.knows(match[1]):
        return False
    return any(len(each) == 3 and sum(map(str.__ne__, each, match[1])) <= 1 for each in lexicon.months)
