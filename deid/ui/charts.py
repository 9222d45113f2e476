"""The statistics as plotly figures; colours and letters come from `looks`, the rest from the page's theme."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from typing import Any

import plotly.graph_objects as go

from deid.store import Day, Totals
from deid.ui import looks
from deid.values import Outcome

_LAYOUT = {
    "margin": {"l": 8, "r": 8, "t": 8, "b": 8},
    "height": 320,
    "bargap": 0.35,
    "legend": {"orientation": "h", "y": -0.18, "x": 0},
    "hoverlabel": {"namelength": -1},
}
_DAY_MS = 86_400_000
_SHORTEST = 13
"""Days of the time axis, so that a single day does not fill it."""
_FEW = 8
_BLUE, _TEAL, _GREY = "#2F7DD1", "#20A39E", "#8A94A3"


def by_modality(totals: Totals) -> Any:
    """Images of each modality, most frequent on top."""
    rows = [(looks.MODALITIES.get(code, code) or "not stated", count) for code, count in reversed(totals.by_modality)]
    figure = go.Figure(
        go.Bar(
            x=[count for _, count in rows],
            y=[name for name, _ in rows],
            orientation="h",
            marker_color=_BLUE,
            width=0.5,
            text=[f"{count:,}" for _, count in rows],
            textposition="auto",
            hovertemplate="%{y}: %{x:,} images<extra></extra>",
        )
    )
    return figure.update_layout(**_LAYOUT).update_xaxes(visible=False)


def by_sign(totals: Totals) -> Any:
    """Images with signed, unsigned and no integer pixels."""
    other = totals.images - totals.signed - totals.unsigned
    return _ring(
        [("signed", totals.signed, _TEAL), ("unsigned", totals.unsigned, _BLUE), ("no integers", other, _GREY)],
        f"{totals.images:,}<br>images",
    )


def by_outcome(totals: Totals) -> Any:
    """Files by how they ended."""
    rows = [
        (looks.OUTCOMES[outcome].label, count, looks.OUTCOMES[outcome].colour) for outcome, count in totals.by_outcome
    ]
    return _ring(rows, f"{sum(count for _, count, _ in rows):,}<br>files")


def history(days: tuple[Day, ...]) -> Any:
    """Files a day, stacked by how they ended."""
    figure = go.Figure()
    for outcome in Outcome:
        look = looks.OUTCOMES[outcome]
        counts = [dict(day.outcomes).get(outcome, 0) for day in days]
        if any(counts):
            figure.add_bar(
                x=[day.day for day in days],
                y=counts,
                name=look.label,
                marker_color=look.colour,
                width=0.6 * _DAY_MS,
                hovertemplate="%{x|%d %b %Y}: %{y:,} " + look.label + "<extra></extra>",
            )
    figure.update_layout(**_LAYOUT, barmode="stack", showlegend=True)
    if days and (days[-1].day - days[0].day).days < _SHORTEST:
        half = timedelta(hours=12)
        last = datetime.combine(days[-1].day, time())
        figure.update_xaxes(range=[last - timedelta(days=_SHORTEST) - half, last + half])
    busiest = max((sum(count for _, count in day.outcomes) for day in days), default=0)
    figure.update_yaxes(rangemode="tozero", tickformat=",d", dtick=1 if busiest < _FEW else None)
    return figure.update_xaxes(tickformat="%d %b")


def _ring(rows: list[tuple[str, int, str]], middle: str) -> Any:
    rows = [row for row in rows if row[1]]
    figure = go.Figure(
        go.Pie(
            labels=[label for label, _, _ in rows],
            values=[count for _, count, _ in rows],
            marker={"colors": [colour for _, _, colour in rows]},
            hole=0.62,
            sort=False,
            textinfo="value",
            hovertemplate="%{label}: %{value:,} (%{percent})<extra></extra>",
        )
    )
    figure.update_layout(**_LAYOUT, showlegend=True)
    return figure.add_annotation(text=middle, showarrow=False, font={"size": 18})
