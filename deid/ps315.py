"""What becomes of an element: PS3.15 Table E.1-1 under a profile, and our own rules for what the table leaves open.

A rule may leave a choice ("X/Z/D"), which the type of the element in its object definition settles: a dummy where a
value is demanded, an empty value where presence is, removal elsewhere. A conditional type counts as demanded where the
element is there.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from importlib import resources
from typing import Any

from pydicom.datadict import dictionary_has_tag, dictionary_VR, keyword_for_tag, tag_for_keyword
from pydicom.tag import BaseTag

from deid.iod import OPTIONAL, PRESENCE
from deid.profile import HeaderOption, Profile


class Action(StrEnum):
    """What is done with an element (PS3.15 E.1.1)."""

    REMOVE = "X"
    EMPTY = "Z"
    DUMMY = "D"
    UID = "U"
    KEEP = "K"
    CLEAN = "C"


_BY_TYPE = {OPTIONAL: "XZD", PRESENCE: "ZDX"}
"""The order in which the actions of a compound are preferred; a type 1 wants a value."""
_VALUE_ORDER = "DZX"
_TEMPORAL_VRS = frozenset({"DA", "DT", "TM"})
ANY = "X/Z/D"
"""Goes, as the type allows."""


@dataclass(frozen=True, slots=True)
class Rule:
    """What a profile says of an element or of a content item."""

    action: Action | None
    """None: `otherwise` is a compound that the type settles."""
    otherwise: str
    """The compound of the Basic Profile; also what is done where cleaning leaves nothing."""
    vr: str
    """The first that the dictionary allows; empty for a content item."""
    retained: bool = False
    """Kept by an option."""

    def settled(self, kind: int) -> Action:
        """What is done with an element of this type (1, 2 or 3)."""
        return self.action or self.replacement(kind)

    def replacement(self, kind: int) -> Action:
        """What takes the place of a value that must not stay."""
        order = _BY_TYPE.get(kind, _VALUE_ORDER)
        return Action(next(letter for letter in order if letter in self.otherwise))


class Rulebook:
    """The rules of one profile."""

    def __init__(self, profile: Profile) -> None:
        self.profile = profile
        self._table = _table()
        self._known: dict[int, Rule] = {}

    def rule(self, tag: int) -> Rule:
        """The rule for an element of the standard, wherever it stands; private elements have rules of their own."""
        known = self._known.get(tag)
        if known is None:
            known = self._known[tag] = self._made(tag)
        return known

    def content_rule(self, scheme: str, code: str) -> Rule | None:
        """The rule for a content item whose concept has this code (Table E.3.4-1); None where it has none."""
        row = self._table.content.get(f"{scheme}:{code}")
        return None if row is None else self._under_options(row, "")

    def is_safe_private(self, creator: str, tag: BaseTag) -> bool:
        """Whether the profile keeps safe private elements and this is one."""
        if not self.profile.has(HeaderOption.RETAIN_SAFE_PRIVATE):
            return False
        return (creator, tag.group, tag.element & 0xFF) in self._table.safe_private

    def may_be_safe(self, tag: BaseTag) -> bool:
        """Whether a private element of this tag can be a safe one of some creator, or the name of such a creator."""
        if not self.profile.has(HeaderOption.RETAIN_SAFE_PRIVATE):
            return False
        return tag.element < 0x100 or (tag.group, tag.element & 0xFF) in self._table.safe_numbers

    def _made(self, tag: int) -> Rule:
        if not dictionary_has_tag(tag) or _is_never_kept(tag):
            return Rule(Action.REMOVE, "X", "UN")
        vr = dictionary_VR(tag).split(" or ")[0]
        row = self._table.rows.get(tag)
        if row is not None:
            return self._under_options(row, vr)
        return self._beyond(tag, vr)

    def _under_options(self, row: tuple[str, str], vr: str) -> Rule:
        basic, columns = row
        chosen = {
            letter
            for option, letter in zip(HeaderOption, columns, strict=True)
            if letter != "-" and self.profile.has(option)
        }
        moved = columns[list(HeaderOption).index(HeaderOption.RETAIN_MODIFIED_DATES)] == "C"
        if moved and self.profile.has(HeaderOption.RETAIN_MODIFIED_DATES):
            # One date left as it was among dates that moved would give away how far.
            return Rule(Action.CLEAN, basic, vr) if vr in _TEMPORAL_VRS or not vr else Rule(None, basic, vr)
        if "K" in chosen:
            return Rule(Action.KEEP, basic, vr, retained=True)
        if "C" in chosen:
            return Rule(Action.CLEAN, basic, vr)
        if basic == "X/Z/U*":
            # U* stands for the UIDs within the items, which the walk through the items replaces.
            return Rule(Action.KEEP, basic, vr)
        return Rule(Action(basic), basic, vr) if len(basic) == 1 else Rule(None, basic, vr)

    def _beyond(self, tag: int, vr: str) -> Rule:
        table, has = self._table, self.profile.has
        if tag in table.remove:
            return Rule(Action.REMOVE, "X", vr)
        if tag in table.replace:
            return Rule(None, ANY, vr)
        if vr == "UI":
            return Rule(Action.UID, "U", vr)
        if vr in table.byte_vrs:
            kept = tag in table.bytes_to_keep or " or " in dictionary_VR(tag)
            return Rule(Action.KEEP, ANY, vr) if kept else Rule(None, ANY, vr)
        if vr in _TEMPORAL_VRS:
            if has(HeaderOption.RETAIN_FULL_DATES):
                return Rule(Action.KEEP, ANY, vr, retained=True)
            return Rule(Action.CLEAN if has(HeaderOption.RETAIN_MODIFIED_DATES) else None, ANY, vr)
        if vr in table.short_text_vrs or tag in table.clean_although_long:
            return Rule(Action.CLEAN, ANY, vr)
        if vr in table.long_text_vrs:
            cleaned = has(HeaderOption.CLEAN_DESCRIPTORS) and vr not in ("AE", "PN", "UR")
            return Rule(Action.CLEAN if cleaned else None, ANY, vr)
        return Rule(Action.KEEP, ANY, vr)


@cache
def rulebook(profile: Profile) -> Rulebook:
    """The rules of a profile, made once a process."""
    return Rulebook(profile)


def edition() -> str:
    """The edition of PS3.15 that the rules follow."""
    return _table().edition


def table_tags() -> frozenset[int]:
    """The tags that Table E.1-1 names one by one."""
    return frozenset(_table().rows)


@cache
def identifying_tags() -> frozenset[int]:
    """Tags whose values identify, beside all person names, dates and date-times."""
    lines = resources.files("deid").joinpath("rules", "identifying.txt").read_text(encoding="utf-8").splitlines()
    return _tags([line for line in lines if line and not line.startswith("#")])


def name_of(tag: BaseTag) -> str:
    """The keyword of a tag; what kind of tag it is where the dictionary has none."""
    return keyword_for_tag(tag) or ("Private" if tag.group % 2 else "Unknown")


@dataclass(frozen=True, slots=True)
class _Table:
    edition: str
    rows: dict[int, tuple[str, str]]
    content: dict[str, tuple[str, str]]
    safe_private: frozenset[tuple[str, int, int]]
    safe_numbers: frozenset[tuple[int, int]]
    remove: frozenset[int]
    replace: frozenset[int]
    clean_although_long: frozenset[int]
    bytes_to_keep: frozenset[int]
    long_text_vrs: frozenset[str]
    short_text_vrs: frozenset[str]
    byte_vrs: frozenset[str]


@cache
def _table() -> _Table:
    table, beyond, private = (_read(name) for name in ("ps315.json", "beyond_table.json", "safe_private.json"))
    safe = frozenset(
        (creator, int(group, 16), int(element, 16))
        for listed in private["lists"]
        for creator, groups in listed["creators"].items()
        for group, elements in groups.items()
        for element in elements.split()
    )
    return _Table(
        edition=table["edition"],
        # Repeating groups and private elements have rows too; they are known by their group number.
        rows={int(tag, 16): tuple(row) for tag, row in table["rows"].items() if _is_hex(tag)},
        content={concept: tuple(row) for concept, row in table["content"].items()},
        safe_private=safe,
        safe_numbers=frozenset((group, element) for _, group, element in safe),
        remove=_tags(beyond["remove"]),
        replace=_tags(beyond["replace"]),
        clean_although_long=_tags(beyond["clean_although_long"]),
        bytes_to_keep=_tags(beyond["bytes_to_keep"]),
        long_text_vrs=frozenset(beyond["long_text_vrs"]),
        short_text_vrs=frozenset(beyond["short_text_vrs"]),
        byte_vrs=frozenset(beyond["byte_vrs"]),
    )


def _read(name: str) -> dict[str, Any]:
    data: dict[str, Any] = json.loads(resources.files("deid").joinpath("rules", name).read_text(encoding="utf-8"))
    return data


def _is_never_kept(tag: int) -> bool:
    """Directory records, digital signatures and padding; curves and overlays, which are drawings with labels."""
    group = tag >> 16
    return (
        group % 2 == 1
        or not tag & 0xFFFF
        or group in (0x0004, 0xFFFA, 0xFFFC)
        or 0x5000 <= group <= 0x50FF
        or 0x6000 <= group <= 0x60FF
    )


def _tags(keywords: list[str]) -> frozenset[int]:
    tags = {keyword: tag_for_keyword(keyword) for keyword in keywords}
    return frozenset(tag for tag in tags.values() if tag is not None)


def _is_hex(text: str) -> bool:
    return all(sign in "0123456789ABCDEF" for sign in text)
