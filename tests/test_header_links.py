"""What refers to another file still finds it after both were cleaned, each by itself."""

from __future__ import annotations

from collections.abc import Iterator
from io import BytesIO

import pytest
from pydicom import Dataset, dcmread
from pydicom.sequence import Sequence
from pydicom.uid import generate_uid

from deid.header import clean, write
from deid.load import load
from deid.profile import Profile, presets
from tests.dicom_factory import STUDY_UID, file_bytes, gradient, image

KEY = b"a key that only the tests know"
CT, SEG = "1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.5.1.4.1.1.66.4"
SR, RTSTRUCT = "1.2.840.10008.5.1.4.1.1.88.33", "1.2.840.10008.5.1.4.1.1.481.3"
RTPLAN, PRESENTATION = "1.2.840.10008.5.1.4.1.1.481.5", "1.2.840.10008.5.1.4.1.1.11.1"
SERIES, FRAME_OF_REFERENCE = generate_uid(entropy_srcs=["series"]), generate_uid(entropy_srcs=["frame"])
SLICES = [generate_uid(entropy_srcs=["slice", str(number)]) for number in range(3)]
STRUCTURES, PLAN = generate_uid(entropy_srcs=["structures"]), generate_uid(entropy_srcs=["plan"])


def _reference(instance: str, sop_class: str = CT) -> Dataset:
    item = Dataset()
    item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID = sop_class, instance
    return item


def _within(keyword: str, *items: Dataset, **values: str) -> Dataset:
    outer = Dataset()
    setattr(outer, keyword, Sequence(items))
    for name, value in values.items():
        setattr(outer, name, value)
    return outer


def _object(sop_class: str, instance: str, series: str = "1.2.3.9", pixels: bool = False) -> Dataset:
    dataset = image(gradient(8, 8))
    dataset.SOPClassUID, dataset.SOPInstanceUID, dataset.SeriesInstanceUID = sop_class, instance, series
    dataset.FrameOfReferenceUID = FRAME_OF_REFERENCE
    if not pixels:
        for keyword in ("PixelData", "Rows", "Columns", "BitsAllocated", "BitsStored", "HighBit", "SamplesPerPixel"):
            delattr(dataset, keyword)
    return dataset


def _study() -> dict[str, Dataset]:
    """Three slices, and a report, a segmentation, structures, a plan and a presentation state that refer to them."""
    files = {f"slice {number}": _object(CT, uid, SERIES, pixels=True) for number, uid in enumerate(SLICES)}
    report = _object(SR, "1.2.3.1")
    series = _within("ReferencedSOPSequence", *map(_reference, SLICES), SeriesInstanceUID=SERIES)
    report.CurrentRequestedProcedureEvidenceSequence = Sequence(
        [_within("ReferencedSeriesSequence", series, StudyInstanceUID=STUDY_UID)]
    )
    found = _within("ReferencedSOPSequence", _reference(SLICES[1]), RelationshipType="CONTAINS", ValueType="IMAGE")
    concept = Dataset()
    concept.CodeValue, concept.CodingSchemeDesignator, concept.CodeMeaning = "121112", "DCM", "Source of Measurement"
    found.ConceptNameCodeSequence = Sequence([concept])
    report.ContentSequence = Sequence([found])
    segments = _object(SEG, "1.2.3.2", pixels=True)
    segments.ReferencedSeriesSequence = Sequence(
        [_within("ReferencedInstanceSequence", *map(_reference, SLICES), SeriesInstanceUID=SERIES)]
    )
    derived = _within("SourceImageSequence", _reference(SLICES[0]))
    segments.PerFrameFunctionalGroupsSequence = Sequence([_within("DerivationImageSequence", derived)])
    structures = _object(RTSTRUCT, STRUCTURES)
    inner = _within("ContourImageSequence", *map(_reference, SLICES), SeriesInstanceUID=SERIES)
    study = _within("RTReferencedSeriesSequence", inner, ReferencedSOPInstanceUID=STUDY_UID)
    structures.ReferencedFrameOfReferenceSequence = Sequence(
        [_within("RTReferencedStudySequence", study, FrameOfReferenceUID=FRAME_OF_REFERENCE)]
    )
    contour = _within("ContourImageSequence", _reference(SLICES[2]))
    structures.ROIContourSequence = Sequence([_within("ContourSequence", contour)])
    plan = _object(RTPLAN, PLAN)
    plan.ReferencedStructureSetSequence = Sequence([_reference(STRUCTURES, RTSTRUCT)])
    state = _object(PRESENTATION, "1.2.3.3")
    state.ReferencedSeriesSequence = Sequence(
        [_within("ReferencedImageSequence", _reference(SLICES[0]), SeriesInstanceUID=SERIES)]
    )
    return files | {"report": report, "segments": segments, "structures": structures, "plan": plan, "state": state}


def _links(dataset: Dataset, path: str = "") -> Iterator[tuple[str, str]]:
    """(where, UID) of everything in the items that names an instance, a series, a study or a frame of reference."""
    for element in dataset:
        if element.VR == "SQ":
            for number, item in enumerate(element.value):
                yield from _links(item, f"{path}{element.keyword}[{number}].")
        elif path and element.VR == "UI" and "Class" not in element.keyword:
            yield path + element.keyword, str(element.value)


def _own(files: dict[str, Dataset]) -> dict[str, str]:
    """UID: what it names."""
    names = {}
    for name, dataset in files.items():
        names[str(dataset.SOPInstanceUID)] = name
        names[str(dataset.StudyInstanceUID)] = "study"
        names[str(dataset.FrameOfReferenceUID)] = "frame of reference"
        if name.startswith("slice"):
            names[str(dataset.SeriesInstanceUID)] = "series"
    return names


def _resolved(files: dict[str, Dataset]) -> dict[str, list[tuple[str, str | None]]]:
    """For each file what its references name; None where one names nothing among the files."""
    own = _own(files)
    return {name: [(path, own.get(uid)) for path, uid in _links(dataset)] for name, dataset in files.items()}


def _cleaned(dataset: Dataset, profile: Profile) -> Dataset:
    original = load(file_bytes(dataset), without_pixels=True)
    out, _ = clean(original, KEY, profile, pixels_changed=False, pixels_examined=False)
    return dcmread(BytesIO(write(out)))


@pytest.mark.parametrize("profile", presets().values(), ids=lambda profile: profile.name)
def test_every_reference_resolves_to_the_same_file_as_before(profile: Profile) -> None:
    files = _study()
    before = _resolved(files)
    assert sum(map(len, before.values())) >= 20
    assert not [path for links in before.values() for path, named in links if named is None]
    after = {name: _cleaned(dataset, profile) for name, dataset in files.items()}
    assert _resolved(after) == before
    assert not _own(after).keys() & _own(files).keys()
    assert len({dataset.PatientID for dataset in after.values()}) == 1
