"""Small images whose header, pixels and names hold what must be found nowhere afterwards."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import cv2
import numpy as np

from tests.dicom_factory import PHI, dicom, gradient

NAME = PHI["PatientName"].split("^")[0]
PLANTED = tuple(
    value.encode()
    for value in (NAME, NAME.upper(), PHI["PatientName"], PHI["PatientID"], PHI["InstitutionName"], "Zwiebelfisch")
)
"""The last one stands in names of files only."""


def burned_in(text: str = f"{NAME} {PHI['PatientID']}") -> bytes:
    """An image with text in its pixels."""
    pixels = np.full((120, 420), 20, np.uint8)
    cv2.putText(pixels, text, (12, 40), cv2.FONT_HERSHEY_SIMPLEX, 0.6, 240, 1, cv2.LINE_AA)
    cv2.putText(pixels, "Gain 52 dB", (12, 100), cv2.FONT_HERSHEY_SIMPLEX, 0.6, 240, 1, cv2.LINE_AA)
    return dicom(pixels)


def ghosts() -> bytes:
    """An image with four names and numbers, each so much fainter than the one above that only covering that shows it.

    Reading finds the first two, the second reading the third, and the last once that is covered: it wants a look.
    """
    pixels = np.zeros((300, 520), np.uint16)
    patient, operator = (PHI[keyword].replace("^", " ") for keyword in ("PatientName", "OperatorsName"))
    texts = (patient, f"{PHI['PatientID']} 12.03.1971", operator, "Zwirbel Halde")
    for number, (text, brightness) in enumerate(zip(texts, (60000, 3000, 100, 3), strict=True)):
        ink = np.zeros(pixels.shape, np.uint8)
        cv2.putText(ink, text, (14, 50 + 44 * number), cv2.FONT_HERSHEY_SIMPLEX, 0.9, 255, 2, cv2.LINE_AA)
        pixels = np.maximum(pixels, (ink / 255 * brightness).astype(np.uint16))
    return dicom(pixels)


def plain(number: int, **elements: str) -> bytes:
    """An image without text; each number is another."""
    return dicom(gradient(60 + number, 80), **elements)


def broken_at(stage: str) -> str:
    """The comment that asks tests/e2e/faulty.py to break there."""
    return f"Please break at {stage}"


def folder_of(folder: Path, **files: bytes) -> Path:
    """The folder, with files whose names say `_` for a folder below it."""
    for name, content in files.items():
        path = folder.joinpath(*name.split("_"))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return folder


def zip_of(path: Path, files: dict[str, bytes]) -> Path:
    """A ZIP at this path."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    path.write_bytes(buffer.getvalue())
    return path
