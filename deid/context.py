"""What a word's place tells: the label that it stands beside, the institution whose name it is part of."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from rapidfuzz.distance import OSA

from deid import patterns
from deid.doubt import is_unnamed
from deid.lexicon import LABEL_ENDS, LONGEST_LABEL_WORDS, LabelKind, Lexicon, label_key
from deid.text import alnum, as_digits, core, digit_count, fold, is_alphabetic, parts
from deid.values import Word

LONGEST_NAME_WORDS = 6
_AGE_LABELS = ("age", "alter", "edad", "eta", "idade")
_SIGNED = re.compile(r"[A-Z]{1,3}(?:/[A-Z]{1,3}){1,2}")
"""Initials of several people, behind a label of staff even where each is a known mark: OP D/HZ."""
_LETTERS_OF_DIGITS = str.maketrans("012578", "OIZSZB")
SHORTEST_BEFORE_COLON = 4
"""Letters that a label has at least whose colon was read as one of `_COLON_LOOKS`."""
DOUBTED = 0.95
"""Nor was it read as surely as this."""
FEWEST_DIGITS = 3
_COLON_LOOKS = frozenset("ilrtjıI1|!;")
_BEFORE_DIGITS = frozenset((LabelKind.ID, LabelKind.BIRTH, LabelKind.DATE))
PHONE_GAP_HEIGHTS = 3.0
OVER_HEIGHTS = 1.5
SHORTEST_STREET = 3
"""Letters that stand at least before a kind of street in one word with it."""
_GROUP = re.compile(r"\d{2,4}")
_POINTED_LETTER = re.compile(r"[^\W\d]\.")
"""An initial, or a word cut short; a setting of one letter has a colon behind it, or nothing."""
_DOCTOR = frozenset(("dr", "doctor"))


@dataclass(slots=True)
class LineContext:
    """Indices of a line's words that are labels, and of those that are values, with what kind of value."""

    labels: set[int] = field(default_factory=set)
    values: dict[int, str] = field(default_factory=dict)
    institution: bool = False
    open_label: LabelKind | None = None
    """The kind of a label that ends the line: its value stands below or right of it."""
    found: bool = False
    """Whether something stands there."""
    unnamed: bool = False
    """Whether some of the frame's text is in letters that the reader has no names for."""


def read_context(rows: Sequence[tuple[Word, ...]], lexicon: Lexicon) -> list[LineContext]:
    """The context of each line of a frame."""
    contexts = [_line(row, lexicon) for row in rows]
    unnamed = any(is_unnamed(word.text) for row in rows for word in row)
    for row, context in zip(rows, contexts, strict=True):
        context.unnamed = unnamed
        _institution(row, context, lexicon)
        _address(row, context, lexicon)
    _phones_go_on(rows, contexts)
    _streets_begin(rows, contexts)
    _values_below(rows, contexts, lexicon)
    _institution_continues(rows, contexts, lexicon)
    return contexts


def _line(row: tuple[Word, ...], lexicon: Lexicon) -> LineContext:
    context = LineContext()
    index = 0
    inherited = False
    while index < len(row):
        length, kind, marked = _label_at(row, index, lexicon)
        if kind is None:
            index += 1
            inherited = False
            continue
        marked = marked or inherited or (kind is LabelKind.STAFF and fold(core(row[index].text)) in _DOCTOR)
        inherited = marked and kind in (LabelKind.STAFF, LabelKind.PERSON)
        first = index + length
        if first >= len(row):
            if marked:
                context.labels.update(range(index, first))
                context.open_label = kind
            break
        taken = _value(row, first, kind, marked, lexicon)
        if not marked and kind is LabelKind.ID and _names_institution(row, index, taken, lexicon):
            taken = []
        if marked or taken or kind is LabelKind.HARMLESS:
            context.labels.update(range(index, first))
        for each in taken:
            context.values[each] = kind.value
        index = max(first, 1 + max(taken, default=first - 1))
    return context


def _names_institution(row: tuple[Word, ...], index: int, taken: list[int], lexicon: Lexicon) -> bool:
    """Whether a word that may be a label of numbers is one of an institution: NHS before what is no number."""
    digits = sum(digit_count(row[each].text) for each in taken)
    return fold(core(row[index].text)) in lexicon.institution and digits < FEWEST_DIGITS


def _label_at(row: tuple[Word, ...], index: int, lexicon: Lexicon) -> tuple[int, LabelKind | None, bool]:
    """Length in words, kind, and whether punctuation marks it as a label, of the longest label at a word."""
    if _POINTED_LETTER.fullmatch(row[index].text):
        return 0, None, False
    for length in range(min(LONGEST_LABEL_WORDS, len(row) - index), 0, -1):
        words = [word.text for word in row[index : index + length]]
        if any(word.endswith(LABEL_ENDS) for word in words[:-1]):
            continue
        marked = words[-1].endswith((*LABEL_ENDS, ")."))  # a colon of which a dot was read
        kind = lexicon.label(" ".join(words).rstrip(":=#. "), marked=marked)
        if kind is not None:
            return length, kind, marked
    return _misread_label(row, index, lexicon)


def _misread_label(row: tuple[Word, ...], index: int, lexicon: Lexicon) -> tuple[int, LabelKind | None, bool]:
    """As `_label_at`, for one word whose colon another reading saw, or that was read as a letter before digits."""
    word = row[index]
    for other in word.others:
        if other.endswith(LABEL_ENDS) and OSA.distance(other, word.text, score_cutoff=1) <= 1:
            kind = lexicon.labels.get(label_key(other))
            if kind is not None:
                return 1, kind, True
    text = word.text
    doubted = word.confidence < DOUBTED and text[-1] in _COLON_LOOKS
    if doubted and len(text) > SHORTEST_BEFORE_COLON and index + 1 < len(row):
        kind = lexicon.labels.get(label_key(text[:-1]))
        if kind in _BEFORE_DIGITS and digit_count(row[index + 1].text) >= FEWEST_DIGITS:
            return 1, kind, True
    return 0, None, False


def _value(row: tuple[Word, ...], first: int, kind: LabelKind, marked: bool, lexicon: Lexicon) -> list[int]:
    """Indices of the words that are the value of a label, which begins at `first`."""
    if kind in (LabelKind.PERSON, LabelKind.STAFF):
        return _name(row, first, marked, staff=kind is LabelKind.STAFF, lexicon=lexicon)
    if kind is LabelKind.ID:
        return _number(row, first, lexicon)
    if kind in (LabelKind.BIRTH, LabelKind.DATE):
        taken = _day(row, first, lexicon)
        return taken or ([first] if marked and _may_be_misread(row[first].text, lexicon) else [])
    if kind is LabelKind.CONTACT:
        return _while(row, first, lexicon, lambda text: bool(digit_count(text)) or patterns.net_shape(text) is not None)
    if kind is LabelKind.HARMLESS:
        return [first] if _says_old(row, first) else []
    if not marked:
        return []
    return _while(row, first, lexicon, lambda text: bool(alnum(text)))


def _day(row: tuple[Word, ...], first: int, lexicon: Lexicon) -> list[int]:
    """A day and a time: digits, and before more of them a month or what a reader made of one."""
    taken: list[int] = []
    for index in range(first, len(row)):
        text = row[index].text
        _, kind, marked = _label_at(row, index, lexicon)
        if kind is not None and marked:
            break
        more = index + 1 < len(row) and _may_be_date(row[index + 1].text)
        month = more and is_alphabetic(text) and (fold(core(text)) in lexicon.months or not lexicon.knows(text))
        if not (_may_be_date(text) or month or patterns.date_shape(text, lexicon)):
            break
        taken.append(index)
    return taken


def _may_be_date(text: str) -> bool:
    """Whether the word is digits and separators, or letters that readers take them for."""
    return bool(digit_count(text)) and not any(each.isalpha() for each in as_digits(core(text)))


def _may_be_misread(text: str, lexicon: Lexicon) -> bool:
    """Whether the word may be a day in digits that no reader knows: .7..V...9, read where dates stand."""
    return bool(digit_count(text)) and not lexicon.knows(text) and not _has_unit(text)


def _says_old(row: tuple[Word, ...], first: int) -> bool:
    label = fold(row[first - 1].text)
    return any(word in label for word in _AGE_LABELS) and patterns.old_age(row[first].text)


def _has_unit(text: str) -> bool:
    return patterns.is_measure(text) and any(each.isalpha() or each == "%" for each in text)


def _while(row: tuple[Word, ...], first: int, lexicon: Lexicon, wanted: Callable[[str], bool]) -> list[int]:
    """Indices from `first` on as long as no label begins and the words are wanted."""
    taken = []
    for index in range(first, len(row)):
        _, kind, marked = _label_at(row, index, lexicon)
        if (kind is not None and marked) or not wanted(row[index].text):
            break
        taken.append(index)
    return taken


def _name(row: tuple[Word, ...], first: int, marked: bool, *, staff: bool, lexicon: Lexicon) -> list[int]:
    """A person's name or initials: letters until a number, a bracket, another label or known text."""
    taken: list[int] = []
    for index in range(first, min(first + LONGEST_NAME_WORDS, len(row))):
        text = row[index].text
        _, kind, is_marked = _label_at(row, index, lexicon)
        letters = alnum(text)
        is_label = kind is not None and (is_marked or (not taken and kind is not LabelKind.HARMLESS))
        if staff and marked and not taken and _may_be_signed(text):
            return [index]
        if is_label or not is_alphabetic(text) or text[0] in "[({":
            break
        if len(letters) == 1 and text.endswith(".") and taken:
            pass  # "Le M."
        elif len(letters) == 1 and not (staff and not taken):
            # An initial stands before the rest of the name; a sex or a side after it does not.
            if index + 1 >= len(row) or lexicon.knows(row[index + 1].text):
                break
        elif not (staff and not taken and _SIGNED.fullmatch(text)) and not _may_be_name(
            row, index, bool(taken), kind, marked, lexicon
        ):
            break
        taken.append(index)
    return taken


def _may_be_signed(text: str) -> bool:
    """Whether initials of several people were read with a digit for one of their letters: R/R7."""
    return digit_count(text) == 1 and _SIGNED.fullmatch(text.translate(_LETTERS_OF_DIGITS)) is not None


def _may_be_name(
    row: tuple[Word, ...], index: int, begun: bool, kind: LabelKind | None, marked: bool, lexicon: Lexicon
) -> bool:
    """Whether a word that may be known text is taken for part of a name where it stands."""
    text = row[index].text
    if not lexicon.knows(text) or fold(core(text)) in lexicon.titles:
        return True
    # "Eklund, Per": a given name follows the comma, whatever else the word may mean.
    return marked if not begun else row[index - 1].text.endswith(",") and kind is None


def _number(row: tuple[Word, ...], first: int, lexicon: Lexicon) -> list[int]:
    """A record's number: words up to and with those that hold digits."""
    taken: list[int] = []
    for index in range(first, len(row)):
        text = row[index].text
        _, kind, marked = _label_at(row, index, lexicon)
        if kind is not None and marked:
            break
        if digit_count(text) and not _has_unit(text):
            taken.append(index)
        elif taken or index > first or not alnum(text) or lexicon.knows(text):
            break
        elif index + 1 < len(row) and digit_count(row[index + 1].text):
            taken.append(index)
        else:
            break
    return taken


def _institution(row: tuple[Word, ...], context: LineContext, lexicon: Lexicon) -> None:
    """Marks the words of a line that names an institution."""
    free = [i for i in range(len(row)) if i not in context.labels and i not in context.values]
    if free and free[0] == 0 and len(row) > 1 and _only_labels(row[0].text, lexicon):
        free = free[1:]
        context.labels.add(0)
    pieces = {i: {fold(each) for each in parts(row[i].text)} for i in free}
    strong = [i for i in free if pieces[i] & lexicon.institution_strong]
    if not strong:
        return
    company = [
        i
        for i in free
        if is_alphabetic(row[i].text)
        and len(alnum(row[i].text)) > 1
        and (pieces[i] & lexicon.institution or not lexicon.knows(row[i].text))
    ]
    joined = any(not lexicon.knows(each) for i in strong for each in pieces[i] - lexicon.institution)
    if len(company) < 2 and not joined and not any(pieces[i] & lexicon.institution_sure for i in strong):
        return
    context.institution = True
    for index in free:
        if not _has_unit(row[index].text) and alnum(row[index].text):
            context.values[index] = LabelKind.INSTITUTION.value


def _only_labels(text: str, lexicon: Lexicon) -> bool:
    """Whether the word stands before an institution's name and in none: Site, Inst."""
    folded = fold(core(text))
    return lexicon.labels.get(label_key(text)) is LabelKind.INSTITUTION and folded not in lexicon.institution


def _address(row: tuple[Word, ...], context: LineContext, lexicon: Lexicon) -> None:
    """Marks the words of a line that holds a street: its kind, a number, and a name that nothing else explains."""
    free = [i for i in range(len(row)) if i not in context.labels and i not in context.values]
    joined = any(_ends_as_street(row[i].text, lexicon) for i in free)
    street = joined or any(fold(core(row[i].text)).strip(".") in lexicon.address for i in free)
    number = any(patterns.is_bare_number(row[i].text) for i in free)
    named = joined or any(
        is_alphabetic(row[i].text) and len(alnum(row[i].text)) > 2 and not lexicon.knows(row[i].text) for i in free
    )
    if street and number and named:
        for index in free:
            if not _has_unit(row[index].text) and alnum(row[index].text):
                context.values[index] = LabelKind.ADDRESS.value


def _ends_as_street(text: str, lexicon: Lexicon) -> bool:
    """Whether a name and its kind of street are one word that no list knows: Lindenstr., Sankt-Eriksgatan."""
    last = fold(core(text)).strip(".").rpartition("-")[2]
    rest = next((len(last) - len(each) for each in lexicon.street_endings if last.endswith(each)), 0)
    return rest >= SHORTEST_STREET and not lexicon.knows(text)


def _institution_continues(rows: Sequence[tuple[Word, ...]], contexts: list[LineContext], lexicon: Lexicon) -> None:
    """A name of an institution runs on in the line below where that holds words of such names and nothing else."""
    named = [
        i for i, each in enumerate(contexts) if each.institution or LabelKind.INSTITUTION.value in each.values.values()
    ]
    changed = True
    while changed:
        changed = False
        for number, (row, context) in enumerate(zip(rows, contexts, strict=True)):
            if number in named or context.labels or context.values:
                continue
            known = lexicon.institution | lexicon.department
            kin = any({fold(each) for each in parts(word.text)} & known for word in row)
            bare = all(not digit_count(word.text) for word in row)
            if kin and bare and any(_stacked(rows[other], row) for other in named):
                context.values = dict.fromkeys(range(len(row)), LabelKind.INSTITUTION.value)
                named.append(number)
                changed = True


def _values_below(rows: Sequence[tuple[Word, ...]], contexts: list[LineContext], lexicon: Lexicon) -> None:
    """A label that ends its line has its value right below it."""
    for row, context in zip(rows, contexts, strict=True):
        if context.open_label is None or len(context.labels) < len(row):
            continue
        beside = min(
            (i for i, other in enumerate(rows) if _right_of(row, other)),
            key=lambda i: rows[i][0].box.left,
            default=None,
        )
        if beside is not None:
            if not contexts[beside].labels and not contexts[beside].values:
                for index in _value(rows[beside], 0, context.open_label, True, lexicon):
                    contexts[beside].values[index] = context.open_label.value
            context.found = True
            continue
        for other, below in zip(rows, contexts, strict=True):
            if other is row or below.labels or below.values or other[0].box.top <= row[0].box.top:
                continue
            if _stacked(row, other):
                for index in _value(other, 0, context.open_label, True, lexicon):
                    below.values[index] = context.open_label.value
                    context.found = True


def _phones_go_on(rows: Sequence[tuple[Word, ...]], contexts: list[LineContext]) -> None:
    """Marks a bare number right of a phone that begins with a country: a group between the two was not seen."""
    for row in rows:
        texts = [word.text for word in row]
        dials = patterns.phones_in_line(texts)
        if len(row) - 1 not in dials or not any(texts[index].startswith("+") for index in dials):
            continue
        for other, context in zip(rows, contexts, strict=True):
            apart = other[0].box.left - row[-1].box.right
            near = _right_of(row, other) and apart <= PHONE_GAP_HEIGHTS * row[-1].box.height
            if near and not context.labels and _GROUP.fullmatch(other[0].text):
                context.values[0] = LabelKind.CONTACT.value


def _streets_begin(rows: Sequence[tuple[Word, ...]], contexts: list[LineContext]) -> None:
    """Marks a line that ends where a street begins, with its number: a reader saw the two over each other."""
    for row, context in zip(rows, contexts, strict=True):
        if context.values.get(0) != LabelKind.ADDRESS.value or row[0].vertical:
            continue
        for other, before in zip(rows, contexts, strict=True):
            one, two = other[-1].box, row[0].box
            height = min(one.height, two.height)
            level = min(one.bottom, two.bottom) - max(one.top, two.top) >= 0.5 * height
            touches = other[0].box.left < two.left and abs(two.left - one.right) <= OVER_HEIGHTS * height
            number = patterns.is_bare_number(other[0].text)
            if other is not row and level and touches and number and not before.labels and not before.values:
                before.values.update(dict.fromkeys(range(len(other)), LabelKind.ADDRESS.value))


def _right_of(left: tuple[Word, ...], right: tuple[Word, ...]) -> bool:
    """Whether a line begins right of another, on its level and not far away."""
    one, two = left[-1].box, right[0].box
    height = min(one.height, two.height)
    shared = min(one.bottom, two.bottom) - max(one.top, two.top)
    return shared >= 0.5 * height and 0 <= two.left - one.right <= 10 * height and not right[0].vertical


def _stacked(upper: tuple[Word, ...], lower: tuple[Word, ...]) -> bool:
    """Whether two lines stand right above each other, with the same or an overlapping left part."""
    if upper[0].vertical or lower[0].vertical:
        return False
    tops, bottoms = min(word.box.top for word in lower), max(word.box.bottom for word in upper)
    height = min(upper[0].box.height, lower[0].box.height)
    overlap = min(upper[-1].box.right, lower[-1].box.right) - max(upper[0].box.left, lower[0].box.left)
    return abs(tops - bottoms) <= 0.9 * height and overlap > 0
