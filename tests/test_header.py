"""Nothing that identifies is left in a header, links and what research needs stay."""

from __future__ import annotations

import re
from io import BytesIO
from typing import Any

import numpy as np
import pytest
from pydicom import DataElement, Dataset, dcmread
from pydicom.datadict import dictionary_VR, keyword_for_tag
from pydicom.sequence import Sequence
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    RLELossless,
)

from deid.header import clean, harvest, write
from deid.judging import HeaderJudge
from deid.load import load
from deid.profile import STRICT, preset
from deid.ps315 import Action, edition, identifying_tags, rulebook, table_tags
from deid.values import Hint, Removal
from tests.dicom_factory import INSTANCE_UID, PHI, SERIES_UID, bare_bytes, dicom, file_bytes, gradient, image

KEY = b"a key that only the tests know"
FRAME = gradient(8, 8)


def cleaned(dataset: Dataset, *, key: bytes = KEY, changed: bool = False, examined: bool = True) -> Dataset:
    return clean(dataset, key, pixels_changed=changed, pixels_examined=examined)[0]


def opened(**elements: Any) -> Dataset:
    return load(dicom(FRAME, **elements))


# The canary: one token in every element of the table, everywhere that a token can stand.

TEXT_VRS = frozenset({"AE", "CS", "LO", "LT", "PN", "SH", "ST", "UC", "UR", "UT"})


def _planted(tag: int, vr: str, token: str) -> DataElement | None:
    if vr in TEXT_VRS:
        return DataElement(tag, vr, token)
    if vr in ("OB", "UN"):
        return DataElement(tag, vr, token.encode() + b" " * (len(token) % 2))
    if vr == "UI":
        return DataElement(tag, vr, "1.2.3." + str(int.from_bytes(token.encode(), "big") % 10**20))
    if vr in ("DA", "DT", "TM"):
        return DataElement(tag, vr, {"DA": "19330417", "DT": "19330417081122", "TM": "081122"}[vr])
    return None


def _canary() -> tuple[Dataset, set[str]]:
    dataset, item, tokens = image(FRAME), Dataset(), set()
    for number, tag in enumerate(sorted(table_tags())):
        if (
            rulebook(STRICT).rule(tag).action is Action.KEEP
            or tag >> 16 in (0x0000, 0x0002, 0x0004)
            or tag >= 0x7FE00000
            or not keyword_for_tag(tag)
        ):
            continue
        for target, prefix in ((dataset, "QCANTOP"), (item, "QCANITEM")):
            element = _planted(tag, dictionary_VR(tag).split(" or ")[0], f"{prefix}{number}")
            if element is not None:
                target.add(element)
                tokens.add(str(element.value) if element.VR in ("UI", "DA", "DT") else f"{prefix}{number}")
    dataset.ReferencedSeriesSequence = Sequence([item])
    for group in (0x0009, 0x0011, 0x7FDF):
        block = dataset.private_block(group, "QCANCREATOR", create=True)
        block.add_new(0x01, "LO", "QCANPRIVATE")
        block.add_new(0x02, "UN", b"QCANPRIVATEBYTES")
        inner = Dataset()
        inner.PatientName = "QCANPRIVATEITEM"
        block.add_new(0x03, "SQ", Sequence([inner]))
    dataset.add_new(0x00080FFE, "LO", "QCANUNKNOWN")
    dataset.add_new(0x60000022, "LO", "QCANOVERLAY")
    dataset.add_new(0x60003000, "OW", b"QCANOVERLAYDATA ")
    dataset.add_new(0x50000030, "SH", "QCANCURVE")
    dataset.PatientName, dataset.PatientID = "Qcanfamily^Qcangiven", "QCANID77"
    return dataset, tokens | {"QCAN", "19330417", INSTANCE_UID, SERIES_UID}


def _canary_bytes(syntax: str) -> tuple[bytes, set[str]]:
    dataset, tokens = _canary()
    dataset.file_meta.TransferSyntaxUID = syntax
    dataset.file_meta.SourceApplicationEntityTitle = "QCANAETITLE"
    dataset.file_meta.PrivateInformationCreatorUID = "1.2.3.987654321987"
    dataset.file_meta.PrivateInformation = b"QCANMETA"
    dataset.preamble = b"QCANPREAMBLE".ljust(128, b"\0")
    return file_bytes(dataset) + b"QCANTRAILING", tokens | {"1.2.3.987654321987"}


@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, ImplicitVRLittleEndian, ExplicitVRBigEndian])
def test_no_planted_token_is_left_in_any_byte(syntax: str) -> None:
    data, tokens = _canary_bytes(syntax)
    assert sum(token.encode() in data for token in tokens) > 500
    written = write(cleaned(load(data))).upper()
    assert not [token for token in sorted(tokens) if token.upper().encode() in written]


RETAINED = {
    "strict": set(),
    # "Retain Patient Characteristics" keeps what describes a patient by these elements of coded or free text.
    "research": {"EthnicGroup"},
    "teaching": {"EthnicGroup"},
}
"""Keywords of the canary's elements whose tokens each preset leaves on purpose."""


@pytest.mark.parametrize("name", ["strict", "research", "teaching"])
def test_no_preset_leaves_a_planted_token_but_what_its_options_keep(name: str) -> None:
    data, tokens = _canary_bytes(ExplicitVRLittleEndian)
    original = load(data)
    judge = HeaderJudge(harvest(original), None, 0.5)
    out, _ = clean(original, KEY, preset(name), judge, pixels_changed=False, pixels_examined=True)
    again = dcmread(BytesIO(write(out)))
    looked_for = sorted(token.upper() for token in tokens)
    left = {
        element.keyword
        for element in again.iterall()
        if element.VR != "SQ" and any(token in str(element.value).upper() for token in looked_for)
    }
    assert left == RETAINED[name]


def test_a_token_of_the_patient_goes_from_elements_that_the_table_leaves() -> None:
    dataset = opened(
        Manufacturer="Quillfeather & Sons",
        SoftwareVersions=["7.1", "built for Saint Brannoc Infirmary"],
        SequenceName="qf-7730215",
        ManufacturerModelName="Model 9",
        ImageType=["ORIGINAL", "PRIMARY", "OTTOLINE", "AXIAL"],
        SeriesNumber="7730215",
    )
    out = cleaned(dataset)
    assert not out.Manufacturer
    assert list(out.SoftwareVersions) == ["7.1", ""]
    assert "SequenceName" not in out
    assert out.ManufacturerModelName == "Model 9"
    assert list(out.ImageType) == ["ORIGINAL", "PRIMARY", "OTHER", "AXIAL"]


@pytest.mark.parametrize("text", ["1947-02-19", "19.02.1947", "02/19/1947", "born 19470219", "19021947"])
def test_a_birth_date_in_another_form_goes_too(text: str) -> None:
    assert text not in str(cleaned(opened(Manufacturer=f"Siemens {text}")).Manufacturer)


@pytest.mark.parametrize(
    ("keyword", "value", "expected"),
    [
        pytest.param("AccessionNumber", "A1", "", id="Z: empty"),
        pytest.param("StudyDate", "20200101", "", id="Z: date"),
        pytest.param("ContentDate", "20200101", "", id="Z/D, type 2C: empty"),
        pytest.param("SeriesTime", "101112", None, id="X/D, type 3: removed"),
        pytest.param("InstitutionName", "Somewhere", None, id="X/Z/D, type 3: removed"),
        pytest.param("PatientBirthDate", "", "", id="empty stays empty"),
        pytest.param("StudyDescription", "Chest", None, id="X: removed"),
        pytest.param("PatientAge", "091Y", None, id="X: age"),
        pytest.param("KVP", "120", "120", id="kept"),
        pytest.param("BodyPartExamined", "CHEST", "CHEST", id="kept text"),
        pytest.param("SOPClassUID", "1.2.840.10008.5.1.4.1.1.7", "1.2.840.10008.5.1.4.1.1.7", id="UID of DICOM"),
        pytest.param("PixelDataProviderURL", "http://pacs/1", None, id="beyond the table"),
        pytest.param("TextValue", "any free text", None, id="free text beyond the table"),
        pytest.param("SecondaryReviewDate", "20200101", None, id="date beyond the table"),
    ],
)
def test_an_element_becomes_what_the_table_says(keyword: str, value: str, expected: str | None) -> None:
    out = cleaned(opened(**{keyword: value}))
    if expected is None:
        assert keyword not in out
    else:
        assert str(out[keyword].value or "") == expected


ENHANCED_MR = "1.2.840.10008.5.1.4.1.1.4.1"


@pytest.mark.parametrize(
    ("keyword", "value", "expected"),
    [
        pytest.param("ContentDate", "20200101", "19000101", id="Z/D, type 1: a date"),
        pytest.param("ContentTime", "101112", "000000", id="Z/D, type 1: a time"),
        pytest.param("DeviceSerialNumber", "SN1", "REMOVED", id="X/Z/D, type 1: a text"),
        pytest.param("AcquisitionDateTime", "20200101101112", "19000101000000", id="X/Z/D, type 1C: a date and time"),
        pytest.param("StudyDate", "20200101", "", id="Z, type 2: empty"),
        pytest.param("ProtocolName", "Head", None, id="X/D, type 3: removed"),
    ],
)
def test_the_type_in_its_object_settles_a_compound_action(keyword: str, value: str, expected: str | None) -> None:
    out = cleaned(opened(SOPClassUID=ENHANCED_MR, **{keyword: value}))
    assert (str(out[keyword].value or "") if keyword in out else None) == expected


def test_where_the_object_is_unknown_the_strictest_type_counts() -> None:
    assert cleaned(opened(SOPClassUID="1.2.3.4", DeviceSerialNumber="SN1")).DeviceSerialNumber == "REMOVED"


def test_the_dummy_date_is_none_of_the_files_own() -> None:
    out = cleaned(opened(SOPClassUID=ENHANCED_MR, PatientBirthDate="19000101", ContentDate="20200202"))
    assert out.ContentDate == "19010102"


def test_items_are_cleaned_at_every_depth_and_removals_name_their_place() -> None:
    innermost, middle = Dataset(), Dataset()
    innermost.PatientName, innermost.ReferencedSOPInstanceUID = "Quillfeather", INSTANCE_UID
    innermost.ReferencedSOPClassUID = "1.2.840.10008.5.1.4.1.1.7"
    middle.ReferencedSOPSequence = Sequence([Dataset(), innermost])
    dataset = image(FRAME)
    dataset.ReferencedSeriesSequence = Sequence([middle])
    out, removals = clean(load(file_bytes(dataset)), KEY, pixels_changed=False, pixels_examined=True)
    deep = out.ReferencedSeriesSequence[0].ReferencedSOPSequence[1]
    assert deep.ReferencedSOPInstanceUID == out.SOPInstanceUID
    assert deep.ReferencedSOPClassUID == "1.2.840.10008.5.1.4.1.1.7"
    assert Removal("(0008,1115)[0].(0008,1199)[1].(0010,0010)", "PatientName", "Z") in removals
    assert not any(value in repr(removals) for value in PHI.values())


def test_uids_and_patients_are_consistent_by_key() -> None:
    one, two = cleaned(opened()), cleaned(opened(SOPInstanceUID="1.2.3.4"))
    assert (one.StudyInstanceUID, one.PatientID) == (two.StudyInstanceUID, two.PatientID)
    assert one.SOPInstanceUID != two.SOPInstanceUID
    other = cleaned(opened(), key=b"another key of the tests")
    assert one.StudyInstanceUID != other.StudyInstanceUID
    assert one.PatientID != other.PatientID == str(other.PatientName)
    assert re.fullmatch(r"2\.25\.(0|[1-9]\d{0,38})", one.StudyInstanceUID)
    assert cleaned(opened(PatientID="someone else")).PatientID != one.PatientID


def test_a_short_key_is_no_key() -> None:
    with pytest.raises(ValueError, match="16 bytes"):
        cleaned(opened(), key=b"short")


def test_a_uid_that_happens_to_hold_a_removed_number_is_drawn_again() -> None:
    drawn = cleaned(opened()).SOPInstanceUID
    number = drawn[10:17]
    again = cleaned(opened(AccessionNumber=number))
    assert again.SOPInstanceUID != drawn
    assert number not in again.SOPInstanceUID


def test_what_was_done_is_recorded() -> None:
    out = cleaned(opened(ImageType=["ORIGINAL", "PRIMARY", "AXIAL"], BurnedInAnnotation="YES"), changed=True)
    assert (out.PatientIdentityRemoved, out.BurnedInAnnotation) == ("YES", "NO")
    assert [item.CodeValue for item in out.DeidentificationMethodCodeSequence] == ["113100", "113101"]
    assert out.LongitudinalTemporalInformationModified == "REMOVED"
    assert out.DeidentificationMethod.startswith("deid ")
    assert list(out.ImageType) == ["DERIVED", "PRIMARY", "AXIAL"]


def test_pixels_that_nobody_examined_are_not_called_clean() -> None:
    out = cleaned(opened(), examined=False)
    assert "BurnedInAnnotation" not in out
    assert [item.CodeValue for item in out.DeidentificationMethodCodeSequence] == ["113100"]


def test_file_meta_is_our_own_and_agrees_with_the_dataset() -> None:
    out = dcmread(BytesIO(write(cleaned(opened()))))
    assert out.preamble == b"\0" * 128
    assert out.file_meta.MediaStorageSOPInstanceUID == out.SOPInstanceUID
    assert {keyword_for_tag(element.tag) for element in out.file_meta} == {
        "FileMetaInformationGroupLength",
        "FileMetaInformationVersion",
        "MediaStorageSOPClassUID",
        "MediaStorageSOPInstanceUID",
        "TransferSyntaxUID",
        "ImplementationClassUID",
        "ImplementationVersionName",
    }


@pytest.mark.parametrize(
    "syntax",
    [ImplicitVRLittleEndian, ExplicitVRLittleEndian, ExplicitVRBigEndian, DeflatedExplicitVRLittleEndian, RLELossless],
)
def test_the_same_input_gives_the_same_bytes_in_the_same_syntax(syntax: str) -> None:
    frame = gradient(8, 8, "u2", 4000)
    data = dicom(frame, syntax=syntax, RescaleSlope="1.5")
    one, two = (write(cleaned(load(data))) for _ in range(2))
    assert one == two
    opened_again = dcmread(BytesIO(one))
    assert opened_again.file_meta.TransferSyntaxUID == syntax
    assert np.array_equal(opened_again.pixel_array, frame)
    assert opened_again.PixelData == load(data).PixelData


def test_a_file_without_meta_and_uids_gets_both() -> None:
    dataset = image(FRAME, syntax=ImplicitVRLittleEndian)
    del dataset.SOPInstanceUID, dataset.SOPClassUID
    out = dcmread(BytesIO(write(cleaned(load(bare_bytes(dataset))))))
    assert out.file_meta.MediaStorageSOPInstanceUID == out.SOPInstanceUID != ""
    assert out.file_meta.TransferSyntaxUID == ImplicitVRLittleEndian


def test_text_in_another_character_set_stays_readable() -> None:
    dataset = image(FRAME, SpecificCharacterSet="ISO_IR 100", ContrastBolusRoute="abdómen")
    out = dcmread(BytesIO(write(cleaned(load(file_bytes(dataset))))))
    assert (out.SpecificCharacterSet, out.ContrastBolusRoute) == ("ISO_IR 192", "abdómen")


def test_an_unknown_character_set_is_not_kept() -> None:
    assert "SpecificCharacterSet" not in cleaned(opened(SpecificCharacterSet="QUILLFEATHER"))


def test_a_number_that_is_no_number_is_emptied() -> None:
    data = dicom(FRAME, KVP="120")
    at = data.index(b"DS\x04\x00120 ")
    out = cleaned(load(data[:at] + b"DS\x04\x00Otto" + data[at + 8 :]))
    assert not out.get("KVP")


def test_the_argument_is_not_edited() -> None:
    dataset = load(_canary_bytes(ExplicitVRLittleEndian)[0])
    before = dataset.to_json()
    cleaned(dataset, changed=True)
    assert dataset.to_json() == before
    assert str(dataset.file_meta.TransferSyntaxUID) == ExplicitVRLittleEndian


def test_harvest_takes_names_ids_dates_and_places_at_every_depth() -> None:
    item = Dataset()
    item.PerformingPhysicianName, item.AccessionNumber = "Hollowbrook^Anselm", "ACC99"
    dataset = image(FRAME)
    dataset.ReferencedSeriesSequence = Sequence([item])
    hints = harvest(load(file_bytes(dataset)))
    expected = {
        Hint(keyword, value) for keyword, value in PHI.items() if keyword not in ("StudyTime", "StudyDescription")
    }
    assert expected <= set(hints)
    assert {Hint("PerformingPhysicianName", "Hollowbrook^Anselm"), Hint("AccessionNumber", "ACC99")} <= set(hints)
    assert len(hints) == len(set(hints))


def test_every_value_that_is_harvested_is_one_that_the_rules_act_on() -> None:
    kept = [tag for tag in identifying_tags() if rulebook(STRICT).rule(tag).action is Action.KEEP]
    assert kept == []


def test_the_table_is_the_standards_whole() -> None:
    assert edition() == "2026d"
    # 657 rows less curve data, overlay data, overlay comments and private attributes.
    assert len(table_tags()) == 653
