"""A task that aborts, hangs or eats memory is lost alone; the tasks beside and after it are done."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from deid import jobs
from deid.errors import EngineError, QuarantineError
from deid.examine import Examiner
from deid.pipeline import Engines
from deid.settings import Settings
from deid.values import Outcome
from deid.workers import STOPPED, TOO_LARGE, TOO_SLOW, Limits, Lost, Worker, wait_for, work_through
from tests.dicom_factory import dicom, gradient
from tests.fakes import ScriptedOcr
from tests.hazards import start, start_after_deaths, start_and_die, start_badly, start_dying, start_that_dies_of

LIMITS = Limits(20.0, 512)


def outcomes(*tasks: str, count: int = 1, limits: Limits = LIMITS) -> dict[str, str | Lost]:
    found = {}
    for task, outcome in work_through(iter(tasks), count, start, ("did",), lambda task: limits):
        found[task] = outcome if isinstance(outcome, Lost) else outcome.rpartition(" ")[0]
    return found


@pytest.mark.parametrize("fault", ["abort", "segfault"])
@pytest.mark.parametrize("count", [1, 2])
def test_a_worker_that_dies_costs_its_task_alone(fault: str, count: int) -> None:
    assert outcomes("a", fault, "b", count=count) == {"a": "did a", fault: STOPPED, "b": "did b"}


def test_a_task_that_takes_too_long_is_stopped() -> None:
    begun = time.monotonic()
    assert outcomes("hang", "b", limits=Limits(1.5, 512)) == {"hang": TOO_SLOW, "b": "did b"}
    assert time.monotonic() - begun < 30


def test_work_that_gets_on_may_take_longer() -> None:
    assert outcomes("beats", limits=Limits(1.5, 512)) == {"beats": "did beats"}


def test_a_task_that_needs_too_much_memory_is_lost() -> None:
    assert outcomes("memory", "b") == {"memory": TOO_LARGE, "b": "did b"}


def test_a_library_that_aborts_for_want_of_memory_is_lost() -> None:
    assert outcomes("native memory", "b") == {"native memory": STOPPED, "b": "did b"}


def test_a_worker_is_kept_for_the_next_task() -> None:
    found = [outcome for _, outcome in work_through(iter("abc"), 1, start, ("did",), lambda task: LIMITS)]
    assert len({outcome.rpartition(" ")[2] for outcome in found}) == 1


def test_what_start_raises_is_raised_here() -> None:
    with pytest.raises(EngineError, match="cannot be started"):
        list(work_through(iter("a"), 1, start_badly, (), lambda task: LIMITS))


def test_a_start_that_always_dies_ends_the_work_instead_of_losing_every_task() -> None:
    with pytest.raises(EngineError, match="while they start"):
        list(work_through(iter("a"), 1, start_and_die, (), lambda task: LIMITS))


def test_a_process_that_dies_before_it_is_ready_costs_no_task_its_second_try(tmp_path: Path) -> None:
    found = work_through(iter("ab"), 1, start_after_deaths, (str(tmp_path), 3), lambda task: LIMITS)
    assert [result[:5] for _, result in found] == ["did a", "did b"]


def test_one_worker_can_be_asked_directly() -> None:
    worker: Worker[str, str] = Worker(start, ("did",))
    assert wait_for(worker, "a", LIMITS).startswith("did a")
    assert wait_for(worker, "abort", LIMITS) == STOPPED
    worker.end()
    assert not worker.process.is_alive()


def test_an_examined_file_that_kills_its_process_is_quarantined_and_the_next_is_examined(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    examiner = Examiner()
    examiner.examine(dicom(gradient(20, 20)), LIMITS)
    examiner.examine(b"no file at all", LIMITS)
    examiner.end()
    with monkeypatch.context() as patch:
        patch.setattr("deid.examine.start", start_dying)
        with pytest.raises(QuarantineError, match="stopped"):
            examiner.examine(dicom(gradient(20, 20)), LIMITS)
    examiner.examine(dicom(gradient(20, 20)), LIMITS)
    examiner.end()


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize(("fault", "said"), [("abort", "stopped"), ("hang", "DEID_STEP_SECONDS")])
def test_a_run_goes_on_after_a_file_that_kills_its_process(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, workers: int, fault: str, said: str
) -> None:
    (tmp_path / "in").mkdir()
    for name in ("a", fault, "b", "c"):
        (tmp_path / "in" / f"{name}.dcm").write_bytes(b"content")
    monkeypatch.setattr(jobs, "_start_worker", start_that_dies_of)
    monkeypatch.setattr(jobs, "limits_of", lambda size, settings: Limits(2.0, 512))
    done: list[jobs.Done] = []
    batch = jobs.Batch((tmp_path / "in",), tmp_path / "out", jobs=workers)
    tally = jobs.run_batch(batch, settings, done.append)
    assert (tally.outcomes[Outcome.CLEANED], tally.outcomes[Outcome.QUARANTINED], tally.held) == (3, 1, 1)
    lost = next(each for each in done if each.record.outcome is Outcome.QUARANTINED)
    assert (lost.record.file, said in lost.record.reason) == (f"{fault}.dcm", True)


@pytest.mark.parametrize(("megabytes", "seconds", "memory"), [(0, 300, 4096), (10, 3300, 4176)])
def test_larger_files_may_take_more(settings: Settings, megabytes: int, seconds: float, memory: int) -> None:
    assert jobs.limits_of(megabytes << 20, settings) == Limits(seconds, memory)


def test_a_run_with_engines_examines_each_file_first(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.dcm").write_bytes(dicom(gradient(60, 80)))

    def fail(data: bytes, settings: Settings) -> None:
        raise QuarantineError(STOPPED.reason)

    monkeypatch.setattr(jobs, "examine", fail)
    batch = jobs.Batch((tmp_path / "in",), tmp_path / "out")
    tally = jobs.run_batch(batch, settings, engines=Engines((ScriptedOcr(),), b"k" * 32))
    assert (tally.outcomes[Outcome.QUARANTINED], tally.held) == (1, 1)
    assert not (tmp_path / "out").exists()
