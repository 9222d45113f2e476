"""What would change if a word went from another probability on: in this file, and in the demo studies."""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd
import streamlit as st

from deid.demo import DemoStudy, studies
from deid.jobs import options_of
from deid.pipeline import Case, Engines, Options
from deid.serving import engines
from deid.trials import Reading, demo_changes, read_demo
from deid.ui import looks, shared, tables
from deid.values import Policy
from deid.whatif import Change, changes

_READ: dict[tuple[tuple[tuple[str, str], ...], str], Reading] = {}
"""Demo studies as these engines read them; made-up text only, the same for everybody."""


def draw(case: Case, options: Options, key: str, *, hidden: bool) -> None:
    """A threshold to try, and the words that it would decide otherwise."""
    if case.words is None or case.findings is None or options.policy is not Policy.PHI:
        return
    with st.expander("What if the threshold were another?", icon=":material/help_center:"):
        percent = st.slider(
            "A word would go from this P(PHI) on",
            5,
            95,
            round(100 * options.threshold),
            5,
            format="%d %%",
            key=f"supposing-{key}",
        )
        found = changes(case.words, case.findings, case.hints, percent / 100)
        if found:
            st.write(f"{_counted(found)} Nothing is changed by asking.")
            _show(_table(found, hidden=hidden))
        else:
            st.write("No word of this file would be decided otherwise.")
        if st.toggle(
            "And in the demo studies",
            key=f"supposing-demo-{key}",
            help="They are read once, a middle frame of each; what is PHI in them is known.",
        ):
            _in_demo_studies(percent / 100)


def _counted(found: Iterable[Change]) -> str:
    going = [change.then.is_phi for change in found]
    return f"{sum(going):,} more would go, {len(going) - sum(going):,} more would stay."


def _in_demo_studies(threshold: float) -> None:
    """The same for the demo studies, where it is known whether a change is right."""
    settings = shared.settings()
    made, options, shown = engines(settings), options_of(settings), studies()
    readings, bar = [], st.progress(0.0, "Reading the demo studies…")
    for number, study in enumerate(shown):
        bar.progress(number / len(shown), f"Reading the demo studies: {number:,} of {len(shown):,}")
        readings.append((study, _reading(study, made, options)))
    bar.empty()
    found = [(study, *each) for study, reading in readings for each in demo_changes(study, reading, threshold)]
    words = sum(len(reading.findings.findings) for _, reading in readings)
    if not found:
        st.write(f"None of the {words:,} words of the {len(shown)} demo studies would be decided otherwise.")
        return
    leaks = sum(is_phi and not change.then.is_phi for _, change, is_phi in found)
    losses = sum(change.then.is_phi and not is_phi for _, change, is_phi in found)
    st.write(
        f"{_counted(change for _, change, _ in found)} Of {words:,} words in {len(shown)} demo studies, {leaks:,} that "
        f"must go would stay, and {losses:,} that may stay would go."
    )
    table = _table([change for _, change, _ in found], hidden=False)
    table.insert(0, "Study", [study.title for study, _, _ in found])
    table["In truth"] = ["PHI" if is_phi else "harmless" for _, _, is_phi in found]
    _show(table.drop(columns="Frame"))


def _reading(study: DemoStudy, made: Engines, options: Options) -> Reading:
    key = made.made_by, study.name
    if key not in _READ:
        _READ[key] = read_demo(study, made, options)
    return _READ[key]


def _show(table: pd.DataFrame) -> None:
    st.dataframe(table, hide_index=True, column_config={"P(PHI)": tables.share_column()})


def _table(found: Iterable[Change], *, hidden: bool) -> pd.DataFrame:
    found = tuple(found)
    return pd.DataFrame(
        {
            "Frame": [change.frame + 1 for change in found],
            "Text": [looks.told(change.now.word.text, hidden=hidden) for change in found],
            "P(PHI)": tables.shares(change.then.p_phi for change in found),
            "Now": [tables.fate(change.now) for change in found],
            "Then": [tables.fate(change.then) for change in found],
            "Because": [", ".join(looks.REASONS[reason].label for reason in change.then.reasons) for change in found],
        }
    )
