"""The walk through a dataset and its items: each element becomes what its rule says, at every depth."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from pydicom import DataElement, Dataset
from pydicom.datadict import dictionary_VR
from pydicom.dataelem import RawDataElement
from pydicom.sequence import Sequence
from pydicom.tag import BaseTag, Tag

from deid.coding import cleaned_code, is_code, is_public_uid
from deid.content import rules_within
from deid.identifiers import CLOSED, Needles, holds
from deid.iod import type_of
from deid.longitudinal import moved
from deid.private import safe_private
from deid.profile import HeaderOption
from deid.ps315 import Action, Rule, Rulebook, name_of
from deid.pseudonyms import Pseudonyms
from deid.standins import copied, dummy_code, dummy_value, made, values_of
from deid.values import Removal
from deid.walking import elements_of
from deid.wording import Wording

_TEXT_VRS = frozenset({"AE", "CS", "LO", "LT", "SH", "ST", "UC", "UT"})
_LONGEST = {"LO": 64, "SH": 16, "AE": 16}
_TEMPORAL_VRS = frozenset({"DA", "DT", "TM"})
_NUMBERS = frozenset({"DS", "IS", "FL", "FD", "SL", "SS", "SV", "UL", "US", "UV"})
_DRAWN = frozenset({Tag("GraphicObjectSequence"), Tag("CompoundGraphicSequence")})
_IMAGE_TYPE, _PATIENT_ID, _PATIENT_NAME = Tag("ImageType"), Tag("PatientID"), Tag("PatientName")
_MAKERS = frozenset(
    {
        Tag("Manufacturer"),
        Tag("ManufacturerModelName"),
        Tag("SecondaryCaptureDeviceManufacturer"),
        Tag("SecondaryCaptureDeviceManufacturerModelName"),
        Tag("HardcopyDeviceManufacturer"),
        Tag("HardcopyDeviceManufacturerModelName"),
        Tag("DetectorManufacturerName"),
        Tag("DetectorManufacturerModelName"),
    }
)
_CONCEPT_NAME, _TEXT_VALUE = Tag("ConceptNameCodeSequence"), Tag("TextValue")
_OTHER_TYPE = "OTHER"
_OLDEST = 89
"""Higher ages are told as 90 (45 CFR 164.514(b)(2)(i)(C))."""


@dataclass(slots=True)
class Cleaning:
    """What the walk carries along; `removals` grows."""

    book: Rulebook
    pseudonyms: Pseudonyms
    wording: Wording
    patient: str
    days: int
    sop_class: str
    removals: list[Removal] = field(default_factory=list)
    _uids: dict[str, str] = field(default_factory=dict)

    @property
    def needles(self) -> Needles:
        """What must not stay anywhere."""
        return self.wording.needles

    def uid(self, original: str) -> str:
        """The stand-in of a UID in this file."""
        known = self._uids.get(original)
        if known is None:
            known = self._uids[original] = self.pseudonyms.uid(original, self.needles)
        return known


@dataclass(frozen=True, slots=True)
class _Place:
    """Where an item stands: the path to it, the tag of its sequence, rules that go before the table's."""

    path: str = ""
    sequence: int | None = None
    rules: Mapping[int, Rule] = field(default_factory=dict)
    codes_stay: bool = False


def clean_items(dataset: Dataset, task: Cleaning) -> Dataset:
    """A new dataset with what may stay of this one."""
    return _cleaned(dataset, task, _Place())


def _cleaned(dataset: Dataset, task: Cleaning, place: _Place) -> Dataset:
    cleaned: dict[BaseTag, DataElement | RawDataElement] = {}
    coded = cleaned_code(dataset, task.wording) if is_code(dataset) and not place.codes_stay else {}
    private = safe_private(dataset, task.book, task.wording)
    for element in elements_of(dataset):
        tag = element.tag
        if tag >> 16 & 1:
            kept = private.get(tag)
            action = Action.REMOVE if kept is None else Action.CLEAN
        elif tag in coded:
            kept = made(tag, element.VR, coded[tag])
            action = Action.KEEP if coded[tag] == str(element.value or "").strip() else Action.CLEAN
        else:
            action, kept = _become(element, task, place)
        if kept is not None:
            cleaned[tag] = kept
        if action is not Action.KEEP:
            task.removals.append(Removal(f"{place.path}{tag}", name_of(tag), action.value))
    return Dataset(cleaned)


def _become(element: DataElement, task: Cleaning, place: _Place) -> tuple[Action, DataElement | None]:
    """What is done with an element of the standard, and what it becomes; None where it goes."""
    tag = element.tag
    rule = place.rules.get(tag) or task.book.rule(tag)
    kind = type_of(tag, place.sequence, task.sop_class)
    action = rule.settled(kind)
    if action is Action.KEEP:
        return _kept(element, rule, kind, task, place)
    if action is Action.CLEAN:
        return _cleaned_element(element, rule, kind, task, place)
    return action, _replaced(element, action, rule, task, place)


def _replaced(element: DataElement, action: Action, rule: Rule, task: Cleaning, place: _Place) -> DataElement | None:
    """What takes the place of an element that must not stay."""
    tag, vr = element.tag, rule.vr or element.VR
    if action is Action.REMOVE:
        return None
    if element.is_empty:
        return made(tag, vr, None)
    if action is Action.UID or (vr == "UI" and action is Action.DUMMY):
        return made(tag, "UI", [_stand_in(tag, str(uid), task) for uid in values_of(element)])
    if tag == _PATIENT_ID:
        return made(tag, vr, task.pseudonyms.patient(str(element.value)))
    if tag == _PATIENT_NAME:
        return made(tag, vr, task.pseudonyms.patient(task.patient))
    if action is Action.EMPTY:
        return made(tag, vr, None)
    if vr == "SQ":
        if name_of(tag).endswith("CodeSequence"):
            return made(tag, vr, Sequence([dummy_code()]))
        return _sequence(element, task, place, rule)
    return made(tag, vr, dummy_value(vr, task.needles))


def _stand_in(tag: BaseTag, uid: str, task: Cleaning) -> str:
    return uid if is_public_uid(tag, uid) else task.uid(uid)


def _kept(
    element: DataElement, rule: Rule, kind: int, task: Cleaning, place: _Place
) -> tuple[Action, DataElement | None]:
    """An element that may stay, unless it holds something that identifies or that its type does not allow."""
    tag, vr = element.tag, element.VR
    if vr == "SQ":
        return Action.KEEP, _sequence(element, task, place, rule)
    values = values_of(element)
    if vr != rule.vr and vr not in dictionary_VR(tag).split(" or ") and not _are_numbers(values):
        return _gone(element, rule, kind, task, place)
    if vr in ("IS", "DS") and not all(_is_number(value) for value in values):
        return _gone(element, rule, kind, task, place)
    if vr == "CS" and rule.retained and any(not task.wording.term(str(value)) for value in values):
        return _gone(element, rule, kind, task, place)
    if tag in _SHAPES and not _SHAPES[tag](element.value):
        return _gone(element, rule, kind, task, place)
    if vr == "AS" and any(_is_old(str(value)) for value in values):
        return Action.CLEAN, made(tag, vr, "090Y")
    if holds(element, task.needles):
        return _gone(element, rule, kind, task, place)
    return Action.KEEP, copied(element)


def _gone(
    element: DataElement, rule: Rule, kind: int, task: Cleaning, place: _Place
) -> tuple[Action, DataElement | None]:
    """What becomes of an element of which nothing may stay. A number is emptied: its type is not in our table."""
    replaces = set(rule.otherwise) & set("XZD") and element.VR not in _NUMBERS
    action = rule.replacement(kind) if replaces else Action.EMPTY
    return Action.CLEAN, _replaced(element, action, rule, task, place)


def _cleaned_element(
    element: DataElement, rule: Rule, kind: int, task: Cleaning, place: _Place
) -> tuple[Action, DataElement | None]:
    """An element of which a part may stay: dates move, texts lose the words that may identify, items are walked."""
    tag, vr = element.tag, rule.vr
    if vr == "SQ":
        return Action.CLEAN, _sequence(element, task, place, rule)
    values = values_of(element)
    if not values:
        return Action.KEEP, made(tag, vr, None)
    if vr in _TEMPORAL_VRS:
        shifted = [moved(str(value), vr, task.days) for value in values]
        if not all(shifted):
            return _gone(element, rule, kind, task, place)
        return (Action.KEEP if vr == "TM" else Action.CLEAN), made(tag, vr, shifted)
    if vr not in _TEXT_VRS:
        return _gone(element, rule, kind, task, place)
    if vr == "CS":
        texts = [task.wording.term(str(value), closed=tag in CLOSED) for value in values]
    else:
        clean = task.wording.maker if tag in _MAKERS else task.wording.cleaned
        texts = [_fitted(clean(str(value)), str(value), vr) for value in values]
    if texts == [str(value) for value in values]:
        return Action.KEEP, made(tag, vr, texts)
    if tag == _IMAGE_TYPE:
        # Its values mean what their place says, so that none moves up.
        texts = [text or _OTHER_TYPE for text in texts]
    if not any(texts):
        return _gone(element, rule, kind, task, place)
    return Action.CLEAN, made(tag, vr, texts)


def _fitted(text: str, before: str, vr: str) -> str:
    """A text that changed, in one line and no longer than its representation allows (PS3.5 6.2)."""
    if text == before or vr not in _LONGEST:
        return text
    joined = " ".join(text.split())
    return joined if len(joined) <= _LONGEST[vr] else joined[: _LONGEST[vr] + 1].rpartition(" ")[0]


def _sequence(element: DataElement, task: Cleaning, place: _Place, rule: Rule) -> DataElement:
    """The sequence with its items cleaned, without those that go whole."""
    tag = element.tag
    if element.VR != "SQ":
        return made(tag, "SQ", None)
    items = []
    for number, item in enumerate(element.value):
        path = f"{place.path}{tag}[{number}]."
        rules = _rules_in(item, tag, task)
        if rules is None:
            task.removals.append(Removal(path.rstrip("."), name_of(tag), Action.REMOVE.value))
            continue
        items.append(_cleaned(item, task, _Place(path, int(tag), rules, rule.retained)))
    return made(tag, "SQ", Sequence(items))


def _rules_in(item: Dataset, sequence: BaseTag, task: Cleaning) -> Mapping[int, Rule] | None:
    if _CONCEPT_NAME in item or _TEXT_VALUE in item:
        return rules_within(item, task.book)
    if sequence == _ANNOTATIONS and not task.book.profile.has(HeaderOption.CLEAN_GRAPHICS):
        return dict.fromkeys(_DRAWN, Rule(Action.REMOVE, "X", "SQ"))
    if sequence == _TEXT_OBJECTS and task.book.profile.has(HeaderOption.CLEAN_GRAPHICS):
        return {_UNFORMATTED: Rule(Action.CLEAN, "D", "ST")}
    return {}


_ANNOTATIONS, _TEXT_OBJECTS = Tag("GraphicAnnotationSequence"), Tag("TextObjectSequence")
_UNFORMATTED = Tag("UnformattedTextValue")


def _is_profile(value: object) -> bool:
    """Whether bytes are a colour profile and nothing after it (ICC.1 7.2)."""
    if not isinstance(value, bytes) or value[36:40] != b"acsp":
        return False
    return not any(value[int.from_bytes(value[:4], "big") :])


def _is_version(value: object) -> bool:
    """Whether bytes are a version of the form of Exif: 0100."""
    return isinstance(value, bytes) and re.fullmatch(rb"\d{4}\0*", value) is not None


_SHAPES: dict[int, Callable[[object], bool]] = {
    Tag("ICCProfile"): _is_profile,
    Tag("InteroperabilityVersion"): _is_version,
}
"""Bytes that stay only where they are what the element is for."""


def _is_old(age: str) -> bool:
    return age.endswith("Y") and age[:-1].isdecimal() and int(age[:-1]) > _OLDEST


def _are_numbers(values: list[object]) -> bool:
    return all(isinstance(value, int | float) for value in values)


def _is_number(value: object) -> bool:
    if isinstance(value, int | float):
        return True
    try:
        float(str(value))
    except ValueError:
        return False
    return True
