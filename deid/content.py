"""Content items: what a profile says of them by the code of their concept (PS3.15 Table E.3.4-1)."""

from __future__ import annotations

from dataclasses import replace

from pydicom import Dataset
from pydicom.datadict import dictionary_VR
from pydicom.tag import Tag

from deid.coding import concept_of
from deid.profile import HeaderOption
from deid.ps315 import Action, Rule, Rulebook

_VALUES = tuple(
    int(Tag(keyword))
    for keyword in ("TextValue", "PersonName", "Date", "Time", "DateTime", "UID", "ConceptCodeSequence")
)
_TEXT, _UID, _CODE, _MEASURED = (
    int(Tag(keyword)) for keyword in ("TextValue", "UID", "ConceptCodeSequence", "MeasuredValueSequence")
)
_REFERENCES = frozenset({"IMAGE", "COMPOSITE", "WAVEFORM", "UIDREF"})


def rules_within(item: Dataset, book: Rulebook) -> dict[int, Rule] | None:
    """Rules that go before those of the table in this item, by tag; None where the whole item goes.

    An item that refers to other objects stays, since its UIDs are replaced like any other: what was measured still
    resolves to where it was measured.
    """
    concept = concept_of(item)
    rule = book.content_rule(*concept) if concept is not None else None
    if rule is None:
        return _free_text(book) if _TEXT in item else {}
    if rule.action is Action.KEEP:
        return {tag: replace(rule, vr=dictionary_VR(tag)) for tag in _VALUES}
    refers = str(item.get("ValueType") or "") in _REFERENCES
    if rule.action is Action.CLEAN:
        return {tag: replace(rule, vr=dictionary_VR(tag)) for tag in _VALUES if tag != _UID}
    if refers:
        return {}
    if Action.REMOVE in rule.otherwise:
        return None
    return {tag: Rule(Action.DUMMY, "D", dictionary_VR(tag)) for tag in (_TEXT, _CODE, _MEASURED)}


def _free_text(book: Rulebook) -> dict[int, Rule]:
    """A text of a concept that the table does not list is cleaned where structured content is, else a dummy."""
    cleaned = book.profile.has(HeaderOption.CLEAN_STRUCTURED_CONTENT)
    return {_TEXT: Rule(Action.CLEAN if cleaned else Action.DUMMY, "D", "UT")}
