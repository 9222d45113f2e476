"""Stored pixels, frame by frame: what the file holds before any conversion of colour or window.

Everything that needs pixel values (the codecs, the pictures, the proof afterwards) takes them from here, so that all of
them see the same values. Frames count from 0.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from math import ceil
from typing import Any

import numpy as np
from pydicom import Dataset
from pydicom.encaps import encapsulate, generate_frames, get_frame, parse_basic_offsets, parse_fragments
from pydicom.pixels.decoders.base import Decoder, get_decoder
from pydicom.uid import (
    UID,
    JPEG2000TransferSyntaxes,
    JPEGBaseline8Bit,
    JPEGLSTransferSyntaxes,
    JPEGTransferSyntaxes,
)

import deid.quiet  # noqa: F401
from deid.codecs import imagecodecs_jpeg
from deid.errors import PixelError

PIXEL_KEYWORDS = ("PixelData", "FloatPixelData", "DoubleFloatPixelData")
_FLOAT_BITS = {"FloatPixelData": 32, "DoubleFloatPixelData": 64}

imagecodecs_jpeg.register()


@dataclass(frozen=True, slots=True)
class PixelFormat:
    """How the stored pixels of a dataset are laid out, with every missing or garbage attribute settled."""

    keyword: str
    """The element that holds the pixels: one of `PIXEL_KEYWORDS`."""
    pixel_vr: str
    syntax: UID
    rows: int
    columns: int
    frames: int
    samples: int
    photometric: str
    """As the header says; `raw_photometric` says what a decoded frame holds."""
    planar: int
    bits_allocated: int
    bits_stored: int
    signed: bool

    def __post_init__(self) -> None:
        if min(self.rows, self.columns, self.frames, self.samples) < 1:
            raise ValueError("an image has at least one row, column, frame and sample")

    @property
    def is_float(self) -> bool:
        """Whether the samples are floating point numbers."""
        return self.keyword in _FLOAT_BITS

    @property
    def frame_bits(self) -> int:
        """Length of one native frame in bits; frames of 1-bit pixels do not begin on a byte (PS3.5 8.1.1)."""
        bits = self.rows * self.columns * self.samples * self.bits_allocated
        return bits // 3 * 2 if self.photometric == "YBR_FULL_422" else bits

    @property
    def native_bytes(self) -> int:
        """Length of all native frames in bytes, without the padding to an even length."""
        return ceil(self.frame_bits * self.frames / 8)


def whole_number(dataset: Dataset, keyword: str) -> int | None:
    """The element's value as an integer; None where it is absent, empty or garbage."""
    try:
        value = dataset[keyword].value
        return int(value)
    except Exception:  # any value may stand here, and pydicom raises many kinds of error
        return None


def pixel_keyword(dataset: Dataset) -> str | None:
    """The name of the element that holds the pixels; None where no pixels are there."""
    return next((name for name in PIXEL_KEYWORDS if name in dataset and dataset[name].value), None)


def pixel_format(dataset: Dataset) -> PixelFormat:
    """How the stored pixels are laid out.

    Raises
    ------
    PixelError
        Where the header does not say enough to find a pixel.

    """
    keyword = pixel_keyword(dataset)
    if keyword is None:
        raise PixelError("The dataset holds no pixels.")
    sizes = {name: whole_number(dataset, name) or 0 for name in ("Rows", "Columns")}
    bits = _FLOAT_BITS.get(keyword) or whole_number(dataset, "BitsAllocated") or 0
    if not all(sizes.values()) or bits < 1:
        raise PixelError("Rows, Columns or BitsAllocated is missing, so the pixels cannot be found.")
    samples = whole_number(dataset, "SamplesPerPixel") or 1
    stored = whole_number(dataset, "BitsStored") or bits
    high_bit = whole_number(dataset, "HighBit")
    if not 1 <= stored <= bits or (high_bit is not None and high_bit != stored - 1):
        # The value does not lie where BitsStored says: every allocated bit is then looked at.
        stored = bits
    photometric = str(dataset.get("PhotometricInterpretation") or ("RGB" if samples == 3 else "MONOCHROME2")).strip()
    return PixelFormat(
        keyword=keyword,
        pixel_vr=str(dataset[keyword].VR),
        syntax=UID(dataset.file_meta.TransferSyntaxUID),
        rows=sizes["Rows"],
        columns=sizes["Columns"],
        frames=frame_count(dataset),
        samples=samples,
        photometric=photometric,
        planar=1 if samples > 1 and whole_number(dataset, "PlanarConfiguration") == 1 else 0,
        bits_allocated=bits,
        bits_stored=stored,
        signed=whole_number(dataset, "PixelRepresentation") == 1,
    )


def frame_count(dataset: Dataset) -> int:
    """The number of frames, at least 1: NumberOfFrames, or what the pixels hold where that is garbage."""
    stated = whole_number(dataset, "NumberOfFrames")
    if stated is not None and stated > 0:
        return stated
    if "NumberOfFrames" not in dataset or dataset["NumberOfFrames"].is_empty or stated is not None:
        return 1
    return max(_counted_frames(dataset), 1)


def raw_frame(dataset: Dataset, frame: int) -> np.ndarray:
    """One frame as stored, before any colour conversion: (rows, columns) or (rows, columns, samples).

    The type is the stored one: unsigned or signed integers of BitsAllocated, or floats. Palette images give indices,
    1-bit images 0 and 1. Native YBR_FULL_422 comes with its chroma repeated; see `raw_photometric`.

    Raises
    ------
    PixelError
        Where the frame cannot be decoded.

    """
    return _decode(dataset, pixel_format(dataset), frame)[0]


def raw_photometric(dataset: Dataset) -> str:
    """The photometric interpretation of what `raw_frame` returns.

    It differs from the header where decoding has undone a transformation (YBR_RCT becomes RGB), has removed
    subsampling (YBR_FULL_422 becomes YBR_FULL), or where a JPEG codestream says otherwise.
    """
    layout = pixel_format(dataset)
    if layout.samples == 1:
        return layout.photometric
    if layout.syntax in JPEG2000TransferSyntaxes:
        return "RGB" if layout.photometric in ("YBR_RCT", "YBR_ICT") else layout.photometric
    if layout.syntax in (*JPEGTransferSyntaxes, *JPEGLSTransferSyntaxes):
        # Only the codestream tells, by its component names and markers.
        return "RGB" if _is_adobe_ycc(dataset, layout) else _decode(dataset, layout, 0)[1]
    return "YBR_FULL" if layout.photometric == "YBR_FULL_422" else layout.photometric


def iter_raw_frames(dataset: Dataset) -> Iterator[np.ndarray]:
    """Every frame in turn, each as `raw_frame` gives it; one frame is in memory at a time."""
    layout = pixel_format(dataset)
    for frame in range(layout.frames):
        yield _decode(dataset, layout, frame)[0]


def encoded_frames(dataset: Dataset) -> list[bytes]:
    """The codestream of each frame of an encapsulated dataset, fragments joined.

    Raises
    ------
    PixelError
        Where there are fewer or more codestreams than frames.

    """
    layout = pixel_format(dataset)
    table = None
    if "ExtendedOffsetTable" in dataset and "ExtendedOffsetTableLengths" in dataset:
        table = (bytes(dataset.ExtendedOffsetTable), bytes(dataset.ExtendedOffsetTableLengths))
    try:
        frames = list(generate_frames(dataset.PixelData, number_of_frames=layout.frames, extended_offsets=table))
    except Exception as exc:
        raise PixelError("The encapsulated frames cannot be told apart.") from exc
    if len(frames) != layout.frames:
        raise PixelError(f"NumberOfFrames says {layout.frames}, but {len(frames)} encapsulated frames are there.")
    return frames


def decoder_for(syntax: UID) -> Decoder:
    """The decoder of a transfer syntax.

    Raises
    ------
    PixelError
        Where nothing here decodes it.

    """
    try:
        decoder = get_decoder(syntax)
    except NotImplementedError as exc:
        raise PixelError("No decoder for this transfer syntax is installed.") from exc
    if not decoder.is_available:
        raise PixelError("No decoder for this transfer syntax is installed.")
    return decoder


def decode_codestream(codestream: bytes, layout: PixelFormat) -> np.ndarray:
    """One frame from its codestream alone, as `raw_frame` would give it.

    Raises
    ------
    PixelError
        Where it cannot be decoded.

    """
    options = _layout_options(layout) | {"number_of_frames": 1}
    try:
        return decoder_for(layout.syntax).as_array(encapsulate([codestream]), index=0, raw=True, **options)[0]
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException as exc:
        raise PixelError("A codestream cannot be decoded.") from exc


def _decode(dataset: Dataset, layout: PixelFormat, frame: int) -> tuple[np.ndarray, str]:
    if layout.bits_allocated == 1 and not layout.syntax.is_encapsulated:
        return _unpacked_bits(dataset[layout.keyword].value, layout, frame), layout.photometric
    decoder = decoder_for(layout.syntax)
    try:
        array, properties = decoder.as_array(
            dataset[layout.keyword].value, index=frame, raw=True, **_options(dataset, layout)
        )
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException as exc:
        # A panic of a decoder written in Rust is no Exception.
        raise PixelError(f"Frame {frame} cannot be decoded.") from exc
    return array, str(properties["photometric_interpretation"])


def _is_adobe_ycc(dataset: Dataset, layout: PixelFormat) -> bool:
    """Whether an Adobe marker says YCC, in which case pillow has already made RGB of it."""
    head = get_frame(dataset.PixelData, 0, number_of_frames=layout.frames)[:65536]
    marker = head.find(b"\xff\xee\x00\x0eAdobe")
    return layout.syntax == JPEGBaseline8Bit and marker > 0 and head[marker + 15 : marker + 16] == b"\x01"


def _unpacked_bits(value: bytes, layout: PixelFormat, frame: int) -> np.ndarray:
    """A frame of native 1-bit pixels; pydicom 3.0.2 reads a byte too few where a frame does not begin on a byte."""
    first = frame * layout.frame_bits
    last = first + layout.frame_bits
    if not 0 <= frame < layout.frames or last > 8 * len(value) or layout.samples != 1:
        raise PixelError(f"Frame {frame} cannot be decoded.")
    packed = np.frombuffer(value, np.uint8, count=-(-last // 8) - first // 8, offset=first // 8)
    bits = np.unpackbits(packed, bitorder="little")[first % 8 :][: layout.frame_bits]
    return bits.reshape(layout.rows, layout.columns)


def _options(dataset: Dataset, layout: PixelFormat) -> dict[str, Any]:
    options = _layout_options(layout)
    if "ExtendedOffsetTable" in dataset and "ExtendedOffsetTableLengths" in dataset:
        options["extended_offsets"] = (bytes(dataset.ExtendedOffsetTable), bytes(dataset.ExtendedOffsetTableLengths))
    return options


def _layout_options(layout: PixelFormat) -> dict[str, Any]:
    options: dict[str, Any] = {
        "pixel_keyword": layout.keyword,
        "pixel_vr": layout.pixel_vr,
        "rows": layout.rows,
        "columns": layout.columns,
        "number_of_frames": layout.frames,
        "samples_per_pixel": layout.samples,
        "photometric_interpretation": layout.photometric,
        "bits_allocated": layout.bits_allocated,
        "bits_stored": layout.bits_stored,
        "pixel_representation": int(layout.signed),
        "allow_excess_frames": False,
    }
    if layout.samples > 1:
        options["planar_configuration"] = layout.planar
    return options


def _counted_frames(dataset: Dataset) -> int:
    """Frames that the pixels hold, where NumberOfFrames is no help."""
    keyword = pixel_keyword(dataset)
    if keyword is None:
        return 0
    if UID(dataset.file_meta.TransferSyntaxUID).is_encapsulated:
        buffer = BytesIO(dataset.PixelData)
        offsets = parse_basic_offsets(buffer)
        return len(offsets) or parse_fragments(buffer)[0]
    samples = whole_number(dataset, "SamplesPerPixel") or 1
    bits = _FLOAT_BITS.get(keyword) or whole_number(dataset, "BitsAllocated") or 8
    frame_bits = (whole_number(dataset, "Rows") or 0) * (whole_number(dataset, "Columns") or 0) * samples * bits
    return len(dataset[keyword].value) * 8 // frame_bits if frame_bits else 0
