"""What all faces of one server process share: its settings, its store, its runs, and the engines started once."""

from __future__ import annotations

import functools
import threading

from deid.background import Background
from deid.jobs import make_engines
from deid.pipeline import Engines
from deid.settings import Settings
from deid.store import Store, open_store
from deid.turns import taking_turns

COOKIE = "deid_session"
"""Of a browser that is signed in to the pages."""

_opening = threading.Lock()
_making = threading.Lock()
_made: dict[tuple[str, str, str, int], Engines] = {}


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


def background() -> Background:
    """The runs that go on in this process."""
    return _background(environment())


def engines(chosen: Settings) -> Engines:
    """The engines of these settings, made by whoever asks first; whoever needs one waits for its turn.

    Raises
    ------
    EngineError
        Where a reader or the model cannot be started.
    """
    # A threshold that an administrator changes is no reason to start others.
    key = str(chosen.home), chosen.model, chosen.adapter, chosen.threads
    with _making:
        if key not in _made:
            _made[key] = taking_turns(make_engines(chosen))
        return _made[key]


def forget_engines() -> None:
    """Let the next caller make them anew."""
    with _making:
        _made.clear()


@functools.lru_cache(maxsize=4)
def _background(chosen: Settings) -> Background:
    return Background(chosen, store())


@functools.lru_cache(maxsize=4)
def _store(chosen: Settings) -> Store:
    return open_store(chosen)
