"""Safe private elements: those whose meaning is published and identifies nobody (PS3.15 E.3.10)."""

from __future__ import annotations

from pydicom import DataElement, Dataset
from pydicom.tag import BaseTag, Tag

from deid.identifiers import holds
from deid.profile import HeaderOption
from deid.ps315 import Rulebook
from deid.standins import made, values_of
from deid.walking import elements_of
from deid.wording import Wording

_NUMBERS = frozenset({"DS", "IS", "FL", "FD", "SL", "SS", "SV", "UL", "US", "UV"})
_TEXTS = frozenset({"CS", "LO", "SH", "ST", "LT", "UC", "UT"})


def safe_private(dataset: Dataset, book: Rulebook, wording: Wording) -> dict[BaseTag, DataElement]:
    """What stays of the private elements of a dataset or item, with the creators of their blocks, by tag.

    An element stays where it is listed for its creator, holds numbers or vocabulary, and nothing that was removed.
    """
    if not book.profile.has(HeaderOption.RETAIN_SAFE_PRIVATE):
        return {}
    kept: dict[BaseTag, DataElement] = {}
    for element in elements_of(dataset):
        tag = element.tag
        if not tag >> 16 & 1 or tag.element < 0x1000:
            continue
        reserved = dataset.get(Tag(tag.group, tag.element >> 8))
        creator = str(reserved.value or "").strip() if reserved is not None else ""
        stays = _stays(element, wording) if book.is_safe_private(creator, tag) else None
        if stays is not None and reserved is not None:
            kept[tag] = stays
            kept[reserved.tag] = made(reserved.tag, "LO", creator)
    return kept


def _stays(element: DataElement, wording: Wording) -> DataElement | None:
    if element.is_empty or holds(element, wording.needles):
        return None
    values = values_of(element)
    if element.VR in _NUMBERS:
        return made(element.tag, element.VR, element.value) if all(map(_is_number, values)) else None
    if element.VR in _TEXTS and all(wording.cleaned(str(value)) == str(value) for value in values):
        return made(element.tag, element.VR, element.value)
    return None


def _is_number(value: object) -> bool:
    return isinstance(value, int | float)
