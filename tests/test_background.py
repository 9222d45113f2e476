"""Runs that go on while people do something else: their owner's only, found again, cancelled at once, closed whole."""

from __future__ import annotations

import stat
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest

from deid import background
from deid.background import Background, Order
from deid.errors import EngineError
from deid.intake import Image, Intake, take_in
from deid.pipeline import Engines, Options, Step
from deid.runfiles import RunFiles, older_than
from deid.settings import Settings
from deid.store import NewUser, RunState, Store, open_store
from deid.unzip import Limits
from deid.values import CLOSE, Box, Outcome, Search, Word
from tests.dicom_factory import PHI, dicom, gradient
from tests.fakes import ScriptedOcr

NAME = PHI["PatientName"].split("^")[0]
IMAGE = dicom(gradient(60, 80))


class Gate(ScriptedOcr):
    """A reader that waits until it is let on, picture by picture."""

    def __init__(self) -> None:
        super().__init__()
        self.open = threading.Event()
        self.reading = threading.Event()

    def read(self, picture: np.ndarray, search: Search = CLOSE, known: Sequence[Box] = ()) -> tuple[Word, ...]:
        self.reading.set()
        assert self.open.wait(30)
        return super().read(picture)


@pytest.fixture
def store(settings: Settings) -> Iterator[Store]:
    opened = open_store(settings)
    for name in ("ada", "bob"):
        opened.add_user(NewUser(name, "correct horse battery"))
    yield opened
    opened.close()


@pytest.fixture
def runs(settings: Settings, store: Store) -> Iterator[Background]:
    made = Background(settings, store)
    yield made
    made.close()


@pytest.fixture
def gate() -> Iterator[Gate]:
    made = Gate()
    yield made
    made.open.set()


def intake(*names: str) -> Intake:
    files = [(name, IMAGE if not name.endswith(".txt") else b"no image") for name in names]
    return take_in(files, Limits(100, 10_000_000), max_frames=10, max_pixels=100_000)


def begin(runs: Background, *names: str, reader: ScriptedOcr | None = None, user: str = "ada") -> int:
    return runs.begin(Order(user, intake(*names)), lambda: Engines((reader or ScriptedOcr(),), b"k" * 32))


def until(told: Callable[[], object]) -> None:
    deadline = time.monotonic() + 30
    while not told():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def ended(runs: Background, run_id: int) -> bool:
    return runs.look(run_id) is None


def test_a_run_ends_with_its_files_and_what_became_of_each(runs: Background, store: Store) -> None:
    run_id = begin(runs, "s/a", "s/b", "notes.txt")
    until(lambda: ended(runs, run_id))
    run = runs.find("ada", run_id)
    assert run is not None
    assert (run.state, run.planned, run.done) == (RunState.FINISHED, 3, 3)
    files = runs.files(run_id)
    assert [(str(each.source), each.outcome) for each in files.entries()] == [
        ("notes.txt", Outcome.REFUSED),
        ("s/a", Outcome.CLEANED),
        ("s/b", Outcome.CLEANED),
    ]
    assert files.clean(files.entries()[1]) != files.original(files.entries()[1].source) == IMAGE
    assert runs.unworked(run_id, 0, 9) == ()


def test_only_the_owner_finds_a_run(runs: Background) -> None:
    run_id = begin(runs, "a")
    until(lambda: ended(runs, run_id))
    assert [run.id for run in runs.of("ada")] == [run_id]
    for other in ("bob", "", "nobody"):
        assert runs.find(other, run_id) is None
        assert runs.of(other) == ()
        runs.close_run(other, run_id)
    assert runs.find("ada", run_id + 1) is None
    assert runs.find("ada", run_id) is not None


def test_a_run_of_the_command_line_is_nobodys_here(runs: Background, store: Store) -> None:
    run_id = store.start_run("", "batch", 1)
    assert runs.find("", run_id) is None


def test_progress_tells_stage_count_and_time_left(runs: Background, gate: Gate) -> None:
    run_id = begin(runs, "a", "b", reader=gate)
    until(gate.reading.is_set)
    progress = runs.look(run_id)
    assert progress is not None
    assert (progress.total, progress.done, progress.step) == (2, 0, Step.READ)
    assert progress.seconds_left is None
    gate.open.set()
    until(lambda: ended(runs, run_id))


def test_time_left_follows_the_share_of_the_work() -> None:
    progress = background.Progress(10, 4, (), Step.READ, 3, 30.0, 0.75, False)
    assert progress.per_minute == pytest.approx(8)
    assert progress.seconds_left == pytest.approx(10)
    assert not progress.waiting


def test_a_cancelled_run_ends_before_its_next_picture_and_keeps_what_came_out(
    runs: Background, gate: Gate, settings: Settings
) -> None:
    run_id = begin(runs, "a", "b", "c", reader=gate)
    until(gate.reading.is_set)
    runs.cancel(run_id)
    gate.open.set()
    until(lambda: ended(runs, run_id))
    run = runs.find("ada", run_id)
    assert run is not None
    assert (run.state, run.done) == (RunState.CANCELLED, 0)
    assert len(runs.unworked(run_id, 0, 9)) == 3
    assert not (settings.home / "runs" / str(run_id) / "out").exists()


def test_a_cancelled_run_goes_on_where_it_was(runs: Background, gate: Gate) -> None:
    run_id = begin(runs, "a", "b", "c", "notes.txt", reader=gate)
    until(gate.reading.is_set)
    gate.open.set()
    until(lambda: (progress := runs.look(run_id)) is None or progress.done)
    gate.open.clear()
    gate.reading.clear()
    until(lambda: runs.look(run_id) is None or gate.reading.is_set())
    runs.cancel(run_id)
    gate.open.set()
    until(lambda: ended(runs, run_id))
    stopped = runs.find("ada", run_id)
    assert stopped is not None
    assert stopped.state is RunState.CANCELLED
    left = len(runs.unworked(run_id, 0, 9))
    assert 0 < left < 3
    reader = ScriptedOcr()
    assert not runs.resume("bob", run_id, lambda: Engines((reader,), b"k" * 32))
    assert runs.resume("ada", run_id, lambda: Engines((reader,), b"k" * 32))
    until(lambda: ended(runs, run_id))
    run = runs.find("ada", run_id)
    assert run is not None
    assert (run.state, run.planned, run.count(Outcome.CLEANED), run.done) == (RunState.FINISHED, 4, 3, 4)
    assert runs.unworked(run_id, 0, 9) == ()
    assert len(runs.files(run_id).entries()) == 4
    assert not runs.resume("ada", run_id, lambda: Engines((reader,), b"k" * 32))


def test_a_run_that_waits_is_cancelled_at_once(runs: Background, gate: Gate) -> None:
    first = [begin(runs, "a", reader=gate) for _ in range(background.AT_ONCE)]
    until(gate.reading.is_set)
    waiting = begin(runs, "a", reader=gate)
    progress = runs.look(waiting)
    assert progress is not None
    assert progress.waiting
    runs.cancel(waiting)
    assert runs.look(waiting) is None
    gate.open.set()
    until(lambda: all(ended(runs, each) for each in first))
    assert [run.state for run in runs.of("ada")] == [RunState.CANCELLED, *[RunState.FINISHED] * len(first)]


def test_what_a_stopped_server_left_is_interrupted_and_says_what_is_missing(
    settings: Settings, store: Store, gate: Gate
) -> None:
    before = Background(settings, store)
    run_id = begin(before, "a", "b", reader=gate)
    until(gate.reading.is_set)
    closing = threading.Thread(target=before.close)
    closing.start()
    gate.open.set()
    closing.join()
    found = Background(settings, store).find("ada", run_id)
    assert found is not None
    assert found.state is RunState.INTERRUPTED


def test_a_run_that_a_killed_server_left_is_found_as_interrupted(settings: Settings, store: Store) -> None:
    run_id = store.start_run("ada", background.KIND, 1)
    RunFiles(settings.home, run_id).lay_down(intake("a").images)
    of_another = store.start_run("", "batch", 1)
    after = Background(settings, store)
    after.recover()
    found = after.find("ada", run_id)
    assert found is not None
    assert found.state is RunState.INTERRUPTED
    other = store.run(of_another)
    assert other is not None
    assert other.state is RunState.RUNNING


def test_a_run_that_another_process_works_on_is_not_interrupted(settings: Settings, store: Store) -> None:
    run_id = store.start_run("", "batch", 1)
    files = RunFiles(settings.home, run_id)
    files.lay_down(())
    after = Background(settings, store)
    with files.worked_on():
        after.recover()
        assert store.runs()[0].state is RunState.RUNNING
    after.recover()
    assert store.runs()[0].state is RunState.INTERRUPTED


def test_closing_a_run_deletes_all_of_it(runs: Background, settings: Settings) -> None:
    run_id = begin(runs, f"{NAME}/a", f"{NAME}.txt")
    runs.close_run("ada", run_id)
    until(lambda: ended(runs, run_id))
    assert runs.find("ada", run_id) is not None, "a run at work cannot be closed"
    waiting = settings.home / "review" / str(run_id)
    waiting.mkdir(parents=True)
    runs.close_run("ada", run_id)
    assert runs.of("ada") == ()
    assert not waiting.exists()
    assert not any(NAME.encode() in path.read_bytes() for path in settings.home.rglob("*") if path.is_file())


def test_old_runs_are_purged_and_what_waits_for_a_person_stays(
    runs: Background, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id = begin(runs, "a")
    until(lambda: ended(runs, run_id))
    waiting = settings.home / "review" / str(run_id)
    waiting.mkdir(parents=True)
    runs.purge()
    assert runs.of("ada")
    later = time.time() + settings.run_hours * 3600 + 1
    monkeypatch.setattr("deid.runfiles.time.time", lambda: later)
    assert older_than(settings.home, settings.run_hours) == (run_id,)
    runs.purge()
    assert runs.of("ada") == ()
    assert waiting.exists()


def test_everything_kept_is_private(runs: Background, settings: Settings) -> None:
    run_id = begin(runs, "deep/er/a", "notes.txt")
    until(lambda: ended(runs, run_id))
    folder = settings.home / "runs" / str(run_id)
    inputs = folder / "in"
    for path in (settings.home, settings.home / "runs", folder, inputs, inputs / "deep", inputs / "deep/er"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o700, path
    for path in (folder / "in/deep/er/a", folder / "index.jsonl"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path


def test_the_report_without_names_has_those_of_clean_files_only(runs: Background) -> None:
    run_id = begin(runs, "a", f"{NAME}.txt")
    until(lambda: ended(runs, run_id))
    files = runs.files(run_id)
    assert NAME in files.report(names=True)
    told = files.report(names=False)
    assert NAME not in told
    assert '"file": "a"' in told
    assert '"source"' not in told


def test_no_room_begins_nothing(runs: Background, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("deid.runfiles.write_private", fail)
    with pytest.raises(background.StoreError, match="No space left"):
        begin(runs, "a")
    assert runs.of("ada") == ()
    assert store.runs()[0].state is RunState.FAILED


def test_a_run_whose_work_breaks_off_has_failed_and_logs_no_value(
    runs: Background, store: Store, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError(f"holds {NAME}")

    monkeypatch.setattr(background, "work_off", fail)
    run_id = begin(runs, "a")
    until(lambda: ended(runs, run_id))
    assert store.runs()[0].state is RunState.FAILED
    assert "RuntimeError" in caplog.text
    assert NAME not in caplog.text


def test_an_order_shows_nothing_of_its_files() -> None:
    image = Image(Path(NAME), IMAGE)  # type: ignore[arg-type]
    assert NAME not in repr(Order("ada", Intake((image,)), Options()))


def test_engines_that_cannot_be_started_fail_the_run(runs: Background, store: Store) -> None:
    def none() -> Engines:
        raise EngineError("RapidOCR cannot be started: install requirements.txt again.")

    run_id = runs.begin(Order("ada", intake("a")), none)
    until(lambda: ended(runs, run_id))
    assert store.runs()[0].state is RunState.FAILED


def test_a_run_that_is_waited_for_has_ended_on_return(runs: Background, store: Store) -> None:
    run_id = runs.work_off(Order("ada", intake("a")), lambda: Engines((ScriptedOcr(),), b"k" * 32))
    assert ended(runs, run_id)
    run = runs.find("ada", run_id)
    assert run is not None
    assert (run.state, run.count(Outcome.CLEANED)) == (RunState.FINISHED, 1)


def test_what_goes_on_is_in_the_queue(runs: Background, gate: Gate) -> None:
    run_id = begin(runs, "a", reader=gate)
    assert gate.reading.wait(60)
    assert len(runs.queue()) == 1
    gate.open.set()
    until(lambda: ended(runs, run_id))
    assert runs.queue() == ()
