"""Shapes of text: dates, times, numbers of records, phones, addresses of the net, ages; and what measures look like.

Each function looks at one word (or a run of words of a line) and answers with the name of the shape or None.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from deid.lexicon import Lexicon
from deid.text import as_digits, core, digit_count, fold, parts

ID_DIGITS = 5
"""This many digits in a word without a unit identify: counters and settings of consoles are shorter."""
LONG_NUMBER = 7
"""Numbers joined by dashes or slashes are no measure from this many digits on, but a phone or a record."""
OLD_AGE = 90
"""Ages from here on identify (45 CFR 164.514(b)(2)(i)(C))."""

_UNIT = (
    r"(?:%|°|deg|[kmgµu]?hz|db(?:/c)?|[cmµu]?m(?:/s|2|3|²|³)?|cms|mm/s|[kmµu]?s|sec|min|hr?|ms|[mk]?v[p]?|kvp|ma|mas|"
    r"m?gy(?:cm2?|·cm²?)?|[mµu]?sv|dgycm2|hu|bpm|rpm|fps|f/s|fr/s|p/s|ml|cc|cl|l|kg|g|mg|lbs?|n|kpa|pa|mmhg|hz/px|khz/px|"
    r"px|bq|[km]bq|kcts|cts|kev|w|mw|"
    r"t|x|y|yr|yrs|m|d|w|wk|wks|mo|/min|/s|cm/sec|cm/s|m/s|in|ft|nm|ppm|bit|fr|frames?|rows?|ch|d)"
)
_NUMBER = r"[-+~<>=±]*(?:\d{1,4}|\d{1,2}[,.]\d{3}|\d{0,4}[.,]\d{1,4}|0?[.,]\d{1,6})"
_MEASURE = re.compile(rf"^(?:{_NUMBER}(?:[x×*/:-]{_NUMBER})*(?:[-/]?{_UNIT}[²³]?)?|{_UNIT})$", re.IGNORECASE)
_NUMERIC_DATE = re.compile(r"(?<!\d)(\d{1,4})[-/.,](\d{1,2})[-/.,](\d{1,4})(?!\d)")
_NUMBERED = frozenset(("ct", "mr", "us", "cr", "dx", "xa", "rf", "mg", "nm", "pt", "id", "p", "s", "a", "h", "m"))
"""Numbers of records begin with these, so that four digits behind them are nobody's setting."""
_INITIALS = re.compile(r"(?:[A-Z]\.){2,3}")
_SIGNED = re.compile(r"[A-Z]{1,2}(?:/[A-Z]{1,3}){1,2}")
_PROJECTIONS = frozenset(("AP", "PA", "LAT", "RL", "LR", "DOB", "BD", "SI", "IS", "HF", "FH"))
_MISREAD_MONTH = re.compile(r"[\w|!]{1,2}[-. /]?(\w{3})[-. /]?['’]?[\dOolI|SBZ]{2,4}")
_LETTER_LOOKS = str.maketrans("0158|!", "oisbii")
_REST_CLOCK = re.compile(r"\d{1,2}[:h]\d{1,4}(?:[:.]\d{1,2})?")
_BROKEN_DAY = re.compile(r"(?=.*\d\d)(?:/?[\d-]*/[\d-]+/-?|[\d-]+/-?/[\d-]+|/[\d-]+/[\d-]+)")
"""Two strokes between digits of which one group was not read: 190/1/-, 12//1964."""
_DAY = re.compile(r"0?[1-9]|[12]\d|3[01]")
_YEAR = re.compile(r"(?:19|20)\d{2}")
_CUT_YEAR = re.compile(r"[12]\d{2}")
_DAY_OR_YEAR = re.compile(r"\d{1,2}(?:st|nd|rd|th|t)?|\d{4}")
_REST_YEAR = re.compile(r"^(?:0?[1-9]|[12]\d|3[01])[-/](?:19|20)\d{2}$")
_SETTINGS = re.compile(r"(?:[A-Za-z]{1,4}\d{1,4}){1,3}")
_SIZES = re.compile(
    r"[A-Za-z]+:?\d{2,4}[x*]\d{2,4}"  # Matrix256x256
    rf"|[A-Za-z]{{2,6}}[-=:]-?\d{{1,3}}(?:[.,]\d{{1,3}})?(?:[-.]?{_UNIT})?"  # Dist-4.21, a space read as a dash
    r"|[A-Za-z]+(?:>[A-Za-z]+\(-?\d{1,2}[.,]\d{1,2}\)){1,2}"  # Sag>Cor(2.5)>Tra(2.37)
    r"|[\d.,]{1,5}[a-z]{1,3}/[\d.,]{1,5}[a-z]{1,3}"  # 0.49s/1.46mm
)
_TIME = re.compile(
    r"^\(?([01]?\d|2[0-3])[:h]([0-5]\d)(?:[:.]([0-5]\d)(?:[.,]\d+)?)?\)?(?:\s*([ap])\.?m\.?)?$", re.IGNORECASE
)
_NET = re.compile(
    r"\w{2,}@\w{2,}|^https?:|^www\.|\w{3,}\.(?:com|org|net|edu|gov|de|fr|uk|es|nl|local)(?:/|$)", re.IGNORECASE
)
_DATE_FRAGMENT = re.compile(
    r"^[/.-]?\d{1,2}[/.-]\d{1,2}[/.-]\d{0,3}$"
    r"|^[/.-]?\d{1,2}[/.-](?:19|20)\d{2}$|^[/.-]\d{1,2}[/.-]\d{2,4}$"
)
_AGE = re.compile(r"^(?:[mfwo]/?)?0?(\d{2,3})(?:y|yr|yrs|years|j|ans|a|jahre)?$", re.IGNORECASE)
_YEARS = frozenset(
    "y yr yrs year years yo y.o y/o j jr jahre jaar ans an anos anni let lat yas лет 歳 岁 세".split()  # noqa: SIM905
)
"""Units of ages, folded."""
_SAID_AGE = re.compile(
    r"[(\[]?(?:(?P<sex>[\[(]?(?:[mfwhkv]|male|female|mann|frau|mannlich|weiblich|masculin|feminin|masc|fem|hombre|mujer"
    r"|maschile|femmina|homme|femme|kvinna)[.)\]]{0,2})/)?0?(?P<years>\d{1,3})"
    r"(?P<unit>y|yr|yrs|yo|j|jr|ans|anos|anni|let|лет|歳|岁|세)?[)\],;.]*(?:/(?:[mfwhkv]|male|female)[)\]]?)?"
)
_CODE_PART = re.compile(r"^(?=.{1,8}$)(?:(?:[A-Za-z]{1,4}|\d{1,3})(?![A-Za-z]{5}|\d{4}))+$")
_PHONE_START = re.compile(r"^\(?\+\d{1,3}\)?")
_BARE_NUMBER = re.compile(r"^[(+]*\d[\d().,/-]*$")
_PRODUCT = re.compile(rf"{_NUMBER}(?:[x×]{_NUMBER})+")
_HOUSE_NUMBER = re.compile(r"\d{1,5}[a-z]?(?:-\d{1,4})?")
_LETTERS, _NO_LETTERS = re.compile(r"[a-z]+"), re.compile(r"[^a-z]+")
_DIGIT, _DIGITS, _NO_WORD = re.compile(r"\d"), re.compile(r"\d+"), re.compile(r"\W")


def date_shape(word: str, lexicon: Lexicon) -> str | None:
    """Say "date" where the word alone is a date, in digits or with a month's name."""
    text = as_digits(core(word))
    for match in _NUMERIC_DATE.finditer(text):
        if is_calendar(*match.groups()):
            return "date"
    if _REST_YEAR.match(text) or _BROKEN_DAY.fullmatch(word.strip("()[].,;")):
        return "date"
    letters = _NO_LETTERS.sub(" ", fold(word)).split()
    if digit_count(word) and any(each in lexicon.months for each in letters):
        return "date"
    if _names_month(core(word), lexicon):
        return "date"
    return None


def may_be_misread_date(word: str, lexicon: Lexicon) -> bool:
    """Whether three short groups between slashes may be a date in digits that no reader knows: 19OY/-V/.A.

    Digits are among them, and a group that neither digits nor a known word explain.
    """
    groups = word.strip("()[],;").split("/")
    if len(groups) != 3 or not all(0 < len(group) <= 4 for group in groups) or not digit_count(word):
        return False
    return not all(as_digits(group).isdigit() or lexicon.knows(group) for group in groups)


def _names_month(text: str, lexicon: Lexicon) -> bool:
    """Whether the word is a day, a month's name and a year, each a little misread: 170KT82, l5AUG2021."""
    match = _MISREAD_MONTH.fullmatch(text)
    if match is None or digit_count(text) < 2:
        return False
    return fold(match[1]).translate(_LETTER_LOOKS) in lexicon.months


def is_calendar(first: str, second: str, third: str) -> bool:
    """Whether three groups of digits are a day of some calendar order."""
    if len(third) == 1 or len(first) == 3 or len(third) == 3:
        return False
    if len(first) == 4 and len(third) == 4:
        return False
    numbers = sorted(int(each) for each in (first, second, third))
    if len(first) == 4 or len(third) == 4:
        year = int(first) if len(first) == 4 else int(third)
        rest = [int(each) for each in ((second, third) if len(first) == 4 else (first, second))]
        return 1850 <= year <= 2100 and 1 <= min(rest) <= 12 and max(rest) <= 31
    return numbers[0] <= 12 and numbers[1] <= 31


def dates_in_line(words: Sequence[str], lexicon: Lexicon) -> set[int]:
    """Indices of the words of a line that make up dates written with a month's name, such as 17 Oct 16."""
    found: set[int] = set()
    for index, word in enumerate(words):
        letters = fold(_NO_WORD.sub("", word))
        month = _DIGIT.sub("", letters)
        if month not in lexicon.months:
            continue
        near = [i for i in (index - 2, index - 1, index + 1, index + 2) if 0 <= i < len(words)]
        digits = [i for i in near if _DAY_OR_YEAR.fullmatch(fold(core(words[i])))]
        touching = [i for i in digits if abs(i - index) == 1]
        if touching:
            found.update([index, *touching, *(i for i in digits if (index + i) / 2 in touching)])
            last = index + 1
            if index - 1 in touching and last < len(words) and _CUT_YEAR.fullmatch(core(words[last])):
                found.add(last)  # "5 Mai 203" of which a digit was lost
    bare = [as_digits(word).strip(" ,.;()") for word in words]
    for index in range(len(words) - 1):
        three = bare[index : index + 3]
        if len(three) == 3 and all(_DAY.fullmatch(each) or _YEAR.fullmatch(each) for each in three):
            if any(_YEAR.fullmatch(each) for each in (three[0], three[2])) and is_calendar(*three):
                found.update((index, index + 1, index + 2))
        elif words[index].endswith((",", ".")) and _DAY.fullmatch(bare[index]) and _YEAR.fullmatch(bare[index + 1]):
            found.update((index, index + 1))  # "Mar 12, 1964" whose month was misread
    return found


def date_fragment(word: str) -> tuple[int, int]:
    """How many characters a date whose end was cut off lacks before and after; none where the word is no such rest."""
    text = as_digits(core(word))
    if not _DATE_FRAGMENT.match(text) or digit_count(text) >= 8:
        return 0, 0
    lacking = len("00/00/0000") - len(text)
    groups = [len(each) for each in re.split(r"[-/.]", text)]
    ends = groups[-1] == 4
    begins = len(groups) == 3 and groups[0] > 0
    return 0 if begins else lacking, 0 if ends else lacking


def time_shape(word: str) -> str | None:
    """Say "time" for a time of day, "elapsed" for a duration or a counter."""
    text = as_digits(core(word))
    if text.startswith(("+", "-")):
        return "elapsed" if _TIME.match(text[1:]) else None
    match = _TIME.match(text)
    if match is None:
        return None
    hours, _, seconds, half = match.groups()
    if half:
        return "time"
    if int(hours) == 0:
        return "elapsed"
    return "time" if seconds else "clock"


def may_be_clock(word: str) -> bool:
    """Whether the word is digits around a colon, as what is left of a time of day that was misread."""
    return bool(_REST_CLOCK.fullmatch(as_digits(core(word))))


def are_initials(word: str) -> bool:
    """Whether the word is two or three capitals with a full stop after each, as people sign: I.L."""
    return bool(_INITIALS.fullmatch(word.strip("()[],;"))) and word.replace(".", "").upper() not in _PROJECTIONS


def may_be_signed(word: str) -> bool:
    """Whether the word is capitals with strokes between them, as several people sign behind a label: D/HZ."""
    return bool(_SIGNED.fullmatch(word))


def id_shape(word: str) -> str | None:
    """Say "id" for a run of letters and digits that only a record, an order or a device carries."""
    text = as_digits(core(word))
    if is_measure(text) or is_measure(word):
        return None
    digits = digit_count(text)
    if digits >= ID_DIGITS and not _PRODUCT.fullmatch(text):
        return "id"
    letters = sum(each.isalpha() for each in text)
    run = max((len(each) for each in _DIGITS.findall(text)), default=0)
    return "id" if run >= 4 and letters and not text[0].isdigit() else None


def net_shape(word: str) -> str | None:
    """Say "net" for an e-mail address or a URL."""
    return "net" if _NET.search(core(word)) and len(word) > 5 else None


def old_age(word: str) -> bool:
    """Whether the word is an age that identifies; only asked beside a label or a sex."""
    match = _AGE.match(core(word))
    return match is not None and is_old(int(match[1]))


def is_old(years: int) -> bool:
    """Whether an age identifies."""
    return OLD_AGE <= years <= 125


def ages_in_line(words: Sequence[str]) -> dict[int, int]:
    """Years by the index of the word that holds them, for ages that a sex or a unit tells: F/92Y, M/92, 92 years."""
    found = {}
    for index, word in enumerate(words):
        match = _SAID_AGE.fullmatch(fold(word))
        if match is None:
            continue
        follows = index + 1 < len(words) and fold(words[index + 1]).strip("()[],;/.") in _YEARS
        if match["unit"] or match["sex"] or follows:
            found[index] = int(match["years"])
    return found


def phones_in_line(words: Sequence[str]) -> set[int]:
    """Indices of runs of bare numbers that dial: they begin with + and a country, or hold eight digits and more."""
    found: set[int] = set()
    index = 0
    while index < len(words):
        run = []
        while index < len(words) and _BARE_NUMBER.match(as_digits(words[index].rstrip(",;"))):
            run.append(index)
            index += 1
        digits = sum(digit_count(words[i]) for i in run)
        if run and ((_PHONE_START.match(words[run[0]]) and digits >= 6) or (len(run) >= 3 and digits >= 8)):
            found.update(run)
        index += not run
    return found


def is_settings(word: str, lexicon: Lexicon) -> bool:
    """Whether the word is known settings without their spaces: W400L40, EI1740."""
    text = core(word)
    names = _LETTERS.findall(fold(text))
    if len(names) == 1 and names[0] in _NUMBERED:
        return False
    if not names or not (_SETTINGS.fullmatch(text) or _SIZES.fullmatch(text)):
        return False
    product = _PRODUCT.search(text)
    looks = [each.replace("u", "v") if product else each for each in names]  # FOU240x240
    return all({each, look} & lexicon.console or each in ("x", "s") for each, look in zip(names, looks, strict=True))


def are_several_settings(word: str, lexicon: Lexicon) -> bool:
    """Whether the word is known settings without their spaces, two or more of them, none like a record's number."""
    names = _LETTERS.findall(fold(core(word)))
    return len(names) > 1 and not _NUMBERED & set(names) and is_settings(word, lexicon)


def is_bare_number(word: str) -> bool:
    """Whether the word is a whole number without a unit, such as one of a house."""
    return bool(_HOUSE_NUMBER.fullmatch(fold(core(word))))


def is_measure(word: str) -> bool:
    """Whether the word is a number of a few digits, with or without a unit, or a unit."""
    text = core(word).strip("()[]")
    if digit_count(text) >= LONG_NUMBER and not set(text.lower()) & set("x×*"):
        return False
    return bool(_MEASURE.match(text))


def is_code(word: str) -> bool:
    """Whether the word is a short mark of letters and digits, as probes, kernels and settings have."""
    pieces = parts(word.replace("+", " ").replace("<", " ").replace(">", " "))
    if not pieces or not digit_count(word) or len(word) > 14:
        return False
    return all(_CODE_PART.match(each) or is_measure(each) for each in pieces)
