"""Made-up people and places of many countries: names, initials, addresses, phones, hospitals, wards."""

from __future__ import annotations

import random
import re
from functools import cache
from typing import Any

from deid.errors import UsageError
from deid.text import alnum, fold
from deid.training.config import NEEDS
from deid.training.sections import sections
from deid.training.split import Split, drawn, in_split, split_of

LATIN = (
    *("en_US", "en_US", "en_GB", "en_GB", "en_IE", "en_IN", "en_KE", "en_NZ", "en_PK", "de_DE", "de_DE", "de_AT"),
    *("de_CH", "de_LU", "fr_FR", "fr_FR", "fr_BE", "fr_CA", "fr_CH", "fr_DZ", "es_ES", "es_ES", "es_AR", "es_CL"),
    *("es_CO", "es_MX", "it_IT", "it_IT", "pt_BR", "pt_PT", "nl_NL", "nl_BE", "sv_SE", "no_NO", "da_DK", "fi_FI"),
    *("pl_PL", "cs_CZ", "sk_SK", "sl_SI", "hr_HR", "hu_HU", "ro_RO", "et_EE", "lv_LV", "tr_TR", "id_ID", "ga_IE"),
    *("tw_GH", "yo_NG", "zu_ZA", "sw", "az_AZ"),
)
"""Countries that write with Latin letters, some more than once since more consoles stand there."""
ROMANISED = (
    *("zh_CN", "zh_TW", "ja_JP", "ko_KR", "vi_VN", "ru_RU", "el_GR", "bg_BG", "ar_AA", "hi_IN", "fa_IR", "th_TH"),
)
NATIVE = ("zh_CN", "ja_JP", "ru_RU", "el_GR", "bg_BG", "uk_UA", "ko_KR")
UNSTEADY_CITIES = frozenset(("it_IT",))
"""Whose towns Faker draws from a set, so that they differ from process to process."""
DEPARTMENTS = sections("places.txt")["department"]
_LETTERS = "ABCDEFGHIJKLMNOPRSTUVWZ"


class People:
    """Names, places and numbers to reach people by, all of one split and reproducible from the random state given."""

    def __init__(self, split: Split, rng: random.Random, locale: str) -> None:
        self.split = split
        self._rng = rng
        self.locale = locale
        self._roman = locale.endswith("@roman")
        self._faker = _faker(locale.removesuffix("@roman"))
        self._faker.seed_instance(rng.getrandbits(32))

    def surname(self) -> str:
        """A family name, a double one now and then."""
        name = self._one("last_name")
        if self._rng.random() < 0.07:
            name += self._rng.choice("- ") + self._one("last_name")
        if self._rng.random() < 0.02:
            name = (
                self._rng.choice(("van ", "de ", "von ", "Mc", "O'", "Al-", "Ben ", "della ", "dos ", "Le ", "St. "))
                + name
            )
        return name

    def given(self) -> str:
        """A given name."""
        return self._one("first_name")

    def city(self) -> str:
        """A town; where the country's list is short, one made from a family name."""
        if self._roman or self.locale in UNSTEADY_CITIES or self._rng.random() < 0.1:
            return self._one("last_name") + self._rng.choice(
                ("ville", "ton", " City", "burg", "feld", "stad", "grad", "ford", " Bay", " Valley", "")
            )
        try:
            return drawn(lambda: str(self._faker.city()), self.split)
        except LookupError:
            return self._one("last_name")

    def street(self) -> str:
        """A street with a number."""
        number = self._rng.randint(1, 2400)
        if self._roman or self._rng.random() < 0.4:
            name = self._one("last_name")
            form = self._rng.choice(sections("places.txt")["street"])
            return form.format(n=number, s=name)
        return str(self._faker.street_address()).replace("\n", " ")

    def zip_code(self) -> str:
        """A post code."""
        try:
            return str(self._faker.postcode())
        except AttributeError:
            return str(self._rng.randint(1000, 99999))

    def phone(self) -> str:
        """A phone number as the country writes it."""
        return str(self._faker.phone_number())

    def hospital(self) -> str:
        """An institution."""
        form = self._rng.choice(in_split_whole(sections("places.txt")["hospital"], self.split)).strip()
        acronym = "".join(self._rng.choices(_LETTERS, k=self._rng.randint(3, 5)))
        return form.format(
            city=self.city(),
            surname=self.surname(),
            given=self.given(),
            acronym=acronym,
            n=self._rng.randint(1, 60),
        )

    def ward(self) -> str:
        """A ward or a room."""
        form = self._rng.choice(in_split_whole(sections("places.txt")["ward"], self.split)).strip()
        return form.format(n=self._rng.randint(1, 40), l=self._rng.choice(_LETTERS[:8]))

    def _one(self, provider: str) -> str:
        """A name of the country that is no name of a view or of a maker too: those are drawn where a label tells."""
        for _ in range(20):
            if self._roman:
                name = self._rng.choice(in_split(sections("places.txt")[self.locale[:2]], self.split))
            else:
                name = drawn(lambda: str(getattr(self._faker, provider)()), self.split)
            if fold(name) not in _technical_names():
                break
        return name


@cache
def in_split_whole(texts: tuple[str, ...], split: Split) -> tuple[str, ...]:
    """Those of the texts that belong to the split by all of their words together."""
    return tuple(text for text in texts if split_of(text.strip()) is split)


@cache
def kinds_of_places() -> frozenset[str]:
    """Words of the forms of institutions and wards: what stands there alone says no name."""
    forms = [*sections("places.txt")["hospital"], *sections("places.txt")["ward"], *DEPARTMENTS]
    texts = (re.sub(r"\{[a-z]+\}", " ", form) for form in forms)
    return frozenset(alnum(fold(word)) for text in texts for word in text.split() if alnum(word))


@cache
def _technical_names() -> frozenset[str]:
    lists = sections("vocabulary.txt")
    kinds = ("eponym", "projection", "brand", "device")
    return frozenset(fold(word) for kind in kinds for text in lists[kind] for word in (text, text.split()[0]))


@cache
def _faker(locale: str) -> Any:
    try:
        from faker import Faker
    except ImportError as exc:
        raise UsageError(NEEDS) from exc

    return Faker(locale)
