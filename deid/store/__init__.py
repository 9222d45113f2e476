"""Users, sessions, runs and images in SQLite or MySQL/MariaDB; the only place that knows SQLAlchemy."""

from __future__ import annotations

from deid.settings import Settings
from deid.store.accounts import Accounts, session_hash
from deid.store.database import Database, open_database
from deid.store.records import Day, NewUser, Role, Run, RunState, SignIn, Totals, User
from deid.store.secrets import secret
from deid.store.work import Work

__all__ = [
    "Day",
    "NewUser",
    "Role",
    "Run",
    "RunState",
    "SignIn",
    "Store",
    "Totals",
    "User",
    "open_store",
    "secret",
    "session_hash",
]


class Store(Accounts, Work):
    """Everything that outlives a process; holds no PHI."""

    def __init__(self, database: Database, settings: Settings) -> None:
        Accounts.__init__(self, database, settings)
        Work.__init__(self, database, secret(settings.home, "file-names"))
        self._open = database

    def close(self) -> None:
        """Give up all connections."""
        self._open.close()


def open_store(settings: Settings) -> Store:
    """The store of these settings, its schema up to date.

    Raises
    ------
    StoreError
        Where the database or DEID_HOME cannot be used; the text is one line that says what to do.
    """
    return Store(open_database(settings), settings)
