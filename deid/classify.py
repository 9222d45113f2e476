"""Words and header values in, decisions with reasons out.

Evidence is gathered line by line: the file's own header values, labels beside values, shapes of text, institutions,
the lexicon of harmless text, and a model where there is one. Header values, labels beside values and shapes stand
whatever the model says. Elsewhere the model decides, and the lexicon or a word's neighbours say how sure it must be.
Without a model what speaks for PHI wins over the lexicon; a word that nothing knows goes.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Protocol

from deid import doubt, patterns
from deid.across import gone_across
from deid.context import LineContext, read_context
from deid.gathered import (
    AMID,
    LONG,
    NEAR,
    NUMBER,
    P_CONTEXT,
    P_HEADER,
    P_KNOWN,
    P_NEIGHBOUR,
    P_OVERRULES,
    P_PAIR,
    P_PATTERN,
    P_SHORT,
    P_SYMBOL,
    P_UNREADABLE,
    SCRIPT,
    SETTINGS,
    Gathered,
)
from deid.ghosts import without_ghosts
from deid.lexicon import LABEL_ENDS, MOST_MARKS, LabelKind, Lexicon, load_lexicon
from deid.matching import Target, match_line, missing, targets
from deid.nearly import as_known, is_nearly_known
from deid.seams import apart, beside_labels
from deid.text import alnum, core, digit_count, fold, in_greek, is_alphabetic, parts
from deid.values import UNREAD, Box, Evidence, Finding, FrameFindings, FrameWords, Hint, Policy, Reason, Word

LONGEST_UNKNOWN_LABEL = 5
SHORTEST_CUT_DURATION = 5
SHORTEST_INITIALS = 2
"""Two letters that the lexicon does not know may be those of the person at the console; one letter is a mark."""
UNREADABLE = 0.5
"""Below this confidence the letters of a word are not believed."""
CLEAR = 0.9
"""A word that was read as surely as this may be nearly a known one."""
READ_WELL = 0.8
"""A word that was read less surely may be a date where another reading of it may."""
LONGEST_MARK = (1.7, 2.5)
"""What is longer than so many of its heights is no mark of one letter, or of two: more was there than was made out."""
NAMED = frozenset((LabelKind.PERSON.value, LabelKind.STAFF.value))
"""What stands behind a name that has one of these labels is a surname, where it may be one."""
_RULES = frozenset("-\u2013\u2014_=~|/\\.\u00b7")
"""Marks that are as long as they like."""
_SECONDS = re.compile(r"[.:]?[0-5]\d")
_ENDS_IN_CLOCK = re.compile(r"\d:\d\d$")


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
        _neighbours(gathered, lexicon, threshold)
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
    if word.confidence < UNREADABLE and len(alnum(text)) <= SHORTEST_INITIALS:
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
    if word.confidence >= UNREADABLE and patterns.are_several_settings(text, lexicon):
        return [Evidence(Reason.LEXICON, SETTINGS, P_KNOWN)]
    is_code = patterns.is_code(text) or all(_part_known(each, lexicon) for each in parts(text))
    if (is_code or patterns.is_settings(text, lexicon)) and word.confidence >= UNREADABLE:
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


def _neighbours(gathered: Gathered, lexicon: Lexicon, threshold: float) -> None:
    """Words beside words that go may belong to them: a house number, "de", "St.", a title, the half of the day.

    So may a word whose letters are not believed, whatever a list knows of what was read; one that nothing but the model
    knows, whatever the model says of it; a word of institutions behind a name that goes; and a word of the trade that
    is a surname too, if the model does not say no.
    """
    row = gathered.words
    gathered.beside = _pairs(gathered)
    goes = [gathered.p_phi(i) >= threshold for i in range(len(row))]
    unnamed = [goes[i] and doubt.is_unnamed(row[i].text, beside=gathered.context.unnamed) for i in range(len(row))]
    worded = [is_alphabetic(row[i].text) and len(alnum(row[i].text)) > 2 for i in range(len(row))]
    wordy = [goes[i] and (worded[i] or unnamed[i]) for i in range(len(row))]
    for index, word in enumerate(row):
        if goes[index] or index in gathered.context.labels or _is_age(gathered.harmless[index]):
            continue
        before, after = index > 0 and wordy[index - 1], index + 1 < len(row) and wordy[index + 1]
        leads = after and (index == 0 or goes[index - 1])
        alphabetic = is_alphabetic(word.text)
        unknown = _is_unknown(gathered.harmless[index]) and alphabetic and (before or after)
        between = before and after and (alphabetic or not patterns.is_measure(word.text))
        number = patterns.is_bare_number(word.text) and (before or leads)
        pointed = alphabetic and word.text.endswith((".", ","))
        initial = pointed and ((len(alnum(word.text)) <= 3 and before) or (len(alnum(word.text)) == 1 and leads))
        title = fold(core(word.text)) in lexicon.titles and (before or after)
        just_told = any(_is_time(gathered.for_phi[i]) for i in range(max(index - 2, 0), index))
        just_told = just_told or (
            index > 0 and goes[index - 1] and _ENDS_IN_CLOCK.search(row[index - 1].text) is not None
        )
        doubtful = _is_doubtful(word) and any(goes[max(index - 1, 0) : index + 2])
        half = just_told and fold(core(word.text)) in doubt.HALF_DAYS
        seconds = index > 0 and _is_time(gathered.for_phi[index - 1]) and _SECONDS.fullmatch(word.text) is not None
        seconds = seconds or (index > 0 and _is_date(gathered.for_phi[index - 1]) and patterns.may_be_clock(word.text))
        letter = (before or leads) and any(each.rule == "short" for each in gathered.harmless[index])
        doubted = any(_is_doubtful(row[i]) for i in (index - 1, index + 1) if 0 <= i < len(row))
        kin = before or after or doubted
        if kin and not gathered.context.labels and _names_institution(word, lexicon):
            gathered.for_phi[index].append(Evidence(Reason.CONTEXT, "named", P_NEIGHBOUR))
            goes[index] = wordy[index] = gathered.p_phi(index) >= threshold
        elif (before or after) and doubt.is_initial(word):
            gathered.for_phi[index].append(Evidence(Reason.CONTEXT, "initial", P_NEIGHBOUR))
            goes[index] = gathered.p_phi(index) >= threshold
        elif index > 0 and goes[index - 1] and doubt.may_be_half_day(row[index - 1], word):
            gathered.for_phi[index].append(Evidence(Reason.PATTERN, "rest", P_PATTERN))
            goes[index] = True
        elif number and before and unnamed[index - 1]:
            gathered.for_phi[index].append(Evidence(Reason.CONTEXT, "unnamed", P_NEIGHBOUR))
            goes[index] = True
        elif number and before:
            gathered.for_phi[index].append(Evidence(Reason.CONTEXT, NUMBER, P_NEIGHBOUR))
            goes[index] = gathered.p_phi(index) >= threshold
        elif unknown or between or number or initial or title or half or seconds or letter or doubtful:
            gathered.for_phi[index].append(Evidence(Reason.CONTEXT, "neighbour", P_NEIGHBOUR))
            goes[index] = gathered.p_phi(index) >= threshold
            wordy[index] = goes[index] and alphabetic and not half
        elif before and gathered.context.values.get(index - 1) in NAMED and lexicon.standing(word.text) == MOST_MARKS:
            gathered.for_phi[index].append(Evidence(Reason.CONTEXT, "named", P_NEIGHBOUR))
            goes[index] = wordy[index] = gathered.p_phi(index) >= threshold
        elif (before or after) and lexicon.standing(word.text) == MOST_MARKS:
            gathered.for_phi[index].append(Evidence(Reason.CONTEXT, "surname", P_NEIGHBOUR))
            goes[index] = gathered.p_phi(index) >= threshold
            wordy[index] = goes[index]
    if not any(goes) and doubt.is_doubted(row, lexicon):
        for index in range(len(row)):
            gathered.for_phi[index].append(Evidence(Reason.PATTERN, "rest", P_PATTERN))
    for index in () if gathered.context.labels else doubt.amid(row, goes):
        gathered.for_phi[index].append(Evidence(Reason.CONTEXT, AMID, P_NEIGHBOUR))
        goes[index] = gathered.p_phi(index) >= threshold
    behind = {i for i in range(1, len(row)) if goes[i - 1] and not doubt.may_be_sex(row[i])}
    gathered.beside |= behind | {i for i in range(len(row) - 1) if goes[i + 1]}
    gathered.beside |= {
        i for i in range(1, len(row)) if row[i - 1].text.endswith(LABEL_ENDS) and patterns.may_be_signed(row[i].text)
    }


def _is_doubtful(word: Word) -> bool:
    """Whether letters were seen that are not believed."""
    return word.confidence < UNREADABLE and bool(alnum(word.text))


def _names_institution(word: Word, lexicon: Lexicon) -> bool:
    """Whether any reading of the word is one that names of institutions have."""
    return any({fold(each) for each in parts(reading)} & lexicon.institution for reading in word.readings)


def _pairs(gathered: Gathered) -> set[int]:
    """Words beside each other of both of which the model is nearly sure, such as the pieces of a date."""
    sure = [p_phi >= P_PAIR for p_phi in gathered.model or ()]
    free = [each and not gathered.for_phi[i] and i not in gathered.context.labels for i, each in enumerate(sure)]
    return {i for start in range(len(free) - 1) if free[start] and free[start + 1] for i in (start, start + 1)}


def _is_unknown(evidence: Sequence[Evidence]) -> bool:
    return all(each.rule == NEAR for each in evidence)


def _is_age(evidence: Sequence[Evidence]) -> bool:
    return any(each.rule == "age" for each in evidence)


def _is_date(evidence: Sequence[Evidence]) -> bool:
    return any(each.rule == "date" for each in evidence)


def _is_time(evidence: Sequence[Evidence]) -> bool:
    return any(each.rule == "time" for each in evidence)


def _decide(gathered: Gathered, index: int, threshold: float) -> Finding:
    """PHI evidence wins, then the lexicon unless the model is very sure, then the model; what nothing knows goes."""
    word = gathered.words[index]
    p_model = gathered.model[index] if gathered.model else None
    evidence = [*gathered.for_phi[index], *gathered.harmless[index]]
    p_phi = gathered.p_phi(index)
    if all(each.rule == LONG for each in evidence):
        if word.confidence < UNREADABLE or not core(word.text):
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
