"""Headers of the demo studies: a made-up patient and visit written into the places where real ones stand."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from pydicom import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import (
    UID,
    ComputedRadiographyImageStorage,
    CTImageStorage,
    DigitalMammographyXRayImageStorageForPresentation,
    DigitalXRayImageStorageForPresentation,
    MRImageStorage,
    UltrasoundImageStorage,
    UltrasoundMultiFrameImageStorage,
    XRayAngiographicImageStorage,
)

_CLASSES = {
    "US": UltrasoundImageStorage,
    "CR": ComputedRadiographyImageStorage,
    "DX": DigitalXRayImageStorageForPresentation,
    "CT": CTImageStorage,
    "MR": MRImageStorage,
    "XA": XRayAngiographicImageStorage,
    "MG": DigitalMammographyXRayImageStorageForPresentation,
}
_PRIVATE_GROUP = 0x0011


@dataclass(frozen=True, slots=True)
class Patient:
    """Who was examined. Dates as DICOM writes them: YYYYMMDD."""

    name: str
    """Family^given."""
    identifier: str
    birth_date: str
    sex: str
    age: str
    address: str = ""
    phone: str = ""


@dataclass(frozen=True, slots=True)
class Visit:
    """When, where and by whom."""

    date: str
    time: str
    accession: str
    institution: str
    address: str
    department: str
    station: str
    referring: str
    performing: str
    operator: str
    description: str
    series: str


@dataclass(frozen=True, slots=True)
class Machine:
    """What it was examined with."""

    maker: str
    model: str
    serial: str
    software: str


NOBODY = Patient("", "", "", "", "")
"""A header that was cleaned before: the picture still tells."""
NOWHERE = Visit("", "", "", "", "", "", "", "", "", "", "", "")


def uid(*parts: str) -> UID:
    """A UID below 2.25 that depends on the parts alone."""
    digest = hashlib.sha256("/".join(("deid demo", *parts)).encode()).digest()[:16]
    return UID(f"2.25.{int.from_bytes(digest, 'big')}")


def make_header(slug: str, modality: str, frames: int, patient: Patient, visit: Visit, machine: Machine) -> Dataset:
    """Everything but the pixels: the patient, study, series and equipment modules, a sequence and a private block."""
    dataset = Dataset()
    many_us = modality == "US" and frames > 1
    dataset.SOPClassUID = UltrasoundMultiFrameImageStorage if many_us else _CLASSES[modality]
    dataset.SOPInstanceUID = uid(slug, "instance")
    dataset.StudyInstanceUID = uid(slug, "study")
    dataset.SeriesInstanceUID = uid(slug, "series")
    dataset.SpecificCharacterSet = "ISO_IR 100"
    dataset.Modality = modality
    dataset.ImageType = ["ORIGINAL", "PRIMARY"]
    dataset.StudyID = "" if visit is NOWHERE else str(int(uid(slug, "study id")[-5:]))
    dataset.SeriesNumber = 1
    dataset.InstanceNumber = 1
    dataset.PatientOrientation = ""
    if modality == "US":
        dataset.Laterality = ""
    _say_who(dataset, patient)
    _say_when(dataset, visit)
    dataset.Manufacturer = machine.maker
    dataset.ManufacturerModelName = machine.model
    dataset.SoftwareVersions = machine.software
    if visit is not NOWHERE:
        dataset.DeviceSerialNumber = machine.serial
        _say_again(dataset, slug, patient, visit)
    return dataset


def _say_who(dataset: Dataset, patient: Patient) -> None:
    dataset.PatientName = patient.name
    dataset.PatientID = patient.identifier
    dataset.PatientBirthDate = patient.birth_date
    dataset.PatientSex = patient.sex
    if patient is NOBODY:
        dataset.PatientIdentityRemoved = "YES"
        dataset.DeidentificationMethod = "header only"
        return
    dataset.PatientAge = patient.age
    if patient.address:
        dataset.PatientAddress = patient.address
    if patient.phone:
        dataset.PatientTelephoneNumbers = patient.phone


def _say_when(dataset: Dataset, visit: Visit) -> None:
    dataset.StudyDate = visit.date
    dataset.StudyTime = visit.time
    dataset.AccessionNumber = visit.accession
    dataset.ReferringPhysicianName = visit.referring
    if visit is NOWHERE:
        return
    dataset.SeriesDate = dataset.AcquisitionDate = dataset.ContentDate = visit.date
    dataset.SeriesTime = dataset.AcquisitionTime = dataset.ContentTime = visit.time
    dataset.InstitutionName = visit.institution
    dataset.InstitutionAddress = visit.address
    dataset.InstitutionalDepartmentName = visit.department
    dataset.StationName = visit.station
    dataset.PerformingPhysicianName = visit.performing
    dataset.OperatorsName = visit.operator
    dataset.StudyDescription = visit.description
    dataset.SeriesDescription = visit.series


def _say_again(dataset: Dataset, slug: str, patient: Patient, visit: Visit) -> None:
    """Repeats the patient where only a thorough reader looks: in a sequence, a comment and a private block."""
    request = Dataset()
    request.RequestedProcedureID = visit.accession
    request.RequestedProcedureDescription = visit.description
    request.ScheduledProcedureStepDescription = f"{visit.description}, asked for by {_spoken(visit.referring)}"
    request.ScheduledProcedureStepID = visit.accession
    dataset.RequestAttributesSequence = Sequence([request])
    if patient is not NOBODY:
        dataset.ImageComments = f"{_spoken(patient.name)} seen on {visit.date}; report to {_spoken(visit.referring)}"
        block = dataset.private_block(_PRIVATE_GROUP, "DEMO CONSOLE 1.0", create=True)
        block.add_new(0x01, "LO", patient.name.replace("^", ", "))
        block.add_new(0x02, "SH", patient.identifier)
        block.add_new(0x03, "UI", uid(slug, "private"))


def _spoken(name: str) -> str:
    family, _, given = name.partition("^")
    return f"{given} {family}".strip()
