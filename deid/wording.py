"""What may stay of a text: words of known vocabulary, and what a judge finds harmless.

A text is judged line by line. A word that holds a removed value goes in any case. Known values, such as makers' names,
stay whole, although a judge would take "Medical Systems" for an institution.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from typing import Protocol

from deid.identifiers import Needles
from deid.lexicon import LabelKind, load_lexicon
from deid.text import core, fold

_TERM_PARTS = re.compile(r"[^\W_]+")
_MARK = re.compile(r"[A-Z]{1,2}|[A-Z]{0,4}\d{1,3}[A-Z]{0,2}\d{0,2}")
"""What a coded string may hold beside words: "ND", "T1", "P2D", "DIS2D"."""
_SMALL_NUMBER = re.compile(r"[-+]?\d{1,3}(?:\.\d{1,6})?")
_EDGE_WORDS = frozenset(
    "of for by from at in on the to with and per dr dr. prof prof. & - – , ; : / ( ) [ ]".split()  # noqa: SIM905
)
"""They stand beside words; left alone at an end they say nothing."""


class Judge(Protocol):
    """Says which words of a line may identify someone."""

    def __call__(self, words: Sequence[str]) -> Sequence[bool]:
        """For each word, whether it goes."""
        ...


def by_vocabulary(words: Sequence[str]) -> list[bool]:
    """The judge that knows vocabulary alone: any other word goes."""
    return [not _is_plain(word) for word in words]


def is_vocabulary(word: str) -> bool:
    """Whether the word is known and therefore identifies nobody."""
    return fold(word) in _terms().words


@dataclass(slots=True)
class Wording:
    """Cleans the texts of one file; what was cleaned once is remembered."""

    needles: Needles
    judge: Judge = by_vocabulary
    _cleaned: dict[str, str] = field(default_factory=dict, repr=False)
    _terms: dict[tuple[str, bool], str] = field(default_factory=dict, repr=False)

    def cleaned(self, text: str) -> str:
        """The text without words that may identify; empty where nothing telling is left."""
        known = self._cleaned.get(text)
        if known is None:
            before = text.splitlines()
            after = [self._line(line) for line in before]
            known = text if after == before else "\r\n".join(line for line in after if line)
            self._cleaned[text] = known
        return known

    def maker(self, text: str) -> str:
        """As `cleaned`, for a maker or a model: a known one stays whole, although it may be a surname too."""
        if fold(text.strip()) in _terms().makers and not self.needles.are_in(text):
            return text
        return self.cleaned(text)

    def term(self, text: str, *, closed: bool = False) -> str:
        """A coded string (VR CS) as it is where all of it is vocabulary; empty otherwise.

        One of a `closed` list stays although it may also be a removed word.
        """
        known = self._terms.get((text, closed))
        if known is None:
            known = self._terms[text, closed] = text if self._is_term(text, closed) else ""
        return known

    def _line(self, line: str) -> str:
        telling = not self.needles.are_in(line)
        if telling and fold(line.strip()) in _terms().values:
            return line
        words = line.split()
        if telling and all(map(_is_plain, words)):
            return line
        goes = self.judge(words)
        kept = [word for word, gone in zip(words, goes, strict=True) if not gone and not self.needles.are_in(word)]
        if len(kept) == len(words) and telling:
            return line
        while kept and fold(kept[-1]) in _EDGE_WORDS:
            kept.pop()
        while kept and fold(kept[0]) in _EDGE_WORDS:
            kept.pop(0)
        left = " ".join(kept)
        return "" if self.needles.are_in(left) else left

    def _is_term(self, text: str, closed: bool) -> bool:
        if not closed and self.needles.are_in(text):
            return False
        unknown = [
            part for part in _TERM_PARTS.findall(text) if not _MARK.fullmatch(part) and fold(part) not in _terms().words
        ]
        return not unknown or not any(self.judge(unknown))


def _is_plain(word: str) -> bool:
    """Whether the word is vocabulary that names neither a place nor a time nor what stands beside it."""
    bare = core(word)
    return not bare or fold(bare) in _terms().plain or _SMALL_NUMBER.fullmatch(bare) is not None


@dataclass(frozen=True, slots=True)
class _Terms:
    words: frozenset[str]
    plain: frozenset[str]
    """Of these, the ones that need no look at their neighbours."""
    values: frozenset[str]
    makers: frozenset[str]


@cache
def _terms() -> _Terms:
    lexicon = load_lexicon()
    words: set[str] = set()
    values: set[str] = set()
    for line in resources.files("deid").joinpath("rules", "header_terms.txt").read_text(encoding="utf-8").splitlines():
        if line.startswith("="):
            values.add(fold(line[1:]))
        elif not line.startswith("#"):
            words.update(fold(word) for word in line.split())
    listed = resources.files("deid").joinpath("rules", "makers.txt").read_text(encoding="utf-8").splitlines()
    makers = frozenset(fold(line) for line in listed if line and not line.startswith("#"))
    known = lexicon.console | lexicon.vocabulary | words
    labels = {key for key, kind in lexicon.labels.items() if kind is not LabelKind.HARMLESS}
    places = lexicon.institution | lexicon.address | lexicon.department
    return _Terms(
        known, known - places - labels - lexicon.titles - lexicon.months - lexicon.weekdays, frozenset(values), makers
    )
