"""How the installation is, on the landing page: storage, model and database, each in words and with an icon."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import streamlit as st

from deid.engines.llama import bundled_base
from deid.errors import DeidError
from deid.settings import NO_MODEL, Settings
from deid.store import Store
from deid.ui import looks

_LITTLE = 2 * 1024**3
"""Bytes of free room below which somebody should do something."""


@dataclass(frozen=True, slots=True)
class Condition:
    """One part of the installation."""

    name: str
    well: bool
    headline: str
    detail: str


def conditions(store: Store, settings: Settings) -> tuple[Condition, ...]:
    """Every part, in the order in which it is shown."""
    return _storage(store), _model(settings), _database(store)


def show(found: tuple[Condition, ...]) -> None:
    """A card a part."""
    for place, each in zip(st.columns(len(found)), found, strict=True):
        with place, st.container(border=True, height="stretch"):
            st.caption(each.name)
            st.markdown(f":green[:material/check_circle:] **{each.headline}**" if each.well else _warned(each))
            st.caption(each.detail)


def _warned(each: Condition) -> str:
    return f":orange[:material/warning:] **{each.headline}**"


def _storage(store: Store) -> Condition:
    found = store.storage()
    parts = {"database": found.database, "waiting files": found.review, "model": found.models}
    told = ", ".join(f"{name} {looks.size(size)}" for name, size in parts.items() if size)
    well = found.free > _LITTLE
    return Condition(
        "Storage",
        well,
        f"{looks.size(found.used)} used, {looks.size(found.free)} free" if well else f"{looks.size(found.free)} left",
        told or "Nothing is kept yet.",
    )


def _model(settings: Settings) -> Condition:
    if settings.model == NO_MODEL:
        return Condition("Language model", True, "Switched off", "Rules, header values and word lists decide alone.")
    try:
        path = Path(settings.model) if settings.model else bundled_base()
    except DeidError as exc:
        return Condition("Language model", False, "Not installed", str(exc))
    if not path.is_file():
        return Condition("Language model", False, "Not found", "The file that DEID_MODEL names is not there.")
    kind = "of your own" if settings.model else "bundled"
    return Condition("Language model", True, f"Ready, {kind}", "It judges the words that no rule settles.")


def _database(store: Store) -> Condition:
    health = store.health()
    return Condition("Database", True, "Answers", f"{health.kind}, {max(health.milliseconds, 0.1):.1f} ms a question.")
