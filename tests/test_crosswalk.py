"""The crosswalk is kept only when asked for, never readable by itself, and leaves with a passphrase alone."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from typer.testing import CliRunner

from deid import cli
from deid.errors import UsageError
from deid.header import clean
from deid.load import load
from deid.settings import Settings
from deid.store import NewUser, Role, crosswalk, open_store
from deid.store.crosswalk import Pair
from tests.dicom_factory import PHI, STUDY_UID, dicom, gradient

PASSPHRASE = "a passphrase of some length"
PASSWORD = "correct horse battery staple 7"
PAIRS = (Pair("PatientID", "QF-7730215", "ANON-A"), Pair("StudyInstanceUID", STUDY_UID, "2.25.1"))


def test_pairs_are_those_that_link_patient_study_series_and_instance() -> None:
    original = load(dicom(gradient(8, 8)))
    out, _ = clean(original, b"k" * 16, pixels_changed=False, pixels_examined=True)
    pairs = {pair.keyword: pair for pair in crosswalk.pairs_of(original, out)}
    assert set(pairs) == {"PatientID", "PatientName", "StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID"}
    assert pairs["PatientID"] == Pair("PatientID", PHI["PatientID"], out.PatientID)


def test_an_export_opens_with_its_passphrase_alone(tmp_path: Path) -> None:
    home, file = tmp_path / "home", tmp_path / "links"
    crosswalk.keep(home, PAIRS)
    crosswalk.keep(home, PAIRS[:1])
    assert crosswalk.export(home, file, PASSPHRASE) == 2
    assert crosswalk.opened(file.read_bytes(), PASSPHRASE).splitlines() == [
        "keyword,original,stand_in",
        "PatientID,QF-7730215,ANON-A",
        f"StudyInstanceUID,{STUDY_UID},2.25.1",
    ]
    with pytest.raises(UsageError, match="passphrase"):
        crosswalk.opened(file.read_bytes(), "another passphrase")
    with pytest.raises(UsageError, match="no crosswalk"):
        crosswalk.opened(b"something", PASSPHRASE)


def test_nothing_on_disk_can_be_read(tmp_path: Path) -> None:
    home, file = tmp_path / "home", tmp_path / "links"
    crosswalk.keep(home, PAIRS)
    crosswalk.export(home, file, PASSPHRASE)
    written = [file, *(home / "crosswalk").iterdir()]
    assert not [path for path in written if b"7730215" in path.read_bytes()]
    assert {stat.S_IMODE(path.stat().st_mode) for path in written} == {0o600}


def test_a_record_that_was_cut_off_costs_no_other(tmp_path: Path) -> None:
    home = tmp_path / "home"
    crosswalk.keep(home, PAIRS[:1])
    (kept,) = (home / "crosswalk").iterdir()
    crosswalk.keep(home, PAIRS[1:])
    kept.write_bytes(kept.read_bytes()[:-5])
    assert crosswalk.export(home, tmp_path / "links", PASSPHRASE) == 1


def test_another_key_is_told(tmp_path: Path) -> None:
    home = tmp_path / "home"
    crosswalk.keep(home, PAIRS)
    (home / "secrets" / "crosswalk-key").write_bytes(b"x" * 32)
    with pytest.raises(UsageError, match="another key"):
        crosswalk.export(home, tmp_path / "links", PASSPHRASE)


def test_a_short_passphrase_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="12 characters"):
        crosswalk.export(tmp_path / "home", tmp_path / "links", "short")


@pytest.fixture
def environment(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("DEID_HOME", str(settings.home))
    store = open_store(settings)
    store.add_user(NewUser("ada", PASSWORD, "", "", "", Role.ADMINISTRATOR))
    store.add_user(NewUser("ben", PASSWORD, "", "", "", Role.STAFF))
    store.close()
    crosswalk.keep(settings.home, PAIRS)
    return settings


def test_an_administrator_exports_and_the_audit_tells(environment: Settings, tmp_path: Path) -> None:
    file = tmp_path / "links"
    given = f"{PASSWORD}\n{PASSPHRASE}\n"
    done = CliRunner().invoke(cli.app, ["crosswalk", "export", str(file), "--admin", "ada"], input=given)
    assert done.exit_code == 0, done.output
    shown = CliRunner().invoke(cli.app, ["crosswalk", "show", str(file)], input=f"{PASSPHRASE}\n")
    assert "QF-7730215,ANON-A" in shown.output
    store = open_store(environment)
    assert [(event.user, event.subject) for event in store.events() if event.action == "exported"] == [
        ("ada", "crosswalk")
    ]
    store.close()


@pytest.mark.parametrize(("name", "password"), [("ben", PASSWORD), ("ada", "wrong"), ("nobody", PASSWORD)])
def test_nobody_else_can_export(environment: Settings, tmp_path: Path, name: str, password: str) -> None:
    file = tmp_path / "links"
    given = f"{password}\n{PASSPHRASE}\n"
    done = CliRunner().invoke(cli.app, ["crosswalk", "export", str(file), "--admin", name], input=given)
    assert isinstance(done.exception, UsageError)
    assert not file.exists()
