"""Values and elements that stand in for what must not stay."""

from __future__ import annotations

from typing import Any

from pydicom import DataElement, Dataset
from pydicom.multival import MultiValue
from pydicom.sequence import Sequence
from pydicom.tag import BaseTag
from pydicom.valuerep import PersonName

from deid.coding import DUMMY_CODE, LOCAL_SCHEME
from deid.identifiers import Needles

DUMMY_TEXT = "REMOVED"
_UNCHANGING = (str, bytes, int, float, PersonName, type(None))
_DATES = ("19000101", "19010102", "18990203")
_DUMMIES: dict[str, Any] = {
    "AS": "000Y",
    "DS": "0",
    "IS": "0",
    "OB": b"\0\0",
    "TM": "000000",
    "UN": b"\0\0",
    "UR": "urn:removed",
}


def dummy_value(vr: str, needles: Needles) -> Any:
    """A value that says nothing, of this representation; a date is none of those that were removed."""
    if vr in ("DA", "DT"):
        date = next((date for date in _DATES if date not in needles.tokens), "18500101")
        return date if vr == "DA" else date + "000000"
    return _DUMMIES.get(vr, DUMMY_TEXT)


def dummy_code() -> Dataset:
    """A coded entry that says nothing."""
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = DUMMY_CODE, LOCAL_SCHEME, DUMMY_TEXT
    return item


def values_of(element: DataElement) -> list[Any]:
    """The element's values, one or many."""
    value = element.value
    kind = type(value)
    if kind is MultiValue or kind is Sequence or kind is list or kind is tuple:
        return list(value)
    if value is None or (kind is not int and kind is not float and element.is_empty):
        return []
    return [value]


def made(tag: BaseTag, vr: str, value: Any, undefined_length: bool = False) -> DataElement:
    """A new element that shares no list with any other."""
    if value is None:
        value = Sequence() if vr == "SQ" else (b"" if vr in ("OB", "OW", "UN") else None)
    if isinstance(value, MultiValue | list) and vr != "SQ":
        value = list(value) if len(value) != 1 else value[0]
    element = DataElement(tag, vr, value)
    element.is_undefined_length = undefined_length
    return element


def copied(element: DataElement) -> DataElement:
    """A new element of the same value, which is not converted again; it shares no list with the other."""
    value = element.value
    if type(value) is MultiValue:
        value = MultiValue(_same, value)
    elif not isinstance(value, _UNCHANGING):
        return made(element.tag, element.VR, value, element.is_undefined_length)
    return DataElement(
        element.tag,
        element.VR,
        value,
        is_undefined_length=element.is_undefined_length,
        already_converted=True,
    )


def _same(value: Any) -> Any:
    return value
