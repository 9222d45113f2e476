"""Attributes that DICOM asks of each kind of image beside its pixels.

They are those of PS3.3 A.3 (CT), A.4 (MR), A.14 (XA), A.26 (DX) and A.27 (MG).
"""

from __future__ import annotations

from collections.abc import Iterable

from pydicom import Dataset
from pydicom.sequence import Sequence

from deid.demo.header import uid

_HAND, _BREAST = ("85562004", "Hand"), ("76752008", "Breast")
_FRAME_TIME = 0x00181063


def set_slice(dataset: Dataset, spacing_mm: float, thickness_mm: float, position: Iterable[float]) -> None:
    """Says where a slice lies in the patient."""
    dataset.FrameOfReferenceUID = uid(dataset.SeriesInstanceUID, "frame of reference")
    dataset.PositionReferenceIndicator = ""
    dataset.PatientPosition = "HFS"
    dataset.ImagePositionPatient = list(position)
    dataset.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
    dataset.PixelSpacing = [spacing_mm, spacing_mm]
    dataset.SliceThickness = thickness_mm
    dataset.AcquisitionNumber = 1
    dataset.Laterality = ""


def set_ct(dataset: Dataset) -> None:
    """Says that stored values are Hounsfield units."""
    dataset.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
    dataset.RescaleIntercept = 0
    dataset.RescaleSlope = 1
    dataset.RescaleType = "HU"
    dataset.KVP = 120


def set_mr(dataset: Dataset, repetition_ms: float, echo_ms: float) -> None:
    """Names a spin-echo sequence."""
    dataset.ImageType = ["ORIGINAL", "PRIMARY", "OTHER"]
    dataset.ScanningSequence = "SE"
    dataset.SequenceVariant = "SK"
    dataset.ScanOptions = ""
    dataset.MRAcquisitionType = "2D"
    dataset.RepetitionTime = repetition_ms
    dataset.EchoTime = echo_ms
    dataset.EchoTrainLength = 1
    dataset.MagneticFieldStrength = 1.5


def set_digital_xray(dataset: Dataset, laterality: str, kilovolts: int, spacing_mm: float) -> None:
    """Says what a digital film or mammogram needs for being shown as it is."""
    dataset.ImageType = ["ORIGINAL", "PRIMARY", ""]
    dataset.PresentationIntentType = "FOR PRESENTATION"
    dataset.PresentationLUTShape = "IDENTITY"
    dataset.PixelIntensityRelationship = "LOG"
    dataset.PixelIntensityRelationshipSign = -1
    dataset.RescaleIntercept = 0
    dataset.RescaleSlope = 1
    dataset.RescaleType = "US"
    dataset.LossyImageCompression = "00"
    dataset.ImageLaterality = laterality
    dataset.KVP = kilovolts
    dataset.ImagerPixelSpacing = [spacing_mm, spacing_mm]
    dataset.AcquisitionContextSequence = Sequence([])
    dataset.DetectorType = "DIRECT"
    dataset.PatientOrientation = ["P", "F"]


def set_hand(dataset: Dataset) -> None:
    """Names the hand as what was examined."""
    dataset.BodyPartExamined = "HAND"
    dataset.AnatomicRegionSequence = Sequence([_code(*_HAND)])


def set_breast(dataset: Dataset, view: str, view_code: tuple[str, str]) -> None:
    """Names the breast as what was examined, and the view."""
    dataset.BodyPartExamined = "BREAST"
    dataset.AnatomicRegionSequence = Sequence([_code(*_BREAST)])
    dataset.OrganExposed = "BREAST"
    dataset.PositionerType = "MAMMOGRAPHIC"
    dataset.ViewPosition = view
    coded = _code(*view_code)
    coded.ViewModifierCodeSequence = Sequence([])
    dataset.ViewCodeSequence = Sequence([coded])
    dataset.BreastImplantPresent = "NO"
    dataset.PartialView = "NO"


def set_angiogram(dataset: Dataset, angles: tuple[int, int], kilovolts: int, milliamperes: int) -> None:
    """Says how an angiogram was taken; `angles` are the positioner's primary and secondary one in degrees."""
    dataset.ImageType = ["ORIGINAL", "PRIMARY", "SINGLE PLANE"]
    dataset.PixelIntensityRelationship = "DISP"
    dataset.RadiationSetting = "GR"
    dataset.KVP = kilovolts
    dataset.XRayTubeCurrent = milliamperes
    dataset.ExposureTime = 6
    dataset.Exposure = 4
    dataset.PositionerMotion = "STATIC"
    dataset.PositionerPrimaryAngle, dataset.PositionerSecondaryAngle = angles
    dataset.Laterality = ""
    set_cine(dataset, 66.7)


def set_cine(dataset: Dataset, frame_ms: float) -> None:
    """Says how long each frame lasts."""
    dataset.FrameTime = str(frame_ms)
    dataset.FrameIncrementPointer = _FRAME_TIME


def _code(value: str, meaning: str) -> Dataset:
    code = Dataset()
    code.CodeValue = value
    code.CodingSchemeDesignator = "SCT"
    code.CodeMeaning = meaning
    return code
