"""Files and batches end to end: nothing that did not pass verify reaches the output folder."""

import json
import re
import stat
from dataclasses import replace
from pathlib import Path, PurePosixPath
from types import ModuleType

import numpy as np
import pytest
from pydicom import dcmread

from deid import jobs, pipeline, scratch, single
from deid.errors import HeaderError, PixelError, UsageError
from deid.inputs import InputFile
from deid.pipeline import Engines, Options, Step
from deid.profile import preset
from deid.publishing import staging_folder
from deid.scratch import Content, Scratch, mapped
from deid.settings import Settings
from deid.values import Box, Category, Outcome, Reason, Word
from tests.conftest import stored
from tests.dicom_factory import PHI, dicom, file_bytes, gradient, report
from tests.fakes import ScriptedOcr

ENGINES = Engines((ScriptedOcr(),), b"k" * 32)
NAME = PHI["PatientName"].split("^")[0]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    source = tmp_path / "in"
    (source / "series").mkdir(parents=True)
    (source / "series" / "a").write_bytes(dicom(gradient(60, 80)))
    return source


def _run(settings: Settings, *inputs: Path, **choices: object) -> tuple[jobs.Tally, list[jobs.Done], Path]:
    out = inputs[0].parent / "out"
    done: list[jobs.Done] = []
    batch = jobs.Batch(tuple(inputs), out, **choices)  # type: ignore[arg-type]
    return jobs.run_batch(batch, settings, done.append, engines=ENGINES), done, out


def _files(out: Path) -> list[str]:
    return sorted(path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file())


def test_a_clean_file_keeps_its_place_below_the_output_folder(database: Settings, folder: Path) -> None:
    tally, _, out = _run(database, folder)
    assert tally.outcomes[Outcome.CLEANED] == 1
    assert tally.held == 0
    assert _files(out) == ["series/a"]


def test_a_file_that_is_not_dicom_is_refused_and_not_copied(settings: Settings, folder: Path) -> None:
    (folder / "notes.dcm").write_text("Anna Example was here")
    (folder / "link").symlink_to(folder / "series" / "a")
    tally, _, out = _run(settings, folder)
    assert tally.outcomes[Outcome.REFUSED] == 1
    assert tally.held == 0
    assert _files(out) == ["series/a"]


def test_a_dicom_file_that_is_refused_counts_as_held(database: Settings, folder: Path) -> None:
    (folder / "cut").write_bytes(dicom(gradient(60, 80))[:-900])
    tally, _, _ = _run(database, folder)
    assert tally.outcomes[Outcome.REFUSED] == 1
    assert tally.held == 1


@pytest.mark.parametrize("stage", ["raw_frame", "read_frame", "find_phi", "draw_boxes", "redact"])
@pytest.mark.parametrize("fault", [PixelError("said"), RuntimeError(f"holds {NAME}")], ids=["own", "foreign"])
def test_a_stage_that_fails_leaves_the_output_empty(
    settings: Settings, folder: Path, monkeypatch: pytest.MonkeyPatch, stage: str, fault: Exception
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise fault

    monkeypatch.setattr(pipeline, stage, fail)
    tally, done, out = _run(settings, folder)
    assert tally.outcomes[Outcome.QUARANTINED] == 1
    assert tally.held == 1
    assert NAME not in done[0].record.reason
    assert not out.exists() or _files(out) == []


@pytest.mark.parametrize(("module", "name"), [("header", "clean"), ("header", "write"), ("verify", "check_written")])
def test_a_late_stage_that_fails_leaves_the_output_empty(
    settings: Settings, folder: Path, monkeypatch: pytest.MonkeyPatch, module: str, name: str
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise HeaderError("said")

    monkeypatch.setattr(getattr(pipeline, module), name, fail)
    tally, _, out = _run(settings, folder)
    assert tally.outcomes[Outcome.QUARANTINED] == 1
    assert not out.exists() or _files(out) == []


def test_an_output_that_cannot_be_written_is_quarantined(
    database: Settings, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise OSError("no space")

    monkeypatch.setattr(single, "publish", fail)
    tally, _, _ = _run(database, folder)
    assert tally.outcomes[Outcome.QUARANTINED] == 1


@pytest.mark.parametrize(
    ("module", "name"),
    [
        pytest.param(pipeline, "load", id="load"),
        pytest.param(pipeline, "iter_raw_frames", id="convert"),
        pytest.param(pipeline, "read_frame", id="read"),
        pytest.param(pipeline, "find_phi", id="find"),
        pytest.param(pipeline, "draw_boxes", id="boxes"),
        pytest.param(pipeline, "redact", id="redact"),
        pytest.param(pipeline.header, "clean", id="header"),
        pytest.param(pipeline.verify, "check_written", id="verify"),
        pytest.param(single, "output_place", id="place"),
        pytest.param(single, "publish", id="write"),
    ],
)
def test_a_surprise_in_any_stage_is_told_by_a_sentence_and_an_id_that_the_log_has(
    settings: Settings,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    module: ModuleType,
    name: str,
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError(f"holds {NAME}")

    monkeypatch.setattr(module, name, fail)
    tally, (done,), out = _run(settings, folder)
    assert tally.outcomes[Outcome.QUARANTINED] == 1
    found = re.fullmatch(
        r"A fault stopped the work on this file, and nothing was written\. Fault id: (\w{8})\.", done.record.reason
    )
    assert found
    assert f"fault {found.group(1)} in a file of run {tally.run_id}: RuntimeError [" in caplog.text
    assert NAME not in caplog.text
    assert "Traceback" not in caplog.text
    assert not out.exists() or _files(out) == []


def test_a_library_that_speaks_of_an_os_error_is_a_fault_with_an_id_and_not_a_folder_that_cannot_be_written(
    settings: Settings, folder: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise OSError(f"image file is truncated: {NAME}")

    monkeypatch.setattr(pipeline, "read_frame", fail)
    _, (done,), _ = _run(settings, folder)
    assert re.search(r"Fault id: \w{8}\.$", done.record.reason)
    assert "OSError [" in caplog.text and NAME not in caplog.text


def test_what_cannot_be_kept_for_a_person_is_quarantined_and_the_run_goes_on(
    settings: Settings, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise OSError(f"no space for {NAME}")

    monkeypatch.setattr(single, "verdict", lambda case: (Outcome.NEEDS_REVIEW, "Look."))
    monkeypatch.setattr(single, "hold", fail)
    tally, (done,), out = _run(settings, folder)
    assert tally.outcomes[Outcome.QUARANTINED] == 1
    assert "cannot be written" in done.record.reason
    assert not out.exists() or _files(out) == []


def test_what_needs_a_person_waits_privately_or_is_published_when_asked(database: Settings, folder: Path) -> None:
    reader = ScriptedOcr()
    moving = iter(range(0, 10_000, 31))

    def everywhere(picture: np.ndarray) -> tuple[Word, ...]:
        return (Word(NAME, Box(20 + next(moving) % 40, 42, 8, 8), 0.95, ("scripted",)),)

    reader.answer = everywhere
    engines = Engines((reader,), b"k" * 32)
    held = jobs.run_batch(jobs.Batch((folder,), folder.parent / "o1"), database, engines=engines)
    assert (held.outcomes[Outcome.NEEDS_REVIEW], held.held) == (1, 1)
    assert not (folder.parent / "o1").exists()
    (waiting,) = (database.home / "review").rglob("*.dcm")
    assert stat.S_IMODE(waiting.stat().st_mode) == 0o600
    batch = jobs.Batch((folder,), folder.parent / "o2", hold_review=False)
    assert jobs.run_batch(batch, database, engines=engines).held == 0
    assert _files(folder.parent / "o2") == ["series/a"]


@pytest.mark.parametrize("outcome", [Outcome.CLEANED, Outcome.NEEDS_REVIEW])
def test_a_file_too_large_for_memory_comes_out_the_same(
    settings: Settings, folder: Path, monkeypatch: pytest.MonkeyPatch, outcome: Outcome
) -> None:
    _, _, out = _run(settings, folder)
    in_memory = (out / "series" / "a").read_bytes()
    made: list[Path] = []

    def scratch_of(out: Path, run_id: int) -> Scratch:
        made.append(staging_folder(out, run_id))  # type: ignore[arg-type]
        return Scratch(made[0], 0)

    def content(path: Path) -> Content:
        return mapped(path)

    monkeypatch.setattr(single, "scratch_of", scratch_of)
    monkeypatch.setattr(single, "_content", content)
    monkeypatch.setattr(scratch, "_LARGEST_IN_MEMORY", 0)
    monkeypatch.setattr(single, "verdict", lambda case: (outcome, ""))
    (out / "series" / "a").unlink()
    tally, _, _ = _run(settings, folder)
    assert tally.outcomes[outcome] == 1
    assert not made[0].exists()
    if outcome is Outcome.CLEANED:
        assert (out / "series" / "a").read_bytes() == in_memory
    else:
        (waits,) = (settings.home / "review").rglob("*.dcm")
        assert waits.read_bytes() == (folder / "series" / "a").read_bytes()


def test_a_file_that_changes_while_it_is_worked_on_does_not_come_out(settings: Settings, folder: Path) -> None:
    source = InputFile(folder / "series" / "a", PurePosixPath("series/a"), "")
    batch = jobs.Batch((folder,), folder.parent / "out")

    def watch(_: InputFile, step: Step) -> None:
        if step is Step.VERIFY:
            source.path.write_bytes(dicom(gradient(61, 80)))  # type: ignore[union-attr]

    done = single.process_file(source, batch, ENGINES, settings, 1, watch)
    assert (done.record.outcome, done.published) == (Outcome.QUARANTINED, False)
    assert "was changed" in done.record.reason
    assert not batch.out.exists()  # type: ignore[union-attr]


def test_a_folder_that_cannot_take_large_files_costs_the_file(
    settings: Settings, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder.parent / "no folder").write_text("")
    monkeypatch.setattr(single, "scratch_of", lambda out, run_id: Scratch(folder.parent / "no folder", 0))
    tally, done, out = _run(settings, folder)
    assert tally.outcomes[Outcome.QUARANTINED] == 1
    assert "cannot be written" in done[0].record.reason
    assert _files(out) == []


def test_a_path_that_holds_a_removed_value_is_replaced(settings: Settings, folder: Path) -> None:
    (folder / f"{NAME}_scan").mkdir()
    (folder / f"{NAME}_scan" / "b.dcm").write_bytes(dicom(gradient(60, 80)))
    report = folder.parent / "report.jsonl"
    _, _, out = _run(settings, folder, report=report)
    assert not any(NAME.lower() in name.lower() for name in _files(out))
    assert NAME.lower() not in report.read_text().lower()
    assert len(_files(out)) == 2


def test_rename_replaces_every_name(settings: Settings, folder: Path) -> None:
    _, _, out = _run(settings, folder, rename=True)
    (name,) = _files(out)
    assert "series" not in name
    assert name.endswith(".dcm")


def test_inputs_with_equal_names_get_a_folder_each(settings: Settings, tmp_path: Path) -> None:
    for parent in ("one", "two"):
        (tmp_path / parent / "study").mkdir(parents=True)
        (tmp_path / parent / "study" / "a").write_bytes(dicom(gradient(60, 80)))
    batch = jobs.Batch((tmp_path / "one" / "study", tmp_path / "two" / "study"), tmp_path / "out")
    jobs.run_batch(batch, settings, engines=ENGINES)
    assert _files(tmp_path / "out") == ["study-1/a", "study-2/a"]


def test_files_of_one_name_from_two_inputs_do_not_overwrite_each_other(settings: Settings, tmp_path: Path) -> None:
    for parent in ("one", "two"):
        (tmp_path / parent).mkdir()
        (tmp_path / parent / "a").write_bytes(dicom(gradient(60, 80)))
    batch = jobs.Batch((tmp_path / "one", tmp_path / "two"), tmp_path / "out")
    jobs.run_batch(batch, settings, engines=ENGINES)
    assert len(_files(tmp_path / "out")) == 2


def test_the_report_is_private_and_complete(settings: Settings, folder: Path) -> None:
    report = folder.parent / "report.jsonl"
    _run(settings, folder, report=report)
    assert stat.S_IMODE(report.stat().st_mode) == 0o600
    (line,) = (json.loads(each) for each in report.read_text().splitlines())
    wanted = [
        "file",
        "outcome",
        "reason",
        "modality",
        "syntax_in",
        "syntax_out",
        "frames",
        "signed",
        "boxes",
        "kept",
        "pixels",
        "seconds",
        "made_by",
        "cautions",
    ]
    assert list(line) == wanted
    assert set(line["seconds"]) == {"load", "render", "ocr", "classify", "redact", "header", "verify", "write"}
    assert (line["outcome"], line["frames"], line["signed"]) == ("cleaned", 1, False)


def test_the_store_knows_the_run_and_no_name(database: Settings, folder: Path) -> None:
    from deid.store import open_store

    tally, _, _ = _run(database, folder)
    store = open_store(database)
    assert store.totals().images == 1
    assert store.runs()[0].id == tally.run_id
    store.close()
    held = stored(database)
    assert b"series" not in held
    assert NAME.encode() not in held


def test_words_that_go_are_counted(database: Settings, folder: Path) -> None:
    from deid.store import open_store

    reader = ScriptedOcr((Word(NAME, Box(20, 42, 8, 8), 0.95, ("scripted",)),))
    jobs.run_batch(jobs.Batch((folder,), folder.parent / "out"), database, engines=Engines((reader,), b"k" * 32))
    store = open_store(database)
    totals = store.totals()
    store.close()
    assert totals.by_reason == ((Reason.HEADER, 1),)
    assert totals.by_category == ((Category.NAME, 1),)
    assert totals.failed_checks == ()


@pytest.mark.parametrize("where", ["in", "in/below", "."])
def test_an_output_folder_that_meets_an_input_is_refused(settings: Settings, folder: Path, where: str) -> None:
    out = folder.parent / where
    with pytest.raises(UsageError, match="contain"):
        jobs.run_batch(jobs.Batch((folder,), out), settings, engines=ENGINES)


@pytest.mark.parametrize(
    ("cores", "chosen", "processes", "threads"),
    [(2, 0, 1, 2), (2, 0, 2, 1), (16, 0, 1, 4), (16, 0, 2, 4), (16, 0, 8, 2), (2, 0, 8, 1), (16, 3, 8, 3)],
)
def test_processes_share_the_cores(
    cores: int, chosen: int, processes: int, threads: int, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.sched_getaffinity", lambda _pid: set(range(cores)))
    assert jobs.one_of(processes, replace(settings, threads=chosen)).threads == threads


def test_an_empty_folder_is_said_to_be_empty(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    with pytest.raises(UsageError, match="no file"):
        jobs.run_batch(jobs.Batch((tmp_path / "in",), tmp_path / "out"), settings, engines=ENGINES)


def test_publishing_replaces_whole_or_not_at_all(tmp_path: Path) -> None:
    target = tmp_path / "deep" / "file.dcm"
    single.publish(b"one", target, tmp_path / "staging")
    single.publish(b"two", target, tmp_path / "staging")
    assert target.read_bytes() == b"two"
    assert _files(tmp_path) == ["deep/file.dcm"]


def test_a_report_is_cleaned_without_frames(settings: Settings, tmp_path: Path) -> None:
    source = tmp_path / "in"
    source.mkdir()
    (source / "report").write_bytes(file_bytes(report()))
    tally, done, out = _run(settings, source, crosswalk=True)
    assert tally.outcomes[Outcome.CLEANED] == 1
    assert (done[0].record.modality, done[0].record.frames) == ("SR", 0)
    written = (out / "report").read_bytes()
    assert not [value for value in PHI.values() if value.encode() in written]
    assert len(list((settings.home / "crosswalk").iterdir())) == 1


def test_without_being_asked_no_crosswalk_is_kept(settings: Settings, folder: Path) -> None:
    _run(settings, folder)
    assert not (settings.home / "crosswalk").exists()


def test_a_preset_decides_what_a_run_keeps(settings: Settings, folder: Path) -> None:
    _, _, strict = _run(settings, folder)
    assert not dcmread(strict / "series" / "a").StudyDate
    _, _, moved = _run(settings, folder, options=Options(profile=preset("research")))
    assert dcmread(moved / "series" / "a").StudyDate not in ("", PHI["StudyDate"])


def test_the_report_holds_text_only_where_it_is_asked_for_and_nothing_else_does(
    settings: Settings, folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    reader = ScriptedOcr((Word(NAME, Box(20, 42, 8, 8), 0.95, ("scripted",)),))
    engines = Engines((reader,), b"k" * 32)
    lines = []
    for asked in (False, True):
        report_file = folder.parent / f"report-{asked}"
        batch = jobs.Batch((folder,), folder.parent / f"out-{asked}", report=report_file, with_text=asked)
        jobs.run_batch(batch, settings, engines=engines)
        assert stat.S_IMODE(report_file.stat().st_mode) == 0o600
        lines.append(json.loads(report_file.read_text()))
    assert "words" not in lines[0]
    (word,) = lines[1].pop("words")
    assert (word["text"], word["phi"], word["frames"], word["width"]) == (NAME, True, [0], 8)
    assert set(lines[0]) == set(lines[1])
    holders = [path for path in settings.home.rglob("*") if path.is_file() and NAME.encode() in path.read_bytes()]
    assert [path.relative_to(settings.home).as_posix() for path in holders] == ["runs/2/index.jsonl"]
    assert stat.S_IMODE(holders[0].stat().st_mode) == 0o600
    assert NAME not in caplog.text
