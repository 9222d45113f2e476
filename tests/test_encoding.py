"""Files are written as pydicom writes them, byte for byte."""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import pydicom
import pytest
from pydicom import DataElement, Dataset, dcmread, dcmwrite
from pydicom.sequence import Sequence
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
)

from deid.encoding import file_bytes
from deid.errors import DeidError
from deid.header import clean
from deid.load import load
from deid.profile import preset
from tests.dicom_factory import dicom, gradient

KEY = b"a key that only the tests know"
SHIPPED = Path(pydicom.__file__).parent / "data" / "test_files"
SYNTAXES = [
    ImplicitVRLittleEndian,
    ExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    DeflatedExplicitVRLittleEndian,
]


def _by_pydicom(dataset: Dataset) -> bytes:
    stream = BytesIO()
    dcmwrite(stream, dataset, enforce_file_format=True)
    return stream.getvalue()


def _cleaned(data: bytes) -> Dataset:
    original = load(data, without_pixels=True)
    return clean(original, KEY, preset("research"), pixels_changed=False, pixels_examined=True)[0]


def test_every_file_that_pydicom_ships_is_written_as_pydicom_writes_it() -> None:
    written = 0
    for path in sorted(SHIPPED.rglob("*.dcm")):
        try:
            out = _cleaned(path.read_bytes())
        except DeidError:
            continue
        assert file_bytes(out) == _by_pydicom(out), path.name
        written += 1
    assert written > 60


def _item(**elements: Any) -> Dataset:
    item = Dataset()
    for keyword, value in elements.items():
        setattr(item, keyword, value)
    return item


def _ambiguous(dataset: Dataset) -> None:
    dataset.add(DataElement(0x00280106, "US or SS", 3))
    dataset.ReferencedImageSequence = Sequence([_item(), _item(SmallestImagePixelValue=4)])


def _undefined(dataset: Dataset) -> None:
    dataset.ReferencedImageSequence = Sequence([_item(ReferencedSOPInstanceUID="1.2.3")])
    dataset["ReferencedImageSequence"].is_undefined_length = True


HARD: dict[str, Callable[[Dataset], None]] = {
    "no ASCII": lambda it: it.update(_item(SpecificCharacterSet="ISO_IR 192", ContrastBolusRoute="abdómen")),
    "names in three scripts": lambda it: it.update(
        _item(SpecificCharacterSet="ISO_IR 192", PatientName="Yamada^Tarou=山田^太郎=やまだ^たろう")
    ),
    "items of another character set": lambda it: it.update(
        _item(ReferencedImageSequence=Sequence([_item(SpecificCharacterSet="ISO_IR 100", ImageComments="é")]))
    ),
    "several numbers": lambda it: it.update(
        _item(WindowCenter=["1.50", "2"], PixelAspectRatio=[1, 2], SimpleFrameList=[1, 2], ReferencePixelX0=7)
    ),
    "numbers of two representations": lambda it: it.add(DataElement(0x00283002, "SS", [256, -5, 16])),
    "no number": lambda it: it.add(DataElement(0x00280010, "US", None)),
    "tags": lambda it: it.update(_item(FrameIncrementPointer=0x00181063, SelectorSequencePointer=[])),
    "odd bytes": lambda it: it.add(DataElement(0x00282000, "OB", b"abc")),
    "unknown": lambda it: it.add(DataElement(0x00091001, "UN", b"abcd")),
    "long text": lambda it: it.add(DataElement(0x0040A160, "UT", "a" * 70_001)),
    "an ambiguous representation": _ambiguous,
    "a sequence that ends with a mark": _undefined,
    "an empty sequence": lambda it: it.update(_item(ReferencedImageSequence=Sequence())),
}


@pytest.mark.parametrize("syntax", SYNTAXES)
@pytest.mark.parametrize("kind", HARD)
def test_values_of_every_kind_are_written_as_pydicom_writes_them(kind: str, syntax: str) -> None:
    out = _cleaned(dicom(gradient(8, 8), syntax=syntax))
    HARD[kind](out)
    written = file_bytes(out)
    assert written == _by_pydicom(out)
    assert dcmread(BytesIO(written)).SOPInstanceUID == out.SOPInstanceUID


def test_a_value_that_cannot_be_encoded_is_not_written() -> None:
    out = _cleaned(dicom(gradient(8, 8)))
    out.add(DataElement(0x00280010, "US", "many"))
    with pytest.raises(Exception, match="required argument"):
        file_bytes(out)
