"""Objects without pixels are let in where every part of them can be judged, and refused with a reason elsewhere."""

from __future__ import annotations

import pytest

from deid.errors import RefusedError
from deid.load import load
from tests.dicom_factory import file_bytes, report

STORAGE = "1.2.840.10008.5.1.4.1.1."


@pytest.mark.parametrize(
    "number",
    [
        pytest.param("88.11", id="report"),
        pytest.param("88.59", id="key objects"),
        pytest.param("11.1", id="presentation state"),
        pytest.param("66.1", id="registration"),
        pytest.param("481.3", id="structures"),
        pytest.param("481.5", id="plan"),
        pytest.param("9.1.1", id="electrocardiogram"),
    ],
)
def test_objects_that_never_have_pixels_are_let_in_only_where_they_are_asked_for(number: str) -> None:
    data = file_bytes(report(STORAGE + number))
    assert load(data, without_pixels=True).Modality == "SR"
    with pytest.raises(RefusedError, match="no pixels"):
        load(data)


@pytest.mark.parametrize(
    ("number", "reason"),
    [
        pytest.param("2", "no pixels", id="image without its pixels"),
        pytest.param("66", "no pixels", id="raw data"),
        pytest.param("9.4.1", "voice", id="voice"),
        pytest.param("88.999", "no pixels", id="unknown class"),
    ],
)
def test_others_are_refused_with_a_reason(number: str, reason: str) -> None:
    with pytest.raises(RefusedError, match=reason):
        load(file_bytes(report(STORAGE + number)), without_pixels=True)


@pytest.mark.parametrize("number", ["104.1", "104.2"], ids=["PDF", "CDA"])
def test_an_encapsulated_document_is_refused(number: str) -> None:
    dataset = report(STORAGE + number)
    dataset.EncapsulatedDocument = b"%PDF-1.4"
    with pytest.raises(RefusedError, match="encapsulated document"):
        load(file_bytes(dataset), without_pixels=True)


def test_a_directory_is_refused_with_advice() -> None:
    with pytest.raises(RefusedError, match="DICOMDIR: give the images instead"):
        load(file_bytes(report("1.2.840.10008.1.3.10")), without_pixels=True)
