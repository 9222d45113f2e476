"""The written bytes are opened again and compared with the original: what leaves is what was meant to leave.

Every check is a value, so that a person sees what was looked at. A failed one means quarantine: nothing here is left to
judgement. Details name tags and frames, never a value.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from io import BytesIO

from pydicom import DataElement, Dataset, dcmread, dcmwrite
from pydicom.datadict import dictionary_has_tag
from pydicom.dataelem import RawDataElement
from pydicom.tag import Tag
from pydicom.uid import DeflatedExplicitVRLittleEndian

import deid.quiet  # noqa: F401
from deid.codecs.encapsulated import end_of_items
from deid.codecs.raw import PIXEL_KEYWORDS, is_same, pixel_format, pixel_keyword, raw_photometric
from deid.codecs.rle_surplus import holds_surplus
from deid.codecs.unseen import holds_unseen
from deid.codecs.unused_bits import holds_unused_bits
from deid.compare import Difference, compare_datasets
from deid.errors import DeidError
from deid.identifiers import Needles, holds
from deid.profile import STRICT, Profile
from deid.ps315 import rulebook
from deid.scratch import Content, let_go, stream
from deid.values import Check, Region

_META_TAGS = frozenset({0x00020000, 0x00020001, 0x00020002, 0x00020003, 0x00020010, 0x00020012, 0x00020013})
_PIXEL_TAGS = frozenset(map(Tag, PIXEL_KEYWORDS))
_UNDEFINED = 0xFFFFFFFF
_LONG = 1 << 20
"""Values of more bytes are not copied as pydicom reads them."""
_PIECE = 1 << 20
"""So many bytes of pixels are searched at once."""
_NAMED_TAGS = 5
_SHORTEST_IN_PIXELS = 8
"""Shorter runs of letters stand in codestreams by chance."""


def check_written(
    original: Dataset, written: Content, regions: Sequence[Region], needles: Needles, profile: Profile = STRICT
) -> tuple[tuple[Check, ...], Difference | None]:
    """What was looked at in the written file, in order, and how its pixels differ from the original's.

    `regions` are those really overwritten and `needles` what of the original's header must not be found under this
    profile. A failure to open ends the list; there is no difference where the pixels cannot be compared.
    """
    try:
        output = opened(written)
        checks = [Check("opens", True, "The written file opens."), _shape(original, output)]
    except Exception:  # whatever goes wrong here is the finding
        return (Check("opens", False, "The written file does not open again."),), None
    difference = None
    if checks[-1].passed:
        try:
            difference = compare_datasets(original, output, regions)
            checks += _pixels(original, output, regions, difference)
        except DeidError:
            checks.append(Check("pixels outside", False, "The pixels of the written file cannot be decoded."))
    checks += [_values(output, needles), _unseen(output, needles, difference)]
    checks += [_elements(output, profile), _envelope(written, output)]
    return tuple(checks), difference


def check_header(written: Content, needles: Needles, profile: Profile = STRICT) -> tuple[Check, ...]:
    """What was looked at in the written file of an object without pixels."""
    try:
        output = opened(written)
    except Exception:  # whatever goes wrong here is the finding
        return (Check("opens", False, "The written file does not open again."),)
    opens = Check("opens", True, "The written file opens.")
    return opens, _values(output, needles), _elements(output, profile), _envelope(written, output)


def opened(written: Content) -> Dataset:
    """The dataset of a written file, every element parsed; its pixels are a view of the file's bytes, not a copy."""
    if dcmread(stream(written), stop_before_pixels=True).file_meta.TransferSyntaxUID == DeflatedExplicitVRLittleEndian:
        output = dcmread(stream(written))
    else:
        output = dcmread(stream(written), defer_size=_LONG)
        for tag in list(output.keys()):
            raw: object = output.get_item(tag, keep_deferred=True)
            if isinstance(raw, RawDataElement) and raw.value is None and raw.length:
                output[tag] = _undeferred(raw, written)
    list(output.iterall())
    return output


def _undeferred(raw: RawDataElement, written: Content) -> DataElement | RawDataElement:
    """An element that was left out as too long to be copied."""
    encapsulated = raw.length == _UNDEFINED
    end = end_of_items(written, raw.value_tell) if encapsulated else raw.value_tell + raw.length
    value = memoryview(written)[raw.value_tell : end]
    if raw.tag not in _PIXEL_TAGS:
        return raw._replace(value=bytes(value))
    element = DataElement(raw.tag, raw.VR or "OW", value)
    element.is_undefined_length = encapsulated
    return element


def _shape(original: Dataset, output: Dataset) -> Check:
    shapes = []
    for dataset in (original, output):
        layout = pixel_format(dataset)
        shapes.append((layout.frames, layout.rows, layout.columns, layout.samples, layout.signed))
    same = shapes[0] == shapes[1]
    said = "the same." if same else "not the same."
    return Check("shape", same, f"Frames, rows, columns, samples and sign are {said}")


def _pixels(original: Dataset, output: Dataset, regions: Sequence[Region], found: Difference) -> list[Check]:
    if not regions:
        keyword = pixel_format(original).keyword
        same = is_same(original[keyword].value, output[keyword].value)
        return [Check("pixels untouched", same, "There is no box, so the pixel element must be identical.")]
    colour = _colour(original) == _colour(output)
    well = "Every pixel outside the boxes is the same."
    if found.halo:
        well = "Every stored value outside the boxes is the same; beside them decoders may smooth colour by one pixel."
    return [
        Check(
            "pixels outside",
            not found.changed_frames,
            _frames_said(well, "Pixels outside the boxes changed", found.changed_frames),
        ),
        Check(
            "pixels inside",
            not found.uneven_frames,
            _frames_said("Every box is of one colour.", "Boxes are not of one colour", found.uneven_frames),
        ),
        Check("colour", colour, "The colours have " + ("the same meaning." if colour else "another meaning.")),
    ]


def _colour(dataset: Dataset) -> str:
    return raw_photometric(dataset).removesuffix("_422")


def _frames_said(well: str, fault: str, frames: Sequence[int]) -> str:
    return f"{fault} in {len(frames)} frames, first in frame {frames[0]}." if frames else well


def _values(output: Dataset, needles: Needles) -> Check:
    """Whether a removed header value still stands somewhere, at any depth."""
    found = [path for path, element in _walk(output) if holds(element, needles)]
    found += [path for path, element in _walk(output.file_meta) if holds(element, needles)]
    said = "A removed header value stands in " + _tags_said(found) if found else "No removed header value is left."
    return Check("header values", not found, said)


def _unseen(output: Dataset, needles: Needles, found: Difference | None) -> Check:
    """Whether the pixel element holds something that no picture shows."""
    try:
        plain = found.plain_frames if found else frozenset()
        hidden = holds_unseen(output, plain) or holds_unused_bits(output) or holds_surplus(output)
        hidden = hidden or _holds_text(output, needles)
    except DeidError:
        hidden = True
    said = "Something" if hidden else "Nothing"
    return Check("unseen", not hidden, f"{said} stands in the pixel element that no picture shows.")


def _holds_text(output: Dataset, needles: Needles) -> bool:
    """Whether a removed value stands as text among codestreams, where a decoder reads none of its bytes."""
    layout = pixel_format(output)
    if not layout.syntax.is_encapsulated:
        return False
    value = output[layout.keyword].value
    tokens = [each.encode() for each in needles.tokens if len(each) >= _SHORTEST_IN_PIXELS and len(set(each)) > 2]
    longest = max(map(len, tokens), default=0)
    for start in range(0, len(value), _PIECE):
        capitals = bytes(value[start : start + _PIECE + longest]).upper()
        if any(token in capitals for token in tokens):
            return True
        let_go(value)
    return False


def _elements(output: Dataset, profile: Profile) -> Check:
    """Whether there is an element of a kind that never leaves: private and not listed as safe, unknown, a drawing."""
    book = rulebook(profile)
    kinds = [
        path
        for path, element in _walk(output)
        if element.tag.group >> 8 in (0x50, 0x60)
        or not (element.tag.is_private or dictionary_has_tag(element.tag))
        or (element.tag.is_private and not book.may_be_safe(element.tag))
    ]
    said = "Unexpected elements: " + _tags_said(kinds) if kinds else "No private or unknown element is left."
    return Check("elements", not kinds, said)


def _envelope(written: Content, output: Dataset) -> Check:
    """Whether anything stands around the dataset: in the preamble, in the file meta, or after the pixels."""
    faults = []
    if any(written[:128]):
        faults.append("the preamble")
    if any(int(element.tag) not in _META_TAGS for element in output.file_meta):
        faults.append("the file meta")
    if _trailing(written, output):
        faults.append("after the pixels")
    said = "Something stands in " + ", ".join(faults) + "." if faults else "Nothing stands around the dataset."
    return Check("envelope", not faults, said)


def _trailing(written: Content, output: Dataset) -> bool:
    """Whether bytes follow the last element: the pixels, or for an object without any whatever it is."""
    if pixel_keyword(output) is None:
        again = BytesIO()
        dcmwrite(again, output, enforce_file_format=True)
        return again.getvalue() != written
    layout = pixel_format(output)
    value = output[layout.keyword].value
    body = memoryview(written)
    if layout.syntax == DeflatedExplicitVRLittleEndian:
        start = 132 + 12 + output.file_meta.FileMetaInformationGroupLength
        inflater = zlib.decompressobj(-zlib.MAX_WBITS)
        body = memoryview(inflater.decompress(written[start:]))
        if any(inflater.unused_data):
            return True
    delimiter = b"\xfe\xff\xdd\xe0\0\0\0\0" if layout.syntax.is_encapsulated else b""
    end = b"\0" * (len(value) % 2) + delimiter
    start = len(body) - len(end) - len(value)
    return start < 0 or body[start + len(value) :] != end or not is_same(body[start : start + len(value)], value)


def _tags_said(paths: list[str]) -> str:
    more = f" and {len(paths) - _NAMED_TAGS} more" if len(paths) > _NAMED_TAGS else ""
    return ", ".join(paths[:_NAMED_TAGS]) + more + "."


def _walk(dataset: Dataset, path: str = "") -> Iterator[tuple[str, DataElement]]:
    for element in dataset:
        place = f"{path}{element.tag}".replace(" ", "")
        yield place, element
        if element.VR == "SQ":
            for number, item in enumerate(element.value):
                yield from _walk(item, f"{place}[{number}].")
