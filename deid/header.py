"""Clean header elements: PS3.15's Basic Profile at every depth, then a search for what it leaves.

`harvest` comes first and tells which values identify; `clean` makes the new dataset; `write` gives its file's bytes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from io import BytesIO
from typing import Any

from pydicom import DataElement, Dataset, dcmwrite
from pydicom.charset import python_encoding
from pydicom.datadict import dictionary_VR
from pydicom.dataset import FileMetaDataset
from pydicom.multival import MultiValue
from pydicom.sequence import Sequence
from pydicom.sr.codedict import codes
from pydicom.tag import BaseTag, Tag
from pydicom.uid import UID, SecondaryCaptureImageStorage

import deid.quiet  # noqa: F401
from deid import __version__
from deid.errors import HeaderError
from deid.identifiers import Needles, holds, needles_of
from deid.ps315 import Action, identifying_tags, name_of, rules
from deid.pseudonyms import Pseudonyms
from deid.values import Hint, Removal

IMPLEMENTATION_CLASS = "2.25." + str(int.from_bytes(sha256(b"deid").digest()[:16], "big"))
_DUMMY_TEXT = "REMOVED"
_DUMMY_DATES = ("19000101", "19010102", "18990203")
_DUMMIES: dict[str, Any] = {
    "AS": "000Y",
    "DS": "0",
    "IS": "0",
    "OB": b"\0\0",
    "TM": "000000",
    "UN": b"\0\0",
    "UR": "urn:removed",
}


def harvest(dataset: Dataset) -> tuple[Hint, ...]:
    """The identifying values that stand in the header, at every depth, in order and without repeats.

    Names, ids, dates, places, devices: what a picture may show too, and what must not be found in the output.
    """
    return tuple(dict.fromkeys(_harvested(dataset)))


def clean(
    dataset: Dataset, key: bytes, *, pixels_changed: bool, pixels_examined: bool
) -> tuple[Dataset, tuple[Removal, ...]]:
    """A new dataset without identifying elements, and what was done to each element that did not stay as it was.

    `key` is the secret of the pseudonyms (16 bytes or more): one key keeps UIDs and patients consistent across files.

    Raises
    ------
    HeaderError
        Where an element is of a kind that cannot be cleaned.

    References
    ----------
    PS3.15 Annex E; PS3.16 CID 7050 for the method codes.

    """
    task = _Task(Pseudonyms(key), needles_of(harvest(dataset)), _patient(dataset))
    cleaned = _cleaned_items(dataset, task, "")
    _say_what_was_done(cleaned, pixels_changed=pixels_changed, pixels_examined=pixels_examined)
    _settle_character_set(cleaned)
    _complete_file_meta(dataset, cleaned, task)
    return cleaned, tuple(task.removals)


def write(dataset: Dataset) -> bytes:
    """The bytes of the file: the same for the same dataset, in the transfer syntax that its file meta names.

    Raises
    ------
    HeaderError
        Where an element cannot be encoded.

    """
    buffer = BytesIO()
    try:
        dcmwrite(buffer, dataset, enforce_file_format=True)
    except Exception as exc:
        raise HeaderError("The cleaned dataset cannot be encoded.") from exc
    return buffer.getvalue()


@dataclass(slots=True)
class _Task:
    """What the walk through the items carries along; `removals` grows."""

    pseudonyms: Pseudonyms
    needles: Needles
    patient: str
    removals: list[Removal] = field(default_factory=list)

    @property
    def dummy_date(self) -> str:
        """A date that is none of the file's own."""
        return next((date for date in _DUMMY_DATES if date not in self.needles.tokens), "18500101")


def _harvested(dataset: Dataset) -> Iterator[Hint]:
    for element in dataset:
        if element.VR == "SQ":
            for item in element.value:
                yield from _harvested(item)
        elif element.VR in ("PN", "DA", "DT") or element.tag in identifying_tags():
            for value in _values(element):
                text = str(value).strip("\0 ") if not isinstance(value, bytes) else value.decode("latin-1").strip("\0 ")
                if text:
                    yield Hint(name_of(element.tag), text)


def _values(element: DataElement) -> list[Any]:
    if element.is_empty:
        return []
    return list(element.value) if isinstance(element.value, MultiValue | list | tuple) else [element.value]


def _patient(dataset: Dataset) -> str:
    """What tells this patient from others: the id, or the name where there is no id."""
    for keyword in ("PatientID", "PatientName"):
        text = str(dataset.get(keyword) or "").strip("\0 ")
        if text:
            return text
    return ""


def _cleaned_items(dataset: Dataset, task: _Task, path: str) -> Dataset:
    cleaned = Dataset()
    for element in dataset:
        place = f"{path}{element.tag}".replace(" ", "")
        action = rules().action_for(element.tag, element.VR)
        if action is Action.KEEP:
            action, kept = _kept(element, task, place)
        else:
            kept = _replaced(element, action, task, place)
        if kept is not None:
            cleaned.add(kept)
        if action is not Action.KEEP:
            task.removals.append(Removal(place, name_of(element.tag), action.value))
    return cleaned


def _replaced(element: DataElement, action: Action, task: _Task, place: str) -> DataElement | None:
    """What stands in the output for an element that the table acts on; None where it goes."""
    if action is Action.REMOVE:
        return None
    vr = dictionary_VR(element.tag).split(" or ")[0]
    if element.is_empty:
        return _made(element.tag, vr, None)
    if action is Action.UID:
        return _made(element.tag, "UI", [task.pseudonyms.uid(str(uid), task.needles) for uid in _values(element)])
    if element.keyword in ("PatientID", "PatientName"):
        return _made(element.tag, vr, task.pseudonyms.patient(task.patient) if task.patient else None)
    if action is Action.EMPTY:
        return _made(element.tag, vr, None)
    if vr == "SQ":
        return _dummy_sequence(element, task, place)
    if vr == "UI":
        return _made(element.tag, vr, [task.pseudonyms.uid(str(uid), task.needles) for uid in _values(element)])
    if vr in ("DA", "DT"):
        return _made(element.tag, vr, task.dummy_date + ("" if vr == "DA" else "000000"))
    return _made(element.tag, vr, _DUMMIES.get(vr, _DUMMY_TEXT))


def _dummy_sequence(element: DataElement, task: _Task, place: str) -> DataElement:
    """Codes are replaced, since a code can be a person's or a hospital's; other items are cleaned like the dataset."""
    if not element.keyword.endswith("CodeSequence"):
        return _cleaned_sequence(element, task, place)
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = _DUMMY_TEXT, "99DEID", _DUMMY_TEXT
    return _made(element.tag, "SQ", Sequence([item]))


def _cleaned_sequence(element: DataElement, task: _Task, place: str) -> DataElement:
    if element.VR != "SQ":
        return _made(element.tag, "SQ", None)
    items = [_cleaned_items(item, task, f"{place}[{number}].") for number, item in enumerate(element.value)]
    return _made(element.tag, "SQ", Sequence(items))


def _kept(element: DataElement, task: _Task, place: str) -> tuple[Action, DataElement | None]:
    """An element that the table leaves, unless it holds something that identifies or that its type does not allow."""
    if element.VR == "SQ":
        return Action.KEEP, _cleaned_sequence(element, task, place)
    allowed = dictionary_VR(element.tag).split(" or ")
    if element.VR not in allowed and not all(isinstance(value, int | float) for value in _values(element)):
        return Action.REMOVE, None
    if element.VR in ("IS", "DS") and not all(_is_number(value) for value in _values(element)):
        return Action.CLEAN, _made(element.tag, element.VR, None)
    if not holds(element, task.needles):
        return Action.KEEP, _made(element.tag, element.VR, element.value, element.is_undefined_length)
    if element.keyword == "ImageType":
        fixed, free = _values(element)[:2], _values(element)[2:]
        harmless = [value for value in free if not task.needles.are_in(value)]
        return Action.CLEAN, _made(element.tag, "CS", fixed + harmless)
    return Action.CLEAN, _made(element.tag, element.VR, None)


def _is_number(value: object) -> bool:
    if isinstance(value, int | float):
        return True
    try:
        float(str(value))
    except ValueError:
        return False
    return True


def _made(tag: BaseTag, vr: str, value: Any, undefined_length: bool = False) -> DataElement:
    """A new element that shares no list with the original."""
    if value is None:
        value = Sequence() if vr == "SQ" else (b"" if vr in ("OB", "OW", "UN") else None)
    if isinstance(value, MultiValue | list) and vr != "SQ":
        value = list(value) if len(value) != 1 else value[0]
    element = DataElement(tag, vr, value)
    element.is_undefined_length = undefined_length
    return element


def _say_what_was_done(cleaned: Dataset, *, pixels_changed: bool, pixels_examined: bool) -> None:
    profile = [codes.cid7050.BasicApplicationConfidentialityProfile]
    if pixels_examined:
        profile.append(codes.cid7050.CleanPixelDataOption)
        cleaned.BurnedInAnnotation = "NO"
    cleaned.PatientIdentityRemoved = "YES"
    cleaned.DeidentificationMethod = f"deid {__version__}, PS3.15 {rules().edition} Basic Profile"
    cleaned.DeidentificationMethodCodeSequence = Sequence([_code_item(code) for code in profile])
    cleaned.LongitudinalTemporalInformationModified = "REMOVED"
    if pixels_changed:
        rest = _values(cleaned["ImageType"])[1:] if "ImageType" in cleaned else []
        cleaned.ImageType = ["DERIVED", *(rest or ["SECONDARY"])]


def _code_item(code: Any) -> Dataset:
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = code.value, code.scheme_designator, code.meaning
    return item


def _settle_character_set(cleaned: Dataset) -> None:
    """Text that is left and is not ASCII is written as UTF-8; a character set that nothing here knows is not kept."""
    if any(not str(value).isascii() for value in _texts(cleaned)):
        cleaned.SpecificCharacterSet = "ISO_IR 192"
    elif "SpecificCharacterSet" in cleaned:
        named = _values(cleaned["SpecificCharacterSet"])
        if not all(str(name) in python_encoding for name in named):
            del cleaned.SpecificCharacterSet


def _texts(dataset: Dataset) -> Iterator[Any]:
    """Every text at every depth; items lose a character set of their own, for the dataset's covers them."""
    for element in dataset:
        if element.VR == "SQ":
            for item in element.value:
                item.pop(Tag("SpecificCharacterSet"), None)
                yield from _texts(item)
        elif element.VR in ("LO", "SH", "CS", "UC", "LT", "ST", "UT", "PN"):
            yield from _values(element)


def _complete_file_meta(original: Dataset, cleaned: Dataset, task: _Task) -> None:
    """A file meta of our own, without what the original's named; a preamble of zeros."""
    named = original.file_meta
    if not cleaned.get("SOPClassUID"):
        cleaned.SOPClassUID = UID(str(named.get("MediaStorageSOPClassUID") or SecondaryCaptureImageStorage))
    if not cleaned.get("SOPInstanceUID"):
        instance = str(named.get("MediaStorageSOPInstanceUID") or "") or _fingerprint(original)
        cleaned.SOPInstanceUID = UID(task.pseudonyms.uid(instance, task.needles))
    meta = FileMetaDataset()
    meta.FileMetaInformationVersion = b"\0\1"
    meta.MediaStorageSOPClassUID = cleaned.SOPClassUID
    meta.MediaStorageSOPInstanceUID = cleaned.SOPInstanceUID
    meta.TransferSyntaxUID = named.TransferSyntaxUID
    meta.ImplementationClassUID = UID(IMPLEMENTATION_CLASS)
    meta.ImplementationVersionName = f"DEID {__version__}"
    cleaned.file_meta = meta
    cleaned.preamble = b"\0" * 128


def _fingerprint(dataset: Dataset) -> str:
    """Stands for an instance that has no UID: the same pixels give the same."""
    pixels = next((dataset[keyword].value for keyword in ("PixelData", "FloatPixelData") if keyword in dataset), b"")
    return sha256(pixels).hexdigest()
