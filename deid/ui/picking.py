"""Which runs the statistics are about: the filters on the page."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import streamlit as st

from deid.store import Run, Selection, User
from deid.ui import looks, shared
from deid.ui.auth import reach

_OTHER = "Other"
_SPANS = {"7 days": 7, "30 days": 30, "90 days": 90, "A year": 366, "All": None, _OTHER: None}
_EVERYBODY, _CONSOLE = "Everybody", "Command line"
_LATEST = 200


def choose(user: User) -> Selection:
    """What the user chose, within what the role may see."""
    since, until = _days()
    who_place, run_place = st.columns(2)
    who = _who(who_place, user)
    about = Selection(since, until, who)
    runs = {run.id: run for run in shared.store().runs(_LATEST, about)}
    run = run_place.selectbox(
        "Run",
        list(runs),
        index=None,
        placeholder="All runs",
        format_func=lambda run_id: _named(runs[run_id]),
        help=f"The latest {_LATEST} of the chosen days and people.",
    )
    return Selection(since, until, who, run)


def _days() -> tuple[date | None, date | None]:
    span = st.segmented_control("Days (UTC)", list(_SPANS), default="30 days", required=True, key="span")
    if span == _OTHER:
        chosen = st.date_input("First and last day", [], format="YYYY-MM-DD")
        days = chosen if isinstance(chosen, tuple) else (chosen,)
        return (days[0] if days else None), (days[-1] if len(days) > 1 else None)
    count = _SPANS[span]
    return (datetime.now(UTC).date() - timedelta(days=count - 1) if count else None), None


def _who(place: st.delta_generator.DeltaGenerator, user: User) -> str | None:
    mine = reach(user).user
    if mine is not None:
        place.selectbox("By", [mine], disabled=True, help="Demo users see their own runs.")
        return mine
    names = [each.username for each in shared.store().users()]
    chosen = place.selectbox("By", [_EVERYBODY, *names, _CONSOLE])
    return None if chosen == _EVERYBODY else "" if chosen == _CONSOLE else chosen


def _named(run: Run) -> str:
    files = "1 file" if run.done == 1 else f"{run.done:,} files"
    return f"Run {run.id} · {run.user or 'command line'} · {files} · {looks.ago(run.started)}"
