"""Figures kept a run equal what SQL counts over the images, on SQLite and on a real MariaDB."""

from __future__ import annotations

import random
import statistics
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import create_engine, text

from deid.settings import Settings
from deid.store import NewUser, Selection, Store, Totals
from deid.store.buckets import bucket_of, percentile, seconds_of
from deid.values import Category, FileRecord, Outcome, Reason, Stage, WordCount

SYNTAXES = ("1.2.840.10008.1.2.1", "1.2.840.10008.1.2.4.50")
TODAY = datetime.now(UTC).date()


def a_record(chance: random.Random) -> FileRecord:
    outcome = chance.choice(list(Outcome))
    refused = outcome is Outcome.REFUSED
    return FileRecord(
        "a.dcm",
        outcome,
        "",
        modality="" if refused else chance.choice(["US", "CT", "MR", ""]),
        syntax_in="" if refused else chance.choice(SYNTAXES),
        signed=None if refused else chance.choice([True, False, None]),
        seconds=tuple((stage, chance.lognormvariate(0, 1)) for stage in (Stage.OCR, Stage.VERIFY)),
        phi_words=(
            WordCount(Reason.HEADER, Category.NAME, 2),
            WordCount(chance.choice(list(Reason)), Category.DATE, 1),
        ),
        failed_checks=("read again",) if outcome is Outcome.NEEDS_REVIEW else (),
    )


def fill(store: Store, count: int, runs: int = 3, seed: int = 1) -> list[FileRecord]:
    """So many records, dealt to runs of Ada and of the command line."""
    chance = random.Random(seed)
    ids = [store.start_run("ada" if number % 2 else "", "page", count) for number in range(runs)]
    records = [a_record(chance) for _ in range(count)]
    for number, record in enumerate(records):
        store.add_image(ids[number % runs], record, store.name_hash(str(number)))
    return records


@pytest.fixture
def filled(store: Store) -> Store:
    store.add_user(NewUser("ada", "correct horse battery"))
    fill(store, 60)
    return store


def counted(database: Settings, column: str, where: str = "1 = 1") -> dict[object, int]:
    """What SQL counts over the images themselves."""
    engine = create_engine(database.database_url)
    with engine.connect() as connection:
        rows = connection.execute(
            text(f"SELECT {column}, count(*) FROM images JOIN runs ON runs.id = run_id WHERE {where} GROUP BY {column}")
        )
        found = {row[0]: row[1] for row in rows}
    engine.dispose()
    return found


IMAGES = "outcome <> 'refused'"
BY_ADA = "user_id IS NOT NULL"


@pytest.mark.parametrize(
    ("about", "where"),
    [(Selection(), "1 = 1"), (Selection(user="ada"), BY_ADA), (Selection(user=""), f"NOT {BY_ADA}")],
    ids=["all", "ada", "command line"],
)
def test_the_figures_equal_what_sql_counts(filled: Store, database: Settings, about: Selection, where: str) -> None:
    totals = filled.totals(about)
    assert {outcome.value: count for outcome, count in totals.by_outcome} == counted(database, "outcome", where)
    images = f"{where} AND {IMAGES}"
    assert dict(totals.by_modality) == counted(database, "modality", images)
    assert dict(totals.by_syntax) == counted(database, "syntax_in", images)
    signs = counted(database, "signed", images)
    assert (totals.signed, totals.unsigned, totals.images) == (signs[1], signs[0], sum(signs.values()))


def test_words_checks_and_times_are_those_of_the_records(store: Store) -> None:
    records = fill(store, 200)
    totals = store.totals()
    words = [each for record in records for each in record.phi_words]
    assert totals.words == sum(each.words for each in words) == 600
    assert dict(totals.by_category) == {Category.NAME: 400, Category.DATE: 200}
    assert dict(totals.by_reason)[Reason.HEADER] == sum(each.words for each in words if each.reason is Reason.HEADER)
    held = sum(record.outcome is Outcome.NEEDS_REVIEW for record in records)
    assert totals.failed_checks == (("read again", held),)
    (ocr, verify) = totals.times
    assert (ocr.stage, ocr.images, verify.stage) == (Stage.OCR, 200, Stage.VERIFY)
    true = sorted(dict(record.seconds)[Stage.OCR] for record in records)
    assert ocr.median == pytest.approx(true[99], rel=0.05)
    assert ocr.p95 == pytest.approx(true[189], rel=0.05)


def test_without_a_row_every_figure_is_nothing(store: Store) -> None:
    assert store.totals() == Totals()
    assert store.totals(Selection(date(2020, 1, 1), TODAY, "nobody", 7)) == Totals()
    assert store.history() == ()


def test_figures_are_chosen_by_day_user_and_run(filled: Store) -> None:
    day = timedelta(days=1)
    assert filled.totals(Selection(since=TODAY - day, until=TODAY + day)) == filled.totals()
    assert filled.totals(Selection(since=TODAY + day)) == Totals()
    assert filled.totals(Selection(until=TODAY - day)) == Totals()
    runs = filled.runs()
    assert len(runs) == 3
    for run in runs:
        assert filled.totals(Selection(run=run.id)).by_outcome == run.outcomes
    assert [run.user for run in filled.runs(about=Selection(user="ada"))] == ["ada"]
    assert sum(count for _, count in filled.totals().by_outcome) == 60


def test_history_tells_the_days_on_which_runs_started(filled: Store) -> None:
    (day,) = filled.history()
    assert day.runs == 3
    assert day.outcomes == filled.totals().by_outcome
    assert filled.history(Selection(user="nobody")) == ()


def test_an_image_worked_on_again_leaves_no_trace_of_its_first_end(store: Store) -> None:
    chance = random.Random(3)
    first, last = a_record(chance), a_record(chance)
    image = store.add_image(store.start_run("", "page", 1), first, store.name_hash("a"))
    store.update_image(image, last)
    changed = store.totals()
    store.update_image(image, first)
    store.update_image(image, last)
    assert store.totals() == changed
    assert changed.by_outcome == ((last.outcome, 1),)
    assert sum(each.images for each in changed.times) == 2


def test_writers_at_the_same_time_lose_no_count(store: Store) -> None:
    runs = [store.start_run("", "batch", 20) for _ in range(4)]
    records = [a_record(random.Random(seed)) for seed in range(20)]

    def write(run: int) -> None:
        for record in records:
            store.add_image(run, record, store.name_hash("a"))

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(write, runs))
    assert sum(count for _, count in store.totals().by_outcome) == 80


# Buckets


@given(st.floats(0.0001, 100_000))
def test_a_time_told_from_its_bucket_is_off_by_five_per_cent_at_most(seconds: float) -> None:
    assert seconds_of(bucket_of(seconds)) == pytest.approx(seconds, rel=0.05)


@pytest.mark.parametrize("seconds", [0.0, 0.00001])
def test_no_time_is_too_short_to_be_counted(seconds: float) -> None:
    assert bucket_of(seconds) == 0


def test_percentiles_of_nothing_and_of_one() -> None:
    assert percentile({}, 0.5) == 0
    assert percentile({40: 1}, 0.95) == percentile({40: 1}, 0.5) == seconds_of(40)


def test_percentiles_agree_with_the_standard_librarys() -> None:
    chance = random.Random(5)
    times = [chance.lognormvariate(0, 1.5) for _ in range(5001)]
    counts: dict[int, int] = {}
    for each in times:
        counts[bucket_of(each)] = counts.get(bucket_of(each), 0) + 1
    assert percentile(counts, 0.5) == pytest.approx(statistics.median(times), rel=0.05)
    assert percentile(counts, 0.95) == pytest.approx(statistics.quantiles(times, n=20)[-1], rel=0.06)
