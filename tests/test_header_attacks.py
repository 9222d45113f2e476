"""What somebody might hide in a header, or a device put in an odd place: nothing of it leaves, whatever the preset."""

from __future__ import annotations

import struct
from collections.abc import Callable
from io import BytesIO
from typing import Any

import pytest
from pydicom import DataElement, Dataset, dcmread
from pydicom.datadict import DicomDictionary, dictionary_VR, keyword_for_tag
from pydicom.sequence import Sequence
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian

from deid import verify
from deid.header import clean, harvest, needles, write
from deid.judging import HeaderJudge
from deid.load import load
from deid.profile import preset, presets
from tests.dicom_factory import dicom, file_bytes, gradient, image

KEY = b"a key that only the tests know"
FRAME = gradient(8, 8)
NAME, NUMBER = "Wolfsbarren", "55913047"
"""A person whom no list knows, and a number of a record; each plant hides one of them or both."""


def _released(data: bytes, name: str) -> bytes:
    """What is written under a preset; `verify` has nothing against its header."""
    original = load(data, without_pixels=True)
    chosen = preset(name)
    judge = HeaderJudge(harvest(original), None, 0.5)
    out, _ = clean(original, KEY, chosen, judge, pixels_changed=False, pixels_examined=True)
    written = write(out)
    failed = [check for check in verify.check_header(written, needles(original, chosen), chosen) if not check.passed]
    assert failed == []
    return written


def _left(written: bytes) -> list[str]:
    """Where the name or the number stands, as bytes of any encoding or as a decoded value."""
    found = [
        f"{text} as {encoding}"
        for text in (NAME, NAME.upper(), NUMBER, "山狼", "Вольфсбаррен", "Wölfsbarren")
        for encoding in ("utf-8", "utf-16-le", "latin-1", "gb18030", "iso2022_jp", "shift_jis", "iso8859_5")
        if (coded := text.encode(encoding, "ignore")) and len(coded) >= 4 and coded in written
    ]
    for element in dcmread(BytesIO(written)).iterall():
        said = str(element.value).upper() if element.VR not in ("SQ", "OB", "OW") else ""
        if NAME.upper() in said or (NUMBER in said and not said.startswith("2.25.")):
            found.append(str(element.tag))
    return found


def _item(**elements: Any) -> Dataset:
    item = Dataset()
    for keyword, value in elements.items():
        setattr(item, keyword, value)
    return item


def _add(*elements: tuple[int, str, Any]) -> Callable[[Dataset], None]:
    def plant(dataset: Dataset) -> None:
        for tag, vr, value in elements:
            dataset.add(DataElement(tag, vr, value))

    return plant


def _set(**elements: Any) -> Callable[[Dataset], None]:
    return lambda dataset: dataset.update(_item(**elements))


def _private(*values: tuple[str, Any], creator: str = "ELSCINT1", group: int = 0x01E1, element: int = 0x26) -> Any:
    def plant(dataset: Dataset) -> None:
        block = dataset.private_block(group, creator, create=True)
        for number, (vr, value) in enumerate(values):
            block.add_new(element + number, vr, value)

    return plant


def _private_in_public(dataset: Dataset) -> None:
    inner = Dataset()
    inner.private_block(0x0029, NAME, create=True).add_new(1, "LO", NAME)
    inner.private_block(0x0029, "SIEMENS CSA", create=True).add_new(2, "SQ", Sequence([_item(PatientName=NAME)]))
    dataset.SourceImageSequence = Sequence([_item(PurposeOfReferenceCodeSequence=Sequence([inner]))])


def _unknown_sequence(dataset: Dataset) -> None:
    inside = f"{NAME} ".encode()
    item = b"\x10\0\x10\0" + struct.pack("<L", len(inside)) + inside
    value = b"\xfe\xff\0\xe0" + struct.pack("<L", len(item)) + item
    dataset.add(DataElement(0x00091010, "UN", value))
    dataset.add(DataElement(0x00080FF0, "UN", value))


PLANTS: dict[str, Callable[[Dataset], None]] = {
    "long texts": _set(TextValue=NAME, LabelText=NAME, PatientComments=f"see {NAME}\r\nof {NUMBER}"),
    "unlimited text with controls": _set(ImageComments=f"chest\f{NAME}\t\x1b[0m{NUMBER}"),
    "unlimited characters": _add(
        (0x00189367, "UC", NAME), (0x00080119, "UC", NAME), (0x0040E010, "UR", f"http://{NAME}")
    ),
    "bytes where text is expected": _add((0x00180015, "OB", NAME.upper().encode() + b" ")),
    "unknown representation of a known element": _add((0x00180015, "UN", NAME.upper().encode() + b" ")),
    "a text as number": _add((0x00180050, "LO", NAME), (0x00280030, "SH", NAME)),
    "a colour profile that is none": _add((0x00282000, "OB", f"for {NAME.ljust(40)}".encode())),
    "an interoperability version that is a text": _add((0x00160062, "OB", NAME.encode())),
    "several values": _set(
        SoftwareVersions=["1.2", NAME, "3"],
        ImageType=["ORIGINAL", "PRIMARY", NAME.upper(), "X"],
        ScanOptions=["FS", NAME.upper()],
    ),
    "a name across values": _set(
        PatientName=f"{NAME}^Odo", SoftwareVersions=["Wolfs", "barren"], OtherPatientIDs=["5591", "3047"]
    ),
    "a name with its number": _set(PatientName=f"{NAME}^Odo", PatientID=NUMBER, ManufacturerModelName=f"X{NUMBER}"),
    "a name run together": _set(
        PatientName=f"{NAME}^Odo", ManufacturerModelName=f"Model{NAME}", SeriesDescription=f"ct{NAME}ct"
    ),
    "groups of a name": _set(
        SpecificCharacterSet="ISO_IR 192", PatientName=f"A^B=山狼^太郎={NAME}", OperatorsName=f"=山狼={NAME}"
    ),
    "a name in Chinese": _set(
        SpecificCharacterSet="GB18030", PatientName="Shan^Lang=山狼", SeriesDescription="头 山狼"
    ),
    "a name in Cyrillic": _set(
        SpecificCharacterSet="ISO_IR 144", PatientName="Вольфсбаррен", StudyDescription="для Вольфсбаррен"
    ),
    "a name in Latin-1": _set(
        SpecificCharacterSet="ISO_IR 100",
        PatientName="Wölfsbarren",
        StudyDescription="Herr Wölfsbarren",
        Manufacturer="Wölfsbarren",
    ),
    "a name in Japanese": _set(
        SpecificCharacterSet=["", "ISO 2022 IR 87"],
        PatientName="Yamaookami^Tarou=山狼^太郎",
        SeriesDescription="山狼",
        ProtocolName="頭部 山狼",
    ),
    "a name in an item of another character set": _set(
        SourceImageSequence=Sequence(
            [_item(SpecificCharacterSet="GB18030", PatientName="山狼", ImageComments="山狼", CodeMeaning="山狼")]
        )
    ),
    "numbers": _set(
        PatientID=NUMBER,
        SeriesNumber=NUMBER,
        SliceThickness=NUMBER,
        WindowCenter=[NUMBER, "40"],
        LargestImagePixelValue=7,
    ),
    "whole numbers": _add(
        (0x00100020, "LO", NUMBER), (0x00189220, "UL", int(NUMBER)), (0x00181271, "FD", float(NUMBER))
    ),
    "a number behind zeros": _set(PatientID=f"00{NUMBER}", SeriesNumber=NUMBER, SliceLocation=f"{NUMBER}.0"),
    "a number as exponent": _set(PatientID=NUMBER, SliceLocation="5.5913047e7"),
    "UIDs": _set(
        PatientID=NUMBER,
        FrameOfReferenceUID=f"1.2.840.{NUMBER}.1",
        ConcatenationUID=f"1.2.3.{NUMBER}",
        ContextUID=f"1.2.840.10008.{NUMBER}",
        CodingSchemeUID=f"2.16.840.1.113883.6.{NUMBER}",
    ),
    "a class that is an instance": _set(
        PatientID=NUMBER,
        ReferencedImageSequence=Sequence([_item(ReferencedSOPClassUID=f"1.2.840.10008.5.1.4.1.1.{NUMBER}")]),
    ),
    "dates in odd places": _set(
        PatientBirthDate="19550913",
        FrameReferenceDateTime="19550913101112.000001+0100",
        SeriesNumber="19550913",
        ImageComments="13.09.1955",
    ),
    "addresses": _set(
        RetrieveURL=f"http://{NAME}.example/{NUMBER}",
        RetrieveURI=f"http://x/{NUMBER}",
        StorageMediaFileSetID=NAME.upper(),
    ),
    "group lengths and padding": _add((0x00100000, "UL", int(NUMBER)), (0xFFFCFFFC, "OB", NAME.encode() + b" ")),
    "signatures": _add((0xFFFAFFFA, "SQ", [_item(CertificateType="X509_1993_SIG", Signature=NAME.encode() + b" ")])),
    "private elements of a known creator": _private(
        ("LO", NAME), ("UN", NAME.encode() + b" "), ("PN", NAME), ("IS", NUMBER)
    ),
    "a creator that is a name": _private(("LO", "x"), creator=NAME),
    "private items within public ones": _private_in_public,
    "items in an unknown representation": _unknown_sequence,
    "an overlay and a curve": _add(
        (0x60000022, "LO", NAME),
        (0x60001500, "LO", NAME),
        (0x50002600, "LO", NAME),
        (0x60003000, "OW", NAME.encode() + b" "),
    ),
    "codes": _set(
        AnatomicRegionSequence=Sequence(
            [
                _item(
                    CodeValue=NUMBER,
                    CodingSchemeDesignator="99" + NAME[:10].upper(),
                    CodeMeaning=NAME,
                    CodingSchemeVersion=NAME,
                    ContextGroupLocalVersion="20200101",
                )
            ]
        ),
        PatientID=NUMBER,
    ),
    "a public code with a name": _set(
        AnatomicRegionSequence=Sequence(
            [_item(CodeValue=NAME, CodingSchemeDesignator="SCT", CodeMeaning=f"Chest of {NAME}")]
        ),
    ),
    "a code without a scheme": _set(
        AnatomicRegionSequence=Sequence(
            [
                _item(URNCodeValue=f"urn:{NAME}:{NUMBER}", CodeMeaning=NAME),
                _item(LongCodeValue=NAME * 3, CodeMeaning=NAME),
            ]
        ),
        PatientID=NUMBER,
    ),
    "a method of before": _set(
        DeidentificationMethod=f"by {NAME}", DeidentificationMethodCodeSequence=Sequence([_item(CodeMeaning=NAME)])
    ),
    "closed lists": _set(
        Modality=NAME.upper(),
        LossyImageCompression=NAME.upper(),
        LossyImageCompressionMethod=NAME.upper(),
        PresentationLUTShape=NAME.upper(),
    ),
    "an age that is a text": _add((0x00101010, "AS", "091Y"), (0x00101010, "AS", NUMBER[:4])),
}


@pytest.mark.parametrize("name", list(presets()))
@pytest.mark.parametrize("plant", PLANTS)
def test_nothing_that_was_planted_is_left(plant: str, name: str) -> None:
    dataset = image(FRAME)
    PLANTS[plant](dataset)
    data = file_bytes(dataset)
    assert file_bytes(image(FRAME)) != data
    assert _left(_released(data, name)) == []


@pytest.mark.parametrize("name", list(presets()))
@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, ImplicitVRLittleEndian])
def test_nothing_around_the_dataset_is_left(name: str, syntax: str) -> None:
    dataset = image(FRAME, syntax=syntax)
    dataset.file_meta.SourceApplicationEntityTitle = NAME.upper()
    dataset.file_meta.SendingApplicationEntityTitle = NAME.upper()
    dataset.file_meta.ImplementationVersionName = NAME.upper()
    dataset.file_meta.PrivateInformationCreatorUID = f"1.2.3.{NUMBER}"
    dataset.file_meta.PrivateInformation = NAME.encode() + b" "
    dataset.preamble = NAME.encode().ljust(128, b"\0")
    data = (
        file_bytes(dataset) + b"\xfc\xff\xfc\xffOB\0\0" + struct.pack("<L", 12) + NAME.encode() + b" " + NAME.encode()
    )
    assert _left(_released(data, name)) == []


@pytest.mark.parametrize("name", list(presets()))
def test_what_an_undecodable_text_holds_is_not_left(name: str) -> None:
    data = dicom(FRAME, SpecificCharacterSet="ISO_IR 192", SeriesDescription=f"{NAME}xx", Manufacturer=f"{NAME}yy")
    broken = data.replace(b"nxx", b"n\xff\xfe").replace(b"nyy", b"n\xff\xfe")
    assert broken != data
    assert _left(_released(broken, name)) == []


def test_a_colour_profile_and_the_uid_of_a_public_scheme_stay() -> None:
    profile = struct.pack(">L", 132) + bytes(32) + b"acsp" + bytes(92)
    scheme = _item(CodingSchemeDesignator="SCT", CodingSchemeUID="2.16.840.1.113883.6.5")
    data = dicom(FRAME, ICCProfile=profile, CodingSchemeIdentificationSequence=Sequence([scheme]))
    for name in presets():
        out = dcmread(BytesIO(_released(data, name)))
        assert out.ICCProfile == profile
        assert out.CodingSchemeIdentificationSequence[0].CodingSchemeUID == "2.16.840.1.113883.6.5"


@pytest.mark.parametrize("value", ["{counts}/s", "mm2", "[hnsf'U]", "cm2/ml{SUVbsa}"])
def test_a_public_code_that_spells_a_word_stays_where_it_is_known(value: str) -> None:
    unit = _item(CodeValue=value, CodingSchemeDesignator="UCUM", CodeMeaning="Units")
    out = dcmread(BytesIO(_released(dicom(FRAME, MeasurementUnitsCodeSequence=Sequence([unit])), "strict")))
    assert out.MeasurementUnitsCodeSequence[0].CodeValue == value


_FORMS: dict[str, Callable[[str, int], Any]] = {
    **dict.fromkeys(("AE", "CS"), lambda word, tag: word.upper()),
    **dict.fromkeys(("LO", "LT", "PN", "SH", "ST", "UC", "UT"), lambda word, tag: word),
    "UR": lambda word, tag: f"http://{word}",
    "UN": lambda word, tag: word.upper().encode(),
    "UI": lambda word, tag: f"1.2.3.{NUMBER}.{tag}",
    "DA": lambda word, tag: f"1933{1 + tag % 12:02d}{1 + tag // 7 % 28:02d}",
    "DT": lambda word, tag: f"1933{1 + tag % 12:02d}{1 + tag // 7 % 28:02d}081122",
}
_DECIDE = frozenset({"PhotometricInterpretation", "SOPClassUID", "SpecificCharacterSet"})
"""Elements that decide how a file is read: with other values it would not be."""
RETAINED: dict[str, set[str]] = {"strict": set(), "research": {"EthnicGroup"}, "teaching": {"EthnicGroup"}}


def _words_of_the_dictionary() -> Dataset:
    """One word of its own, or a number or date, in each text, UID and date that the dictionary knows."""
    dataset = Dataset()
    for tag in sorted(DicomDictionary):
        vr = next((vr for vr in dictionary_VR(tag).split(" or ") if vr in _FORMS), "")
        keyword = keyword_for_tag(tag)
        if vr and keyword and keyword not in _DECIDE and tag >> 16 not in (0x0000, 0x0002, 0x0004):
            word = "Zyxw" + "".join(chr(97 + int(digit, 16)) for digit in f"{tag:08x}")
            dataset.add(DataElement(tag, vr, _FORMS[vr](word, tag)))
    return dataset


@pytest.mark.parametrize("name", list(presets()))
@pytest.mark.parametrize("place", ["top", "item"])
def test_no_text_of_the_dictionary_stays_but_what_options_keep(name: str, place: str) -> None:
    planted = _words_of_the_dictionary()
    assert len(planted) > 1700
    dataset = image(FRAME, header=False)
    if place == "top":
        for element in planted:
            if element.tag not in dataset:
                dataset.add(element)
    else:
        dataset.ReferencedSeriesSequence = Sequence([planted])
    original = load(file_bytes(dataset))
    judge = HeaderJudge(harvest(original), None, 0.5)
    out, _ = clean(original, KEY, preset(name), judge, pixels_changed=False, pixels_examined=True)
    left = set()
    for element in dcmread(BytesIO(write(out))).iterall():
        said = str(element.value).upper() if element.VR != "SQ" else ""
        if "ZYXW" in said or said.startswith(("1933", f"1.2.3.{NUMBER}")):
            left.add(element.keyword)
    assert left == RETAINED[name]
