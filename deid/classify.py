"""Words and header values in, decisions with reasons out.

Evidence is gathered line by line: the file's own header values, labels beside values, shapes of text, institutions,
the lexicon of harmless text, and a model where there is one. Header values, labels beside values and shapes stand
whatever the model says. Elsewhere the model decides, and the lexicon or a word's neighbours say how sure it must be.
Without a model what speaks for PHI wins over the lexicon; a word that nothing knows goes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Protocol

from deid import doubt, patterns
from deid.across import gone_across
from deid.context import LineContext, read_context
from deid.gathered import (
    LONG,
    NEAR,
    P_CONTEXT,
    P_HEADER,
    P_KNOWN,
    P_OVERRULES,
    P_PATTERN,
    P_SHORT,
    P_SYMBOL,
    P_UNREADABLE,
    SCRIPT,
    SETTINGS,
    Gathered,
)
from deid.ghosts import without_ghosts
from deid.lexicon import LabelKind, Lexicon, load_lexicon
from deid.matching import Target, match_line, missing, targets
from deid.nearly import as_known, is_nearly_known
from deid.neighbours import judge_neighbours
from deid.seams import apart, beside_labels
from deid.text import alnum, core, digit_count, fold, in_greek, is_alphabetic, parts
from deid.values import UNREAD, Box, Evidence, Finding, FrameFindings, FrameWords, Hint, Policy, Reason, Word

LONGEST_UNKNOWN_LABEL = 5
SHORTEST_CUT_DURATION = 5
SHORTEST_INITIALS = 2
"""Two letters that the lexicon does not know may be those of the person at the console; one letter is a mark."""
CLEAR = 0.9
"""A word that was read as surely as this may be nearly a known one."""
READ_WELL = 0.8
"""A word that was read less surely may be a date where another reading of it may."""
LONGEST_MARK = (1.7, 2.5)
"""What is longer than so many of its heights is no mark of one letter, or of two: more was there than was made out."""
_RULES = frozenset("-\u2013\u2014_=~|/\\.\u00b7")
"""Marks that are as long as they like."""


class Classifier(Protocol):
    """A model that judges words."""

    name: str
    version: str

    def classify(self, lines: Sequence[Sequence[str]]) -> tuple[tuple[float, ...], ...]:
        """P(PHI) of each word of each line of one image, calibrated so that 0.5 is the decision."""
        ...


def find_phi(
    frames: Sequence[FrameWords],
    hints: Sequence[Hint],
    classifier: Classifier | None = None,
    policy: Policy = Policy.PHI,
    threshold: float = 0.5,
) -> tuple[FrameFindings, ...]:
    """The decision about every word of every frame."""
    lexicon = load_lexicon()
    wanted = targets(hints, lexicon)
    judge = _Remembering(classifier) if classifier else None
    found = []
    for frame in frames:
        if policy is Policy.ALL_TEXT:
            everything = (Evidence(Reason.POLICY, "all-text", 1.0),)
            findings = tuple(Finding(word, 1.0, everything, threshold) for word in frame.words)
        else:
            words = [as_known(word, lexicon) for word in apart(frame.words, lexicon)]
            findings = classify_words(words, wanted, lexicon, judge, threshold)
        found.append(FrameFindings(frame.frame, frame.repeats, findings))
    return tuple(found)


class _Remembering:
    """A model that is asked about each line of a file once: a frame without new lines needs no further pass."""

    def __init__(self, classifier: Classifier) -> None:
        self.name, self.version = classifier.name, classifier.version
        self._classifier = classifier
        self._judged: dict[tuple[str, ...], tuple[float, ...]] = {}

    def classify(self, lines: Sequence[Sequence[str]]) -> tuple[tuple[float, ...], ...]:
        """P(PHI) of each word as it was judged in the first frame that has its line, among that frame's lines."""
        keys = [tuple(line) for line in lines]
        if any(key not in self._judged for key in keys):
            for key, scores in zip(keys, self._classifier.classify(lines), strict=True):
                self._judged.setdefault(key, scores)
        return tuple(self._judged[key] for key in keys)


def classify_words(
    words: Sequence[Word],
    wanted: Sequence[Target],
    lexicon: Lexicon,
    classifier: Classifier | None,
    threshold: float,
    overrules: float = P_OVERRULES,
) -> tuple[Finding, ...]:
    """The decision about each word of one frame, in the order given."""
    lines: dict[int, list[Word]] = {}
    for word in words:
        lines.setdefault(word.line, []).append(word)
    rows = [tuple(line) for line in lines.values()]
    contexts = read_context(rows, lexicon)
    model = classifier.classify([[word.text for word in row] for row in rows]) if classifier and rows else None
    findings: dict[int, Finding] = {}
    for number, (row, context) in enumerate(zip(rows, contexts, strict=True)):
        gathered = _gather(row, context, wanted, lexicon)
        gathered.model = model[number] if model else None
        gathered.overrules = overrules
        judge_neighbours(gathered, lexicon, threshold)
        for index, word in enumerate(row):
            findings[id(word)] = _decide(gathered, index, threshold)
    real = without_ghosts([findings[id(word)] for word in words])
    return beside_labels(gone_across(real, lexicon))


def _gather(row: tuple[Word, ...], context: LineContext, wanted: Sequence[Target], lexicon: Lexicon) -> Gathered:
    gathered = Gathered(row, context)
    texts = [word.text for word in row]
    for index, target in match_line([word.readings for word in row], wanted).items():
        if index not in context.labels:
            gathered.for_phi[index].append(Evidence(Reason.HEADER, target.keyword, P_HEADER))
            gathered.missing[index] = missing(row[index].text, target, first=index == 0)
    for index in patterns.dates_in_line(texts, lexicon):
        gathered.for_phi[index].append(Evidence(Reason.PATTERN, "date", P_PATTERN))
    phones = patterns.phones_in_line(texts)
    for index in phones - context.labels:
        gathered.for_phi[index].append(Evidence(Reason.PATTERN, "phone", P_PATTERN))
    for index in doubt.rests_in_line(row, phones, lexicon) - context.labels:
        gathered.for_phi[index].append(Evidence(Reason.PATTERN, "rest", P_PATTERN))
    ages = patterns.ages_in_line(texts)
    for index, word in enumerate(row):
        shape = "" if index in ages else _shape(word, lexicon)
        if patterns.is_old(ages.get(index, 0)):
            shape = "age"
        lasts = index > 0 and any(_may_be_duration(fold(core(each)), lexicon) for each in row[index - 1].readings)
        if shape and not (shape == "time" and lasts):
            gathered.for_phi[index].append(Evidence(Reason.PATTERN, shape, P_PATTERN))
        if index in context.values:
            gathered.for_phi[index].append(Evidence(Reason.CONTEXT, context.values[index], P_CONTEXT))
            lost = patterns.date_fragment(word.text)
            if (any(lost) and context.values[index] in ("birth", "date")) or shape == "date":
                gathered.missing.setdefault(index, lost)
        if index in ages and not patterns.is_old(ages[index]):
            gathered.harmless[index].append(Evidence(Reason.LEXICON, "age", P_KNOWN))
        if _is_rest(word) and word.text != UNREAD:
            rule = "confidence" if UNREAD in word.others else LONG
            gathered.for_phi[index].append(Evidence(Reason.UNREADABLE, rule, P_UNREADABLE))
        if doubt.is_unnamed(word.text, beside=context.unnamed):
            gathered.for_phi[index].append(Evidence(Reason.UNREADABLE, "unnamed", P_UNREADABLE))
        gathered.harmless[index].extend(_harmless(word, index, context, lexicon))
    return gathered


def _may_be_duration(folded: str, lexicon: Lexicon) -> bool:
    """Whether a word stands before a time that passed, be it without its first or last letter."""
    if folded in lexicon.durations:
        return True
    long = len(folded) >= SHORTEST_CUT_DURATION and folded not in lexicon.places
    return long and any(folded in (each[1:], each[:-1]) for each in lexicon.durations)


def _shape(word: Word, lexicon: Lexicon) -> str | None:
    """The first identifying shape that any reading of the word has."""
    for reading in word.readings:
        shape = patterns.date_shape(reading, lexicon) or patterns.net_shape(reading)
        if shape:
            return shape
    doubted = word.readings if word.confidence < READ_WELL else (word.text,)
    if any(patterns.may_be_misread_date(each, lexicon) for each in doubted):
        return "date"
    if patterns.are_initials(word.text):
        return "initials"
    time = patterns.time_shape(word.text)
    if time in ("time", "clock"):
        return "time"
    if time == "elapsed" or lexicon.names_equipment(word.text) or patterns.is_settings(word.text, lexicon):
        return None
    return patterns.id_shape(word.text)


def _harmless(word: Word, index: int, context: LineContext, lexicon: Lexicon) -> list[Evidence]:
    """What says that the word identifies nobody."""
    text = word.text
    if text == UNREAD or doubt.is_unnamed(text, beside=context.unnamed) or doubt.is_unread(word):
        return []
    if index in context.labels:
        is_open = context.open_label not in (None, LabelKind.HARMLESS) and not context.found
        open_end = [Evidence(Reason.LEXICON, "open", P_KNOWN)] if is_open else []
        rule = SCRIPT if in_greek(text) != text else "label"
        return [Evidence(Reason.LEXICON, rule, P_KNOWN), *open_end]
    if _is_rest(word):
        return []
    if len(alnum(text)) < SHORTEST_INITIALS <= max(map(digit_count, word.others), default=0):
        return []
    if not alnum(text):
        return [Evidence(Reason.LEXICON, "symbol", P_SYMBOL)]
    if word.confidence < doubt.UNREADABLE and len(alnum(text)) <= SHORTEST_INITIALS:
        return [Evidence(Reason.LEXICON, "symbol", P_SYMBOL)]
    if len(set(alnum(text))) == 1 and not text[0].isascii():
        return [Evidence(Reason.LEXICON, "symbol", P_SYMBOL)]
    if doubt.may_be_initials(word, lexicon):
        return []
    if in_greek(text) != text and lexicon.begins_label(text):
        return [Evidence(Reason.LEXICON, SCRIPT, P_KNOWN)]
    if lexicon.knows(text) or any(lexicon.knows(each) for each in _kept_readings(word)):
        return [Evidence(Reason.LEXICON, "known", P_KNOWN)]
    if patterns.is_measure(text) or patterns.time_shape(text) == "elapsed":
        return [Evidence(Reason.LEXICON, "measure", P_KNOWN)]
    if word.confidence >= doubt.UNREADABLE and patterns.are_several_settings(text, lexicon):
        return [Evidence(Reason.LEXICON, SETTINGS, P_KNOWN)]
    is_code = patterns.is_code(text) or all(_part_known(each, lexicon) for each in parts(text))
    if (is_code or patterns.is_settings(text, lexicon)) and word.confidence >= doubt.UNREADABLE:
        return [Evidence(Reason.LEXICON, "code", P_KNOWN)]
    if text.endswith(":") and is_alphabetic(text) and len(alnum(text)) <= LONGEST_UNKNOWN_LABEL:
        return [Evidence(Reason.LEXICON, "label", P_SHORT)]
    if len(alnum(text)) < SHORTEST_INITIALS:
        return [Evidence(Reason.LEXICON, "short", P_SHORT)]
    if word.confidence >= CLEAR and is_nearly_known(text, lexicon):
        return [Evidence(Reason.LEXICON, NEAR, P_SHORT)]
    return []


def _is_rest(word: Word) -> bool:
    """Whether this is one mark or two where more must stand."""
    letters = len(word.text)
    return 0 < letters <= SHORTEST_INITIALS and not set(word.text) <= _RULES and _is_long(word, letters)


def _is_long(word: Word, letters: int) -> bool:
    """Whether there is room for more letters than these one or two."""
    along, across = (word.box.height, word.box.width) if word.vertical else (word.box.width, word.box.height)
    if letters > 1 and across > along:  # a line that runs up or down, read as if it did not
        along, across = across, along
    return along > LONGEST_MARK[letters - 1] * across


def _part_known(piece: str, lexicon: Lexicon) -> bool:
    return not alnum(piece) or lexicon.knows(piece) or patterns.is_measure(piece) or patterns.is_code(piece)


def _kept_readings(word: Word) -> tuple[str, ...]:
    """Other readings that may vouch for a word that the first reader was unsure of."""
    return tuple(each for each in word.others if each != UNREAD) if word.confidence < 0.9 else ()


def _is_unknown(evidence: Sequence[Evidence]) -> bool:
    return all(each.rule == NEAR for each in evidence)


def _decide(gathered: Gathered, index: int, threshold: float) -> Finding:
    """PHI evidence wins, then the lexicon unless the model is very sure, then the model; what nothing knows goes."""
    word = gathered.words[index]
    p_model = gathered.model[index] if gathered.model else None
    evidence = [*gathered.for_phi[index], *gathered.harmless[index]]
    p_phi = gathered.p_phi(index)
    if all(each.rule == LONG for each in evidence):
        if word.confidence < doubt.UNREADABLE or not core(word.text):
            p_phi = P_UNREADABLE
            evidence.append(Evidence(Reason.UNREADABLE, "confidence", p_phi))
        elif p_model is None:
            evidence.append(Evidence(Reason.UNKNOWN, "lexicon", p_phi))
    elif p_model is None and _is_unknown(evidence):
        evidence.append(Evidence(Reason.UNKNOWN, "lexicon", p_phi))
    if p_model is not None:
        evidence.append(Evidence(Reason.MODEL, "llm", p_model))
    if p_phi >= threshold and index in gathered.missing and not word.vertical:
        word = _grown(word, *gathered.missing[index])
    return Finding(word, p_phi, tuple(evidence), threshold)


def _grown(word: Word, before: int, after: int) -> Word:
    """The word with room for characters that were cut off; the frame's edge bounds it later."""
    advance = word.box.width / max(len(word.text), 1)
    left = max(word.box.left - round(before * advance), 0)
    return replace(
        word, box=Box.from_edges(left, word.box.top, word.box.right + round(after * advance), word.box.bottom)
    )
