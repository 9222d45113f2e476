"""Templates filled: lines of words, each of which knows whether it identifies somebody."""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from deid.lexicon import load_lexicon
from deid.text import fold
from deid.training import numbers
from deid.training.equipment import invented
from deid.training.people import DEPARTMENTS, People, in_split_whole
from deid.training.sections import sections, without_comments
from deid.training.split import Split, in_split
from deid.training.tokens import CLOSED_LISTS, Line, Token, technical_marks, unsure

NEW = "new"
OPEN_LISTS = ("scene",)
"""Of these a phrase belongs to training or to evaluation; all other lists are marks that every console prints."""
_SEPARATORS = (":", ":", ":", ":", "", "", "=", " :", ".", "#", ";", "-")
_SLOT = re.compile(r"\{([a-z]+\d?|:)\}")
_NO_CONSOLE_SAYS = re.compile(
    r"breed|pattern|melanoma|species|genus|colou?r|stain\b|compound|^TG ?18"
    r"|\b(pig|dog|hound|retriever|terrier|horse|cattle|bull|sheep|goat)\b|\d{4}",
    re.IGNORECASE,
)
"""Meanings of DICOM's codes that are printed on no picture of a person."""
INVENTED_SHARE = 0.2
"""Of the names of equipment, protocols and sequences in training."""
_CODE_WORD = re.compile(r"[A-Z][a-z]+|[A-Z]+(?![a-z])|[a-z]+|\d+")


Filler = Callable[[], tuple[str, bool | None]]


@dataclass(frozen=True, slots=True)
class Words:
    """What the files of this folder and the lexicon hold, of one split."""

    phrases: dict[str, tuple[str, ...]]
    templates: dict[str, tuple[str, ...]]


@cache
def load_words(split: Split, *, new_names: bool = False) -> Words:
    """Phrases and templates of one split; with `new_names` the closed lists hold the made-up names alone."""
    from pydicom.sr._concepts_dict import concepts

    marks = sections("vocabulary.txt")
    phrases = {kind: in_split(texts, split) if kind in OPEN_LISTS else texts for kind, texts in marks.items()}
    if new_names:
        phrases |= {kind: marks[NEW + kind] for kind in CLOSED_LISTS}
    meanings = {name for scheme in ("SCT", "DCM") for name in concepts.get(scheme, {})}
    spoken = sorted(" ".join(_CODE_WORD.findall(name)) for name in meanings if len(name) < 40)
    phrases["phrase"] = in_split([each for each in spoken if not _NO_CONSOLE_SAYS.search(each)], split)
    rules = files("deid.rules")
    dicom = [each for each in rules.joinpath("lexicon_dicom.txt").read_text("utf-8").split() if each.isalpha()]
    console = [
        each
        for each in without_comments(rules.joinpath("lexicon_console.txt").read_text("utf-8")).split()
        if len(each) > 2
    ]
    phrases["word"] = in_split(dicom + console * 3, split)
    templates = {kind: in_split_whole(lines, split) for kind, lines in sections("templates.txt", "\n").items()}
    return Words(phrases, templates)


class Grammar:
    """Lines of one picture: one patient, one console, one country."""

    def __init__(self, people: People, rng: random.Random, *, new_names: bool = False) -> None:
        self._people, self._rng, self.split = people, rng, people.split
        self._words = load_words(people.split, new_names=new_names)
        self._name = people.surname(), people.given()
        self._day = self._any_day(birth=False)
        self._slots = self._fillers()

    def line(self, kind: str) -> Line:
        """A line of a kind of templates."""
        return self.fill(self._rng.choice(self._words.templates[kind]))

    def fill(self, template: str) -> Line:
        """The template's line."""
        separator = self._rng.choice(_SEPARATORS)
        tokens: list[Token] = []
        place = 0
        glued = ""
        for match in _SLOT.finditer(template):
            literal = template[place : match.start()]
            place = match.end()
            _append(tokens, literal, False, "", glued)
            glued = literal[-1:] if literal else glued
            if match[1] == ":":
                if tokens:
                    _append(tokens, separator, False, "", "x")
                glued = separator[-1:] or "x"
                continue
            text, phi = self._slots[match[1]]()
            _append(tokens, text, phi, match[1].rstrip("1234"), glued)
            glued = "x"
        _append(tokens, template[place:], False, "", glued)
        return tuple(unsure(tokens, index) for index in range(len(tokens)))

    def abbreviation(self) -> str:
        """A technical word as a console shortens it."""
        word = self._rng.choice(self._words.phrases["word"])
        if self._rng.random() < 0.5:
            short = word[: self._rng.randint(2, 4)]
        else:
            short = word[0] + re.sub("[aeiou]", "", word[1:])[: self._rng.randint(1, 4)]
        return self._rng.choice((short, short.upper(), short.capitalize(), short.capitalize() + "."))

    def _fillers(self) -> dict[str, Filler]:
        rng, people, phrases = self._rng, self._people, self._words.phrases
        cased: dict[str, Callable[[], str]] = {
            "given": people.given,
            "hospital": people.hospital,
            "street": people.street,
            "city": people.city,
        }
        private: dict[str, Callable[[], str]] = {
            "name": self._full_name,
            "surname": self._surname,
            "eponym": lambda: self._case(rng.choice(phrases["eponym"])),
            "initials": self._initials,
            "loose": self._loose_initials,
            "signed": lambda: ".".join(self._letters(rng.choice((2, 2, 3)))) + ".",
            "id": lambda: numbers.record_number(rng, self.split, alone=True),
            "lid": lambda: numbers.record_number(rng, self.split),
            "date": lambda: self._any_day(birth=rng.random() < 0.5),
            "time": lambda: numbers.clock(rng),
            "datetime": self._datetime,
            "old": lambda: numbers.age(rng, old=True),
            "ward": people.ward,
            "zip": people.zip_code,
            "phone": people.phone,
            "email": self._email,
            "url": self._url,
            "station": self._station,
        }
        harmless: dict[str, Callable[[], str]] = {
            "age": lambda: numbers.age(rng),
            "years": lambda: str(rng.randint(0, 89)),
            "elapsed": lambda: numbers.elapsed(rng),
            "measure": lambda: numbers.measure(rng),
            "f": lambda: numbers.decimal(rng),
            "n1": lambda: str(rng.randint(1, 9)),
            "n2": lambda: str(rng.randint(1, 99)),
            "n3": lambda: str(rng.randint(20, 999)),
            "n4": lambda: str(rng.randint(100, 5000)),
            "ga": lambda: numbers.gestation(rng),
            "setting": self._setting,
            "abbreviation": self.abbreviation,
        }
        found: dict[str, Filler] = {"dept": lambda: (self._case(rng.choice(DEPARTMENTS)), None)}
        found |= {kind: _says(_chosen(rng, texts), False) for kind, texts in phrases.items()}
        if self.split is Split.TRAIN:
            found |= {kind: _says(self._equipment(kind), False) for kind in CLOSED_LISTS}
        found |= {kind: _says(make, False) for kind, make in harmless.items()}
        found |= {kind: _says(make, True) for kind, make in private.items()}
        return found | {kind: _says(_cased(self._case, make), True) for kind, make in cased.items()}

    def _equipment(self, kind: str) -> Callable[[], str]:
        """Entries of a closed list, one in five of them invented: equipment that no list knows looks like this."""
        rng, listed = self._rng, self._words.phrases[kind]

        def name() -> str:
            made = invented(kind, rng) if rng.random() < INVENTED_SHARE else None
            return made or rng.choice(listed)

        return name

    def _surname(self) -> str:
        own = self._rng.random() < 0.5
        return self._case(self._name[0] if own else self._people.surname())

    def _full_name(self) -> str:
        rng = self._rng
        surname, given = self._name if rng.random() < 0.6 else (self._people.surname(), self._people.given())
        shape = rng.choice(sections("shapes.txt")["name"])
        middle = self._letters(1)[0]
        second = self._people.given() if "{h}" in shape else ""
        text = shape.format(
            s=surname.upper() if rng.random() < 0.15 else surname, g=given, i=given[0], m=middle, h=second
        )
        return self._case(text)

    def _case(self, text: str) -> str:
        chance = self._rng.random()
        if chance < 0.5:
            return text.upper()
        return text if chance < 0.93 else text.lower() if chance < 0.97 else text.capitalize()

    def _letters(self, count: int) -> list[str]:
        return self._rng.choices("ABCDEFGHIJKLMNOPRSTUVWYZ", k=count)

    def _initials(self) -> str:
        letters = "".join(self._letters(self._rng.choice((2, 2, 2, 3, 3, 4))))
        chance = self._rng.random()
        if chance < 0.55:
            return letters
        return letters.lower() if chance < 0.85 else letters.capitalize() if chance < 0.95 else " ".join(letters)

    def _loose_initials(self) -> str:
        """Initials that stand without a label: at least two letters, and none that a console prints."""
        for _ in range(20):
            letters = self._initials()
            if " " not in letters and fold(letters) not in technical_marks() and not load_lexicon().standing(letters):
                break
        return letters

    def _any_day(self, *, birth: bool) -> str:
        if not birth and self._rng.random() < 0.3 and hasattr(self, "_day"):
            return self._day
        return numbers.day(self._rng, self._people.locale[:2], birth=birth)

    def _datetime(self) -> str:
        both = self._any_day(birth=False), numbers.clock(self._rng, dotted=True)
        return self._rng.choice((" ", " ", " ", " - ", "  ", "@", ", ", "T")).join(both)

    def _email(self) -> str:
        name = re.sub(r"\W", "", self._people.surname().lower()) or "info"
        user = self._rng.choice(("info", name, f"{name[0]}.{name}", "radiology"))
        return f"{user}@{name}{self._rng.choice(sections('places.txt')['mailends'])}"

    def _url(self) -> str:
        name = re.sub(r"\W", "", self._people.city().lower()) or "city"
        places = sections("places.txt")
        return self._rng.choice(places["webstarts"]) + name + self._rng.choice(places["webends"])

    def _station(self) -> str:
        rng = self._rng
        form = rng.choice(sections("shapes.txt")["station"])
        return form.format(rng.randint(1, 30), rng.randint(10000, 99999), "".join(self._letters(3)))

    def _setting(self) -> str:
        rng = self._rng
        label = rng.choice(self._words.phrases["label"])
        value = rng.choice(
            (
                numbers.measure(rng),
                numbers.decimal(rng),
                str(rng.randint(0, 999)),
                rng.choice(self._words.phrases["code"]),
            )
        )
        return label + rng.choice((" ", " ", ": ", ":", "=", "", " = ")) + value


def _says(make: Callable[[], str], phi: bool) -> Filler:
    return lambda: (make(), phi)


def _chosen(rng: random.Random, texts: tuple[str, ...]) -> Callable[[], str]:
    return lambda: rng.choice(texts)


def _cased(case: Callable[[str], str], make: Callable[[], str]) -> Callable[[], str]:
    return lambda: case(make())


def _append(tokens: list[Token], text: str, phi: bool | None, kind: str, glued: str) -> None:
    """Adds the text's words; the first one is joined to the last where no space is between them."""
    joins = bool(glued.strip()) and not text.startswith(" ") and bool(tokens)
    for index, word in enumerate(text.split()):
        if index == 0 and joins and not (kind and not _opens(tokens[-1].text)):
            last = tokens.pop()
            both = True if last.phi or phi else last.phi if word in ":=.#;-,)]*" else phi
            tokens.append(Token(last.text + word, both, kind or last.kind))
        else:
            tokens.append(Token(word, phi, kind))


def _opens(text: str) -> bool:
    """Whether text that follows such a word without a space is part of it: an opening bracket, a slash."""
    return text[-1:] in "([*/@'"
