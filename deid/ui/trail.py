"""The part of the administration page that shows what was done."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable

import pandas as pd
import streamlit as st

from deid.store import Action, Actor, Event, Events, User
from deid.ui import auth, shared

_SHOWN, _MANY = 200, 15
_ANYBODY, _NOBODY = "Anybody", "Nobody signed in"


def administer(me: User) -> None:
    """The audit: filters, the latest rows, and all of them as a file."""
    wanted = _filters()
    store = shared.store()
    count = store.count_events(wanted)
    if not count:
        st.info("Nothing was recorded for this choice. Widen it above.", icon=":material/history:")
        return
    st.markdown(f"**{count:,}** entries" + (f", the latest {_SHOWN} of them shown." if count > _SHOWN else "."))
    st.dataframe(table(store.events(wanted, _SHOWN)), hide_index=True, height="auto" if count < _MANY else 560)
    by = auth.actor(me)
    st.download_button(
        "All of these as CSV",
        lambda: exported(wanted, by),
        "audit.csv",
        "text/csv",
        icon=":material/download:",
        on_click="ignore",
    )


def _filters() -> Events:
    names = [user.username for user in shared.store().users()]
    when, who, what = st.columns(3)
    days = when.date_input("Days (UTC)", [], format="YYYY-MM-DD", help="A first and a last day; empty: all.")
    user = who.selectbox("By or about", [_ANYBODY, _NOBODY, *names])
    action = what.selectbox("What", list(Action), index=None, placeholder="Anything", format_func=str.capitalize)
    chosen = days if isinstance(days, tuple) else (days,)
    return Events(
        since=chosen[0] if chosen else None,
        until=chosen[-1] if len(chosen) > 1 else None,
        user=None if user == _ANYBODY else "" if user == _NOBODY else user,
        action=action,
    )


def table(events: Iterable[Event]) -> pd.DataFrame:
    """One row an event."""
    events = tuple(events)
    return pd.DataFrame(
        {
            "When (UTC)": [each.at for each in events],
            "User": [each.user for each in events],
            "What": [each.action for each in events],
            "To what": [each.subject for each in events],
            "From": [each.address for each in events],
        }
    )


def exported(wanted: Events, by: Actor) -> bytes:
    """All rows as CSV; that they were taken is a row itself."""
    shared.store().record(by, Action.EXPORTED, "audit")
    told = io.StringIO()
    writer = csv.writer(told)
    writer.writerow(["id", "at_utc", "user", "action", "subject", "address"])
    for each in shared.store().all_events(wanted):
        writer.writerow([each.id, each.at.isoformat(), each.user, each.action, each.subject, each.address])
    return told.getvalue().encode()
