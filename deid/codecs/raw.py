"""Stored pixels, frame by frame: what the file holds before any conversion of colour or window.

Everything that needs pixel values (the codecs, the pictures, the proof afterwards) takes them from here, so that all of
them see the same values. Frames count from 0.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from importlib.metadata import version
from math import ceil
from typing import Any

import numpy as np
from pydicom import Dataset
from pydicom.encaps import encapsulate
from pydicom.pixels.decoders.base import Decoder, get_decoder
from pydicom.uid import (
    UID,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    JPEG2000TransferSyntaxes,
    JPEGBaseline8Bit,
    JPEGLSTransferSyntaxes,
    JPEGTransferSyntaxes,
    RLELossless,
)

import deid.quiet  # noqa: F401
from deid.codecs import imagecodecs_jpeg
from deid.codecs.encapsulated import FrameSpans, count_codestreams, frame_spans
from deid.codecs.markers import adobe_transform
from deid.codecs.syntaxes import why_not
from deid.errors import PixelError
from deid.scratch import let_go, pieces

PIXEL_KEYWORDS = ("PixelData", "FloatPixelData", "DoubleFloatPixelData")
_PLUGINS = {RLELossless: "pylibjpeg"}
"""Where pydicom would ask another plugin first: its own reading of RLE is slow."""
_PACKAGES = {
    RLELossless: "pylibjpeg-rle",
    **dict.fromkeys(JPEG2000TransferSyntaxes, "pylibjpeg-openjpeg"),
}
"""What does the work behind the plugin pylibjpeg."""
_FLOAT_BITS = {"FloatPixelData": 32, "DoubleFloatPixelData": 64}
REMEMBERED_FRAMES = 3
"""So many decoded frames are kept: a file of one frame is looked at by each stage, as it was and as it was written."""
LARGEST_REMEMBERED_BITS = 8 * (48 << 20)
"""And none that is larger than this when decoded."""

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
    def is_swapped(self) -> bool:
        """Whether 8-bit samples stand in swapped pairs, as big-endian words do (PS3.5 A.2)."""
        return self.syntax == ExplicitVRBigEndian and self.bits_allocated == 8 and self.pixel_vr == "OW"

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
    return stored_frames(dataset).decoded(frame)


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
        frames = stored_frames(dataset)
        return "RGB" if _is_adobe_ycc(frames) else frames.decoded_as(0)[1]
    return "YBR_FULL" if layout.photometric == "YBR_FULL_422" else layout.photometric


@dataclass(frozen=True, slots=True, eq=False)
class StoredFrames:
    """The frames of one dataset, told apart once; each is read when it is asked for."""

    dataset: Dataset
    layout: PixelFormat
    spans: FrameSpans | None
    """Where the codestreams lie; None for native pixels."""

    def __len__(self) -> int:
        return self.layout.frames

    def stored(self, frame: int) -> bytes | memoryview:
        """The frame's codestream, or its native bytes (neighbours of 1-bit pixels may share one)."""
        if self.spans is not None:
            return self.spans.stored(frame)
        first, last = frame * self.layout.frame_bits, (frame + 1) * self.layout.frame_bits
        value = self.dataset[self.layout.keyword].value
        let_go(value)
        return memoryview(value)[first // 8 : -(-last // 8)]

    def codestream(self, frame: int) -> bytes:
        """As `stored`, as bytes of its own."""
        return bytes(self.stored(frame))

    def decoded(self, frame: int) -> np.ndarray:
        """As `raw_frame` gives it."""
        return self.decoded_as(frame)[0]

    def decoded_as(self, frame: int) -> tuple[np.ndarray, str]:
        """The frame, and the photometric interpretation that the decoder gives it."""
        if not 0 <= frame < self.layout.frames:
            raise PixelError(f"There is no frame {frame}.")
        if self.spans is None:
            value = self.dataset[self.layout.keyword].value
            decoded = _decoded_native(value, self.layout, frame)
            let_go(value)
            return decoded
        try:
            return _decoded_once(self.spans.codestream(frame), self.layout)
        except PixelError as exc:
            raise PixelError(f"Frame {frame} cannot be decoded.") from exc.__cause__


def is_same(one: bytes | memoryview, two: bytes | memoryview) -> bool:
    """Whether both hold the same bytes. Views would be compared one item at a time, so pieces of them are copied."""
    if len(one) != len(two):
        return False
    return all(bytes(here) == bytes(there) for here, there in zip(pieces(one), pieces(two), strict=True))


def stored_frames(dataset: Dataset) -> StoredFrames:
    """The frames of the dataset.

    Raises
    ------
    PixelError
        Where the codestreams of encapsulated frames cannot be told apart.

    """
    layout = pixel_format(dataset)
    spans = frame_spans(dataset, layout.frames) if layout.syntax.is_encapsulated else None
    return StoredFrames(dataset, layout, spans)


def iter_raw_frames(dataset: Dataset) -> Iterator[np.ndarray]:
    """Every frame in turn, each as `raw_frame` gives it; one frame is in memory at a time."""
    frames = stored_frames(dataset)
    return (frames.decoded(frame) for frame in range(len(frames)))


def encoded_frames(dataset: Dataset) -> FrameSpans:
    """The codestream of each frame of an encapsulated dataset, fragments joined.

    Raises
    ------
    PixelError
        Where there are fewer or more codestreams than frames.

    """
    return frame_spans(dataset, pixel_format(dataset).frames)


def stored_frame_hashes(dataset: Dataset) -> tuple[str, ...]:
    """SHA-256 of each frame as it is stored: its codestream, or its native bytes."""
    frames = stored_frames(dataset)
    return tuple(hashlib.sha256(frames.stored(frame)).hexdigest() for frame in range(len(frames)))


def decoder_name(syntax: UID) -> str:
    """Which package decodes a transfer syntax here, with its version; several where the first may give up."""
    plugins = (_PLUGINS[syntax],) if syntax in _PLUGINS else decoder_for(syntax).available_plugins
    packages = [_PACKAGES[syntax] if plugin == "pylibjpeg" else plugin for plugin in plugins] or ["pydicom"]
    return ", ".join(f"{package} {version(package)}" for package in packages)


def decoder_for(syntax: UID) -> Decoder:
    """The decoder of a transfer syntax.

    Raises
    ------
    PixelError
        Where nothing here decodes it.

    """
    reason = why_not(syntax)
    if reason:
        raise PixelError(reason)
    decoder = get_decoder(syntax)
    if not decoder.is_available:
        raise PixelError("The decoder for this transfer syntax is not installed.")
    return decoder


def forget_decoded() -> None:
    """Drops the frames that were decoded last, so that nothing of one file is kept for the next."""
    _remembered.cache_clear()


@lru_cache(maxsize=REMEMBERED_FRAMES)
def _remembered(codestream: bytes, layout: PixelFormat) -> tuple[np.ndarray, str]:
    """As `_decoded`; the array is read-only, since the next who asks for this codestream gets the same one."""
    array, photometric = _decoded(codestream, layout)
    array.flags.writeable = False
    return array, photometric


def decode_codestream(codestream: bytes, layout: PixelFormat) -> np.ndarray:
    """One frame from its codestream alone, as `raw_frame` would give it.

    Raises
    ------
    PixelError
        Where it cannot be decoded.

    """
    return _decoded_once(codestream, layout)[0]


def _decoded_once(codestream: bytes, layout: PixelFormat) -> tuple[np.ndarray, str]:
    decode = _remembered if layout.frame_bits <= LARGEST_REMEMBERED_BITS else _decoded
    return decode(codestream, layout)


def _decoded(codestream: bytes, layout: PixelFormat) -> tuple[np.ndarray, str]:
    options = _layout_options(layout) | {"number_of_frames": 1}
    if layout.syntax in _PLUGINS:
        options["decoding_plugin"] = _PLUGINS[layout.syntax]
    source = encapsulate([codestream], has_bot=False)
    return _as_array(source, 0, layout.syntax, options)


def _decoded_native(value: bytes | memoryview, layout: PixelFormat, frame: int) -> tuple[np.ndarray, str]:
    if layout.bits_allocated == 1:
        return _unpacked_bits(value, layout, frame), layout.photometric
    if layout.is_swapped:
        value = _swapped_back(value, layout, frame)
        layout, frame = replace(layout, syntax=ExplicitVRLittleEndian, pixel_vr="OB", frames=1), 0
    try:
        return _as_array(value, frame, layout.syntax, _layout_options(layout))
    except PixelError as exc:
        raise PixelError(f"Frame {frame} cannot be decoded.") from exc.__cause__


def _as_array(source: bytes | memoryview, frame: int, syntax: UID, options: dict[str, Any]) -> tuple[np.ndarray, str]:
    try:
        array, properties = decoder_for(syntax).as_array(source, index=frame, raw=True, **options)
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException as exc:
        # A panic of a decoder written in Rust is no Exception.
        raise PixelError("A codestream cannot be decoded.") from exc
    return array, str(properties["photometric_interpretation"])


def _is_adobe_ycc(frames: StoredFrames) -> bool:
    """Whether an Adobe marker says YCC, in which case pillow has already made RGB of it."""
    return frames.layout.syntax == JPEGBaseline8Bit and adobe_transform(bytes(frames.stored(0))) == 1


def _unpacked_bits(value: bytes | memoryview, layout: PixelFormat, frame: int) -> np.ndarray:
    """A frame of native 1-bit pixels; pydicom 3.0.2 reads a byte too few where a frame does not begin on a byte."""
    first = frame * layout.frame_bits
    last = first + layout.frame_bits
    if not 0 <= frame < layout.frames or last > 8 * len(value) or layout.samples != 1:
        raise PixelError(f"Frame {frame} cannot be decoded.")
    packed = np.frombuffer(value, np.uint8, count=-(-last // 8) - first // 8, offset=first // 8)
    bits = np.unpackbits(packed, bitorder="little")[first % 8 :][: layout.frame_bits]
    return bits.reshape(layout.rows, layout.columns)


def _swapped_back(value: bytes | memoryview, layout: PixelFormat, frame: int) -> bytes:
    """The bytes of a frame in their order; pydicom 3.0.2 mixes them up where a frame does not begin on a pair."""
    length = layout.frame_bits // 8
    first = frame * length
    pairs = np.frombuffer(value[first // 2 * 2 : -(-(first + length) // 2) * 2], np.uint8).reshape(-1, 2)
    return pairs[:, ::-1].tobytes()[first % 2 :][:length]


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
        return count_codestreams(dataset.PixelData)
    samples = whole_number(dataset, "SamplesPerPixel") or 1
    bits = _FLOAT_BITS.get(keyword) or whole_number(dataset, "BitsAllocated") or 8
    frame_bits = (whole_number(dataset, "Rows") or 0) * (whole_number(dataset, "Columns") or 0) * samples * bits
    return len(dataset[keyword].value) * 8 // frame_bits if frame_bits else 0
