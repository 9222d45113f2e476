"""The part of the administration page that shows what the last measurement with known text found."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from pathlib import Path

import pandas as pd
import streamlit as st

from deid.bench import last
from deid.bench.last import Last, Miss
from deid.bench.measure import GROUPS
from deid.store import User
from deid.ui import looks, screen, shared, why
from deid.values import Evidence, Reason

_SHOWN = 60
"""Words of one kind that are shown with their pictures."""
_COMMAND = "deid bench --make 50 cases --seed 7\ndeid bench cases"
_GROUPS = dict(zip(GROUPS, ("Kind of image", "Transfer syntax", "Difficulty", "What decided", "Reader"), strict=True))


def administer(_: User) -> None:
    """Figures, tables, and the words that can still be read or are gone, with their pictures."""
    found = last.last(shared.settings().home)
    if found is None:
        st.info(
            "Nothing was measured yet. Cases whose text is known tell how many identifying words stay readable and how "
            "many others are lost. Make some and measure, on the machine that this program runs on:",
            icon=":material/straighten:",
        )
        st.code(_COMMAND, language="bash")
        return
    _figures(found)
    leaked = [miss for miss in found.misses if miss.leaked]
    lost = [miss for miss in found.misses if not miss.leaked]
    _words("Still readable", leaked, "No identifying word can be read any more.")
    by = st.segmented_control(
        "Figures by", GROUPS, default=GROUPS[0], format_func=_GROUPS.__getitem__, required=True, key="measured-by"
    )
    share = st.column_config.NumberColumn(format="percent")
    st.dataframe(table(found, by), hide_index=True, column_config={"Still readable": share, "Lost": share})
    _words("Lost, though it identifies nobody", lost, "No other word is gone.")
    st.button("Delete these results", icon=":material/delete:", on_click=last.forget, args=(shared.settings().home,))


def _figures(found: Last) -> None:
    total = found.total
    st.caption(
        f"Measured {looks.ago(found.when)}: {looks.count(total['cases'], 'case')}, "
        f"{total['phi_words']:,} identifying words and {total['other_words']:,} others."
    )
    seconds = sum(total["seconds_a_frame"].values())
    screen.cards(
        (
            ("Still readable", _percent(total["leak_words"]), "Identifying words of which more than a quarter shows."),
            ("Other words lost", _percent(total["lost_words"]), "Labels, settings and measurements that are gone."),
            ("No output", f"{total['missing']:,}", "Cases without a file that can be read."),
            ("Asked for review", _percent(total["review"]), "Cases that a person would have been shown."),
            ("Time a frame", looks.seconds(seconds), "All stages, in one process."),
        )
    )


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{100 * share:.1f} %"


def table(found: Last, by: str) -> pd.DataFrame:
    """Figures by group: one row each, the one with most leaks first."""
    rows = sorted(found.tables[by].items(), key=lambda row: (-(row[1]["leak_words"] or 0), row[0]))
    return pd.DataFrame(
        {
            _GROUPS[by]: [decided(key) if by == "reason" else key for key, _ in rows],
            "Identifying words": [each["phi_words"] for _, each in rows],
            "Still readable": [each["leak_words"] for _, each in rows],
            "Other words": [each["other_words"] for _, each in rows],
            "Lost": [each["lost_words"] for _, each in rows],
        }
    )


def _words(title: str, misses: Sequence[Miss], none: str) -> None:
    st.subheader(title)
    if not misses:
        st.caption(none)
        return
    st.caption("Above as it came, below as it goes." + (f" The first {_SHOWN}." if len(misses) > _SHOWN else ""))
    st.dataframe(
        words(misses[:_SHOWN]),
        hide_index=True,
        row_height=110,
        column_config={"": st.column_config.ImageColumn("", width="medium")},
    )


def words(misses: Sequence[Miss]) -> pd.DataFrame:
    """One row a word, its picture as a data address: nothing of it goes through /media."""
    return pd.DataFrame(
        {
            "": [_address(miss.crop) if miss.crop else "" for miss in misses],
            "Word": [miss.text for miss in misses],
            "Is": [miss.category for miss in misses],
            "Read as": [" | ".join(miss.read_as) or "nobody saw it" for miss in misses],
            "What decided": [decided(miss.reason) for miss in misses],
            "Case": [miss.case for miss in misses],
        }
    )


def decided(told: str) -> str:
    """What decided about a word, in words: `told` is a reason with its rule, as `deid bench` names them."""
    reason, _, rule = told.partition(":")
    known = {each.value: each for each in Reason}
    return why.said(Evidence(known[reason], rule, 0.0)) if reason in known else "nothing"


def _address(crop: Path) -> str:
    return "data:image/png;base64," + base64.b64encode(crop.read_bytes()).decode()
