"""What a person chooses for the header: the Basic Profile with options, by the name of a preset or one by one."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from importlib import resources

from deid.errors import UsageError


class HeaderOption(StrEnum):
    """The options of PS3.15 E.3, in the order of the columns of Table E.1-1."""

    RETAIN_SAFE_PRIVATE = "retain-safe-private"
    RETAIN_UIDS = "retain-uids"
    RETAIN_DEVICE_IDENTITY = "retain-device-identity"
    RETAIN_INSTITUTION_IDENTITY = "retain-institution-identity"
    RETAIN_PATIENT_CHARACTERISTICS = "retain-patient-characteristics"
    RETAIN_FULL_DATES = "retain-longitudinal-full-dates"
    RETAIN_MODIFIED_DATES = "retain-longitudinal-modified-dates"
    CLEAN_DESCRIPTORS = "clean-descriptors"
    CLEAN_STRUCTURED_CONTENT = "clean-structured-content"
    CLEAN_GRAPHICS = "clean-graphics"


METHOD_CODES = {
    HeaderOption.CLEAN_GRAPHICS: "113103",
    HeaderOption.CLEAN_STRUCTURED_CONTENT: "113104",
    HeaderOption.CLEAN_DESCRIPTORS: "113105",
    HeaderOption.RETAIN_FULL_DATES: "113106",
    HeaderOption.RETAIN_MODIFIED_DATES: "113107",
    HeaderOption.RETAIN_PATIENT_CHARACTERISTICS: "113108",
    HeaderOption.RETAIN_DEVICE_IDENTITY: "113109",
    HeaderOption.RETAIN_UIDS: "113110",
    HeaderOption.RETAIN_SAFE_PRIVATE: "113111",
    HeaderOption.RETAIN_INSTITUTION_IDENTITY: "113112",
}
"""Codes of CID 7050, in rising order; `pydicom.sr.codedict` has their meanings."""


_AND_MORE = " with options"


@dataclass(frozen=True, slots=True)
class Profile:
    """The Basic Profile with some of its options."""

    name: str = "strict"
    options: frozenset[HeaderOption] = frozenset()

    def __post_init__(self) -> None:
        if {HeaderOption.RETAIN_FULL_DATES, HeaderOption.RETAIN_MODIFIED_DATES} <= self.options:
            raise UsageError("Dates are either kept in full or modified: choose one of the two options.")

    def has(self, option: HeaderOption) -> bool:
        """Whether the option is on."""
        return option in self.options

    def with_options(self, more: Iterable[HeaderOption]) -> Profile:
        """The same with further options."""
        added = frozenset(more) - self.options
        return Profile(f"{self.preset}{_AND_MORE}", self.options | added) if added else self

    @property
    def preset(self) -> str:
        """The name of the preset that the options were added to."""
        return self.name.removesuffix(_AND_MORE)


STRICT = Profile()
"""The default."""


@cache
def presets() -> dict[str, Profile]:
    """The named profiles of this version, the default first."""
    data = json.loads(resources.files("deid").joinpath("rules", "presets.json").read_text(encoding="utf-8"))
    names = sorted(data["presets"], key=lambda name: name != data["default"])
    return {name: Profile(name, frozenset(map(HeaderOption, data["presets"][name]["options"]))) for name in names}


def preset(name: str) -> Profile:
    """The profile of this name.

    Raises
    ------
    UsageError
        Where there is none.
    """
    if name not in presets():
        raise UsageError(f"There is no such preset: choose one of {', '.join(presets())}.")
    return presets()[name]
