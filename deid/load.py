"""The bytes of a file become an accepted Dataset, or a refusal that says why without quoting the file.

A file is known by its content, never by its name. The dataset that comes out is settled: every element at every depth
has been parsed, so that nothing later warns about or stumbles over a value; the file meta names a transfer syntax;
NumberOfFrames is a number. What follows the pixels in the file is not read: the only elements that may stand there are
signatures, padding and private ones (PS3.5 7.8, PS3.3 C.12.1.1.3), none of which survives de-identification. What
lies in the pixel element and no picture shows (comments and thumbnails inside codestreams, bits above the stored ones)
is zeros in what comes out; an element that holds none of it keeps its bytes, as a view of the file's: pixels are most
of a file, and a copy of them is not made before something changes.
"""

from __future__ import annotations

import re
import struct
import zlib

from pydicom import DataElement, Dataset
from pydicom.dataelem import RawDataElement
from pydicom.dataset import FileMetaDataset
from pydicom.filereader import read_dataset
from pydicom.tag import BaseTag, Tag
from pydicom.uid import (
    JPEG2000,
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEGBaseline8Bit,
    JPEGExtended12Bit,
    JPEGLossless,
    JPEGLSNearLossless,
    MediaStorageDirectoryStorage,
    RLELossless,
)
from pydicom.valuerep import EXPLICIT_VR_LENGTH_32, STANDARD_VR

import deid.quiet  # noqa: F401
from deid.codecs.encapsulated import end_of_items, starts_of_codestreams
from deid.codecs.raw import PixelFormat, decoder_for, encoded_frames, pixel_format, pixel_keyword, whole_number
from deid.codecs.rle_surplus import without_surplus
from deid.codecs.unseen import without_unseen
from deid.codecs.unused_bits import without_unused_bits
from deid.errors import DeidError, PixelError, RefusedError
from deid.kinds import check_without_pixels
from deid.scratch import IN_MEMORY, Content, Scratch, stream

HEAD_BYTES = 1024
"""How much of a file `is_dicom` wants to see."""
MAX_INFLATED_BYTES = 4 << 30
_PIXEL_TAGS = (Tag("FloatPixelData"), Tag("DoubleFloatPixelData"), Tag("PixelData"))
_UNDEFINED = 0xFFFFFFFF
_VRS = frozenset(vr.encode() for vr in STANDARD_VR)
_LONG_VRS = frozenset(vr.encode() for vr in EXPLICIT_VR_LENGTH_32)
_ENCODINGS = ((False, "<"), (True, "<"), (False, ">"))
"""(implicit VR, byte order) of the transfer syntaxes."""
_FIRST_GROUPS = frozenset({0x0000, 0x0002, 0x0008})


def is_dicom(head: bytes) -> bool:
    """Whether a file that begins with these bytes is DICOM, with or without a preamble or file meta.

    `HEAD_BYTES` are enough. A cheap test: `load` may still refuse the file.
    """
    if head[128:132] == b"DICM":
        return True
    return any(_begins_as_dataset(head, implicit, order) for implicit, order in _ENCODINGS)


def load(
    data: Content,
    *,
    max_frames: int = 20_000,
    max_pixels_per_frame: int = 200_000_000,
    without_pixels: bool = False,
    scratch: Scratch = IN_MEMORY,
) -> Dataset:
    """The dataset of a file that has pixels which can be de-identified.

    `without_pixels` also lets in what never has any: reports, presentation states, plans, structures, waveforms.

    Raises
    ------
    RefusedError
        Where the file is empty, not DICOM, cut short, a directory, a document, without pixels or frames, or too large.
    PixelError
        Where the file has pixels that nothing here can decode, or whose extent the header leaves in doubt.

    """
    if not data:
        raise RefusedError("The file is empty.")
    if not is_dicom(bytes(data[:HEAD_BYTES])):
        raise RefusedError("This is not a DICOM file.")
    try:
        dataset = _read(data)
    except DeidError:
        raise
    except Exception as exc:
        raise RefusedError("The DICOM header is damaged and cannot be read.") from exc
    _refuse_what_is_no_image(dataset, without_pixels)
    if pixel_keyword(dataset) is None:
        return dataset
    _settle_frames(dataset, max_frames)
    decoder_for(UID(dataset.file_meta.TransferSyntaxUID))
    layout = pixel_format(dataset)
    if layout.frames > max_frames or layout.rows * layout.columns > max_pixels_per_frame:
        raise RefusedError("There are more frames or pixels than DEID_MAX_FRAMES or DEID_MAX_PIXELS_PER_FRAME allows.")
    _check_extent(dataset, layout)
    _refuse_overlays_in_values(dataset, layout)
    return without_unseen(without_surplus(without_unused_bits(dataset)), scratch)


def _begins_as_dataset(head: bytes, implicit: bool, order: str) -> bool:
    """Whether two elements (or all there are) parse at the start of `head`, in rising order of tags."""
    position, last, seen = 0, -1, 0
    while seen < 2 and position + 8 <= len(head):
        group, element = struct.unpack_from(f"{order}HH", head, position)
        tag = group << 16 | element
        if tag <= last or (seen == 0 and group not in _FIRST_GROUPS):
            return False
        start, length = _value_span(head, position, implicit, order)
        if length is None or (length > 1 << 20 and length != _UNDEFINED):
            return False
        position, last, seen = start + length, tag, seen + 1
    return seen == 2 or (seen == 1 and position >= len(head))


def _value_span(data: Content, position: int, implicit: bool, order: str) -> tuple[int, int | None]:
    """Where the value of the element at `position` begins, and its length; None where that is no element."""
    if implicit:
        length = struct.unpack_from(f"{order}L", data, position + 4)[0]
        return position + 8, length
    vr = data[position + 4 : position + 6]
    if vr not in _VRS:
        return position, None
    if vr in _LONG_VRS:
        if position + 12 > len(data):
            return position, None
        return position + 12, struct.unpack_from(f"{order}L", data, position + 8)[0]
    return position + 8, struct.unpack_from(f"{order}H", data, position + 6)[0]


def _read(data: Content) -> Dataset:
    """Header and pixels as one dataset in which every element has been parsed."""
    file = stream(data)
    file.seek(132 if data[128:132] == b"DICM" else 0)
    meta = read_dataset(file, False, True, stop_when=lambda tag, vr, length: tag >> 16 != 0x0002)
    if data[file.tell() : file.tell() + 2] == b"\0\0":
        read_dataset(file, True, True, stop_when=lambda tag, vr, length: tag >> 16 != 0x0000)
    syntax = UID(str(meta.get("TransferSyntaxUID") or "").strip("\0 "))
    body, start = data, file.tell()
    if syntax == DeflatedExplicitVRLittleEndian:
        body, start = _inflated(data[start:]), 0
    implicit, little = _encoding(syntax, bytes(body[start : start + HEAD_BYTES]))
    file = stream(body)
    file.seek(start)
    dataset = read_dataset(file, implicit, little, stop_when=lambda tag, vr, length: tag in _PIXEL_TAGS)
    if not dataset:
        raise RefusedError("The DICOM header is damaged or cut short.")
    implicit, little = (flag is True for flag in dataset.original_encoding)
    _refuse_short_values(dataset)
    pixels = _pixel_element(body, file.tell(), implicit, "<" if little else ">")
    _settle(dataset)
    if pixels is not None:
        dataset.add(pixels)
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.update({element.tag: element for element in meta if element.tag >> 16 == 0x0002})
    dataset.file_meta.TransferSyntaxUID = syntax or _guessed_syntax(implicit, little, pixels)
    return dataset


def _encoding(syntax: UID, head: bytes) -> tuple[bool, bool]:
    """(implicit VR, little endian) as the syntax says, or as the first element looks where no syntax is named."""
    if syntax:
        return syntax == ImplicitVRLittleEndian, syntax != ExplicitVRBigEndian
    if _begins_as_dataset(head, False, ">"):
        return False, False
    return not _begins_as_dataset(head, False, "<"), True


def _inflated(body: Content) -> bytes:
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    inflated = inflater.decompress(body, MAX_INFLATED_BYTES)
    if inflater.unconsumed_tail:
        raise RefusedError("The deflated file is larger than this program unpacks.")
    if not inflater.eof:
        raise RefusedError("The file is cut short: its deflated part does not end.")
    return inflated


def _refuse_short_values(dataset: Dataset) -> None:
    for tag in list(dataset.keys()):
        if tag >> 16 == 0xFFFE:
            continue
        raw: object = dataset.get_item(tag)
        if isinstance(raw, RawDataElement) and raw.length != _UNDEFINED and len(raw.value or b"") < raw.length:
            raise RefusedError("The file is cut short: an element reaches beyond its end.")


def _pixel_element(body: Content, position: int, implicit: bool, order: str) -> DataElement | None:
    """The element at `position`, which holds the pixels; None where the file ends before."""
    if position + 8 > len(body):
        return None
    group, number = struct.unpack_from(f"{order}HH", body, position)
    if (group << 16 | number) not in _PIXEL_TAGS:
        return None
    start, length = _value_span(body, position, implicit, order)
    if length is None:
        raise RefusedError("The file is cut short: the pixel element is damaged.")
    undefined = length == _UNDEFINED
    end = end_of_items(body, start) if undefined else start + length
    if end > len(body):
        raise RefusedError("The file is cut short: the pixel element reaches beyond its end.")
    vr = "" if implicit else bytes(body[position + 4 : position + 6]).decode()
    if vr not in ("OB", "OW", "OF", "OD"):
        vr = {0x0008: "OF", 0x0009: "OD"}.get(number, "OB" if undefined else "OW")
    element = DataElement(BaseTag(group << 16 | number), vr, memoryview(body)[start:end])
    element.is_undefined_length = undefined
    return element


def _settle(dataset: Dataset) -> None:
    """Parse every element at every depth; drop those that cannot be, and stray item tags."""
    for tag in list(dataset.keys()):
        if tag >> 16 in (0x0000, 0x0002, 0xFFFE):
            del dataset[tag]
            continue
        try:
            element = dataset[tag]
            if element.VR == "PN":
                str(element.value)
        except RecursionError:
            raise
        except Exception:  # what cannot be parsed cannot be cleaned, so it is left behind here
            del dataset[tag]
            continue
        if element.VR == "SQ":
            for item in element.value:
                _settle(item)


def _refuse_what_is_no_image(dataset: Dataset, without_pixels: bool) -> None:
    storage = str(dataset.file_meta.get("MediaStorageSOPClassUID", ""))
    if storage == MediaStorageDirectoryStorage or "DirectoryRecordSequence" in dataset:
        raise RefusedError("This is a DICOMDIR: give the images instead, and make a new directory of the results.")
    if pixel_keyword(dataset) is not None:
        return
    if "EncapsulatedDocument" in dataset:
        raise RefusedError("This is an encapsulated document (PDF, CDA or model), not an image.")
    if not without_pixels:
        raise RefusedError("There are no pixels in this file.")
    check_without_pixels(str(dataset.get("SOPClassUID") or storage))


def _settle_frames(dataset: Dataset, max_frames: int) -> None:
    """Put a number where NumberOfFrames is garbage, and refuse 0 frames."""
    if "NumberOfFrames" not in dataset:
        return
    stated = whole_number(dataset, "NumberOfFrames")
    if stated is not None and stated <= 0:
        raise RefusedError("The image has 0 frames.")
    if stated is None and dataset["NumberOfFrames"].is_empty:
        del dataset["NumberOfFrames"]
        return
    dataset["NumberOfFrames"] = DataElement(Tag("NumberOfFrames"), "IS", pixel_format(dataset).frames)


def _check_extent(dataset: Dataset, layout: PixelFormat) -> None:
    """Make sure that all of the pixel element belongs to the frames that will be looked at."""
    if layout.syntax.is_encapsulated:
        if starts_of_codestreams(dataset.PixelData) > layout.frames:
            raise PixelError("There are more encapsulated images than NumberOfFrames says.")
        spans = encoded_frames(dataset)
        if layout.syntax == RLELossless and any(len(fragments) > 1 for fragments in spans.spans):
            # PS3.5 G.2: each frame is one fragment, and decoders look at no second one.
            raise PixelError("There are more encapsulated images than NumberOfFrames says.")
        return
    value, needed = dataset[layout.keyword].value, layout.native_bytes
    if layout.is_swapped:
        # The last of an odd number of bytes stands behind its padding.
        needed += needed % 2
    if len(value) < needed:
        raise RefusedError("The file is cut short: there are fewer pixels than rows, columns and frames ask for.")
    if (len(value) - needed) * 8 >= layout.frame_bits and len(value) - needed > 1:
        raise PixelError("There are more pixels than rows, columns and frames ask for.")
    if any(value[needed:]):
        # Bytes that belong to no frame are looked at by nobody.
        padded = bytes(value[:needed]) + b"\0" * (needed % 2)
        dataset[layout.keyword] = DataElement(dataset[layout.keyword].tag, layout.pixel_vr, padded)


def _refuse_overlays_in_values(dataset: Dataset, layout: PixelFormat) -> None:
    """An overlay without own data lies in bits of the pixels (retired, PS3.3 C.9.2); above the values it is cleared."""
    for group in range(0x6000, 0x6020, 2):
        position = dataset.get((group, 0x0102))
        if position is None or (group, 0x3000) in dataset or not position.value:
            continue
        if not isinstance(position.value, int) or position.value < layout.bits_stored:
            raise PixelError(
                "An overlay is embedded in bits of the pixels that their values use; it cannot be cleared."
            )


def _guessed_syntax(implicit: bool, little: bool, pixels: DataElement | None) -> UID:
    """The transfer syntax of a file that names none."""
    if pixels is not None and pixels.is_undefined_length:
        return _codestream_syntax(pixels.value)
    if implicit:
        return ImplicitVRLittleEndian
    return ExplicitVRLittleEndian if little else ExplicitVRBigEndian


def _codestream_syntax(value: memoryview) -> UID:
    start = 16 + struct.unpack_from("<L", value, 4)[0] if len(value) >= 8 else 0
    head = bytes(value[start : start + 65536])
    if head.startswith(b"\xff\x4f\xff\x51"):
        return JPEG2000
    if not head.startswith(b"\xff\xd8"):
        return RLELossless
    frame_header = re.search(rb"\xff([\xc0\xc1\xc3\xf7])\x00", head)
    kinds = {b"\xc0": JPEGBaseline8Bit, b"\xc1": JPEGExtended12Bit, b"\xc3": JPEGLossless, b"\xf7": JPEGLSNearLossless}
    return kinds[frame_header[1]] if frame_header else JPEGBaseline8Bit
