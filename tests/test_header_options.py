"""Each option keeps or cleans what PS3.15 says, and nothing else; presets are options by name."""

from __future__ import annotations

from datetime import date
from io import BytesIO
from typing import Any

import pytest
from pydicom import Dataset, dcmread
from pydicom.sequence import Sequence
from pydicom.tag import Tag

from deid.errors import UsageError
from deid.header import clean, harvest, needles, write
from deid.identifiers import holds
from deid.judging import HeaderJudge
from deid.load import load
from deid.profile import STRICT, HeaderOption, Profile, preset, presets
from deid.ps315 import rulebook
from tests.dicom_factory import PHI, SERIES_UID, STUDY_UID, dicom, file_bytes, gradient, image

KEY = b"a key that only the tests know"
FRAME = gradient(8, 8)
Option = HeaderOption
PATIENT, DEVICE, INSTITUTION = (
    Option.RETAIN_PATIENT_CHARACTERISTICS,
    Option.RETAIN_DEVICE_IDENTITY,
    Option.RETAIN_INSTITUTION_IDENTITY,
)


def cleaned(original: Dataset, *options: HeaderOption, profile: Profile | None = None, key: bytes = KEY) -> Dataset:
    """What is written under these options, read again."""
    chosen = profile or Profile(options=frozenset(options))
    judge = HeaderJudge(harvest(original), None, 0.5)
    out, _ = clean(original, key, chosen, judge, pixels_changed=False, pixels_examined=True)
    again = dcmread(BytesIO(write(out)))
    looked_for = needles(original, chosen)
    assert not [str(element.tag) for element in again.iterall() if holds(element, looked_for)]
    return again


def opened(**elements: Any) -> Dataset:
    return load(dicom(FRAME, **elements))


def value(dataset: Dataset, keyword: str) -> str | None:
    return str(dataset[keyword].value or "") if keyword in dataset else None


@pytest.mark.parametrize(
    ("option", "keyword", "before", "after"),
    [
        pytest.param(Option.RETAIN_UIDS, "StudyInstanceUID", STUDY_UID, STUDY_UID, id="UID"),
        pytest.param(Option.RETAIN_UIDS, "SeriesInstanceUID", SERIES_UID, SERIES_UID, id="UID of the series"),
        pytest.param(Option.RETAIN_FULL_DATES, "StudyDate", "20210817", "20210817", id="date"),
        pytest.param(Option.RETAIN_FULL_DATES, "StudyTime", "141523", "141523", id="time"),
        pytest.param(
            Option.RETAIN_FULL_DATES, "AcquisitionDateTime", "20210817141523+0100", "20210817141523+0100", id="dt"
        ),
        pytest.param(Option.RETAIN_FULL_DATES, "PatientBirthDate", "19470219", "", id="birth date goes all the same"),
        pytest.param(PATIENT, "PatientSex", "F", "F", id="sex"),
        pytest.param(PATIENT, "PatientAge", "074Y", "074Y", id="age"),
        pytest.param(PATIENT, "PatientAge", "091Y", "090Y", id="age of 90 and more"),
        pytest.param(PATIENT, "PatientWeight", "71.5", "71.5", id="weight"),
        pytest.param(
            Option.RETAIN_PATIENT_CHARACTERISTICS, "Allergies", "Contrast per Dr Quillfeather", "Contrast", id="allergy"
        ),
        pytest.param(DEVICE, "DeviceSerialNumber", "SN8842076", "SN8842076", id="serial number"),
        pytest.param(
            Option.RETAIN_INSTITUTION_IDENTITY, "InstitutionName", "Elm Clinic", "Elm Clinic", id="institution"
        ),
        pytest.param(Option.CLEAN_DESCRIPTORS, "StudyDescription", "CT chest of SMITH", "CT chest", id="name"),
        pytest.param(Option.CLEAN_DESCRIPTORS, "StudyDescription", "Abdomen of Quillfeather", "Abdomen", id="own name"),
        pytest.param(
            Option.CLEAN_DESCRIPTORS, "SeriesDescription", "T2 axial 12.03.2021", "T2 axial", id="date in text"
        ),
        pytest.param(Option.CLEAN_DESCRIPTORS, "ImageComments", "Chest QF-7730215", "Chest", id="record number"),
        pytest.param(Option.CLEAN_DESCRIPTORS, "PatientComments", "Xyzzyq Plugh", None, id="nothing harmless"),
    ],
)
def test_an_option_keeps_or_cleans(option: HeaderOption, keyword: str, before: str, after: str | None) -> None:
    original = opened(**{keyword: before})
    assert value(cleaned(original, option), keyword) == after
    assert value(cleaned(original), keyword) in (None, "") or keyword.endswith("UID")


def test_a_kept_element_goes_where_it_holds_another_removed_value() -> None:
    original = opened(StationName="QUILLFEATHER")
    assert not value(cleaned(original, Option.RETAIN_DEVICE_IDENTITY), "StationName")


def test_all_dates_of_a_patient_move_by_the_same_days() -> None:
    first, second = (
        opened(),
        opened(StudyDate="20220101", SOPInstanceUID="1.2.3", AcquisitionDateTime="20220103101112+0100"),
    )
    one, two = cleaned(first, Option.RETAIN_MODIFIED_DATES), cleaned(second, Option.RETAIN_MODIFIED_DATES)
    days = date.fromisoformat(two.StudyDate) - date.fromisoformat(one.StudyDate)
    assert days == date(2022, 1, 1) - date(2021, 8, 17)
    assert one.StudyDate != "20210817" and one.StudyTime == "141523"
    moved = date.fromisoformat(two.AcquisitionDateTime[:8]) - date.fromisoformat(two.StudyDate)
    assert (moved.days, two.AcquisitionDateTime[8:]) == (2, "101112")
    other = cleaned(opened(PatientID="someone else"), Option.RETAIN_MODIFIED_DATES)
    assert other.StudyDate != one.StudyDate
    assert cleaned(first, Option.RETAIN_MODIFIED_DATES, key=b"another key of the tests").StudyDate != one.StudyDate


@pytest.mark.parametrize("text", ["2021", "20211399", "yesterday"])
def test_a_date_that_cannot_move_goes(text: str) -> None:
    assert not value(cleaned(opened(SeriesDate=text), Option.RETAIN_MODIFIED_DATES), "SeriesDate")


def test_a_device_date_moves_with_the_others_although_the_device_is_kept() -> None:
    out = cleaned(opened(DateOfLastCalibration="20210801"), Option.RETAIN_DEVICE_IDENTITY, Option.RETAIN_MODIFIED_DATES)
    assert (date.fromisoformat(out.StudyDate) - date.fromisoformat(out.DateOfLastCalibration)).days == 16


def test_full_and_modified_dates_exclude_each_other() -> None:
    with pytest.raises(UsageError):
        Profile(options=frozenset({Option.RETAIN_FULL_DATES, Option.RETAIN_MODIFIED_DATES}))


def _with_private(value: object = 1000.0) -> Dataset:
    dataset = image(FRAME)
    dataset.private_block(0x7053, "Philips PET Private Group", create=True).add_new(0x00, "DS", "0.000123")
    block = dataset.private_block(0x2001, "Philips Imaging DD 001", create=True)
    block.add_new(0x03, "FL", value)
    block.add_new(0x08, "LO", "QUILLFEATHER")
    dataset.private_block(0x0009, "SOMEONE", create=True).add_new(0x03, "FL", 1.5)
    return load(file_bytes(dataset))


def test_safe_private_elements_stay_with_their_creators_alone() -> None:
    out = cleaned(_with_private(), Option.RETAIN_SAFE_PRIVATE)
    assert [(str(element.tag), element.value) for element in out if element.tag.is_private] == [
        ("(2001,0010)", "Philips Imaging DD 001"),
        ("(2001,1003)", 1000.0),
        ("(7053,0010)", "Philips PET Private Group"),
        ("(7053,1000)", 0.000123),
    ]
    assert not [element for element in cleaned(_with_private()) if element.tag.is_private]


def test_a_safe_private_element_goes_where_it_holds_a_removed_number() -> None:
    out = cleaned(_with_private(7730215.0), Option.RETAIN_SAFE_PRIVATE)
    assert (0x2001, 0x1003) not in out and (0x2001, 0x0010) not in out


def _item(scheme: str, code: str, meaning: str, kind: str, **values: Any) -> Dataset:
    name = Dataset()
    name.CodeValue, name.CodingSchemeDesignator, name.CodeMeaning = code, scheme, meaning
    item = Dataset()
    item.RelationshipType, item.ValueType, item.ConceptNameCodeSequence = "CONTAINS", kind, Sequence([name])
    for keyword, each in values.items():
        setattr(item, keyword, each)
    return item


def _report() -> Dataset:
    dataset = image(FRAME)
    dataset.SOPClassUID = "1.2.840.10008.5.1.4.1.1.88.33"
    dataset.Modality = "SR"
    for keyword in ("PixelData", "Rows", "Columns", "SamplesPerPixel", "PhotometricInterpretation"):
        delattr(dataset, keyword)
    dataset.ContentSequence = Sequence(
        [
            _item("SCT", "404684003", "Clinical finding", "TEXT", TextValue="Nodule in the liver of Quillfeather"),
            _item("DCM", "121022", "Accession Number", "TEXT", TextValue="ACC5591803"),
            _item("DCM", "121008", "Person Observer Name", "PNAME", PersonName="Vantongeren^Isolde"),
            _item("DCM", "121033", "Subject Age", "TEXT", TextValue="74"),
        ]
    )
    return load(file_bytes(dataset), without_pixels=True)


def _texts(out: Dataset) -> list[str]:
    return [str(item.TextValue) for item in out.ContentSequence if "TextValue" in item]


def test_structured_content_keeps_its_texts_only_where_it_is_cleaned() -> None:
    assert _texts(cleaned(_report())) == ["REMOVED"]
    assert _texts(cleaned(_report(), Option.CLEAN_STRUCTURED_CONTENT)) == ["Nodule in the liver"]
    kept = cleaned(_report(), Option.CLEAN_STRUCTURED_CONTENT, Option.RETAIN_PATIENT_CHARACTERISTICS)
    assert _texts(kept) == ["Nodule in the liver", "74"]
    assert "Vantongeren" not in str(cleaned(_report(), Option.CLEAN_STRUCTURED_CONTENT))


def test_graphics_stay_only_where_they_are_cleaned() -> None:
    text, shape, annotation = Dataset(), Dataset(), Dataset()
    text.UnformattedTextValue = "Lesion of Quillfeather"
    shape.GraphicType, shape.GraphicData = "POLYLINE", [1.0, 1.0, 2.0, 2.0]
    annotation.GraphicLayer = "LAYER1"
    annotation.TextObjectSequence, annotation.GraphicObjectSequence = Sequence([text]), Sequence([shape])
    dataset = image(FRAME)
    dataset.GraphicAnnotationSequence = Sequence([annotation])
    original = load(file_bytes(dataset))
    strict = cleaned(original).GraphicAnnotationSequence[0]
    assert strict.TextObjectSequence[0].UnformattedTextValue == "REMOVED"
    assert "GraphicObjectSequence" not in strict
    kept = cleaned(original, Option.CLEAN_GRAPHICS).GraphicAnnotationSequence[0]
    assert kept.TextObjectSequence[0].UnformattedTextValue == "Lesion"
    assert kept.GraphicObjectSequence[0].GraphicType == "POLYLINE"


@pytest.mark.parametrize(
    ("scheme", "code", "meaning", "expected"),
    [
        pytest.param("SCT", "T-D4000", "Abdomen", ("SCT", "T-D4000", "Abdomen"), id="public"),
        pytest.param(
            "SCT", "10200004", "Liver of Quillfeather", ("SCT", "10200004", "Liver"), id="name in the meaning"
        ),
        pytest.param("99ELM", "MRN-8842077", "Elmsworth", ("99DEID", "REMOVED", "REMOVED"), id="local"),
        pytest.param("99GE", "CT", "Chest", ("99GE", "CT", "Chest"), id="local and harmless"),
        pytest.param("DCM", "7730215", "Chest", ("DCM", "REMOVED", "Chest"), id="a removed number as code"),
    ],
)
def test_a_code_stays_where_it_names_a_term(scheme: str, code: str, meaning: str, expected: tuple[str, ...]) -> None:
    item = Dataset()
    item.CodingSchemeDesignator, item.CodeValue, item.CodeMeaning = scheme, code, meaning
    dataset = image(FRAME)
    dataset.AnatomicRegionSequence = Sequence([item])
    (out,) = cleaned(load(file_bytes(dataset))).AnatomicRegionSequence
    assert (out.CodingSchemeDesignator, out.CodeValue, out.CodeMeaning) == expected


@pytest.mark.parametrize(
    ("keyword", "before", "after"),
    [
        ("Manufacturer", "GE MEDICAL SYSTEMS", "GE MEDICAL SYSTEMS"),
        ("Manufacturer", "Elmsworth Imaging", None),
        ("Manufacturer", "Carl Zeiss Meditec Inc.", "Carl Zeiss Meditec Inc."),
        ("Manufacturer", "Fischer Imaging", "Fischer Imaging"),
        ("ManufacturerModelName", "Aplio i800", "Aplio i800"),
        ("ManufacturerModelName", "MAMMOMAT Revelation", "MAMMOMAT Revelation"),
        ("SecondaryCaptureDeviceManufacturer", "Abbott", "Abbott"),
        ("ContrastBolusAgent", "Abbott", None),
        ("ManufacturerModelName", "SOMATOM Definition Flash", "SOMATOM Definition Flash"),
        ("ConvolutionKernel", "B40f", "B40f"),
        ("SequenceName", "*fl3d1", "*fl3d1"),
        ("LUTExplanation", "for Elmsworth", None),
        ("BodyPartExamined", "CHEST", "CHEST"),
        ("BodyPartExamined", "ELMSWORTH", None),
        ("RescaleType", "HU", "HU"),
    ],
)
def test_free_text_beyond_the_table_keeps_vocabulary(keyword: str, before: str, after: str | None) -> None:
    assert (value(cleaned(opened(**{keyword: before})), keyword) or None) == after


def test_what_was_done_is_recorded_exactly() -> None:
    out = cleaned(opened(), profile=preset("research"))
    codes = [item.CodeValue for item in out.DeidentificationMethodCodeSequence]
    assert codes == ["113100", "113101", "113103", "113104", "113105", "113107", "113108", "113111"]
    assert out.LongitudinalTemporalInformationModified == "MODIFIED"
    assert "preset research" in out.DeidentificationMethod
    full = cleaned(opened(), Option.RETAIN_FULL_DATES)
    assert full.LongitudinalTemporalInformationModified == "UNMODIFIED"


def test_strict_is_the_default_and_has_no_option() -> None:
    assert next(iter(presets().values())) == STRICT
    assert set(presets()) == {"strict", "research", "teaching"}
    with pytest.raises(UsageError, match="strict, research, teaching"):
        preset("lenient")


@pytest.mark.parametrize("name", ["strict", "research", "teaching"])
def test_no_preset_leaves_a_value_of_the_header(name: str) -> None:
    original = opened(ImageComments=" ".join(PHI.values()), StudyDescription=" / ".join(PHI.values()))
    out = cleaned(original, profile=preset(name))
    said = str(out).upper()
    left = {keyword for keyword, text in PHI.items() if text.upper() in said}
    assert left <= ({"StudyTime"} if name == "research" else set())


def test_a_maker_goes_where_it_is_named_like_the_patient() -> None:
    assert not value(cleaned(opened(PatientName="Abbott^Ann", Manufacturer="Abbott")), "Manufacturer")


def test_the_safe_private_elements_are_those_of_the_standards_table() -> None:
    book = rulebook(preset("research"))
    listed = [
        ("ELSCINT1", 0x00E11050),
        ("GEMS_PARM_01", 0x00431039),
        ("Philips Imaging DD 002", 0x20011040),
        ("Philips Imaging DD 129", 0x20011005),
        ("SIEMENS MR HEADER", 0x0019100C),
    ]
    assert all(book.is_safe_private(creator, Tag(tag)) for creator, tag in listed)
    not_listed = [
        ("ELSCINT1", 0x01E11050),
        ("SOMEONE", 0x0019100C),
        ("SIEMENS CSA HEADER", 0x00291010),
        ("NQHeader", 0x00991002),
    ]
    assert not any(book.is_safe_private(creator, Tag(tag)) for creator, tag in not_listed)
    assert not any(rulebook(STRICT).is_safe_private(creator, Tag(tag)) for creator, tag in listed)
