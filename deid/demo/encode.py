"""Pixels into a Dataset in the form that a study asks for, and the Dataset into the bytes of a file."""

from __future__ import annotations

import io
import warnings
from enum import Enum

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from pydicom import Dataset, dcmwrite
from pydicom.dataset import FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.uid import (
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGLSLossless,
    RLELossless,
)

from deid.demo.header import uid

_JPEG_QUALITY = 90


class Syntax(Enum):
    """How the file and its pixels are written."""

    EXPLICIT = ExplicitVRLittleEndian
    IMPLICIT = ImplicitVRLittleEndian
    DEFLATED = DeflatedExplicitVRLittleEndian
    RLE = RLELossless
    JPEG_LS = JPEGLSLossless
    J2K = JPEG2000Lossless
    JPEG = JPEGBaseline8Bit


def set_grey(dataset: Dataset, pixels: NDArray[np.generic], bits: int, inverse: bool = False) -> None:
    """Fills the image pixel module with grey values (rows, columns) or (frames, rows, columns)."""
    dataset.SamplesPerPixel = 1
    dataset.PhotometricInterpretation = "MONOCHROME1" if inverse else "MONOCHROME2"
    _set_pixels(dataset, pixels, bits)


def set_window(dataset: Dataset, centre: float, width: float) -> None:
    """Says which values are shown from black to white."""
    dataset.WindowCenter = centre
    dataset.WindowWidth = width


def set_palette(dataset: Dataset, levels: NDArray[np.uint8], tint: tuple[float, float, float]) -> None:
    """Fills the image pixel module with indices into 256 shades from black through `tint` to white."""
    dataset.SamplesPerPixel = 1
    dataset.PhotometricInterpretation = "PALETTE COLOR"
    ramp = np.linspace(0, 1, 256)
    for colour, power in zip(("Red", "Green", "Blue"), tint, strict=True):
        setattr(dataset, f"{colour}PaletteColorLookupTableDescriptor", [256, 0, 16])
        table = np.rint(ramp**power * 65535).astype("<u2").tobytes()
        setattr(dataset, f"{colour}PaletteColorLookupTableData", table)
    _set_pixels(dataset, levels, 8)


def set_colour(dataset: Dataset, pixels: NDArray[np.uint8], photometric: str = "RGB") -> None:
    """Fills the image pixel module with red, green, blue (..., rows, columns, 3)."""
    dataset.SamplesPerPixel = 3
    dataset.PhotometricInterpretation = photometric
    dataset.PlanarConfiguration = 0
    _set_pixels(dataset, pixels, 8)


def set_jpeg(dataset: Dataset, frames: tuple[NDArray[np.uint8], ...]) -> None:
    """Fills the image pixel module with colour frames as baseline JPEG (4:2:2)."""
    set_colour(dataset, np.stack(frames), "YBR_FULL_422")
    coded = [_jpeg(frame) for frame in frames]
    raw = sum(frame.nbytes for frame in frames)
    dataset.PixelData = encapsulate(coded)
    dataset["PixelData"].is_undefined_length = True
    dataset.LossyImageCompression = "01"
    dataset.LossyImageCompressionRatio = f"{raw / sum(map(len, coded)):.2f}"
    dataset.LossyImageCompressionMethod = "ISO_10918_1"


def to_file(dataset: Dataset, syntax: Syntax) -> bytes:
    """The bytes of a Part 10 file; the Dataset is compressed on the way where the syntax asks for it."""
    target = UID(syntax.value)
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    dataset.file_meta.ImplementationClassUID = uid("implementation")
    dataset.file_meta.ImplementationVersionName = "DEID DEMO"
    dataset.file_meta.TransferSyntaxUID = target
    if target.is_encapsulated and syntax is not Syntax.JPEG:
        dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        with warnings.catch_warnings():
            # A codestream for 12 stored of 16 bits is right; the plug-in warns of it.
            warnings.simplefilter("ignore", UserWarning)
            dataset.compress(target, generate_instance_uid=False)
    buffer = io.BytesIO()
    dcmwrite(buffer, dataset, enforce_file_format=True)
    return buffer.getvalue()


def _set_pixels(dataset: Dataset, pixels: NDArray[np.generic], bits: int) -> None:
    shape = pixels.shape[:-1] if dataset.SamplesPerPixel == 3 else pixels.shape
    if len(shape) == 3:
        dataset.NumberOfFrames = shape[0]
    dataset.Rows, dataset.Columns = shape[-2:]
    dataset.BitsAllocated = pixels.dtype.itemsize * 8
    dataset.BitsStored = bits
    dataset.HighBit = bits - 1
    dataset.PixelRepresentation = int(pixels.dtype.kind == "i")
    stored = pixels.astype(pixels.dtype.newbyteorder("<")).tobytes()
    dataset.PixelData = stored + b"\0" * (len(stored) % 2)
    dataset["PixelData"].VR = "OB" if dataset.BitsAllocated == 8 else "OW"
    dataset.BurnedInAnnotation = "YES"


def _jpeg(frame: NDArray[np.uint8]) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(frame).save(buffer, "JPEG", quality=_JPEG_QUALITY, subsampling=1)
    return buffer.getvalue()
