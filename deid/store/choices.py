"""Settings that an administrator may change while the server runs; the environment's word stands above them."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace

from sqlalchemy import delete, insert, select

from deid.errors import UsageError
from deid.settings import Settings, stated
from deid.store.audit import note
from deid.store.database import Database
from deid.store.records import Action, Actor
from deid.store.schema import SettingRow

_KEPT_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Bounds:
    """What a setting may be."""

    least: float
    most: float
    step: float


CHANGEABLE = {
    "phi_threshold": Bounds(0.1, 0.7, 0.05),  # above 0.7 words that nothing knows would stay
    "box_padding": Bounds(0, 20, 1),
    "session_hours": Bounds(0.5, 24, 0.5),
    "lockout_attempts": Bounds(3, 20, 1),
    "lockout_minutes": Bounds(1, 1440, 1),
}


class Choices:
    """The part of the store that knows settings."""

    def __init__(self, database: Database, settings: Settings) -> None:
        self._database = database
        self._settings = settings
        self._kept: tuple[float, Settings] | None = None

    def in_force(self) -> Settings:
        """The settings as they are now: the environment's, then what an administrator chose, then the defaults."""
        moment = time.monotonic()
        kept = self._kept
        if kept is None or moment - kept[0] > _KEPT_SECONDS:
            kept = self._kept = (moment, self._read())
        return kept[1]

    def change_setting(self, name: str, value: float, by: Actor) -> None:
        """Choose another value, for every process of this installation.

        Raises
        ------
        UsageError
            Where the setting cannot be changed here, or not to this value.
        """
        bounds = CHANGEABLE.get(name)
        if bounds is None or stated(name):
            raise UsageError(f"DEID_{name.upper()} can only be set in the server's environment.")
        if not bounds.least <= value <= bounds.most:
            raise UsageError(f"This must lie between {bounds.least:g} and {bounds.most:g}.")
        if getattr(self._read(), name) == value:
            return
        kept = type(getattr(self._settings, name))(value)
        with self._database.write() as session:
            session.execute(delete(SettingRow).where(SettingRow.name == name))
            session.execute(insert(SettingRow).values(name=name, value=repr(kept)))
            note(session, by, Action.SETTING_CHANGED, f"{name} = {kept!r}")
        self._kept = None

    def _read(self) -> Settings:
        with self._database.read() as session:
            rows = {row.name: row.value for row in session.scalars(select(SettingRow))}
        chosen = {
            name: type(getattr(self._settings, name))(text)
            for name, text in rows.items()
            if name in CHANGEABLE and not stated(name)
        }
        return replace(self._settings, **chosen)
