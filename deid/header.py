"""Clean header elements: PS3.15 under a profile at every depth, then a search for what it leaves.

`harvest` comes first and tells which values identify, `needles` which must not be found again; `clean` makes the new
dataset; `write` gives its file's bytes.
"""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256
from typing import Any

from pydicom import DataElement, Dataset, dcmwrite
from pydicom.charset import python_encoding
from pydicom.tag import Tag
from pydicom.uid import UID, SecondaryCaptureImageStorage

import deid.quiet  # noqa: F401
from deid.attest import complete_file_meta, say_what_was_done
from deid.cleaning import Cleaning, clean_items
from deid.codecs.raw import PIXEL_KEYWORDS
from deid.coding import is_public_uid
from deid.errors import HeaderError
from deid.identifiers import SHORTEST, Needles, common_words, needles_of, tokens_of
from deid.profile import STRICT, HeaderOption, Profile
from deid.ps315 import Action, Rulebook, identifying_tags, name_of, rulebook
from deid.pseudonyms import Pseudonyms
from deid.scratch import IN_MEMORY, Content, Scratch, content, stream
from deid.standins import values_of
from deid.values import Hint, Removal
from deid.walking import elements_of
from deid.wording import Judge, Wording, by_vocabulary, is_vocabulary

_CHARACTER_SET = Tag("SpecificCharacterSet")
_TEXT_VRS = frozenset({"AE", "CS", "LO", "LT", "PN", "SH", "ST", "UC", "UR", "UT"})


def harvest(dataset: Dataset) -> tuple[Hint, ...]:
    """The identifying values that stand in the header, at every depth, in order and without repeats.

    Names, ids, dates, places, devices: what a picture may show too.
    """
    return tuple(dict.fromkeys(hint for hint, _ in _harvested(dataset)))


def needles(dataset: Dataset, profile: Profile = STRICT) -> Needles:
    """What must not be found in the output: identifying values that the profile does not keep, words and UIDs that go.

    Words that are vocabulary are not looked for: they identify nobody, and pictures are described with them. Times of
    day are not, since six digits stand by chance; nor what private elements hold, beside names and dates.
    """
    book = rulebook(profile)
    hints = dict.fromkeys(hint for hint, tag in _harvested(dataset) if tag % 2 or not book.rule(tag).retained)
    words: set[str] = set()
    uids: set[str] = set()
    _gather_removed(dataset, book, words, uids)
    found = needles_of(hints, words)
    stay = profile.has(HeaderOption.RETAIN_FULL_DATES) or profile.has(HeaderOption.RETAIN_MODIFIED_DATES)
    return Needles(found.tokens, found.phrases, frozenset(uids), stay)


def clean(
    dataset: Dataset,
    key: bytes,
    profile: Profile = STRICT,
    judge: Judge = by_vocabulary,
    *,
    pixels_changed: bool,
    pixels_examined: bool,
) -> tuple[Dataset, tuple[Removal, ...]]:
    """A new dataset without identifying elements, and what was done to each element that did not stay as it was.

    `key` is the secret of the pseudonyms (16 bytes or more): one key keeps UIDs, patients and the days that dates are
    moved by consistent across files. `judge` says which words of a text that may stay have to go.

    Raises
    ------
    HeaderError
        Where an element is of a kind that cannot be cleaned.

    References
    ----------
    PS3.15 Annex E; PS3.16 CID 7050 for the method codes.

    """
    looked_for = needles(dataset, profile)
    patient = patient_of(dataset)
    pseudonyms = Pseudonyms(key)
    task = Cleaning(
        rulebook(profile), pseudonyms, Wording(looked_for, judge), patient, pseudonyms.days(patient), _class_of(dataset)
    )
    cleaned = clean_items(dataset, task)
    say_what_was_done(cleaned, profile, pixels_changed=pixels_changed, pixels_examined=pixels_examined)
    _settle_character_set(cleaned)
    _settle_instance(dataset, cleaned, task)
    complete_file_meta(cleaned, dataset.file_meta.TransferSyntaxUID)
    return cleaned, tuple(task.removals)


def write(dataset: Dataset, scratch: Scratch = IN_MEMORY) -> Content:
    """The bytes of the file: the same for the same dataset, in the transfer syntax that its file meta names.

    Raises
    ------
    HeaderError
        Where an element cannot be encoded.

    """
    file = scratch.file(_length_of(dataset))
    try:
        dcmwrite(file, _streamed(dataset), enforce_file_format=True)
    except Exception as exc:
        raise HeaderError("The cleaned dataset cannot be encoded.") from exc
    return content(file)


def _length_of(dataset: Dataset) -> int:
    """About how many bytes the file will have: those of its pixels."""
    return sum(len(dataset[keyword].value or b"") for keyword in PIXEL_KEYWORDS if keyword in dataset)


def _streamed(dataset: Dataset) -> Dataset:
    """The dataset with its pixels as a stream: written in pieces, where pydicom would copy a value as a whole first."""
    pixels = next((dataset[keyword] for keyword in PIXEL_KEYWORDS if keyword in dataset), None)
    if pixels is None or not pixels.value:
        return dataset
    streamed = Dataset()
    streamed.update(dataset)
    streamed.file_meta = dataset.file_meta
    element = DataElement(pixels.tag, pixels.VR, stream(pixels.value))
    element.is_undefined_length = pixels.is_undefined_length
    streamed[pixels.tag] = element
    return streamed


def patient_of(dataset: Dataset) -> str:
    """What tells this patient from others: the id, or the name where there is no id, or else the study."""
    for keyword in ("PatientID", "PatientName", "StudyInstanceUID"):
        text = str(dataset.get(keyword) or "").strip("\0 ")
        if text:
            return text
    return ""


def _harvested(dataset: Dataset) -> Iterator[tuple[Hint, int]]:
    identifying = identifying_tags()
    for element in elements_of(dataset):
        vr = element.VR
        if vr == "SQ":
            for item in element.value:
                yield from _harvested(item)
        elif vr in ("PN", "DA", "DT") or element.tag in identifying:
            for value in values_of(element):
                text = value.decode("latin-1") if isinstance(value, bytes) else str(value)
                text = text.strip("\0 ")
                if text:
                    yield Hint(name_of(element.tag), text), int(element.tag)


def _gather_removed(dataset: Dataset, book: Rulebook, words: set[str], uids: set[str]) -> None:
    """Add the unusual words and the UIDs of the elements that do not stay."""
    for element in elements_of(dataset):
        tag, vr = int(element.tag), element.VR
        if tag >> 16 & 1:
            continue
        if vr == "SQ":
            for item in element.value:
                _gather_removed(item, book, words, uids)
        elif vr == "UI":
            if book.rule(tag).action is Action.UID:
                those = map(str, values_of(element))
                uids.update(uid for uid in those if not (Pseudonyms.keeps(uid) or is_public_uid(tag, uid)))
        elif vr in _TEXT_VRS and tag not in identifying_tags():
            rule = book.rule(tag)
            if rule.action is Action.REMOVE or rule.action is None or rule.action in (Action.EMPTY, Action.DUMMY):
                words.update(_unusual(values_of(element)))


def _unusual(values: list[Any]) -> Iterator[str]:
    for value in values:
        for token in tokens_of(str(value)):
            if len(token) >= SHORTEST and token not in common_words() and not is_vocabulary(token):
                yield token


def _class_of(dataset: Dataset) -> str:
    return str(dataset.get("SOPClassUID") or dataset.file_meta.get("MediaStorageSOPClassUID") or "")


def _settle_character_set(cleaned: Dataset) -> None:
    """Text that is left and is not ASCII is written as UTF-8; a character set that nothing here knows is not kept."""
    if not all(map(str.isascii, _texts(cleaned))):
        cleaned.SpecificCharacterSet = "ISO_IR 192"
    elif "SpecificCharacterSet" in cleaned:
        named = values_of(cleaned["SpecificCharacterSet"])
        if not all(str(name) in python_encoding for name in named):
            del cleaned.SpecificCharacterSet


def _texts(dataset: Dataset) -> list[str]:
    """Every text at every depth; items lose a character set of their own, for the dataset's covers them."""
    found = []
    for element in elements_of(dataset):
        if element.VR == "SQ":
            for item in element.value:
                item.pop(_CHARACTER_SET, None)
                found += _texts(item)
        elif element.VR in _TEXT_VRS:
            found.append(str(element.value))
    return found


def _settle_instance(original: Dataset, cleaned: Dataset, task: Cleaning) -> None:
    """A class and an instance of its own, where the original has none."""
    named = original.file_meta
    if not cleaned.get("SOPClassUID"):
        cleaned.SOPClassUID = UID(str(named.get("MediaStorageSOPClassUID") or SecondaryCaptureImageStorage))
    if not cleaned.get("SOPInstanceUID"):
        instance = str(named.get("MediaStorageSOPInstanceUID") or "") or _fingerprint(original)
        cleaned.SOPInstanceUID = UID(task.uid(instance))


def _fingerprint(dataset: Dataset) -> str:
    """Stands for an instance that has no UID: the same pixels give the same."""
    pixels = next((dataset[keyword].value for keyword in ("PixelData", "FloatPixelData") if keyword in dataset), b"")
    return sha256(pixels).hexdigest()
