"""The ten actions that the MIDI-B challenge scores, each on made-up files."""

from __future__ import annotations

import hashlib
from datetime import date
from io import BytesIO

import numpy as np
from pydicom import Dataset, dcmread

from deid.header import clean, harvest, write
from deid.judging import HeaderJudge
from deid.load import load
from deid.profile import preset
from deid.redact import redact
from deid.values import Box, Reason, Region
from tests.dicom_factory import INSTANCE_UID, PHI, STUDY_UID, dicom, gradient

KEY = b"a key that only the tests know"
FRAME = gradient(40, 40)


def released(regions: tuple[Region, ...] = (), **elements: str) -> Dataset:
    """A made-up file as it leaves under the preset research, read again."""
    original = load(dicom(FRAME, **elements))
    redacted, effective = redact(original, regions)
    judge = HeaderJudge(harvest(original), None, 0.5)
    out, _ = clean(redacted, KEY, preset("research"), judge, pixels_changed=bool(effective), pixels_examined=True)
    return dcmread(BytesIO(write(out)))


def test_tag_retained() -> None:
    out = released(KVP="120", SliceThickness="1.5", PatientSex="F", PatientWeight="71.5")
    assert [str(out[keyword].value) for keyword in ("KVP", "SliceThickness", "PatientSex", "PatientWeight")] == [
        "120", "1.5", "F", "71.5",
    ]  # fmt: skip


def test_text_notnull() -> None:
    out = released()
    assert out.PatientID and out.PatientName and out.DeidentificationMethod


def test_text_retained() -> None:
    out = released(SeriesDescription="T1 axial post contrast", Manufacturer="SIEMENS", BodyPartExamined="BRAIN")
    assert (out.SeriesDescription, out.Manufacturer, out.BodyPartExamined) == (
        "T1 axial post contrast", "SIEMENS", "BRAIN",
    )  # fmt: skip


def test_text_removed() -> None:
    out = released(SeriesDescription="T1 axial for Vantongeren", ImageComments="call 555-0173-882")
    assert out.SeriesDescription == "T1 axial"
    assert not {value.upper() for value in PHI.values() if not value.isdigit()} & {
        str(element.value).upper() for element in out.iterall()
    }


def test_date_shifted() -> None:
    one, two = released(SeriesDate="20210820"), released(SeriesDate="20210901", SOPInstanceUID="1.2.3")
    assert one.StudyDate == two.StudyDate != PHI["StudyDate"]
    days = [date.fromisoformat(each) for each in (one.StudyDate, one.SeriesDate, two.SeriesDate)]
    assert [(day - days[0]).days for day in days] == [0, 3, 15]


def test_uid_changed() -> None:
    out = released()
    assert out.SOPInstanceUID != INSTANCE_UID and out.StudyInstanceUID != STUDY_UID


def test_uid_consistent() -> None:
    one, two = released(), released(SOPInstanceUID="1.2.3")
    assert (one.StudyInstanceUID, one.SeriesInstanceUID) == (two.StudyInstanceUID, two.SeriesInstanceUID)
    assert one.SOPInstanceUID != two.SOPInstanceUID
    assert one.file_meta.MediaStorageSOPInstanceUID == one.SOPInstanceUID


def test_patid_consistent() -> None:
    one, two, other = released(), released(StudyDate="20220101"), released(PatientID="another")
    assert one.PatientID == two.PatientID != other.PatientID
    assert one.PatientName == two.PatientName


def test_pixels_hidden() -> None:
    out = released((Region(0, Box(4, 4, 10, 6), (Reason.DRAWN,), 1.0),))
    assert (out.pixel_array[4:10, 4:14] == 0).all()
    outside = np.ones(FRAME.shape, bool)
    outside[4:10, 4:14] = False
    assert np.array_equal(out.pixel_array[outside], FRAME[outside])


def test_pixels_retained() -> None:
    before = dcmread(BytesIO(dicom(FRAME))).PixelData
    assert hashlib.sha256(released().PixelData).digest() == hashlib.sha256(before).digest()
