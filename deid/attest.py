"""What a cleaned dataset says of itself: how it was de-identified, and a file meta of its own."""

from __future__ import annotations

from functools import cache
from hashlib import sha256
from typing import Any

from pydicom import DataElement, Dataset
from pydicom.dataset import FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.sr.codedict import codes
from pydicom.uid import UID

from deid import __version__
from deid.profile import METHOD_CODES, HeaderOption, Profile
from deid.ps315 import edition
from deid.standins import copied, values_of

IMPLEMENTATION_CLASS = "2.25." + str(int.from_bytes(sha256(b"deid").digest()[:16], "big"))
_BASIC, _CLEAN_PIXELS = "113100", "113101"


def say_what_was_done(cleaned: Dataset, profile: Profile, *, pixels_changed: bool, pixels_examined: bool) -> None:
    """Write the profile, its options and what became of dates and pixels into the dataset.

    References
    ----------
    PS3.15 E.1.1 and E.3, PS3.3 C.7.1.1 and C.12.1.1.1, PS3.16 CID 7050.
    """
    done = [_BASIC, *([_CLEAN_PIXELS] if pixels_examined else [])]
    done += [code for option, code in METHOD_CODES.items() if profile.has(option)]
    if pixels_examined:
        cleaned.BurnedInAnnotation = "NO"
    cleaned.PatientIdentityRemoved = "YES"
    cleaned.DeidentificationMethod = f"deid {__version__} by PS3.15 {edition()}, preset {profile.name}"
    cleaned.DeidentificationMethodCodeSequence = Sequence([_code_item(code) for code in done])
    cleaned.LongitudinalTemporalInformationModified = _dates_said(profile)
    if pixels_changed:
        rest = values_of(cleaned["ImageType"])[1:] if "ImageType" in cleaned else []
        cleaned.ImageType = ["DERIVED", *(rest or ["SECONDARY"])]


def complete_file_meta(cleaned: Dataset, transfer_syntax: str) -> None:
    """Give the dataset a file meta that names nothing of the original's, and a preamble of zeros."""
    meta = FileMetaDataset()
    meta.FileMetaInformationVersion = b"\0\1"
    meta.MediaStorageSOPClassUID = cleaned.SOPClassUID
    meta.MediaStorageSOPInstanceUID = cleaned.SOPInstanceUID
    meta.TransferSyntaxUID = UID(transfer_syntax)
    meta.ImplementationClassUID = UID(IMPLEMENTATION_CLASS)
    meta.ImplementationVersionName = f"DEID {__version__}"
    cleaned.file_meta = meta
    cleaned.preamble = b"\0" * 128


def _dates_said(profile: Profile) -> str:
    if profile.has(HeaderOption.RETAIN_FULL_DATES):
        return "UNMODIFIED"
    return "MODIFIED" if profile.has(HeaderOption.RETAIN_MODIFIED_DATES) else "REMOVED"


def _code_item(value: str) -> Dataset:
    return Dataset({element.tag: copied(element) for element in _method(value)})


@cache
def _method(value: str) -> tuple[DataElement, ...]:
    """The elements of a code of CID 7050."""
    code = _methods()[value]
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = code.value, code.scheme_designator, code.meaning
    return tuple(item)


@cache
def _methods() -> dict[str, Any]:
    """The codes of CID 7050 by value."""
    known = (getattr(codes.cid7050, name) for name in codes.cid7050.dir())
    return {code.value: code for code in known}
