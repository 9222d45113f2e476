"""The statistics as plotly figures, each with a sentence that says the same; colours and letters come from `looks`."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any

import plotly.graph_objects as go
import streamlit as st

from deid.store import Day, StageTime, Totals
from deid.ui import looks
from deid.values import Category, Outcome

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
_BAR_PX, _THIN_BAR_PX = 34, 22
_LABEL_CHARACTERS = 30
_MOST_BARS = 12
"""The rest is one bar."""
_INK = "#FFFFFF"
"""Reads on every colour of a ring, in light and dark."""
_BLUE, _TEAL, _GREY, _RED = "#2B76C6", "#19827E", "#6A7687", "#D33B54"

CATEGORIES: dict[Category, str] = {
    Category.NAME: "names",
    Category.NUMBER: "numbers and ids",
    Category.DATE: "dates and times",
    Category.PLACE: "places and institutions",
    Category.CONTACT: "telephone, e-mail, web",
    Category.OTHER: "not told apart",
}


@dataclass(frozen=True, slots=True)
class Chart:
    """A figure, and what it shows in words."""

    figure: Any
    alt: str


@dataclass(frozen=True, slots=True)
class Bar:
    """A bar with its number."""

    label: str
    count: int
    colour: str = _BLUE


def row(*charted: tuple[str, Chart]) -> None:
    """Charts side by side, each under its heading."""
    for place, (heading, chart) in zip(st.columns(len(charted), gap="medium"), charted, strict=True):
        with place, st.container(border=True, height="stretch"):
            st.markdown(f"#### {heading}")
            st.plotly_chart(chart.figure, key=heading, config={"displayModeBar": False}, alt=chart.alt)


def by_modality(totals: Totals) -> Chart:
    """Images of each modality, most frequent on top."""
    return _bars([Bar(_modality(code), count) for code, count in totals.by_modality], "images")


def by_syntax(totals: Totals) -> Chart:
    """Images by the transfer syntax that they came in."""
    return _bars([Bar(_syntax(uid), count) for uid, count in totals.by_syntax], "images")


def by_reason(totals: Totals) -> Chart:
    """Words that went, by their strongest reason, in the colours of the boxes."""
    rows = sorted(totals.by_reason, key=lambda each: -each[1])
    named = [(looks.REASONS[reason], count) for reason, count in rows]
    return _bars([Bar(f"{look.letter} · {look.label}", count, look.colour) for look, count in named], "words")


def by_category(totals: Totals) -> Chart:
    """Words that went, by what the rules took them for."""
    rows = sorted(totals.by_category, key=lambda each: -each[1])
    return _bars([Bar(CATEGORIES[category], count) for category, count in rows], "words")


def failed_checks(totals: Totals) -> Chart:
    """Images that did not pass a check, by the check."""
    return _bars([Bar(looks.check(name), count, _RED) for name, count in totals.failed_checks], "images", least_px=200)


def by_sign(totals: Totals) -> Chart:
    """Images with signed, unsigned and no integer pixels."""
    other = totals.images - totals.signed - totals.unsigned
    rows = [Bar("signed", totals.signed, _TEAL), Bar("unsigned", totals.unsigned), Bar("no integers", other, _GREY)]
    return _ring(rows, "images")


def by_outcome(totals: Totals) -> Chart:
    """Files by how they ended."""
    looked = [(looks.OUTCOMES[outcome], count) for outcome, count in totals.by_outcome]
    return _ring([Bar(look.label, count, look.colour) for look, count in looked], "files")


def stage_times(times: Sequence[StageTime]) -> Chart:
    """Median and 95th percentile of each stage's time, in the order of the stages."""
    names = [looks.STAGES[each.stage] for each in times]
    figure = go.Figure()
    for label, colour, seconds in (
        ("median", _BLUE, [each.median for each in times]),
        ("95 % are quicker", _GREY, [each.p95 for each in times]),
    ):
        figure.add_bar(
            x=seconds,
            y=names,
            name=label,
            orientation="h",
            marker_color=colour,
            text=[looks.seconds(value) for value in seconds],
            textposition="outside",
            cliponaxis=False,
            hovertemplate="%{y}, " + label + ": %{text}<extra></extra>",
        )
    figure.update_layout(**_LAYOUT | {"height": 90 + 2 * _THIN_BAR_PX * max(len(times), 1), "bargap": 0.25})
    figure.update_xaxes(visible=False, range=[0, 1.18 * max((each.p95 for each in times), default=1)])
    figure.update_yaxes(autorange="reversed")
    told = (f"{looks.STAGES[each.stage]} {looks.seconds(each.median)}, {looks.seconds(each.p95)}" for each in times)
    return Chart(figure, "Median and 95th percentile: " + "; ".join(told) + ".")


def history(days: tuple[Day, ...]) -> Chart:
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
    sums = [sum(count for _, count in day.outcomes) for day in days]
    figure.update_yaxes(rangemode="tozero", tickformat=",d", dtick=1 if max(sums, default=0) < _FEW else None)
    figure.update_xaxes(tickformat="%d %b")
    return Chart(figure, f"{sum(sums):,} files on {len(days):,} days; the busiest had {max(sums, default=0):,}.")


def _syntax(uid: str) -> str:
    return "<br>".join(textwrap.wrap(looks.syntax(uid), _LABEL_CHARACTERS)) if uid else "not stated"


def _modality(code: str) -> str:
    return looks.MODALITIES.get(code, code) or "not stated"


def _bars(bars: Sequence[Bar], noun: str, least_px: int = 320) -> Chart:
    """Bars from the top down, with their numbers; many small ones become one."""
    shown = list(bars[:_MOST_BARS])
    if rest := sum(bar.count for bar in bars[_MOST_BARS:]):
        shown.append(Bar("others", rest, _GREY))
    figure = go.Figure(
        go.Bar(
            x=[bar.count for bar in shown],
            y=[bar.label for bar in shown],
            orientation="h",
            marker_color=[bar.colour for bar in shown],
            width=0.55,
            text=[f"{bar.count:,}" for bar in shown],
            textposition="outside",
            cliponaxis=False,
            hovertemplate="%{y}: %{x:,} " + noun + "<extra></extra>",
        )
    )
    figure.update_layout(**_LAYOUT | {"height": max(least_px, 60 + _BAR_PX * len(shown))})
    figure.update_xaxes(visible=False, range=[0, 1.2 * max((bar.count for bar in shown), default=1)])
    figure.update_yaxes(autorange="reversed", automargin=True)
    if 0 < len(shown) < _FEW:
        figure.update_yaxes(autorange=None, range=[max(len(shown), 4) - 0.5, -0.5])
    return Chart(figure, _said(shown, noun))


def _ring(bars: Sequence[Bar], noun: str) -> Chart:
    shown = [bar for bar in bars if bar.count]
    figure = go.Figure(
        go.Pie(
            labels=[bar.label for bar in shown],
            values=[bar.count for bar in shown],
            marker={"colors": [bar.colour for bar in shown]},
            hole=0.62,
            sort=False,
            texttemplate="%{value:,}",
            insidetextfont={"color": _INK},
            hovertemplate="%{label}: %{value:,} (%{percent})<extra></extra>",
        )
    )
    figure.update_layout(**_LAYOUT, showlegend=True)
    figure.add_annotation(text=f"{sum(bar.count for bar in shown):,}<br>{noun}", showarrow=False, font={"size": 18})
    return Chart(figure, _said(shown, noun))


def _said(bars: Sequence[Bar], noun: str) -> str:
    told = "; ".join(f"{bar.label.replace('<br>', ' ')} {bar.count:,}" for bar in bars)
    return f"{noun.capitalize()}: {told}."
