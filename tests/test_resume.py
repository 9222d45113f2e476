"""A run that stopped goes on where it was, and comes to what it would have come to, whatever the database."""

from __future__ import annotations

import json
import os
import shutil
import stat
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from deid import jobs, single
from deid.errors import CancelledRun, StoppedError, StoreError, StoreLostError, UsageError
from deid.inputs import InputFile, walk_inputs
from deid.jobs import Hands
from deid.ledger import Done, Ledger
from deid.manifest import Batch, Manifest
from deid.patience import Patience
from deid.pipeline import Engines, Options, Step
from deid.publishing import staging_folder
from deid.runfiles import RunFiles, kept_runs
from deid.settings import Settings
from deid.store import Pending, RunState, Store
from deid.values import Outcome, Policy
from tests.conftest import stored
from tests.dicom_factory import PHI, dicom, gradient
from tests.fakes import ScriptedOcr

ENGINES = Engines((ScriptedOcr(),), b"k" * 32)
COUNT = 6


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for number in range(COUNT):
        path = tmp_path / "in" / f"series-{number % 2}" / f"{number}.dcm"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(dicom(gradient(20, 20 + number)))
    return tmp_path / "in"


class Stopping:
    """Hands that stop after so many files, and count what they did."""

    def __init__(self, after: int = COUNT) -> None:
        self.done: list[Done] = []
        self._after = after
        self.hands = Hands(self.done.append, ENGINES, self._watch)

    def _watch(self, source: InputFile, step: Step) -> None:
        if len(self.done) >= self._after and step is Step.HEADER:
            raise StoppedError("enough")

    @property
    def numbers(self) -> list[int]:
        return [each.source.number for each in self.done]


def tree(out: Path) -> dict[str, bytes]:
    return {path.relative_to(out).as_posix(): path.read_bytes() for path in out.rglob("*") if path.is_file()}


def plan(folder: Path, database: Settings, store: Store, **choices: object) -> int:
    batch = Batch((folder,), folder.parent / "out", **choices)  # type: ignore[arg-type]
    return jobs.plan_batch(batch, database, store)


def undisturbed(folder: Path, database: Settings, store: Store) -> dict[str, bytes]:
    out = folder.parent / "undisturbed"
    jobs.run_batch(Batch((folder,), out), database, store=store, engines=ENGINES)
    return tree(out)


def test_a_run_that_was_cancelled_goes_on_and_does_nothing_twice(
    folder: Path, database: Settings, store: Store
) -> None:
    run_id = plan(folder, database, store)
    first, second = Stopping(after=2), Stopping()
    assert jobs.work_off(run_id, database, store, first.hands).total == 2
    stopped = store.run(run_id)
    assert stopped is not None
    assert (stopped.state, stopped.planned, stopped.done) == (RunState.CANCELLED, COUNT, 2)
    assert len(tree(folder.parent / "out")) == 2
    tally = jobs.work_off(run_id, database, store, second.hands)
    assert (first.numbers, second.numbers) == ([0, 1], [2, 3, 4, 5])
    assert (tally.total, tally.outcomes[Outcome.CLEANED], tally.held) == (COUNT, COUNT, 0)
    ended = store.run(run_id)
    assert ended is not None
    assert (ended.state, ended.done) == (RunState.FINISHED, COUNT)
    assert tree(folder.parent / "out") == undisturbed(folder, database, store)


def test_a_run_that_ended_has_nothing_left_to_do(folder: Path, database: Settings, store: Store) -> None:
    run_id = plan(folder, database, store)
    jobs.work_off(run_id, database, store, Stopping().hands)
    again = Stopping()
    assert jobs.work_off(run_id, database, store, again.hands).total == COUNT
    assert again.numbers == []


def _touch(source: Path, output: Path) -> None:
    os.utime(source, (1, 1))


def _change(source: Path, output: Path) -> None:
    source.write_bytes(dicom(gradient(44, 44)))


def _lose_output(source: Path, output: Path) -> None:
    output.unlink()


def _lose_input(source: Path, output: Path) -> None:
    source.unlink()


@pytest.mark.parametrize(
    ("what", "again"),
    [(_touch, []), (_change, [0]), (_lose_output, [0]), (_lose_input, [])],
    ids=["same content", "other content", "output is gone", "input is gone"],
)
def test_a_file_is_done_again_where_its_end_no_longer_stands(
    folder: Path, database: Settings, store: Store, what: Callable[[Path, Path], None], again: list[int]
) -> None:
    run_id = plan(folder, database, store)
    jobs.work_off(run_id, database, store, Stopping(after=3).hands)
    before = tree(folder.parent / "out")
    what(folder / "series-0" / "0.dcm", folder.parent / "out" / "series-0" / "0.dcm")
    second = Stopping()
    tally = jobs.work_off(run_id, database, store, second.hands)
    assert second.numbers == [*again, 3, 4, 5]
    assert tally.total == COUNT
    changed = tree(folder.parent / "out")["series-0/0.dcm"] != before["series-0/0.dcm"]
    assert changed == (what is _change)


def test_an_output_whose_input_changed_is_gone_before_anything_else_is_done(
    folder: Path, database: Settings, store: Store
) -> None:
    run_id = plan(folder, database, store)
    jobs.work_off(run_id, database, store, Stopping(after=3).hands)
    _change(folder / "series-0" / "0.dcm", Path())
    jobs.work_off(run_id, database, store, Stopping(after=0).hands)
    assert "series-0/0.dcm" not in tree(folder.parent / "out")


def test_other_settings_do_all_again(folder: Path, database: Settings, store: Store) -> None:
    run_id = plan(folder, database, store)
    jobs.work_off(run_id, database, store, Stopping(after=3).hands)
    second = Stopping()
    jobs.work_off(run_id, replace(database, model="another.gguf"), store, second.hands)
    assert second.numbers == list(range(COUNT))


def test_a_quarantined_file_gets_another_try(
    folder: Path, database: Settings, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise OSError("no space")

    run_id = plan(folder, database, store)
    with monkeypatch.context() as patch:
        patch.setattr(single, "publish", fail)
        assert jobs.work_off(run_id, database, store, Stopping().hands).held == COUNT
    tally = jobs.work_off(run_id, database, store, Stopping().hands)
    assert (tally.outcomes[Outcome.CLEANED], tally.held) == (COUNT, 0)
    assert store.totals().by_outcome == ((Outcome.CLEANED, COUNT),)


@pytest.mark.parametrize("where", ["before the index", "before the row", "after the row"])
def test_row_and_file_agree_wherever_the_program_was_killed(
    folder: Path, database: Settings, store: Store, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    class Killed(BaseException):
        pass

    run_id = plan(folder, database, store)
    module, name = {
        "before the index": (RunFiles, "note"),
        "before the row": (Store, "end_image"),
        "after the row": (Store, "begin_image"),
    }[where]
    real, calls = getattr(module, name), []

    def dying(*given: object, **named: object) -> object:
        calls.append(1)
        if len(calls) == 3:
            raise Killed
        return real(*given, **named)

    with monkeypatch.context() as patch:
        patch.setattr(module, name, dying)
        patch.setattr(Ledger, "close", lambda ledger, state: None)
        with pytest.raises(Killed):
            jobs.work_off(run_id, database, store, Stopping().hands)
    assert store.run(run_id).state is RunState.RUNNING  # type: ignore[union-attr]
    tally = jobs.work_off(run_id, database, store, Stopping().hands)
    assert (tally.total, tally.outcomes[Outcome.CLEANED]) == (COUNT, COUNT)
    assert store.totals().by_outcome == ((Outcome.CLEANED, COUNT),)
    assert tree(folder.parent / "out") == undisturbed(folder, database, store)


def test_what_a_killed_process_had_begun_to_write_is_taken_away(folder: Path, database: Settings, store: Store) -> None:
    run_id = plan(folder, database, store)
    staging = staging_folder(folder.parent / "out", run_id)
    staging.mkdir(parents=True)
    (staging / "half").write_bytes(b"half a file")
    jobs.work_off(run_id, database, store, Stopping().hands)
    assert not staging.exists()
    assert len(tree(folder.parent / "out")) == COUNT


def test_a_line_of_the_index_that_was_cut_short_is_done_again(folder: Path, database: Settings, store: Store) -> None:
    run_id = plan(folder, database, store)
    jobs.work_off(run_id, database, store, Stopping(after=3).hands)
    index = database.home / "runs" / str(run_id) / "index.jsonl"
    index.write_bytes(index.read_bytes()[:-40])
    second = Stopping()
    jobs.work_off(run_id, database, store, second.hands)
    assert second.numbers == [2, 3, 4, 5]
    assert [entry.outcome for entry in RunFiles(database.home, run_id).entries()] == [Outcome.CLEANED] * COUNT


def test_planning_that_broke_off_is_done_anew(
    folder: Path, database: Settings, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(sources: object) -> Iterator[InputFile]:
        yield from list(walk_inputs(sources))[:2]  # type: ignore[arg-type]
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("deid.manifest._AT_ONCE", 1)
        patch.setattr(jobs, "walk_inputs", broken)
        with pytest.raises(KeyboardInterrupt):
            plan(folder, database, store)
    run = store.runs()[0]
    assert (run.state, len(store.planned_files(run.id)), run.planned) == (RunState.PLANNED, 2, 0)
    assert jobs.work_off(run.id, database, store, Stopping().hands).total == COUNT
    assert len(store.planned_files(run.id)) == COUNT


def test_a_run_is_worked_on_by_one_process(folder: Path, database: Settings, store: Store) -> None:
    run_id = plan(folder, database, store)
    with RunFiles(database.home, run_id).worked_on(), pytest.raises(UsageError, match="worked on already"):
        jobs.work_off(run_id, database, store, Stopping().hands)


@pytest.mark.parametrize("gone", [False, True], ids=["no such run", "files not kept"])
def test_a_run_whose_files_are_not_kept_cannot_go_on(
    folder: Path, database: Settings, store: Store, gone: bool
) -> None:
    run_id = plan(folder, database, store)
    if gone:
        shutil.rmtree(database.home / "runs" / str(run_id))
    with pytest.raises(UsageError, match="nothing to go on with"):
        jobs.work_off(run_id if gone else run_id + 1, database, store, Stopping().hands)


def test_the_report_of_a_resumed_run_has_one_line_a_file(folder: Path, database: Settings, store: Store) -> None:
    report = folder.parent / "report.jsonl"
    run_id = plan(folder, database, store, report=report)
    jobs.work_off(run_id, database, store, Stopping(after=3).hands)
    whole = report.read_text().splitlines()
    report.write_text("".join(line + "\n" for line in whole[:2]) + whole[2][:30])
    jobs.work_off(run_id, database, store, Stopping().hands)
    lines = [json.loads(line) for line in report.read_text().splitlines()]
    assert sorted(line["file"] for line in lines) == sorted(tree(folder.parent / "out"))
    assert len({tuple(line) for line in lines}) == 1
    assert stat.S_IMODE(report.stat().st_mode) == 0o600


def test_stopping_the_program_cancels_the_run_and_says_how_to_go_on(
    folder: Path, database: Settings, store: Store
) -> None:
    def stop(done: Done) -> None:
        raise KeyboardInterrupt

    run_id = plan(folder, database, store)
    with pytest.raises(CancelledRun, match=f"deid run --resume {run_id}"):
        jobs.work_off(run_id, database, store, Hands(stop, ENGINES))
    assert store.run(run_id).state is RunState.CANCELLED  # type: ignore[union-attr]
    assert jobs.work_off(run_id, database, store, Hands(engines=ENGINES)).total == COUNT


# What is kept


def test_only_the_private_manifest_knows_paths(folder: Path, database: Settings, store: Store) -> None:
    name = PHI["PatientName"].split("^")[0]
    (folder / name).mkdir()
    (folder / name / "a.dcm").write_bytes(dicom(gradient(30, 30)))
    run_id = plan(folder, database, store)
    jobs.work_off(run_id, database, store, Stopping().hands)
    kept = database.home / "runs" / str(run_id)
    assert stat.S_IMODE(kept.stat().st_mode) == 0o700
    for path in kept.iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path
    assert name in (kept / "plan.jsonl").read_text()
    tables = stored(database)
    assert name.encode() not in tables
    assert b"series-" not in tables
    assert not any(name in path for path in tree(folder.parent / "out"))


def test_a_batch_comes_back_as_it_was(settings: Settings, tmp_path: Path) -> None:
    options = Options(Policy.ALL_TEXT, padding_px=5, threshold=0.3, max_frames=7)
    batch = Batch((tmp_path / "a",), tmp_path / "b", options, tmp_path / "r", 3, False, True, "ada", True, True)
    manifest = Manifest(settings.home, 1)
    manifest.order(batch)
    assert manifest.batch() == batch


def test_names_that_are_not_utf_8_are_worked_on(database: Settings, store: Store, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    odd = os.fsencode(tmp_path / "in") + b"/caf\xe9.dcm"
    Path(os.fsdecode(odd)).write_bytes(dicom(gradient(20, 20)))
    report = tmp_path / "report.jsonl"
    run_id = plan(tmp_path / "in", database, store, report=report)
    assert jobs.work_off(run_id, database, store, Stopping().hands).outcomes[Outcome.CLEANED] == 1
    assert os.listdir(os.fsencode(tmp_path / "out")) == [b"caf\xe9.dcm"]  # noqa: PTH208 - names as bytes
    assert json.loads(report.read_text("utf-8"))["file"] == "caf\udce9.dcm"


def test_a_large_folder_is_walked_without_listing_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("deid.inputs._AT_ONCE", 3)
    for number in range(10):
        (tmp_path / "deep").mkdir(exist_ok=True)
        (tmp_path / f"{number}").write_bytes(b"")
        (tmp_path / "deep" / f"{number}").write_bytes(b"")
    found = [str(source.relative) for source in walk_inputs([tmp_path])]
    assert sorted(found[:10]) == [str(number) for number in range(10)]
    assert sorted(found[10:]) == [f"deep/{number}" for number in range(10)]
    assert len(found) == 20


# A database that goes away


def test_a_lost_database_is_waited_for() -> None:
    answers = iter([StoreLostError("gone"), StoreLostError("gone"), 7])

    def ask() -> object:
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    assert Patience(30)(ask) == 7


def test_a_run_whose_database_stays_away_stops_in_one_line_and_goes_on_later(
    folder: Path, database: Settings, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lost(*_: object) -> None:
        raise StoreLostError("gone")

    impatient = replace(database, database_wait_seconds=0.2)
    run_id = plan(folder, impatient, store)
    with monkeypatch.context() as patch:
        patch.setattr(Store, "end_image", lost)
        patch.setattr(Store, "finish_run", lost)
        with pytest.raises(StoreError, match=r"has not answered for .* seconds: start it again"):
            jobs.work_off(run_id, impatient, store, Stopping().hands)
    assert [each.state for each in store.planned_files(run_id, limit=1)] == [Pending.RUNNING]
    assert jobs.work_off(run_id, database, store, Stopping().hands).total == COUNT


def test_private_files_go_when_their_time_is_over_unless_somebody_works_on_them(
    folder: Path, database: Settings, store: Store
) -> None:
    old, at_work = plan(folder, database, store), plan(folder, database, store)
    for run_id in (old, at_work):
        os.utime(database.home / "runs" / str(run_id), (1, 1))
    with RunFiles(database.home, at_work).worked_on():
        os.utime(database.home / "runs" / str(at_work), (1, 1))
        new = plan(folder, database, store)
    assert kept_runs(database.home) == (at_work, new)
