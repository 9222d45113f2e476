"""What is written in a made-up case: a patient, a visit and a console, in lines whose words know if they are PHI."""

from __future__ import annotations

import datetime
import json
import random
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

_LETTERS = "ABCDEFGHJKLMNPRSTUVWXYZ"
_SYLLABLES = ("ka", "ri", "to", "ven", "mol", "sha", "du", "pel", "gor", "lin", "ba", "zek", "hul", "ost", "iv", "yra")
_MONTHS = (
    *("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"),
    *("Januar", "février", "marzo", "avril", "Mai", "Juni", "juillet", "agosto", "septembre", "Okt", "nov.", "Dez"),
)
ARABIC_DIGITS = str.maketrans("0123456789", "٠١٢٣٤٥٦٧٨٩")
SCRIPTS = ("cyrillic", "greek", "chinese")


@dataclass(frozen=True, slots=True)
class Said:
    """A word of a line."""

    text: str
    phi: bool
    category: str


Line = tuple[Said, ...]


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody made up."""

    family: str
    given: str

    @property
    def dicom(self) -> str:
        """As a header writes the name."""
        return f"{self.family}^{self.given}"


class Story:
    """One patient's visit, told in lines. `script` says in which letters names and places stand."""

    def __init__(self, rng: random.Random, modality: str, script: str = "latin") -> None:
        self._rng = rng
        self._modality = modality
        self.script = script
        self.patient = self._person(script)
        self.doctor = self._person("latin" if rng.random() < 0.7 else script)
        self.operator = self._person("latin")
        self.born = datetime.date(rng.randint(1931, 2020), rng.randint(1, 12), rng.randint(1, 28))
        self.seen = datetime.datetime(
            *(rng.randint(2003, 2027), rng.randint(1, 12), rng.randint(1, 28)),
            *(rng.randint(7, 19), rng.randint(0, 59), rng.randint(0, 59)),
        )
        self.number = self._record()
        self.accession = self._record()
        self.place = self._place()
        self.street = rng.choice(_words()["street"]).format(n=rng.randint(1, 400), p=rng.choice(_words()["place"]))
        self.phone = self._phone()

    def identifying(self) -> list[Line]:
        """Lines that hold PHI, each of another kind, in the order of a console."""
        rng = self._rng
        makers: list[tuple[Callable[[], Line], float]] = [
            (self._name_line, 0.9),
            (self._id_line, 0.7),
            (self._born_line, 0.6),
            (self._date_line, 0.8),
            (self._place_line, 0.6),
            (self._accession_line, 0.35),
            (self._doctor_line, 0.4),
            (self._operator_line, 0.4),
            (self._phone_line, 0.2),
            (self._street_line, 0.2),
        ]
        lines = [make() for make, chance in makers if rng.random() < chance] or [self._name_line()]
        if rng.random() < 0.3:
            rng.shuffle(lines)
        return lines

    def name_words(self) -> Line:
        """The patient's name alone, as it may stand anywhere."""
        return _said(self._name(self.patient), "name")

    def large_words(self) -> Line:
        """The patient's family name alone, or with the given name where nobody could know it for a name else."""
        alone = self.patient.family not in _words()["surname_common"]
        return _said(self.patient.family if alone else f"{self.patient.given} {self.patient.family}", "name")

    def day_words(self) -> Line:
        """A day alone."""
        return _said(self._day(self.seen.date()), "date")

    def kept(self, count: int) -> list[Line]:
        """Lines of technique, sides and measures."""
        rng = self._rng
        texts = list(_words()["kept"][self._modality])
        rng.shuffle(texts)
        lines = [_kept(text) for text in texts[:count]]
        if rng.random() < 0.5:
            lines.append(_kept(rng.choice(_words()["who"]), "demographic"))
        return lines

    def _person(self, script: str) -> Person:
        rng, words = self._rng, _words()
        if script in SCRIPTS:
            return Person(rng.choice(words[script]["surname"]), rng.choice(words[script]["given"]))
        chance = rng.random()
        if chance < 0.2:
            family = "".join(rng.choice(_SYLLABLES) for _ in range(rng.randint(2, 4))).capitalize()
        else:
            family = rng.choice(words["surname_common"] if chance < 0.3 else words["surname"])
        return Person(family, rng.choice(words["given"]))

    def _place(self) -> str:
        rng, words = self._rng, _words()
        if self.script in SCRIPTS and rng.random() < 0.6:
            return str(rng.choice(words[self.script]["place"]))
        return str(rng.choice(words["institution"]).format(rng.choice(words["place"])))

    def _record(self) -> str:
        rng = self._rng

        def digits(count: int) -> str:
            return "".join(str(rng.randint(0, 9)) for _ in range(count))

        return rng.choice(
            (
                digits(rng.randint(6, 10)),
                rng.choice(_LETTERS) + digits(rng.randint(6, 8)),
                rng.choice(_LETTERS) + rng.choice(_LETTERS) + digits(5),
                f"{digits(3)}-{digits(2)}-{digits(4)}",
                f"{rng.choice(_LETTERS)}{rng.choice(_LETTERS)}-{digits(4)}-{digits(3)}",
                f"{digits(4)}.{digits(5)}",
                f"{self.seen:%y%m%d}{digits(4)}",
                f"{digits(2)}/{digits(6)}",
            )
        )

    def _phone(self) -> str:
        rng = self._rng
        low, high = rng.randint(200, 989), rng.randint(1000, 9999)
        return rng.choice(
            (
                f"({low}) 555-{high}",
                f"+49 {low} {high}{rng.randint(10, 99)}",
                f"0{low} 496 {high}",
                f"+33 1 {rng.randint(10, 99)} {rng.randint(10, 99)} {rng.randint(10, 99)} {rng.randint(10, 99)}",
                f"{low}.555.{high}",
            )
        )

    def _name(self, person: Person) -> str:
        rng = self._rng
        if self.script == "chinese" and not person.family.isascii() and person.given in _words()["chinese"]["given"]:
            return person.family + person.given
        family = person.family.upper() if rng.random() < 0.5 else person.family
        given = person.given.upper() if family.isupper() and rng.random() < 0.7 else person.given
        if rng.random() < 0.12:
            given = given[0] + "."
        return rng.choice((f"{family}, {given}", f"{given} {family}", f"{family} {given}", f"{family}^{given}"))

    def _day(self, day: datetime.date) -> str:
        rng = self._rng
        month = rng.choice(_MONTHS[day.month - 1 :: 12])
        if self.script == "chinese" and rng.random() < 0.5:
            return f"{day.year}年{day.month}月{day.day}日"
        text = rng.choice(
            (
                f"{day:%d/%m/%Y}",
                f"{day:%m/%d/%Y}",
                f"{day:%Y-%m-%d}",
                f"{day:%d.%m.%Y}",
                f"{day:%d.%m.%y}",
                f"{day:%m/%d/%y}",
                f"{day:%Y/%m/%d}",
                f"{day:%d}-{month}-{day:%Y}",
                f"{day.day} {month} {day.year}",
                f"{month} {day.day}, {day.year}",
                f"{day:%d}{month.upper().strip('.')}{day:%y}",
                f"{day:%Y%m%d}",
                f"{day.day}/{day.month}/{day.year}",
            )
        )
        return text

    def _label(self, kind: str) -> Line:
        own = _words().get(self.script, {}).get({"name": "label"}.get(kind, kind), ())
        text = self._rng.choice(own) if own and kind != "place" and self._rng.random() < 0.6 else None
        return _kept(text or self._rng.choice(_words()["labels"][kind]), "label")

    def _name_line(self) -> Line:
        line = self._label("name") + self.name_words()
        if self._rng.random() < 0.12:
            line += _kept(self._rng.choice(("M", "F", "54Y", "F/62Y")), "demographic")
        return line

    def _id_line(self) -> Line:
        return self._label("id") + _said(self.number, "id")

    def _born_line(self) -> Line:
        return self._label("born") + _said(self._day(self.born), "date")

    def _accession_line(self) -> Line:
        return self._label("accession") + _said(self.accession, "accession")

    def _date_line(self) -> Line:
        rng = self._rng
        line = self._label("date") + _said(self._day(self.seen.date()), "date")
        if rng.random() < 0.6:
            line += _said(f"{self.seen:{rng.choice(('%H:%M:%S', '%H:%M', '%I:%M %p', '%I:%M:%S %p'))}}", "time")
        return line

    def _place_line(self) -> Line:
        return self._label("place") + _said(self.place, "institution")

    def _doctor_line(self) -> Line:
        return self._label("referrer") + _said(
            self._rng.choice((self.doctor.family, self._name(self.doctor))).replace("^", " "), "name"
        )

    def _operator_line(self) -> Line:
        rng = self._rng
        one, two = _plain(self.operator.given)[0], _plain(self.operator.family)[0]
        signed = rng.choice((one + two, f"{one}{two}".lower(), f"{one}.{two}.", self.operator.family, f"{one}/{two}Z"))
        return self._label("operator") + _said(signed, "name")

    def _phone_line(self) -> Line:
        return self._label("phone") + _said(self.phone, "phone")

    def _street_line(self) -> Line:
        return _said(self.street, "address")


def in_arabic_digits(line: Line) -> Line:
    """The line with its digits as Arabic writes them."""
    return tuple(Said(each.text.translate(ARABIC_DIGITS), each.phi, each.category) for each in line)


def _plain(text: str) -> str:
    return "".join(each for each in unicodedata.normalize("NFKD", text) if not unicodedata.combining(each))


def _said(text: str, category: str) -> Line:
    return tuple(Said(each, True, category) for each in text.split())


def _kept(text: str, category: str = "technical") -> Line:
    return tuple(Said(each, False, category) for each in text.split())


@cache
def _words() -> dict[str, Any]:
    data: dict[str, Any] = json.loads(files("deid.bench").joinpath("words.json").read_text("utf-8"))
    return data
