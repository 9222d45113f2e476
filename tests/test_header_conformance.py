"""Cleaning adds no error to a file: each opens again, and dciodvfy finds nothing new in it."""

from __future__ import annotations

import os
import random
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import pydicom
import pytest
from pydicom import Dataset, dcmread
from pydicom.uid import DeflatedExplicitVRLittleEndian, ExplicitVRLittleEndian

from deid.errors import DeidError
from deid.header import clean, harvest, write
from deid.judging import HeaderJudge
from deid.load import load
from deid.profile import Profile, preset
from tests.dicom_factory import dicom, gradient

KEY = b"a key that only the tests know"
DCIODVFY = Path(sys.executable).with_name("dciodvfy")
BENCH = Path(os.environ.get("DEID_BENCH", Path(__file__).parents[2] / "shared" / "bench"))
SHIPPED = Path(pydicom.__file__).parent / "data" / "test_files"
MADE_UP = 200
SMALL = 20_000
"""Bytes of pixels that are checked too: header cleaning changes none of them."""
CLASSES = ["1", "1.1", "2", "4", "6.1", "7", "12.1", "20", "128", "481.1", "2.1", "4.1"]
VALUES = {
    "Manufacturer": ["SIEMENS", "GE MEDICAL SYSTEMS", "Elmsworth"],
    "BodyPartExamined": ["CHEST", "HEAD", "ELMSWORTH"],
    "SeriesDescription": ["T2 axial", "for Dr Elmsworth", ""],
    "ProtocolName": ["Routine", "Elmsworth protocol"],
    "InstitutionName": ["Elm Clinic", ""],
    "ContentDate": ["20200102", ""],
    "AcquisitionDate": ["20200102", "2020"],
    "PatientAge": ["074Y", "094Y", "006M"],
    "PatientSex": ["F", "M", "O", ""],
    "ImageType": [["ORIGINAL", "PRIMARY", "AXIAL"], ["DERIVED", "SECONDARY"], ["ORIGINAL", "PRIMARY", "ELMSWORTH"]],
    "KVP": ["120", ""],
    "SoftwareVersions": ["syngo MR B17", ["1.2", "Elmsworth"]],
    "ConvolutionKernel": ["B40f", "STANDARD"],
    "ScanOptions": ["FS", "ELMSWORTH MODE"],
    "ReferringPhysicianName": ["Elmsworth^Per", ""],
    "PatientPosition": ["HFS", "FFP"],
    "StationName": ["CT1", ""],
    "DeviceSerialNumber": ["12345", ""],
}


def _errors(dataset: Dataset, folder: Path) -> Counter[str]:
    """What dciodvfy calls an error, without the values and UIDs that it quotes; large pixels are left out."""
    path = folder / "checked.dcm"
    checked = Dataset({element.tag: element for element in dataset})
    checked.file_meta = dataset.file_meta
    if len(dataset.get("PixelData", b"")) > SMALL:
        del checked.PixelData
    path.write_bytes(write(checked))
    done = subprocess.run([DCIODVFY, path], capture_output=True, check=False)
    said = (done.stdout + done.stderr).decode("latin-1").splitlines()
    quoted = r"<[^>]*>|UID [\d.]+|\[\d+\]|\"[\d.]*\"|=.*"
    return Counter(re.sub(quoted, "", line) for line in said if line.startswith("Error"))


def _inflated(dataset: Dataset) -> Dataset:
    """dciodvfy does not inflate."""
    if dataset.file_meta.TransferSyntaxUID == DeflatedExplicitVRLittleEndian:
        dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    return dataset


def _added(data: bytes, profile: Profile, folder: Path) -> Counter[str]:
    original = load(data, without_pixels=True)
    judge = HeaderJudge(harvest(original), None, 0.5)
    has_pixels = "Rows" in original
    out, _ = clean(original, KEY, profile, judge, pixels_changed=False, pixels_examined=has_pixels)
    again = dcmread(BytesIO(write(out)))
    list(again.iterall())
    if "SOPClassUID" not in original:
        original.SOPClassUID = again.SOPClassUID  # without one, dciodvfy does not know what to check
    return _errors(_inflated(again), folder) - _errors(_inflated(original), folder)


def _taken(files: Iterator[Path]) -> list[Path]:
    taken = []
    for path in sorted(files):
        try:
            load(path.read_bytes(), without_pixels=True)
        except DeidError:
            continue
        taken.append(path)
    return taken


@pytest.mark.timeout(900)
@pytest.mark.parametrize("name", ["strict", "research"])
def test_pydicoms_files_gain_no_error(name: str, tmp_path: Path) -> None:
    files = _taken(SHIPPED.rglob("*.dcm"))
    assert len(files) > 50
    added = {path.name: _added(path.read_bytes(), preset(name), tmp_path) for path in files}
    assert {name: errors for name, errors in added.items() if errors} == {}


@pytest.mark.bench
@pytest.mark.timeout(900)
def test_the_bench_gains_no_error(tmp_path: Path) -> None:
    if not BENCH.is_dir():
        pytest.skip(f"no bench sets in {BENCH}")
    files = _taken(BENCH.rglob("*.dcm"))
    added = {path.name: _added(path.read_bytes(), preset("strict"), tmp_path) for path in files}
    assert {name: errors for name, errors in added.items() if errors} == {}


@pytest.mark.timeout(900)
def test_made_up_headers_gain_no_error(tmp_path: Path) -> None:
    chance = random.Random(315)
    faults = {}
    for number in range(MADE_UP):
        elements = {name: chance.choice(values) for name, values in VALUES.items() if chance.random() < 0.7}
        elements["SOPClassUID"] = f"1.2.840.10008.5.1.4.1.1.{chance.choice(CLASSES)}"
        profile = preset(chance.choice(["strict", "research", "teaching"]))
        errors = _added(dicom(gradient(8, 8), **elements), profile, tmp_path)
        if errors:
            faults[number, profile.name, elements["SOPClassUID"]] = errors
    assert faults == {}
