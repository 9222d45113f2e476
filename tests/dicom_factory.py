"""DICOM files built in code: any pixels in any layout and transfer syntax, with a header full of made-up PHI.

image(pixels, photometric="RGB", syntax=RLELossless)      -> Dataset
file_bytes(dataset)                                       -> what would be on disk
dicom(pixels, ...)                                        -> both at once
"""

from __future__ import annotations

from io import BytesIO
from typing import Any

import imagecodecs
import numpy as np
from PIL import Image
from pydicom import DataElement, Dataset, dcmwrite
from pydicom.dataset import FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.pixels.encoders.base import get_encoder
from pydicom.sequence import Sequence
from pydicom.tag import Tag
from pydicom.uid import (
    HTJ2K,
    JPEG2000,
    UID,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    HTJ2KLossless,
    HTJ2KLosslessRPCL,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGExtended12Bit,
    JPEGLossless,
    JPEGLosslessSV1,
    JPEGLSLossless,
    JPEGLSNearLossless,
    RLELossless,
    SecondaryCaptureImageStorage,
)

PHI: dict[str, str] = {
    "PatientName": "Quillfeather^Ottoline",
    "PatientID": "QF-7730215",
    "PatientBirthDate": "19470219",
    "AccessionNumber": "ACC5591803",
    "InstitutionName": "Saint Brannoc Infirmary",
    "InstitutionAddress": "14 Pellworm Quay, Dunsheath",
    "ReferringPhysicianName": "Vantongeren^Isolde",
    "OperatorsName": "Marchbanks^Teodor",
    "StationName": "BRANNOCUS2",
    "DeviceSerialNumber": "SN8842076",
    "StudyDate": "20210817",
    "StudyTime": "141523",
    "StudyID": "ST40417",
    "StudyDescription": "Abdomen of Quillfeather",
    "PatientTelephoneNumbers": "555-0173-882",
}
"""Keyword and value of the identifying elements that every made-up header holds."""
STUDY_UID = "1.2.826.0.1.3680043.10.5432.1"
SERIES_UID = "1.2.826.0.1.3680043.10.5432.2"
INSTANCE_UID = "1.2.826.0.1.3680043.10.5432.3"


def dicom(pixels: np.ndarray, **layout: Any) -> bytes:
    """The bytes of a file with these pixels; see `image` for the layout."""
    return file_bytes(image(pixels, **layout))


def image(
    pixels: np.ndarray,
    *,
    photometric: str = "MONOCHROME2",
    syntax: str = ExplicitVRLittleEndian,
    bits_stored: int | None = None,
    bits_allocated: int | None = None,
    planar: int = 0,
    header: bool = True,
    **elements: Any,
) -> Dataset:
    """A dataset with these stored pixels: (rows, columns), with frames before and colour samples behind.

    An array of three axes is one colour frame where the photometric interpretation is of colour, else frames.
    `elements` are set last, by keyword.
    """
    frames, samples = _as_frames(pixels, photometric)
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = UID(syntax)
    dataset.SOPClassUID = SecondaryCaptureImageStorage
    dataset.SOPInstanceUID, dataset.StudyInstanceUID, dataset.SeriesInstanceUID = INSTANCE_UID, STUDY_UID, SERIES_UID
    dataset.Modality = "OT"
    dataset.ImageType = ["ORIGINAL", "PRIMARY"]
    if header:
        for keyword, value in PHI.items():
            setattr(dataset, keyword, value)
    _describe(dataset, frames, samples, photometric, bits_stored)
    if bits_allocated is not None:
        dataset.BitsAllocated = bits_allocated
    if samples > 1:
        dataset.PlanarConfiguration = planar
    _store(dataset, frames)
    for keyword, value in elements.items():
        setattr(dataset, keyword, value)
    return dataset


def report(sop_class: str = "1.2.840.10008.5.1.4.1.1.88.33") -> Dataset:
    """A dataset without pixels, with a header full of made-up PHI and a text that quotes it; a report if not told."""
    dataset = image(np.zeros((1, 1), "u1"))
    dataset.SOPClassUID, dataset.Modality = sop_class, "SR"
    for keyword in ("PixelData", "Rows", "Columns", "SamplesPerPixel", "PhotometricInterpretation"):
        delattr(dataset, keyword)
    name, item = Dataset(), Dataset()
    name.CodeValue, name.CodingSchemeDesignator, name.CodeMeaning = "404684003", "SCT", "Clinical finding"
    item.RelationshipType, item.ValueType, item.ConceptNameCodeSequence = "CONTAINS", "TEXT", Sequence([name])
    item.TextValue = "Nodule in the liver of Quillfeather"
    dataset.ContentSequence = Sequence([item])
    return dataset


def file_bytes(dataset: Dataset) -> bytes:
    """The dataset as a DICOM file."""
    buffer = BytesIO()
    dcmwrite(buffer, dataset, enforce_file_format=True)
    return buffer.getvalue()


def bare_bytes(dataset: Dataset) -> bytes:
    """The dataset without preamble and file meta, as some archives keep it."""
    syntax = UID(dataset.file_meta.TransferSyntaxUID)
    bare = Dataset()
    bare.update({element.tag: element for element in dataset})
    buffer = BytesIO()
    dcmwrite(buffer, bare, implicit_vr=syntax.is_implicit_VR, little_endian=syntax.is_little_endian)
    return buffer.getvalue()


def gradient(rows: int, columns: int, dtype: str = "u1", top: int | None = None) -> np.ndarray:
    """A frame in which neighbours differ, up to `top`."""
    limit = top or int(np.iinfo(dtype).max)
    return ((np.add.outer(np.arange(rows) * 7, np.arange(columns) * 3) * 5) % (limit + 1)).astype(dtype)


def _as_frames(pixels: np.ndarray, photometric: str) -> tuple[np.ndarray, int]:
    colour = photometric.startswith(("RGB", "YBR"))
    axes = pixels.ndim - (1 if colour else 0)
    frames = pixels[None] if axes == 2 else pixels
    return frames, frames.shape[3] if colour else 1


def _describe(dataset: Dataset, frames: np.ndarray, samples: int, photometric: str, bits_stored: int | None) -> None:
    dataset.SamplesPerPixel = samples
    dataset.PhotometricInterpretation = photometric
    dataset.Rows, dataset.Columns = frames.shape[1:3]
    if len(frames) > 1:
        dataset.NumberOfFrames = len(frames)
    if frames.dtype.kind == "f":
        return
    one_bit = frames.dtype == bool
    dataset.BitsAllocated = 1 if one_bit else 8 * frames.dtype.itemsize
    dataset.BitsStored = bits_stored or dataset.BitsAllocated
    dataset.HighBit = dataset.BitsStored - 1
    dataset.PixelRepresentation = int(frames.dtype.kind == "i")


def _store(dataset: Dataset, frames: np.ndarray) -> None:
    syntax = UID(dataset.file_meta.TransferSyntaxUID)
    if syntax.is_encapsulated:
        value = encapsulate([encode(frame, dataset) for frame in frames])
        element = DataElement(Tag("PixelData"), "OB", value)
        element.is_undefined_length = True
        dataset.add(element)
        return
    value = _native(frames, dataset, big=syntax == ExplicitVRBigEndian)
    value += b"\0" * (len(value) % 2)
    if frames.dtype.kind == "f":
        keyword, vr = ("FloatPixelData", "OF") if frames.dtype.itemsize == 4 else ("DoubleFloatPixelData", "OD")
    else:
        keyword, vr = "PixelData", "OB" if frames.dtype.itemsize == 1 and not syntax.is_implicit_VR else "OW"
    dataset.add(DataElement(Tag(keyword), vr, value))


def _native(frames: np.ndarray, dataset: Dataset, big: bool) -> bytes:
    if frames.dtype == bool:
        return np.packbits(frames.ravel(), bitorder="little").tobytes()
    if dataset.PhotometricInterpretation == "YBR_FULL_422":
        luma = frames[..., 0]
        packed = np.empty((*luma.shape[:2], luma.shape[2] // 2, 4), frames.dtype)
        packed[..., 0], packed[..., 1] = luma[..., ::2], luma[..., 1::2]
        packed[..., 2], packed[..., 3] = frames[..., ::2, 1], frames[..., ::2, 2]
        return packed.tobytes()
    if dataset.get("PlanarConfiguration", 0) == 1:
        frames = frames.transpose(0, 3, 1, 2)
    return np.ascontiguousarray(frames).astype(frames.dtype.newbyteorder(">" if big else "<")).tobytes()


def encode(frame: np.ndarray, dataset: Dataset) -> bytes:
    """One frame in the transfer syntax of the dataset."""
    syntax = UID(dataset.file_meta.TransferSyntaxUID)
    if syntax in (RLELossless, JPEGLSLossless, JPEG2000Lossless):
        return _pydicom_encoded(frame, dataset)
    if syntax in (JPEGLossless, JPEGLosslessSV1):
        space = "RGB" if frame.ndim == 3 else None
        plain = frame.view(frame.dtype.str.replace("i", "u"))
        bits = dataset.BitsStored
        return bytes(
            imagecodecs.jpeg8_encode(
                plain, lossless=True, predictor=1, bitspersample=bits, colorspace=space, outcolorspace=space
            )
        )
    if syntax in (HTJ2KLossless, HTJ2KLosslessRPCL):
        return bytes(imagecodecs.htj2k_encode(frame, reversible=True))
    if syntax == HTJ2K:
        return bytes(imagecodecs.htj2k_encode(frame, reversible=False))
    if syntax == JPEG2000:
        return bytes(imagecodecs.jpeg2k_encode(frame, level=60, codecformat="j2k", reversible=False, mct=False))
    if syntax == JPEGLSNearLossless:
        return bytes(imagecodecs.jpegls_encode(frame, level=2))
    if syntax == JPEGExtended12Bit and dataset.BitsStored > 8:
        return bytes(imagecodecs.jpeg8_encode(frame, level=90, bitspersample=12))
    if syntax in (JPEGBaseline8Bit, JPEGExtended12Bit):
        return _jpeg(frame, dataset.PhotometricInterpretation)
    raise ValueError(f"the factory does not write {syntax.name}")


def _jpeg(frame: np.ndarray, photometric: str) -> bytes:
    buffer = BytesIO()
    if frame.ndim == 2:
        Image.fromarray(frame).save(buffer, "JPEG", quality=92)
    elif photometric == "RGB":
        Image.fromarray(frame).save(buffer, "JPEG", quality=92, keep_rgb=True)
    else:
        subsampling = "4:2:2" if photometric == "YBR_FULL_422" else "4:4:4"
        Image.fromarray(frame).save(buffer, "JPEG", quality=92, subsampling=subsampling)
    return buffer.getvalue()


def _pydicom_encoded(frame: np.ndarray, dataset: Dataset) -> bytes:
    options: dict[str, Any] = {
        "rows": dataset.Rows,
        "columns": dataset.Columns,
        "number_of_frames": 1,
        "samples_per_pixel": dataset.SamplesPerPixel,
        "photometric_interpretation": dataset.PhotometricInterpretation,
        "bits_allocated": dataset.BitsAllocated,
        "bits_stored": dataset.BitsStored,
        "pixel_representation": dataset.PixelRepresentation,
    }
    if dataset.SamplesPerPixel > 1:
        options["planar_configuration"] = 0
    return bytes(
        get_encoder(dataset.file_meta.TransferSyntaxUID).encode(np.ascontiguousarray(frame), validate=False, **options)
    )
