"""Text made comparable: accents and case folded, punctuation stripped, letters that readers confuse made equal."""

from __future__ import annotations

import re
import unicodedata

from deid.values import UNNAMED

_CONFUSED = str.maketrans("OQDILZSBG|!", "00011258611")
_DIGIT_LOOKS = str.maketrans("OoQDIl|!SsBZz", "0000111155822")
_GREEK = re.compile("[\u0391-\u03a9\u03ac-\u03ce]")
_GREEK_LOOKS = str.maketrans("AaBEÉeéHhIiíKkMNnOoóPpsTtUuVvXxYyZzcçjw", "ΑαΒΕέεέΗηΙιίΚκΜΝηΟοόΡρσΤτΥυννΧχΥγΖζςςιω")
_EDGES = re.compile(r"^[^\w#+<>~±-]+|[^\w%°#+)]+$")
_NO_LETTERS = re.compile(r"[^A-Z0-9]+")
_PARTS = re.compile(r"[^\w'’]+|_")


class _Unaccented(dict[int, int | None]):
    """What becomes of each character: a combining mark goes. Filled as characters come up."""

    def __missing__(self, code: int) -> int | None:
        kept = None if unicodedata.combining(chr(code)) else code
        self[code] = kept
        return kept


_UNACCENTED = _Unaccented()


def fold(text: str) -> str:
    """Lower case without accents; "ß" becomes "ss"."""
    if text.isascii():
        return text.lower()
    return without_accents(unicodedata.normalize("NFKD", text.casefold()))


def in_greek(text: str) -> str:
    """The text with Latin letters made the Greek ones that they look like, where some of it is Greek already.

    Readers mix the two: the name of a field comes as the letters of one alphabet or of the other.
    """
    return text.translate(_GREEK_LOOKS) if has_greek(text) else text


def has_greek(text: str) -> bool:
    """Whether some of the text is Greek, from alpha to omega."""
    return _GREEK.search(text) is not None


def without_accents(decomposed: str) -> str:
    """A decomposed text (NFKD) without combining marks."""
    return decomposed.translate(_UNACCENTED)


def core(text: str) -> str:
    """The word without punctuation around it."""
    return _EDGES.sub("", text)


def parts(text: str) -> tuple[str, ...]:
    """The runs of letters and digits of a word: "A.Card/Gen" gives A, Card, Gen."""
    return tuple(each for each in _PARTS.split(text) if each)


def alnum(text: str) -> str:
    """Letters and digits alone, upper case, without accents."""
    if text.isascii():
        return _NO_LETTERS.sub("", text.upper())
    return "".join(each for each in fold(text).upper() if each.isalnum())


def confused(text: str) -> str:
    """As `alnum`, with the letters and digits that readers mistake for each other made equal."""
    return alnum(text).translate(_CONFUSED)


def as_digits(text: str) -> str:
    """The text with letters that look like digits replaced, where digits and separators prevail in it."""
    marks = sum(each.isdigit() or each in "/-.:" for each in text)
    return text.translate(_DIGIT_LOOKS) if marks * 2 > len(text) else text


def is_alphabetic(text: str) -> bool:
    """Whether the word holds letters and no digit."""
    return any(each.isalpha() for each in text) and not any(each.isdigit() for each in text)


def digit_count(text: str) -> int:
    """How many digits the text holds."""
    return sum(each.isdigit() for each in text)


def is_letter(character: str) -> bool:
    """Whether this is a letter or a digit of any script, be it one that the reader has no names for."""
    return character.isalnum() or character == UNNAMED


def letter_count(text: str) -> int:
    """How many letters and digits of any script the text holds."""
    return sum(map(is_letter, text))
