"""What becomes of an element: PS3.15 Table E.1-1, and our own rules for what the table leaves open.

The table gives compound actions ("X/Z/D") that depend on the type of the element in its information object. The type is
not looked up: an element that is present takes the last of Z and D that the action allows, which is legal for every
type, since a dummy value satisfies what only must be present, and what may be absent may also be empty.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from importlib import resources

from pydicom.datadict import dictionary_has_tag, dictionary_VR, keyword_for_tag, tag_for_keyword
from pydicom.tag import BaseTag


class Action(StrEnum):
    """What is done with an element (PS3.15 E.1.1)."""

    REMOVE = "X"
    EMPTY = "Z"
    DUMMY = "D"
    UID = "U"
    KEEP = "K"
    CLEAN = "C"


_RESOLVED = {
    "X": Action.REMOVE,
    "Z": Action.EMPTY,
    "D": Action.DUMMY,
    "U": Action.UID,
    "X/Z": Action.EMPTY,
    "X/D": Action.DUMMY,
    "Z/D": Action.DUMMY,
    "X/Z/D": Action.DUMMY,
    # U* stands for the UIDs within the items, which the walk through the items replaces.
    "X/Z/U*": Action.KEEP,
}


@dataclass(frozen=True, slots=True)
class Rules:
    """The rule tables, ready to be asked."""

    edition: str
    actions: dict[int, Action]
    remove: frozenset[int]
    keep: frozenset[int]
    free_text_vrs: frozenset[str]

    def action_for(self, tag: BaseTag, vr: str) -> Action:
        """The action of the Basic Profile for an element, wherever it stands in the dataset."""
        if tag.group % 2 or tag.element == 0x0000 or not dictionary_has_tag(tag):
            return Action.REMOVE
        if tag.group in (0x0004, 0xFFFA, 0xFFFC) or 0x5000 <= tag.group <= 0x50FF or 0x6000 <= tag.group <= 0x60FF:
            # Curves and overlays go whole: drawn text, and labels that say what it is.
            return Action.REMOVE
        listed = self.actions.get(int(tag))
        if listed is not None:
            return listed
        if tag in self.remove:
            return Action.REMOVE
        if tag in self.keep:
            return Action.KEEP
        if dictionary_VR(tag) in self.free_text_vrs or vr in self.free_text_vrs:
            return Action.EMPTY
        return Action.UID if dictionary_VR(tag) == "UI" else Action.KEEP


@cache
def rules() -> Rules:
    """The tables of deid/rules, read once a process."""
    folder = resources.files("deid").joinpath("rules")
    table = json.loads(folder.joinpath("ps315.json").read_text(encoding="utf-8"))
    beyond = json.loads(folder.joinpath("beyond_table.json").read_text(encoding="utf-8"))
    return Rules(
        edition=table["edition"],
        # Repeating groups and private elements have rows too; `action_for` knows them by their group number.
        actions={int(tag, 16): _RESOLVED[row[0]] for tag, row in table["rows"].items() if _is_hex(tag)},
        remove=_tags(beyond["remove"]),
        keep=_tags(beyond["keep_although_free_text"]),
        free_text_vrs=frozenset(beyond["free_text_vrs"]),
    )


@cache
def identifying_tags() -> frozenset[int]:
    """Tags whose values identify, beside all person names, dates and date-times."""
    lines = resources.files("deid").joinpath("rules", "identifying.txt").read_text(encoding="utf-8").splitlines()
    return _tags([line for line in lines if line and not line.startswith("#")])


def name_of(tag: BaseTag) -> str:
    """The keyword of a tag; what kind of tag it is where the dictionary has none."""
    return keyword_for_tag(tag) or ("Private" if tag.group % 2 else "Unknown")


def _tags(keywords: list[str]) -> frozenset[int]:
    tags = {keyword: tag_for_keyword(keyword) for keyword in keywords}
    return frozenset(tag for tag in tags.values() if tag is not None)


def _is_hex(text: str) -> bool:
    return all(sign in "0123456789ABCDEF" for sign in text)
