"""The images that came together, as a list beside the open one: small pictures, and how each ended."""

from __future__ import annotations

from typing import Any

import streamlit as st

from deid.ui import exhibits, keys, looks, piles, steps, tables
from deid.ui.casework import Opened, Sheet
from deid.ui.piles import Pile
from deid.values import Outcome, View

_SHOWN = 24
"""Images listed at a time: those around the open one."""
_ROW_PX = 72
_ALL, _OPEN = "all", "not run"


def beside(*, narrow: bool) -> Pile | None:
    """The pile that the open image came in, where there is room for a list and more than one to list."""
    pile = piles.find(st.session_state[keys.SESSION], st.session_state.get(keys.PILE, ""))
    single = pile is None or len(pile.intake.images) < 2 or st.session_state.get(keys.ITEM) is None
    return None if single or narrow else pile


def show(pile: Pile, opened: Opened, *, hidden: bool) -> None:
    """Draw the list; choosing another image opens it."""
    item = int(st.session_state[keys.ITEM])
    if opened.case.frames and piles.has_no_thumb(pile, item, hidden=hidden):
        middle = opened.case.frames // 2
        picture = exhibits.picture(opened, Sheet.ORIGINAL, middle, View.WINDOW, hidden=hidden)
        piles.remember(pile, item, picture, hidden=hidden)
    numbers = _around(_wanted(pile), item)
    if not numbers:
        st.caption("No image is like that.")
        return
    there = [numbers.index(item)] if item in numbers else []
    state: Any = st.dataframe(
        tables.shelf(pile, numbers, hidden=hidden),
        hide_index=True,
        height=tables.height(len(numbers), 560, _ROW_PX),
        row_height=_ROW_PX,
        column_config={"Image": tables.picture_column(), "Outcome": tables.outcome_column()},
        on_select="rerun",
        selection_mode="single-row-required" if there else "single-row",
        selection_default={"selection": {"rows": there}},
        key=f"shelf-{st.session_state.get(keys.CASE)}-{numbers[0]}-{len(numbers)}",
        alt="The images that came together, with their outcomes",
    )
    rows = state["selection"]["rows"]
    if rows and numbers[rows[0]] != item:
        steps.open_neighbour(numbers[rows[0]])
        st.rerun()


def _wanted(pile: Pile) -> list[int]:
    """The images that the filter leaves."""
    ends = [pile.ends.get(number) for number in range(len(pile.intake.images))]
    counts = {_ALL: len(ends)}
    counts |= {outcome.value: ends.count(outcome) for outcome in Outcome if outcome in ends}
    if None in ends and len(counts) > 1:
        counts[_OPEN] = ends.count(None)

    def label(value: str) -> str:
        name = value if value in (_ALL, _OPEN) else looks.OUTCOMES[Outcome(value)].label
        return f"{name.capitalize()} · {counts.get(value, 0):,}"

    wanted = st.selectbox("Which images", list(counts), format_func=label, label_visibility="collapsed")
    return [
        number
        for number, end in enumerate(ends)
        if wanted == _ALL or (end is None if wanted == _OPEN else end is not None and end.value == wanted)
    ]


def _around(numbers: list[int], item: int) -> list[int]:
    place = sum(number < item for number in numbers)
    first = place // _SHOWN * _SHOWN
    return numbers[first : first + _SHOWN] or numbers[-_SHOWN:]
