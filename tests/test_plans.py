"""Planned files as rows, on SQLite and on a real MariaDB."""

from __future__ import annotations

import pytest
from sqlalchemy import create_engine, text

from deid.errors import StoreLostError
from deid.settings import Settings
from deid.store import Pending, RunState, Store, open_store
from deid.values import Outcome
from tests.test_store import record


def planned(store: Store, count: int = 5) -> int:
    run = store.start_run("", "batch", 0, state=RunState.PLANNED)
    store.plan(run, 0, [store.name_hash(str(number)) for number in range(count)])
    store.plan_run(run, count)
    return run


def states(store: Store, run: int) -> list[str]:
    return [each.state.value for each in store.planned_files(run)]


def test_a_planned_file_is_in_no_figure_and_counts_once_it_has_ended(store: Store) -> None:
    run = planned(store)
    assert (store.totals().images, store.totals().by_outcome) == (0, ())
    store.begin_run(run)
    store.begin_image(run, 3)
    assert states(store, run) == ["planned", "planned", "planned", "running", "planned"]
    store.end_image(run, 3, record(), "input", "settings")
    found = store.run(run)
    assert found is not None
    assert (found.state, found.planned, found.done) == (RunState.RUNNING, 5, 1)
    assert store.totals().by_outcome == ((Outcome.CLEANED, 1),)
    (ended,) = store.ended(run)
    assert (ended.number, ended.state, ended.input_hash, ended.settings_hash) == (
        3,
        Outcome.CLEANED,
        "input",
        "settings",
    )


def test_files_without_an_end_come_in_pages_those_that_broke_off_first(store: Store) -> None:
    run = planned(store, 8)
    store.begin_image(run, 5)
    store.end_image(run, 2, record())
    assert store.pending(run, 0, 9) == (5, 0, 1, 3, 4, 6, 7)
    assert [store.pending(run, skip, 3) for skip in (0, 3, 6, 9)] == [(5, 0, 1), (3, 4, 6), (7,), ()]


def test_an_end_that_is_written_twice_counts_once(store: Store, database: Settings) -> None:
    run = planned(store)
    store.end_image(run, 0, record(Outcome.NEEDS_REVIEW))
    store.end_image(run, 0, record())
    assert store.totals().by_outcome == ((Outcome.CLEANED, 1),)
    engine = create_engine(database.database_url)
    with engine.connect() as connection:
        assert connection.scalar(text("SELECT count(*) FROM boxes")) == 1
    engine.dispose()


def test_a_file_that_is_planned_again_leaves_no_trace_in_the_figures(store: Store, database: Settings) -> None:
    run = planned(store)
    for number in range(3):
        store.end_image(run, number, record())
    store.plan_again(run, [0, 2, 4])
    assert states(store, run) == ["planned", "cleaned", "planned", "planned", "planned"]
    assert (store.totals().images, store.totals().times[0].images) == (1, 1)
    engine = create_engine(database.database_url)
    with engine.connect() as connection:
        assert connection.scalar(text("SELECT count(*) FROM boxes")) == 1
    engine.dispose()


def test_planning_anew_replaces_what_a_broken_off_attempt_left(store: Store) -> None:
    run, other = planned(store), planned(store, 2)
    store.plan(run, 2, ["a" * 64])
    store.plan(run, 2, ["a" * 64])
    assert states(store, run) == ["planned"] * 3
    assert states(store, other) == ["planned"] * 2


def test_work_that_broke_off_is_planned_again_when_the_run_begins_again(store: Store) -> None:
    run = planned(store)
    store.begin_run(run)
    store.begin_image(run, 1)
    store.end_image(run, 2, record(Outcome.REFUSED))
    store.begin_image(run, 2)
    store.finish_run(run, RunState.INTERRUPTED)
    store.begin_run(run)
    assert states(store, run) == ["planned", "planned", "refused", "planned", "planned"]
    found = store.run(run)
    assert found is not None
    assert (found.state, found.ended) == (RunState.RUNNING, None)


def test_files_are_listed_a_page_at_a_time(store: Store) -> None:
    run = planned(store, 5)
    store.end_image(run, 1, record())
    assert [each.number for each in store.planned_files(run, Pending.PLANNED, limit=2)] == [0, 2]
    assert [each.number for each in store.planned_files(run, Pending.PLANNED, after=2)] == [3, 4]
    assert [each.number for each in store.planned_files(run, Outcome.CLEANED)] == [1]
    assert store.planned_files(run + 1) == ()


def test_a_database_that_goes_away_is_told_from_one_that_is_wrong(settings: Settings) -> None:
    store = open_store(settings)
    run = planned(store)
    (settings.home / "deid.sqlite").rename(settings.home / "away")
    (settings.home / "deid.sqlite").mkdir()
    store.close()
    with pytest.raises(StoreLostError, match="does not answer"):
        store.end_image(run, 0, record())
