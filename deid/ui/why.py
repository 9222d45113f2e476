"""Why a word goes or stays, as a sentence."""

from __future__ import annotations

from pydicom.datadict import dictionary_description

from deid.lexicon import LabelKind
from deid.ui import looks
from deid.values import Evidence, Finding, Reason

_BESIDE = {
    LabelKind.PERSON: "stands beside a label for a person's name",
    LabelKind.STAFF: "stands beside a label for a member of staff",
    LabelKind.ID: "stands beside a label for a number",
    LabelKind.BIRTH: "stands beside a label for a date of birth",
    LabelKind.DATE: "stands beside a label for a date",
    LabelKind.CONTACT: "stands beside a label for a telephone or an address in the net",
    LabelKind.ADDRESS: "is part of an address",
    LabelKind.INSTITUTION: "is part of an institution's name",
    LabelKind.HARMLESS: "stands beside a label that makes it identify",
}
_RULES: dict[Reason, dict[str, str]] = {
    Reason.PATTERN: {
        "date": "has the shape of a date",
        "time": "has the shape of a time of day",
        "clock": "has the shape of a time of day",
        "phone": "has the shape of a telephone number",
        "net": "has the shape of an e-mail or web address",
        "id": "has the shape of a number that identifies",
        "age": "says an age so high that it identifies",
        "initials": "has the shape of initials",
        "rest": "may be what was read of a longer number or date",
    },
    Reason.CONTEXT: {
        **{kind.value: said for kind, said in _BESIDE.items()},
        "neighbour": "stands beside a word that goes",
        "surname": "is a surname too and stands beside a word that goes",
        "initial": "is an initial beside a name that goes",
        "number": "is a number beside a word that goes",
        "unnamed": "is a number behind a word in letters that the reader has no names for",
        "named": "stands beside a name that goes, as in a name of an institution",
        "amid": "stands in a line of which most goes",
        "across": "belongs to what goes right beside it in another line",
    },
    Reason.UNREADABLE: {
        "long": "has room for more letters than were read",
        "unnamed": "is in letters that the reader has no names for",
    },
    Reason.LEXICON: {
        "label": "is a label",
        "open": "is a label whose value was not found",
        "symbol": "is a mark, not a word",
        "known": "is a harmless word of the list",
        "measure": "is a measurement",
        "code": "is a technical code",
        "settings": "is several settings whose spaces were not seen",
        "short": "is a single letter",
        "near": "is nearly a harmless word of the list",
        "script": "is a label in letters of two alphabets",
        "ghost": "was made of pieces of other lines, each of them read well",
    },
}
_REASONS = {
    Reason.POLICY: "all text goes, as was chosen",
    Reason.CODE: "is a bar code or a QR code",
    Reason.PATTERN: "has a shape that identifies",
    Reason.CONTEXT: "stands where PHI stands",
    Reason.LEXICON: "is known to be harmless",
    Reason.UNREADABLE: "could not be read with confidence",
    Reason.UNKNOWN: "no rule and no word list knows it",
    Reason.MODEL: "what the language model makes of it",
    Reason.VERIFY: "could still be read when the result was checked",
    Reason.DRAWN: "a person drew this box",
}


_ALONE = "no rule settles it, the language model does"


def sentence(finding: Finding) -> str:
    """What settled the matter, and how sure the model is: "goes: matches the patient's name in the header; model 99 %".

    It holds no text of the image or of the header.
    """
    model = next((each for each in finding.evidence if each.reason is Reason.MODEL), None)
    settled = _settled(finding)
    parts = [_ALONE if settled.reason is Reason.MODEL else said(settled)] if settled else []
    if model is not None:
        parts.append(f"model {looks.per_cent(model.p_phi)}")
    return f"{'goes' if finding.is_phi else 'stays'}: {'; '.join(parts)}"


def said(evidence: Evidence) -> str:
    """One rule's or engine's verdict."""
    if evidence.reason is Reason.HEADER:
        return f"matches the {_element(evidence.rule)} in the header"
    return _RULES.get(evidence.reason, {}).get(evidence.rule) or _REASONS[evidence.reason]


def _settled(finding: Finding) -> Evidence | None:
    reasons = finding.reasons
    return next((each for each in finding.evidence if reasons and each.reason is reasons[0]), None)


def _element(keyword: str) -> str:
    """What the standard calls an element, within a sentence."""
    try:
        name = dictionary_description(keyword)
    except (KeyError, ValueError):
        return "value"
    return " ".join(word if word.isupper() else word.lower() for word in name.split())
