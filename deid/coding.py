"""Codes: which of them name a term of a public scheme, and what stays of the others."""

from __future__ import annotations

import json
import re
from functools import cache
from importlib import resources

from pydicom import Dataset
from pydicom.tag import Tag

from deid.wording import Wording

CODE_VALUE, SCHEME, MEANING = Tag("CodeValue"), Tag("CodingSchemeDesignator"), Tag("CodeMeaning")
_VALUES = (CODE_VALUE, Tag("LongCodeValue"), Tag("URNCodeValue"))
LOCAL_SCHEME = "99DEID"
DUMMY_CODE = "REMOVED"
_PUBLIC_VALUE = re.compile(r"[\w.:/{}\[\]%*^'\"+-]{1,64}", re.ASCII)


def is_code(item: Dataset) -> bool:
    """Whether the item is a coded entry (PS3.3 8.8)."""
    return MEANING in item or SCHEME in item


def cleaned_code(item: Dataset, wording: Wording) -> dict[int, str]:
    """What its value, scheme and meaning become, by tag.

    A value of a public scheme stays, since it names a term. Anyone can put anything into a scheme of their own, so that
    there each part stays only where it is harmless text.
    """
    scheme = str(item.get(SCHEME).value or "").strip() if SCHEME in item else ""
    public = scheme in _public_schemes() or (not scheme and URN in item)
    made = {}
    for tag in _VALUES:
        if tag in item:
            value = str(item[tag].value or "").strip()
            telling = wording.needles.are_in(value)
            stays = public and not telling and _PUBLIC_VALUE.fullmatch(value)
            made[int(tag)] = value if stays or not value else (wording.cleaned(value) or DUMMY_CODE)
    if SCHEME in item:
        made[int(SCHEME)] = scheme if public or not scheme else (_local(scheme, wording) or LOCAL_SCHEME)
    if MEANING in item:
        meaning = str(item[MEANING].value or "").strip()
        made[int(MEANING)] = (wording.cleaned(meaning) or DUMMY_CODE) if meaning else ""
    return made


URN = Tag("URNCodeValue")


def concept_of(item: Dataset) -> tuple[str, str] | None:
    """(scheme, code) of a content item's concept name; None where it has none."""
    names = item.get("ConceptNameCodeSequence")
    if not names or not is_code(names[0]):
        return None
    return str(names[0].get("CodingSchemeDesignator") or ""), str(names[0].get("CodeValue") or "")


def is_public_uid(uid: str) -> bool:
    """Whether the UID is one of a public scheme or of DICOM itself, and of no instance."""
    return uid.startswith(_codings()[1])


def _local(scheme: str, wording: Wording) -> str:
    """A local scheme's designator begins with 99, which says nothing by itself."""
    return scheme if wording.term(scheme.removeprefix("99").strip("_- ").upper()) else ""


def _public_schemes() -> frozenset[str]:
    return _codings()[0]


@cache
def _codings() -> tuple[frozenset[str], tuple[str, ...]]:
    data = json.loads(resources.files("deid").joinpath("rules", "codings.json").read_text(encoding="utf-8"))
    return frozenset(data["public"]), tuple(data["public_uid_roots"])
