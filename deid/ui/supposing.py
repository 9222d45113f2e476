"""What would change if a word went from another probability on: asked beside the words, and answered at once."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from deid.ui import keys, looks, tables
from deid.ui.casework import Opened
from deid.values import Policy
from deid.whatif import Change, changes


def draw(opened: Opened, *, hidden: bool) -> None:
    """A threshold to try, and the words that it would decide otherwise."""
    case, options = opened.case, opened.options
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
            key=f"supposing-{st.session_state.get(keys.CASE)}",
        )
        found = changes(case.words, case.findings, case.hints, percent / 100)
        if not found:
            st.write("No word of this file would be decided otherwise.")
            return
        going = sum(change.then.is_phi for change in found)
        st.write(f"{going:,} more would go, {len(found) - going:,} more would stay. Nothing is changed by asking.")
        st.dataframe(_table(found, hidden=hidden), hide_index=True, column_config={"P(PHI)": tables.share_column()})


def _table(found: tuple[Change, ...], *, hidden: bool) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "Frame": [change.frame + 1 for change in found],
            "Text": [looks.told(change.now.word.text, hidden=hidden) for change in found],
            "P(PHI)": [change.then.p_phi for change in found],
            "Now": ["goes" if change.now.is_phi else "stays" for change in found],
            "Then": ["goes" if change.then.is_phi else "stays" for change in found],
            "Because": [", ".join(looks.REASONS[reason].label for reason in change.then.reasons) for change in found],
        }
    )
