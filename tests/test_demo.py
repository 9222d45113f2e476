import io
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.uid import ExplicitVRLittleEndian

from deid.demo import DemoStudy, studies, write_demo
from deid.demo.lettering import Block, kept_texts, letter, phi_texts

STUDIES = studies()


@pytest.fixture(scope="module")
def files() -> dict[str, bytes]:
    return {study.name: study.build() for study in STUDIES}


def _read(data: bytes) -> pydicom.FileDataset:
    return pydicom.dcmread(io.BytesIO(data))


@pytest.mark.parametrize("study", STUDIES, ids=lambda study: study.name)
class TestEachStudy:
    def test_decodes_to_the_size_and_frames_it_states(self, study: DemoStudy, files: dict[str, bytes]) -> None:
        dataset = _read(files[study.name])
        shape = (int(dataset.get("NumberOfFrames", 1)), dataset.Rows, dataset.Columns, dataset.SamplesPerPixel)
        assert dataset.pixel_array.size == np.prod(shape)
        assert shape[0] == study.frames
        assert dataset.file_meta.TransferSyntaxUID == study.syntax.value
        assert dataset.Modality == study.modality

    def test_has_both_kinds_of_burned_in_text(self, study: DemoStudy, files: dict[str, bytes]) -> None:
        assert len(study.phi_texts) >= 4
        assert len(study.kept_texts) >= 3
        assert not set(study.phi_texts) & set(study.kept_texts)

    def test_uids_lie_below_2_25_and_nothing_in_it_names_this_machine(
        self, study: DemoStudy, files: dict[str, bytes]
    ) -> None:
        dataset = _read(files[study.name])
        for keyword in ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID"):
            assert re.fullmatch(r"2\.25\.[1-9]\d{0,38}", dataset[keyword].value)
        assert str(Path.home()).encode() not in files[study.name]

    def test_is_valid_dicom(self, study: DemoStudy, files: dict[str, bytes], tmp_path: Path) -> None:
        validator = shutil.which("dciodvfy", path=str(Path(sys.executable).parent)) or shutil.which("dciodvfy")
        if validator is None:
            pytest.skip("dciodvfy is not installed")
        path = tmp_path / "study.dcm"
        path.write_bytes(files[study.name])
        if study.syntax.value.is_deflated:
            # The validator cannot read deflated files, so it is shown the same elements undeflated.
            dataset = _read(files[study.name])
            dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
            dataset.save_as(path)
        told = subprocess.run([validator, str(path)], capture_output=True, text=True, timeout=60, check=False).stderr
        assert [line for line in told.splitlines() if line.startswith("Error")] == []


def test_covers_modalities_syntaxes_and_ways_of_storing_pixels(files: dict[str, bytes]) -> None:
    datasets = [_read(data) for data in files.values()]
    assert len(datasets) == 12
    assert {dataset.Modality for dataset in datasets} >= {"US", "CR", "DX", "CT", "MR", "XA", "MG"}
    assert len({dataset.file_meta.TransferSyntaxUID for dataset in datasets}) >= 7
    assert {dataset.PhotometricInterpretation for dataset in datasets} == {
        "MONOCHROME1", "MONOCHROME2", "RGB", "PALETTE COLOR", "YBR_FULL_422", "YBR_RCT",
    }  # fmt: skip
    assert {dataset.PixelRepresentation for dataset in datasets} == {0, 1}
    assert any(int(dataset.get("NumberOfFrames", 1)) > 1 for dataset in datasets)
    assert {dataset.BitsStored for dataset in datasets} >= {8, 12, 16}


def test_all_headers_but_the_clean_one_name_a_patient_and_repeat_the_name_elsewhere(files: dict[str, bytes]) -> None:
    for name, data in files.items():
        dataset = _read(data)
        if name == "mr-knee-clean-header":
            assert str(dataset.PatientName) == ""
            assert "InstitutionName" not in dataset
            continue
        family = dataset.PatientName.family_name
        assert len(family) > 4
        assert dataset.PatientID and dataset.PatientBirthDate and dataset.AccessionNumber and dataset.InstitutionName
        assert family in dataset.ImageComments
        # An implicit file does not tell a private element's type, so its value may come back as bytes.
        private = dataset.private_block(0x0011, "DEMO CONSOLE 1.0")[0x01].value
        assert family in (private if isinstance(private, str) else private.decode("latin-1"))


def test_one_picture_names_another_patient_than_its_header() -> None:
    contradicting = {
        study.name
        for study in STUDIES
        if study.patient.name and study.patient.name.split("^")[0].lower() not in " ".join(study.phi_texts).lower()
    }
    assert contradicting == {"mg-other-patient"}


def test_frames_of_a_cine_differ_outside_of_the_text(files: dict[str, bytes]) -> None:
    for name in ("us-heart-cine", "xa-coronary"):
        frames = _read(files[name]).pixel_array
        assert not any(np.array_equal(frames[0], frame) for frame in frames[1:])


def test_writing_makes_one_file_a_study_in_a_new_folder_with_the_same_bytes_each_time(
    files: dict[str, bytes], tmp_path: Path
) -> None:
    written = write_demo(tmp_path / "new" / "demo")
    assert [path.name for path in written] == [f"{name}.dcm" for name in files]
    assert [path.read_bytes() for path in written] == list(files.values())


def test_braces_part_what_must_go_from_what_may_stay() -> None:
    blocks = (Block(0, 0, ("ID: {771-A}  {Orlo Vance} MI 1.2", "plain")),)
    assert phi_texts(blocks) == ("771-A", "Orlo Vance")
    assert kept_texts(blocks) == ("ID:", "MI 1.2", "plain")


def test_text_changes_only_the_place_it_stands_in() -> None:
    before = np.zeros((60, 200), np.float32)
    after = letter(before, [Block(20, 10, ("{Orlo}",), 20)])
    rows, columns = np.nonzero(after)
    assert columns.min() >= 18 and columns.max() < 90
    assert rows.min() >= 8 and rows.max() < 36
    assert not before.any()


def test_turned_text_runs_up_the_side() -> None:
    after = letter(np.zeros((200, 60), np.float32), [Block(10, 190, ("{Orlo Vance}",), 20, turned=True)])
    rows, columns = np.nonzero(after)
    assert np.ptp(rows) > 3 * np.ptp(columns)
    assert rows.max() <= 192 and columns.min() >= 8
