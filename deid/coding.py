"""Codes: which of them name a term of a public scheme, and what stays of the others."""

from __future__ import annotations

import json
import re
from functools import cache
from importlib import resources
from typing import Any

from pydicom import Dataset
from pydicom.sr._concepts_dict import concepts
from pydicom.tag import Tag

from deid.wording import Wording

CODE_VALUE, SCHEME, MEANING = Tag("CodeValue"), Tag("CodingSchemeDesignator"), Tag("CodeMeaning")
_VALUES = (CODE_VALUE, Tag("LongCodeValue"), Tag("URNCodeValue"))
LOCAL_SCHEME = "99DEID"
DUMMY_CODE = "REMOVED"
_SCHEME_UIDS = frozenset({Tag("CodingSchemeUID"), Tag("ContextUID"), Tag("MappingResourceUID")})
_SHORT_PARTS = re.compile(r"\d{1,4}(?:\.\d{1,4}){0,3}", re.ASCII)
_WORD = re.compile(r"[A-Za-z]{5,}")
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
            stays = public and not telling and _names_a_term(value, wording)
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


def is_public_uid(tag: int, uid: str) -> bool:
    """Whether an element names a scheme by its public UID, none of whose parts could be a record's number."""
    roots = _codings()[1]
    root = next((root for root in roots if tag in _SCHEME_UIDS and uid.startswith(root)), None)
    return root is not None and _SHORT_PARTS.fullmatch(uid.removeprefix(root)) is not None


def _names_a_term(value: str, wording: Wording) -> bool:
    """Whether a value of a public scheme is a code: one that spells a word is known or harmless."""
    if not _PUBLIC_VALUE.fullmatch(value):
        return False
    return not _WORD.search(value) or value in _spelled() or wording.cleaned(value) == value


@cache
def _spelled() -> frozenset[str]:
    """Values of public codes that spell a word, as pydicom lists them: {counts}, CTPROTOCOL."""
    terms: Any = concepts.values()
    return frozenset(value for named in terms for codes in named.values() for value in codes if _WORD.search(value))


def _local(scheme: str, wording: Wording) -> str:
    """A local scheme's designator begins with 99, which says nothing by itself."""
    return scheme if wording.term(scheme.removeprefix("99").strip("_- ").upper()) else ""


def _public_schemes() -> frozenset[str]:
    return _codings()[0]


@cache
def _codings() -> tuple[frozenset[str], tuple[str, ...]]:
    data = json.loads(resources.files("deid").joinpath("rules", "codings.json").read_text(encoding="utf-8"))
    return frozenset(data["public"]), tuple(data["public_uid_roots"])
