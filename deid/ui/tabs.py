"""Which sign-in session each browser tab belongs to.

Streamlit serves an upload, a download or a tab's whole state to whoever names it. The names are long and random, but
they are no secret kept from somebody who looks over a shoulder or into a proxy's log. The guard asks here whose they
are, so that they are worth nothing to another user.
"""

from __future__ import annotations

import threading
from typing import Any

from streamlit.runtime.scriptrunner import get_script_run_ctx

_MOST_FILES = 10_000


class Tabs:
    """Ids of Streamlit's sessions, and of the files that they offer, with the sign-in session that they belong to."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._owners: dict[str, str] = {}
        self._files: dict[str, set[str]] = {}

    def note(self, tab: str, owner: str) -> None:
        """A tab shows pages of this sign-in session (its id hash); empty: of nobody."""
        with self._lock:
            if owner:
                self._owners[tab] = owner
            else:
                self._owners.pop(tab, None)

    def forget(self, tab: str) -> None:
        """The tab was closed."""
        with self._lock:
            self._owners.pop(tab, None)
            for file_id in [file_id for file_id, tabs in self._files.items() if tab in tabs]:
                self._files[file_id].discard(tab)
                if not self._files[file_id]:
                    del self._files[file_id]

    def owner(self, tab: str) -> str:
        """The sign-in session that the tab belongs to; empty for a tab that nobody signed in to."""
        with self._lock:
            return self._owners.get(tab, "")

    def offers(self, file_id: str, owner: str) -> bool:
        """Whether a tab of this sign-in session offers the file."""
        with self._lock:
            return any(self._owners.get(tab) == owner for tab in self._files.get(file_id, ()))

    def note_file(self, tab: str, url: str) -> None:
        """A tab offers the file at this URL."""
        with self._lock:
            self._files.setdefault(file_of(url), set()).add(tab)
            while len(self._files) > _MOST_FILES:
                self._files.pop(next(iter(self._files)))

    def watch(self, manager: Any) -> None:
        """Learn from Streamlit's manager of files which tab offers which, also those that are made on a click."""
        add, execute = manager.add, manager.execute_deferred

        def added(*args: Any, **named: Any) -> str:
            url = str(add(*args, **named))
            if tab := get_script_run_ctx():
                self.note_file(tab.session_id, url)
            return url

        def executed(placeholder: str) -> str:
            entry = manager._deferred_callables.get(placeholder)
            url = str(execute(placeholder))
            if entry:
                self.note_file(entry["session_id"], url)
            return url

        manager.add, manager.execute_deferred = added, executed


def file_of(path: str) -> str:
    """The id of the file at a path below /media/; there may be an extension behind it."""
    return path.rpartition("/")[2].partition(".")[0]


TABS = Tabs()
