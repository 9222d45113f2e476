"""The file that somebody decides about: on the desk of whoever looks at it, and named in the page's address."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import streamlit as st

from deid.errors import DeidError
from deid.jobs import examine
from deid.pipeline import Case, open_case
from deid.review import Correction
from deid.ui import keys, shared
from deid.workbench import Item, Remade, Workbench

PARAMETER = "item"
"""In the page's address: the run's number and a name that says nothing."""
_COPIES = 5
"""A file as read, and as redacted, cleaned and written, and its picture."""


@dataclass(eq=False)
class Looked:
    """A file on the desk of whoever decides about it."""

    key: str
    case: Case
    size: int
    sent: bool = False
    """Whether its first frames were sent."""
    made: Remade | None = None
    made_from: tuple[Correction, ...] = ()
    asked: Remade | None = None
    """What a second question was asked about."""

    def __repr__(self) -> str:
        return f"Looked({self.key})"


class Held:
    """What a tab has on the desk. It goes with the tab: nothing else could find it again."""

    def __init__(self, key: str, owner: str, looked: Looked) -> None:
        self.key = key
        self.desk_id = shared.desk().put(owner, looked, looked.size)
        self.drop = weakref.finalize(self, shared.desk().remove, owner, self.desk_id)


def workbench() -> Workbench:
    """The queue of this installation."""
    return Workbench(shared.settings(), shared.store())


def on_desk(item: Item) -> Looked | None:
    """The file, opened; None where it cannot be opened any more."""
    return lay_out(item.key, lambda: _opened(item))


def lay_out(key: str, opened: Callable[[], Looked | None]) -> Looked | None:
    """What lies on the desk under this key, or else what is opened now; None where that cannot be."""
    owner, held = st.session_state[keys.SESSION], st.session_state.get(keys.BENCH)
    found = shared.desk().get(owner, held.desk_id) if isinstance(held, Held) and held.key == key else None
    if isinstance(found, Looked):
        return found
    drop()
    looked = opened()
    if looked is not None:
        st.session_state[keys.BENCH] = Held(key, owner, looked)
    return looked


def _opened(item: Item) -> Looked | None:
    if item.note is None:
        return None
    try:
        data = item.file.original()
        examine(data, shared.settings())
        case = open_case(data, item.note.options)
    except (DeidError, OSError):
        return None
    return Looked(item.key, case, _COPIES * len(data))


def drop() -> None:
    """Put away what was looked at."""
    held = st.session_state.pop(keys.BENCH, None)
    if isinstance(held, Held):
        held.drop()


def go_on(item: Item, queue: Sequence[str], left: Sequence[str], said: str) -> None:
    """Turn the page to the next file of the queue that is left, and say what became of this one."""
    st.toast(said, icon=":material/check_circle:")
    st.session_state[keys.DECIDED] = item.file.run_id
    place = queue.index(item.key)
    following = [each for each in (*queue[place + 1 :], *reversed(queue[:place])) if each in left]
    drop()
    if following:
        st.query_params[PARAMETER] = following[0]
    else:
        st.query_params.pop(PARAMETER, None)
    st.rerun()
