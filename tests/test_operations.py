"""What an operator has: the doctor, the purge, and a log for programs."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text
from typer.testing import CliRunner

from deid import doctor, jobs, logs
from deid.cli import app
from deid.pipeline import Engines
from deid.retention import purge
from deid.settings import Settings
from deid.store import Action, RunState, Store, open_store, schema_state, secret
from deid.values import Outcome
from tests.conftest import empty
from tests.dicom_factory import PHI, dicom, gradient
from tests.fakes import ScriptedOcr

NAME = PHI["PatientName"].split("^")[0]
IMAGE = dicom(gradient(60, 80))


# The doctor


def finding(settings: Settings, what: str) -> doctor.Finding:
    return next(each for each in doctor.examine(settings) if each.what == what)


def test_a_fresh_installation_is_well_and_looking_changes_nothing(settings: Settings) -> None:
    found = list(doctor.examine(settings))
    # Packages may be newer on a developer's machine than when the deid command was installed.
    assert [each for each in found if not each.is_well and each.what != "packages"] == []
    assert {each.what for each in found} == {
        "python", "packages", "tesseract", "model", "adapter", "home", "secrets", "disk", "database", "address",
    }  # fmt: skip
    assert not settings.home.exists()


def test_the_model_and_its_adapter_are_named_by_their_hashes(settings: Settings) -> None:
    bundled = replace(settings, model="")
    for what in ("model", "adapter"):
        assert finding(bundled, what).told.startswith("bundled, sha256 ")
    assert finding(replace(settings, model="/nowhere.gguf"), "model").remedy
    assert finding(replace(bundled, adapter="/nowhere.gguf"), "adapter").remedy


def test_a_package_of_another_version_is_told(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.metadata.requires", lambda _name: ["pydicom==9.9", "not-there==1"])
    remedy = finding(settings, "packages").remedy
    assert "pydicom is 3" in remedy
    assert "not-there is missing" in remedy


def test_keys_that_are_damaged_or_open_are_told(settings: Settings) -> None:
    secret(settings.home, "pseudonym-key")
    assert finding(settings, "secrets").is_well
    path = settings.home / "secrets" / "pseudonym-key"
    path.chmod(0o644)
    assert "chmod 600" in finding(settings, "secrets").remedy
    path.write_bytes(b"half")
    assert "backup" in finding(settings, "secrets").remedy


def test_a_home_that_others_can_read_is_told(settings: Settings) -> None:
    settings.home.mkdir(mode=0o755)
    assert "chmod 700" in finding(settings, "home").remedy
    settings.home.chmod(0o700)
    assert finding(settings, "home").is_well


def test_a_full_disk_is_told(settings: Settings) -> None:
    assert "make room" in finding(replace(settings, max_batch_mb=10**9), "disk").remedy


def test_an_address_without_tls_is_told(settings: Settings) -> None:
    assert finding(settings, "address").is_well
    assert "TLS" in finding(replace(settings, origin="http://deid.example.org"), "address").remedy
    assert "TLS" in finding(replace(settings, bind="0.0.0.0"), "address").remedy
    assert finding(replace(settings, origin="https://deid.example.org"), "address").is_well


def test_the_schema_is_told_on_each_database(database: Settings) -> None:
    open_store(database).close()
    state = schema_state(database)
    assert state.current == state.newest
    assert finding(database, "database").is_well
    engine = create_engine(database.database_url)
    for version, told in (("0001", "deid db upgrade"), ("9999", "newer version")):
        with engine.begin() as connection:
            connection.execute(text(f"UPDATE alembic_version SET version_num = '{version}'"))
        assert told in finding(database, "database").remedy
    with engine.begin() as connection:
        connection.execute(text(f"UPDATE alembic_version SET version_num = '{state.newest}'"))
    engine.dispose()


def test_an_empty_database_server_is_not_filled_by_looking(settings: Settings, mariadb_url: str) -> None:
    empty(mariadb_url, keep_schema=False)
    on_server = replace(settings, database_url=mariadb_url)
    found = finding(on_server, "database")
    assert found.is_well
    assert "empty" in found.told
    assert "only-for-this-test" not in found.told
    assert schema_state(on_server).current is None


def test_a_database_that_does_not_answer_is_told(settings: Settings) -> None:
    away = replace(settings, database_url="mysql+pymysql://a:hidden-word@127.0.0.1:1/x")
    found = finding(away, "database")
    assert "DEID_DATABASE_URL" in found.remedy
    assert "hidden-word" not in found.remedy


@pytest.mark.parametrize(("mode", "code"), [(0o700, 0), (0o755, 1)])
def test_the_exit_code_says_whether_something_is_wrong(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, mode: int, code: int
) -> None:
    monkeypatch.setenv("DEID_HOME", str(settings.home))
    monkeypatch.setattr(doctor, "_packages", lambda _settings: doctor.Finding("packages", "as they should be"))
    settings.home.mkdir(mode=mode)
    result = CliRunner().invoke(app, ["doctor"])
    assert result.exit_code == code
    assert ("problem  home" in result.stdout) is bool(code)


# The purge


@pytest.fixture
def opened(settings: Settings) -> Iterator[Store]:
    store = open_store(settings)
    yield store
    store.close()


def kept(settings: Settings, store: Store, hours: float, state: RunState = RunState.FINISHED) -> int:
    """A run with a file that came in and one that waits, to which nothing was added for so long."""
    run_id = store.start_run("", "files", 1)
    if state is not RunState.RUNNING:
        store.finish_run(run_id, state)
    moment = time.time() - hours * 3600
    for folder in (settings.home / "runs" / str(run_id), settings.home / "review" / str(run_id)):
        folder.mkdir(parents=True)
        (folder / "a").write_bytes(b"x" * 1000)
        os.utime(folder, (moment, moment))
    return run_id


def there(settings: Settings, part: str) -> list[int]:
    return sorted(int(path.name) for path in (settings.home / part).iterdir())


def test_old_files_go_and_what_waits_stays(settings: Settings, opened: Store) -> None:
    old, new = kept(settings, opened, 30), kept(settings, opened, 10)
    working = kept(settings, opened, 30, RunState.RUNNING)
    gone = purge(settings.home, opened, 24)
    assert (gone.runs, gone.size, gone.waiting) == (1, 1000, 1)
    assert there(settings, "runs") == [new, working]
    assert there(settings, "review") == [old, new, working]
    assert next((event.action, event.subject) for event in opened.events()) == (Action.PURGED.value, f"run {old}")


@pytest.mark.parametrize(("hours", "goes"), [(30, True), (10, False)], ids=["old", "new"])
def test_an_old_measurement_goes_too(settings: Settings, opened: Store, hours: int, goes: bool) -> None:
    moment = time.time() - hours * 3600
    crops = settings.home / "bench" / "crops"
    crops.mkdir(parents=True)
    (crops / "leaked.png").write_bytes(b"x" * 100)
    for path in (crops / "leaked.png", crops, crops.parent):
        os.utime(path, (moment, moment))
    gone = purge(settings.home, opened, 24)
    assert (gone.measured, gone.size) == ((True, 100) if goes else (False, 0))
    assert (settings.home / "bench").exists() is not goes
    told = [event.subject for event in opened.events() if event.action == Action.PURGED.value]
    assert told == (["measurement"] if goes else [])


def test_what_waits_goes_where_that_is_asked_for(settings: Settings, opened: Store) -> None:
    _old, new = kept(settings, opened, 30), kept(settings, opened, 10)
    gone = purge(settings.home, opened, 24, waiting=True)
    assert (gone.runs, gone.size, gone.waiting) == (1, 2000, 1)
    assert there(settings, "review") == there(settings, "runs") == [new]


def test_a_dry_run_deletes_nothing(settings: Settings, monkeypatch: pytest.MonkeyPatch, opened: Store) -> None:
    monkeypatch.setenv("DEID_HOME", str(settings.home))
    old = kept(settings, opened, 200)
    result = CliRunner().invoke(app, ["purge", "--dry-run", "--waiting"])
    assert result.exit_code == 0
    assert "files of 1 runs would be deleted" in result.stderr
    assert "1 files that waited" in result.stderr
    assert there(settings, "runs") == there(settings, "review") == [old]
    result = CliRunner().invoke(app, ["purge"])
    assert "1 files of that age wait for a person and stay" in result.stderr
    assert there(settings, "runs") == []


# The log


def test_a_run_is_logged_with_numbers_only(
    settings: Settings, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    source = tmp_path / NAME
    source.mkdir()
    (source / f"{NAME}.dcm").write_bytes(IMAGE)
    with caplog.at_level(logging.INFO, "deid"):
        jobs.run_batch(jobs.Batch((source,), tmp_path / "out"), settings, engines=Engines((ScriptedOcr(),), b"k" * 32))
    lines = [json.loads(logs.JsonLines().format(record)) for record in caplog.records if logs.is_ours(record.name)]
    assert [line["said"] for line in lines] == ["a file ended", "a run ended"]
    assert (lines[0]["run"], lines[0]["file"], lines[0]["outcome"]) == (1, 0, Outcome.CLEANED.value)
    assert (lines[1]["state"], lines[1]["files"]) == ("finished", 1)
    assert NAME not in json.dumps(lines)


def test_of_other_packages_only_the_name_and_the_level_are_logged() -> None:
    try:
        raise ValueError(NAME)
    except ValueError:
        fault = sys.exc_info()
    record = logging.LogRecord("deidentify.other", logging.ERROR, "x.py", 1, "holds %s", (NAME,), fault)
    line = json.loads(logs.JsonLines().format(record))
    assert (line["from"], line["level"], line["error"]) == ("deidentify.other", "error", "ValueError")
    assert NAME not in json.dumps(line)


def test_every_line_of_a_process_is_json(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "a.dcm").write_bytes(IMAGE)
    environment = os.environ | {"DEID_HOME": str(settings.home), "DEID_MODEL": "none", "DEID_LOG": "json"}
    script = (
        "import logging\n"
        "from deid import logs\n"
        "from deid.settings import Settings\n"
        "import streamlit.logger\n"
        "logs.set_up(Settings.from_environment())\n"
        "for name in ('deid.jobs', 'streamlit', 'uvicorn.access', 'other'):\n"
        "    logging.getLogger(name).error('said by %s', name)\n"
        "logging.getLogger('uvicorn.access').info('GET /a-name')\n"
    )
    done = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True)
    lines = [json.loads(line) for line in done.stderr.splitlines()]
    assert [line["from"] for line in lines] == ["deid.jobs", "streamlit", "uvicorn.access", "other"]
    assert [line.get("said") for line in lines] == ["said by deid.jobs", None, None, None]
