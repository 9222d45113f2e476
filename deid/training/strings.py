"""Words that stand in made-up pictures: vocabulary, names of syllables, numbers, initials, letters of other scripts."""

from __future__ import annotations

import random
from functools import cache
from importlib.resources import files

_SYLLABLES = (
    *("an", "ar", "ba", "be", "ber", "bo", "ca", "chi", "da", "de", "der", "di", "do", "du", "el", "en"),
    *("er", "fa", "fi", "ga", "gen", "gor", "ha", "he", "ho", "in", "is", "ja", "jo", "ka", "ki", "ko"),
    *("la", "le", "lin", "lo", "lu", "ma", "me", "mi", "mo", "mu", "na", "ne", "ni", "no", "ol", "on"),
    *("or", "os", "pa", "pe", "po", "ra", "re", "ri", "ro", "ru", "sa", "schu", "se", "sha", "si", "so"),
    *("sta", "su", "ta", "te", "ten", "ti", "to", "tu", "va", "ve", "vi", "vo", "wa", "we", "wi", "xa"),
    *("ya", "yu", "za", "ze", "zu"),
)
_ACCENTS = str.maketrans("aeiounc", "äéíöüñç")
_MARKS = "LRAPHFSIVM"
_MONTHS = (
    *("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec", "Mai", "Okt"),
    *("Dez",),
)
_LABELS = (
    *("Name:", "ID:", "DOB", "Sex:", "Age:", "Acc:", "Acc#", "Date:", "Time:", "Study", "Patient:", "Pat."),
    *("ID", "Ref:", "Dr.", "Oper:", "Op:", "Tel:", "Phone", "MRN:", "Born:", "Inst:", "Series:", "Im:"),
    *("Acq:", "TE:", "TR:", "W:", "L:", "WW", "WL", "kV", "mA", "mAs", "Zoom", "FOV", "Thk:", "mm", "cm"),
    *("Hz", "MI", "TIS", "TIb", "Gn", "DR", "Depth", "Freq"),
)

FOREIGN_SHARE = 0.12
"""Of the lines, those in another script."""
_SCRIPTS = (
    ("бвгджзклмнпрстфхцчшщйьґђћџѓќ", "аеиоуыэюяёіїє", ""),
    ("βγδζθκλμνξπρστφχψ", "αεηιουωάέήίόύώ", ""),
    ("", "", "٠١٢٣٤٥٦٧٨٩"),
    ("", "", "۰۱۲۳۴۵۶۷۸۹"),
    ("กขคงจฉชซญดตถทธนบปผพฟภมยรลวสหอฮ", "", "๐๑๒๓๔๕๖๗๘๙"),
    ("कखगघचछजझटठडढणतथदधनपफबभमयरलवशषसह", "अआइईउऊएओ", "०१२३४५६७८९"),
    ("բգդզթժլխծկհձղճմյնշչպջռսվտրցփքֆ", "աեըիոօէ", ""),
    ("ბგდვზთკლმნპჟრსტფქღყშჩცძწჭხჯჰ", "აეიოუ", ""),
    ("بتثجحخدذرزسشصضطظعغفقكلمنه", "اوي", ""),
    ("אבגדהוזחטיכלמנסעפצקרשתםןץ", "", ""),
)
"""Consonants, vowels and digits."""
_WEIGHTS = (46, 6, 12, 4, 4, 4, 3, 3, 8, 8)
_LEFTWARDS = 2
"""The last of them run from right to left: one word of them stands alone, so that it is clear what stands where."""


def line_of(rng: random.Random, *, large: bool) -> str:
    """A line: words, labels and values, marks."""
    if large:
        return _name(rng) if rng.random() < 0.7 else _word(rng)
    chance = rng.random()
    if chance < 0.08:
        return rng.choice(_MARKS) if rng.random() < 0.4 else rng.choice(_MARKS) + rng.choice(_MARKS)
    if chance < 0.2:
        return _number(rng)
    if chance < 0.28:
        return _initials(rng)
    if chance < 0.28 + FOREIGN_SHARE:
        return _foreign_line(rng)
    words = [_word(rng) for _ in range(rng.choice((1, 1, 2, 2, 3, 4)))]
    if rng.random() < 0.35:
        words.insert(0, rng.choice(_LABELS))
    text = " ".join(words)
    return text.upper() if rng.random() < 0.3 else text


def _word(rng: random.Random) -> str:
    chance = rng.random()
    if chance < 0.35:
        word = rng.choice(_vocabulary())
        return rng.choice((word, word.capitalize(), word.upper()))
    if chance < 0.6:
        return _name(rng)
    if chance < 0.66:
        return _foreign(rng)
    if chance < 0.7:
        return _initials(rng)
    return _number(rng)


def _name(rng: random.Random) -> str:
    name = "".join(rng.choice(_SYLLABLES) for _ in range(rng.randint(1, 4)))
    if rng.random() < 0.15:
        at = rng.randrange(len(name))
        name = name[:at] + name[at].translate(_ACCENTS) + name[at + 1 :]
    if rng.random() < 0.1:
        name += rng.choice("-'") + rng.choice(_SYLLABLES).capitalize()
    name = rng.choice((name.capitalize(), name.capitalize(), name.upper(), name))
    return name + rng.choice(("", "", "", "", ",", "^" + rng.choice(_SYLLABLES).capitalize()))


def _initials(rng: random.Random) -> str:
    one, two = rng.choice("ABCDEFGHIJKLMNOPRSTUVWZ"), rng.choice("ABCDEFGHIJKLMNOPRSTUVWZ")
    return rng.choice(
        (one + two, f"{one}{two}".lower(), f"{one}.{two}.", f"{one}/{two}", f"{one}{two}{one}", f"{one}.")
    )


def _number(rng: random.Random) -> str:
    day, month, year = rng.randint(1, 28), rng.randint(1, 12), rng.randint(1920, 2029)
    name = rng.choice(_MONTHS)
    whole = "".join(str(rng.randint(0, 9)) for _ in range(rng.randint(1, 10)))
    return rng.choice(
        (
            f"{day:02d}{(mark := rng.choice('/.-'))}{month:02d}{mark}{year}",
            f"{day:02d}.{month:02d}.{year % 100:02d}",
            f"{year}-{month:02d}-{day:02d}",
            f"{day} {name} {year}",
            f"{name} {day}, {year}",
            f"{day:02d}{name.upper()}{year % 100:02d}",
            f"{rng.randint(0, 23):02d}:{rng.randint(0, 59):02d}" + rng.choice(("", f":{rng.randint(0, 59):02d}")),
            whole,
            whole,
            rng.choice("ABCDEFGHKLMNPRSTUVXYZ") + whole,
            f"{whole[:3]}-{whole[3:]}0",
            f"({rng.randint(200, 999)}) {rng.randint(100, 999)}-{rng.randint(1000, 9999)}",
            f"+{rng.randint(1, 99)} {rng.randint(100, 999)} {rng.randint(10000, 999999)}",
            f"{rng.uniform(0, 300):.{rng.randint(1, 2)}f}"
            + rng.choice(("", " mm", "cm", " kV", "%", " Hz", " ms", "dB")),
            f"{rng.randint(1, 400)}/{rng.randint(1, 400)}",
            f"{rng.randint(1, 99):03d}Y",
            f"{rng.choice('WLCZ')}{rng.choice((' ', ':', ': ', ''))}{rng.randint(1, 4096)}",
            f"x{rng.uniform(0.5, 4):.1f}",
        )
    )


def _foreign_line(rng: random.Random) -> str:
    """Words of one other script, now and then with a number beside them."""
    number = rng.choices(range(len(_SCRIPTS)), _WEIGHTS)[0]
    consonants, vowels, digits = _SCRIPTS[number]
    if number >= len(_SCRIPTS) - _LEFTWARDS:
        return _syllables(rng, consonants, vowels)
    words = [_foreign_word(rng, consonants, vowels) for _ in range(rng.choice((1, 1, 2, 2, 3)) if consonants else 0)]
    chance = rng.random()
    if not words or (digits and chance < 0.4):
        figures = "".join(each for each in _number(rng) if not each.isalpha()).strip()
        words.append(figures.translate(str.maketrans("0123456789", digits)))
    elif chance < 0.3:
        words.insert(0 if rng.random() < 0.3 else len(words), _number(rng))
    return " ".join(words)


def _foreign_word(rng: random.Random, consonants: str, vowels: str) -> str:
    """A word, a name, a label or initials."""
    if rng.random() < 0.12 and consonants.upper() != consonants:
        return "".join(f"{rng.choice(consonants).upper()}." for _ in range(rng.randint(1, 3)))
    text = _syllables(rng, consonants, vowels)
    text = rng.choice((text.capitalize(), text.capitalize(), text.upper(), text))
    return text + rng.choice(("", "", "", "", ":", ",", "."))


def _syllables(rng: random.Random, consonants: str, vowels: str) -> str:
    at = rng.randint(0, 1)
    kinds = ((number % 2 == at) == (rng.random() < 0.85) for number in range(rng.randint(1, 11)))
    return "".join(rng.choice(vowels if vowels and is_vowel else consonants) for is_vowel in kinds)


def _foreign(rng: random.Random) -> str:
    """Letters of another script at random, which few typefaces have."""
    low, high = rng.choice(((0x410, 0x44F), (0x391, 0x3C9), (0x4E00, 0x6E00), (0x660, 0x669)))
    text = "".join(chr(rng.randint(low, high)) for _ in range(rng.randint(2, 7)))
    return text.replace("\u03a2", "\u03a3")


@cache
def _vocabulary() -> tuple[str, ...]:
    words: set[str] = set()
    for name in ("lexicon_console.txt", "lexicon_dicom.txt", "lexicon_equipment.txt", "header_terms.txt"):
        for line in files("deid.rules").joinpath(name).read_text("utf-8").splitlines():
            words.update(() if line.startswith("#") else (each.strip("=") for each in line.split()))
    return tuple(sorted(words))
