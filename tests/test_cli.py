"""The command line as a person calls it: real readers, real files."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from deid.demo import studies
from tests.dicom_factory import dicom, file_bytes, gradient, image, report

STUDY = next(study for study in studies() if study.modality == "CR")


def _deid(tmp_path: Path, *words: str, given: str = "") -> subprocess.CompletedProcess[str]:
    environment = {
        **os.environ,
        "DEID_HOME": str(tmp_path / "home"),
        "PYTHONWARNINGS": "error::DeprecationWarning:deid",
    }
    command = [sys.executable, "-m", "deid", *words]
    return subprocess.run(command, capture_output=True, text=True, input=given, env=environment, check=False)


def _without_pixels() -> bytes:
    dataset = image(gradient(20, 20))
    del dataset.PixelData
    return file_bytes(dataset)


@pytest.mark.parametrize(
    ("content", "said", "code"),
    [
        (b"only text", "not a DICOM file", 0),
        (b"", "empty", 0),
        (dicom(gradient(60, 80))[:-700], "refused", 3),
        (_without_pixels(), "no pixels", 3),
        (dicom(gradient(60, 80), NumberOfFrames="0"), "frames", 3),
    ],
    ids=["text", "empty", "truncated", "no-pixels", "no-frames"],
)
def test_odd_files_get_one_clear_line_and_nothing_is_written(
    tmp_path: Path, content: bytes, said: str, code: int
) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "odd.dcm").write_bytes(content)
    done = _deid(tmp_path, "run", str(tmp_path / "in"), "--out", str(tmp_path / "out"))
    assert done.returncode == code
    lines = [line for line in done.stderr.splitlines() + done.stdout.splitlines() if "odd.dcm" in line]
    assert len(lines) == 1
    assert said in lines[0]
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    "words",
    [
        ("run", "absent", "--out", "out"),
        ("run", ".", "--out", "out", "--hold", "maybe"),
        ("run", ".", "--out", "out", "--with-text"),
        ("run", ".", "--out", "out", "--with-text", "--report", "r", "--scheduler", "tcp://127.0.0.1:1"),
        ("run", "s3://key:secret@bucket/in", "--out", "out"),
        ("inspect", "absent"),
    ],
    ids=["missing-input", "bad-hold", "text-without-report", "text-to-a-scheduler", "key-in-url", "missing-file"],
)
def test_what_cannot_be_used_as_given_exits_with_two(tmp_path: Path, words: tuple[str, ...]) -> None:
    done = _deid(tmp_path, *words)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr


def test_an_empty_folder_exits_with_two_and_one_line(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    done = _deid(tmp_path, "run", str(tmp_path / "in"), "--out", str(tmp_path / "out"))
    assert done.returncode == 2
    assert done.stderr.strip().splitlines()[-1] == "There is no file in INPUT."


def test_a_demo_study_comes_out_clean_twice_the_same_with_one_worker_and_with_two(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "study").write_bytes(STUDY.build())
    written = []
    for workers in ("1", "2"):
        out = tmp_path / f"out{workers}"
        done = _deid(tmp_path, "run", str(tmp_path / "in"), "--out", str(out), "--jobs", workers)
        assert done.returncode == 0, done.stderr
        written.append((out / "study").read_bytes())
    assert written[0] == written[1]
    assert not any(text.encode() in written[0] for text in STUDY.phi_texts if len(text) > 4)


def test_inspect_shows_every_stage_as_json(tmp_path: Path) -> None:
    (tmp_path / "study.dcm").write_bytes(STUDY.build())
    done = _deid(tmp_path, "inspect", str(tmp_path / "study.dcm"), "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["outcome"] == "cleaned"
    assert any(word["phi"] for word in found["words"])
    assert all(check["passed"] for check in found["checks"])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["home", "study.dcm"]


def test_inspect_takes_a_report(tmp_path: Path) -> None:
    (tmp_path / "report.dcm").write_bytes(file_bytes(report()))
    done = _deid(tmp_path, "inspect", str(tmp_path / "report.dcm"), "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert (found["outcome"], found["frames"], found["words"]) == ("cleaned", 0, [])
    assert any(each["keyword"] == "PatientName" for each in found["header"])


def test_classify_answers_one_json_object_a_line(tmp_path: Path) -> None:
    done = _deid(tmp_path, "classify", given="Name: VARGA Gain 52%\n\nCHEST\n")
    assert done.returncode == 0, done.stderr
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(lines) == 3
    goes = {word["text"]: word["p_phi"] >= 0.5 for word in lines[0]["words"]}
    assert goes == {"Name:": False, "VARGA": True, "Gain": False, "52%": False}
    assert lines[1] == {"words": []}


def test_a_user_is_added_listed_and_disabled(tmp_path: Path) -> None:
    added = _deid(tmp_path, "user", "add", "ada", "--role", "administrator", given="a long enough password\n")
    assert added.returncode == 0, added.stderr
    assert "ada  administrator  active" in _deid(tmp_path, "user", "list").stdout
    assert _deid(tmp_path, "user", "disable", "ada").returncode == 0
    assert "disabled" in _deid(tmp_path, "user", "list").stdout


def test_a_forgotten_password_is_replaced_by_one_that_is_printed(tmp_path: Path) -> None:
    _deid(tmp_path, "user", "add", "ada", given="a long enough password\n")
    done = _deid(tmp_path, "user", "reset", "ada")
    assert done.returncode == 0, done.stderr
    assert re.fullmatch(r"(?:[a-z2-9]{4}-){3}[a-z2-9]{4}", done.stdout.strip())
    assert _deid(tmp_path, "user", "reset", "nobody").returncode == 2


def test_demo_writes_a_dozen_studies(tmp_path: Path) -> None:
    assert _deid(tmp_path, "demo", str(tmp_path / "demo")).returncode == 0
    assert len(list((tmp_path / "demo").iterdir())) >= 12
