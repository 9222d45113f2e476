"""Runs as a table and as a file, and figures as a file."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable

import pandas as pd
import streamlit as st

from deid.quality import says
from deid.store import Action, Actor, Run, Sampled, Selection, Totals
from deid.ui import looks, shared
from deid.values import Outcome

_MOST = 10_000
KINDS = {"page": "one file", "batch": "batch"}


def show(runs: tuple[Run, ...]) -> None:
    """The table of runs."""
    columns = {"Run": st.column_config.NumberColumn(format="%d", width="small")}
    st.dataframe(table(runs), hide_index=True, column_config=columns)


def show_samples(samples: tuple[Sampled, ...]) -> None:
    """The samples of clean files that people looked at, and what each says."""
    rows = {
        "Run": [each.run_id for each in samples],
        "Drawn": [looks.ago(each.at) for each in samples],
        "By": [each.by for each in samples],
        "Clean files": [each.draw.population for each in samples],
        "Sample": [each.size for each in samples],
        "Looked at": [each.looked for each in samples],
        "Leaks": [each.leaks for each in samples],
        "What it says": [says(each) for each in samples],
    }
    st.dataframe(pd.DataFrame(rows), hide_index=True)


def table(runs: Iterable[Run]) -> pd.DataFrame:
    """One row a run."""
    runs = tuple(runs)
    return pd.DataFrame(
        {
            "Run": [run.id for run in runs],
            "When": [looks.ago(run.started) for run in runs],
            "By": [run.user or "command line" for run in runs],
            "What": [KINDS.get(run.kind, run.kind) for run in runs],
            "State": [looks.RUN_STATES[run.state] for run in runs],
            "Files": [max(run.done, run.planned) for run in runs],
            **{looks.OUTCOMES[outcome].label.capitalize(): [run.count(outcome) for run in runs] for outcome in Outcome},
        }
    )


def exported_runs(about: Selection, by: Actor) -> bytes:
    """The latest runs as CSV, ten thousand at most; that they were taken is a row of the audit."""
    shared.store().record(by, Action.EXPORTED, "runs")
    head = ["run", "started_utc", "ended_utc", "user", "kind", "state", "files", *(each.value for each in Outcome)]
    return _csv(
        head,
        (
            [
                run.id,
                run.started.isoformat(),
                run.ended.isoformat() if run.ended else "",
                run.user,
                run.kind,
                run.state.value,
                run.done,
                *(run.count(outcome) for outcome in Outcome),
            ]
            for run in shared.store().runs(_MOST, about)
        ),
    )


def exported_figures(about: Selection, by: Actor) -> bytes:
    """Every figure of the statistics as CSV; that they were taken is a row of the audit."""
    shared.store().record(by, Action.EXPORTED, "figures")
    return _csv(["figure", "of", "value"], _figures(shared.store().totals(about)))


def _figures(totals: Totals) -> Iterable[list[object]]:
    yield ["images", "", totals.images]
    yield ["images by sign", "signed", totals.signed]
    yield ["images by sign", "unsigned", totals.unsigned]
    yield ["images by sign", "no integers", totals.images - totals.signed - totals.unsigned]
    for name, counts in (
        ("images by modality", totals.by_modality),
        ("images by transfer syntax", totals.by_syntax),
        ("files by outcome", [(each.value, count) for each, count in totals.by_outcome]),
        ("words that went by reason", [(each.value, count) for each, count in totals.by_reason]),
        ("words that went by category", [(each.value, count) for each, count in totals.by_category]),
        ("images that failed a check", totals.failed_checks),
    ):
        for of, count in counts:
            yield [name, of, count]
    for time in totals.times:
        yield ["median seconds", time.stage.value, f"{time.median:.4g}"]
        yield ["95th percentile of seconds", time.stage.value, f"{time.p95:.4g}"]


def _csv(head: list[str], rows: Iterable[list[object]]) -> bytes:
    told = io.StringIO()
    writer = csv.writer(told)
    writer.writerow(head)
    writer.writerows(rows)
    return told.getvalue().encode()
