"""Sums over runs: written with each image, read without looking at the images.

`run_figures` has one row for each value that came up in a run. Its kinds: outcome, modality, syntax, sign (images that
were not refused), reason and category (words that go), check (checks that failed), warning (what wants
eyes), time.<stage> (buckets of seconds).
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.dialects import mysql, sqlite
from sqlalchemy.orm import Session

from deid.store.audit import within
from deid.store.buckets import bucket_of, percentile
from deid.store.database import Database
from deid.store.records import EVERYTHING, Day, Selection, StageTime, Totals
from deid.store.schema import ImageRow, RunFigureRow, RunRow, UserRow
from deid.values import Category, Outcome, Reason, Stage

_TIME = "time."
_MEDIAN, _P95 = 0.5, 0.95


class Figures:
    """The part of the store that sums up."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def totals(self, about: Selection = EVERYTHING) -> Totals:
        """Figures over everything that the selected runs recorded."""
        figure, chosen = RunFigureRow, conditions_of(about)
        these = [figure.run_id.in_(select(RunRow.id).where(*chosen))] if chosen else []
        wanted = select(figure.kind, figure.value, func.sum(figure.count)).where(*these)
        found: dict[str, dict[str, int]] = {}
        with self._database.read() as session:
            for kind, value, count in session.execute(wanted.group_by(figure.kind, figure.value)):
                if count:
                    found.setdefault(kind, {})[value] = int(count)
        return _totals(found)

    def history(self, about: Selection = EVERYTHING) -> tuple[Day, ...]:
        """The days on which any of the selected runs started, oldest first."""
        day = func.date(RunRow.started)
        runs = select(day, func.count()).where(*conditions_of(about)).group_by(day)
        files = (
            select(day, RunFigureRow.value, func.sum(RunFigureRow.count))
            .join(RunFigureRow, RunFigureRow.run_id == RunRow.id)
            .where(RunFigureRow.kind == "outcome", *conditions_of(about))
            .group_by(day, RunFigureRow.value)
        )
        with self._database.read() as session:
            run_counts = {_date(day): int(count) for day, count in session.execute(runs)}
            outcomes: dict[date, dict[str, int]] = {}
            for day, outcome, count in session.execute(files):
                if count:
                    outcomes.setdefault(_date(day), {})[outcome] = int(count)
        return tuple(Day(day, run_counts[day], _in_order(Outcome, outcomes.get(day, {}))) for day in sorted(run_counts))


def count_in(session: Session, row: ImageRow, sign: int = 1) -> None:
    """Add an image to the figures of its run; with a sign of -1, take it out again."""
    counts = figures_of(row)
    figure = RunFigureRow
    rows = [
        {"run_id": row.run_id, "kind": kind, "value": value[:64], "count": sign * count}
        for (kind, value), count in sorted(counts.items())  # in one order, so that two writers do not lock crosswise
    ]
    if session.get_bind().dialect.name == "sqlite":
        lite = sqlite.insert(figure).values(rows)
        added = figure.count + lite.excluded.count
        session.execute(lite.on_conflict_do_update(index_elements=["run_id", "kind", "value"], set_={"count": added}))
    else:
        server = mysql.insert(figure).values(rows)
        session.execute(server.on_duplicate_key_update(count=figure.count + server.inserted.count))


def outcomes_of(session: Session, run_ids: Iterable[int]) -> dict[int, tuple[tuple[Outcome, int], ...]]:
    """How the files of each run ended."""
    wanted = select(RunFigureRow.run_id, RunFigureRow.value, RunFigureRow.count).where(
        RunFigureRow.run_id.in_(list(run_ids)), RunFigureRow.kind == "outcome", RunFigureRow.count > 0
    )
    found: dict[int, dict[str, int]] = {}
    for run_id, outcome, count in session.execute(wanted):
        found.setdefault(run_id, {})[outcome] = int(count)
    return {run_id: _in_order(Outcome, counts) for run_id, counts in found.items()}


def figures_of(row: ImageRow) -> Counter[tuple[str, str]]:
    """How often each kind and value comes up in one image."""
    counts: Counter[tuple[str, str]] = Counter({("outcome", row.outcome): 1})
    if row.outcome != Outcome.REFUSED.value:
        sign = "none" if row.signed is None else "signed" if row.signed else "unsigned"
        counts.update([("modality", row.modality), ("syntax", row.syntax_in), ("sign", sign)])
    for reason, category, words in json.loads(row.phi_words or "[]"):
        counts["reason", reason] += words
        counts["category", category] += words
    counts.update(("check", name) for name in json.loads(row.failed_checks or "[]"))
    counts.update(("warning", name) for name in json.loads(row.warnings or "[]"))
    counts.update(
        (f"{_TIME}{stage}", str(bucket_of(seconds))) for stage, seconds in json.loads(row.stage_seconds).items()
    )
    return counts


def conditions_of(about: Selection) -> list[ColumnElement[bool]]:
    """What a selection asks of runs."""
    conditions = within(RunRow.started, about.since, about.until)
    if about.user == "":
        conditions.append(RunRow.user_id.is_(None))
    elif about.user is not None:
        conditions.append(RunRow.user_id == select(UserRow.id).where(UserRow.username == about.user).scalar_subquery())
    if about.run is not None:
        conditions.append(RunRow.id == about.run)
    return conditions


def _totals(found: dict[str, dict[str, int]]) -> Totals:
    signs = found.get("sign", {})
    return Totals(
        images=sum(signs.values()),
        signed=signs.get("signed", 0),
        unsigned=signs.get("unsigned", 0),
        by_modality=_most_first(found.get("modality", {})),
        by_syntax=_most_first(found.get("syntax", {})),
        by_outcome=_in_order(Outcome, found.get("outcome", {})),
        by_reason=_in_order(Reason, found.get("reason", {})),
        by_category=_in_order(Category, found.get("category", {})),
        failed_checks=_most_first(found.get("check", {})),
        warnings=_most_first(found.get("warning", {})),
        times=tuple(_time(stage, found[_TIME + stage.value]) for stage in Stage if _TIME + stage.value in found),
    )


def _time(stage: Stage, counts: dict[str, int]) -> StageTime:
    buckets = {int(bucket): count for bucket, count in counts.items()}
    return StageTime(stage, sum(buckets.values()), percentile(buckets, _MEDIAN), percentile(buckets, _P95))


def _most_first(counts: dict[str, int]) -> tuple[tuple[str, int], ...]:
    return tuple(sorted(counts.items(), key=lambda each: (-each[1], each[0])))


def _in_order(kind: Any, counts: dict[str, int]) -> tuple[tuple[Any, int], ...]:
    return tuple((each, counts[each.value]) for each in kind if each.value in counts)


def _date(value: date | str) -> date:
    """SQLite tells a date as text."""
    return date.fromisoformat(value) if isinstance(value, str) else value
