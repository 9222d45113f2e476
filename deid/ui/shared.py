"""What all browsers of this server share: its settings, its store, the desk with the opened files, and its runs."""

from __future__ import annotations

import functools
import threading
from typing import TYPE_CHECKING

from deid.background import Background
from deid.desk import Desk
from deid.settings import Settings
from deid.store import Store, open_store

if TYPE_CHECKING:
    from deid.ui.bench import Looked
    from deid.ui.casework import Opened
    from deid.ui.piles import Pile

_opening = threading.Lock()


def environment() -> Settings:
    """The settings of this process's environment: what stays the same as long as it runs."""
    return Settings.from_environment()


def settings() -> Settings:
    """The settings in force, with what an administrator changed."""
    return store().in_force()


def store() -> Store:
    """The store of this process, opened once."""
    with _opening:
        return _store(environment())


def desk() -> Desk[Opened | Pile | Looked]:
    """The one desk of this process."""
    return _desk(environment())


def background() -> Background:
    """The runs that go on in this process."""
    return _background(environment())


@functools.lru_cache(maxsize=4)
def _background(chosen: Settings) -> Background:
    return Background(chosen, store())


@functools.lru_cache(maxsize=4)
def _store(chosen: Settings) -> Store:
    return open_store(chosen)


@functools.lru_cache(maxsize=4)
def _desk(chosen: Settings) -> Desk[Opened | Pile | Looked]:
    return Desk(seconds=chosen.desk_minutes * 60, room=chosen.desk_mb * 1024 * 1024)
