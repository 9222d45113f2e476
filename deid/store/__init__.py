"""Users, sessions, runs and images in SQLite or MySQL/MariaDB; the only place that knows SQLAlchemy."""

from __future__ import annotations

from deid.settings import Settings
from deid.store.accounts import ONE_TIME_HOURS, Accounts
from deid.store.audit import Audit
from deid.store.choices import CHANGEABLE
from deid.store.database import Database, open_database, schema_state
from deid.store.figures import Figures
from deid.store.folders import Direction, Folder, Folders
from deid.store.plans import Plans
from deid.store.records import (
    CONSOLE,
    EVERYTHING,
    Action,
    Actor,
    Day,
    Decision,
    Event,
    Events,
    Health,
    NewUser,
    Pending,
    PlannedFile,
    Purpose,
    Review,
    Reviewed,
    Role,
    Run,
    RunState,
    SchemaState,
    Selection,
    SessionKind,
    SignIn,
    StageTime,
    Totals,
    User,
    WebSession,
)
from deid.store.releases import Ends, Releases
from deid.store.reviews import Reviews, Subject
from deid.store.samples import Draw, Sampled, Samples
from deid.store.secrets import secret
from deid.store.sessions import Sessions, session_hash
from deid.store.storage import Storage, storage_of
from deid.store.work import Work

__all__ = [
    "CHANGEABLE",
    "CONSOLE",
    "EVERYTHING",
    "ONE_TIME_HOURS",
    "Action",
    "Actor",
    "Day",
    "Decision",
    "Direction",
    "Draw",
    "Ends",
    "Event",
    "Events",
    "Folder",
    "Health",
    "NewUser",
    "Pending",
    "PlannedFile",
    "Purpose",
    "Review",
    "Reviewed",
    "Role",
    "Run",
    "RunState",
    "Sampled",
    "SchemaState",
    "Selection",
    "SessionKind",
    "SignIn",
    "StageTime",
    "Storage",
    "Store",
    "Subject",
    "Totals",
    "User",
    "WebSession",
    "open_store",
    "schema_state",
    "secret",
    "session_hash",
]


class Store(Accounts, Sessions, Audit, Work, Plans, Figures, Reviews, Releases, Samples, Folders):
    """Everything that outlives a process; holds no PHI."""

    def __init__(self, database: Database, settings: Settings) -> None:
        Accounts.__init__(self, database, settings)
        Sessions.__init__(self, database, settings)
        Audit.__init__(self, database)
        Work.__init__(self, database, secret(settings.home, "file-names"))
        Plans.__init__(self, database)
        Figures.__init__(self, database)
        Reviews.__init__(self, database)
        Releases.__init__(self, database)
        Samples.__init__(self, database)
        Folders.__init__(self, database)
        self._open = database

    def close(self) -> None:
        """Give up all connections."""
        self._open.close()

    def storage(self) -> Storage:
        """What lies in DEID_HOME."""
        return storage_of(self._settings.home)

    def health(self) -> Health:
        """How the database is."""
        return self._open.health()


def open_store(settings: Settings) -> Store:
    """The store of these settings, its schema up to date.

    Raises
    ------
    StoreError
        Where the database or DEID_HOME cannot be used; the text is one line that says what to do.
    """
    return Store(open_database(settings), settings)
