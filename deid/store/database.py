"""The connection to the database, and the schema brought up to date once at launch."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url, text
from sqlalchemy.exc import ArgumentError, InterfaceError, NoSuchModuleError, OperationalError, SQLAlchemyError
from sqlalchemy.orm import Session

from deid.errors import StoreError, StoreLostError
from deid.settings import Settings
from deid.store.filelock import locked
from deid.store.records import Health, SchemaState
from deid.store.secrets import private_folder

_MIGRATIONS = Path(__file__).parent / "migrations"
_BUSY_MILLISECONDS = 15_000
_LOCK_SECONDS = 120


class Database:
    """An engine whose schema is the one this code was written for."""

    def __init__(self, engine: Engine) -> None:
        self._reading = engine
        self._writing = engine.execution_options(writes=True)

    @property
    def kind(self) -> str:
        """`sqlite` or `mysql`."""
        return self._reading.dialect.name

    @contextmanager
    def read(self) -> Iterator[Session]:
        """A transaction that only looks."""
        with self._session(self._reading) as session:
            yield session

    @contextmanager
    def write(self) -> Iterator[Session]:
        """A transaction that is kept when the block ends without an exception."""
        with self._session(self._writing) as session:
            yield session

    def close(self) -> None:
        """Give up all connections."""
        self._reading.dispose()

    def health(self) -> Health:
        """Its kind and version, and what one question takes."""
        version = "sqlite_version()" if self.kind == "sqlite" else "version()"
        with self.read() as session:
            start = time.perf_counter()
            answer = str(session.scalar(text(f"SELECT {version}")))
            milliseconds = (time.perf_counter() - start) * 1000
        name = "SQLite" if self.kind == "sqlite" else "MariaDB" if "mariadb" in answer.lower() else "MySQL"
        return Health(f"{name} {answer.partition('-')[0]}", milliseconds)

    @contextmanager
    def _session(self, engine: Engine) -> Iterator[Session]:
        try:
            with Session(engine, expire_on_commit=False) as session, session.begin():
                yield session
        except (OperationalError, InterfaceError) as exc:
            raise StoreLostError(f"The database does not answer ({type(exc).__name__}).") from exc
        except SQLAlchemyError as exc:
            raise StoreError(f"The database did not answer as it should ({type(exc).__name__}).") from exc


def open_database(settings: Settings) -> Database:
    """The database of these settings, with all migrations applied.

    Raises
    ------
    StoreError
        Where it cannot be reached, or is of a newer version than this code.
    """
    private_folder(settings.home)
    url = _parse(settings.database_url)
    where = url.render_as_string(hide_password=True)
    engine = _engine(url, where)
    try:
        with _alone(engine, settings.home) as connection:
            migrate(connection)
    except SQLAlchemyError as exc:
        engine.dispose()
        raise StoreError(_unusable(where, exc)) from exc
    except CommandError as exc:
        engine.dispose()
        raise StoreError(f"The database {where} was made by a newer version of this program: update it.") from exc
    return Database(engine)


def schema_state(settings: Settings) -> SchemaState:
    """Which version of the tables the database has; nothing is made or changed.

    Raises
    ------
    StoreError
        Where it cannot be reached.
    """
    url = _parse(settings.database_url)
    where = url.render_as_string(hide_password=True)
    script = ScriptDirectory.from_config(_alembic())
    newest, known = script.get_current_head() or "", frozenset(each.revision for each in script.walk_revisions())
    if url.get_backend_name() == "sqlite" and not Path(url.database or "").is_file():
        return SchemaState(where, "SQLite", None, newest, known)
    engine = _engine(url, where)
    try:
        with engine.connect() as connection:
            current = MigrationContext.configure(connection).get_current_revision()
        return SchemaState(where, Database(engine).health().kind, current, newest, known)
    except SQLAlchemyError as exc:
        raise StoreError(_unusable(where, exc)) from exc
    finally:
        engine.dispose()


def _unusable(where: str, exc: SQLAlchemyError) -> str:
    return (
        f"The database {where} cannot be used ({type(exc).__name__}): "
        "check DEID_DATABASE_URL, and that the server runs and lets this user in."
    )


def _parse(given: str) -> URL:
    try:
        return make_url(given)
    except ArgumentError as exc:
        raise StoreError("DEID_DATABASE_URL is not a database URL.") from exc


def _engine(url: URL, where: str) -> Engine:
    options: dict[str, Any] = {"hide_parameters": True, "pool_pre_ping": True}
    if url.get_backend_name() == "mysql":
        options |= {"pool_recycle": 1800, "connect_args": {"connect_timeout": 10}}
    try:
        engine = create_engine(url, **options)
    except (ArgumentError, NoSuchModuleError, ImportError) as exc:
        raise StoreError(f"No driver for the database {where}: use sqlite:/// or mysql+pymysql://.") from exc
    if engine.dialect.name not in ("sqlite", "mysql"):
        raise StoreError(f"The database {where} is neither SQLite nor MySQL/MariaDB.")
    if engine.dialect.name == "sqlite":
        _prepare_sqlite(engine, url)
    return engine


def _prepare_sqlite(engine: Engine, url: URL) -> None:
    if url.database and url.database != ":memory:":
        try:
            os.close(os.open(url.database, os.O_RDWR | os.O_CREAT, 0o600))
        except OSError as exc:
            raise StoreError(f"The database file cannot be used: {exc.strerror}. Check DEID_DATABASE_URL.") from exc

    @event.listens_for(engine, "connect")
    def _connected(connection: Any, _record: object) -> None:
        connection.isolation_level = None  # transactions begin where the next listener says, not where the driver does
        for pragma in (
            f"busy_timeout={_BUSY_MILLISECONDS}",
            "synchronous=NORMAL",
            "foreign_keys=ON",
        ):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _begun(connection: Connection) -> None:
        # A transaction that reads first and writes later fails at once, busy_timeout or not, if another wrote between.
        writes = connection.get_execution_options().get("writes", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


@contextmanager
def _alone(engine: Engine, home: Path) -> Iterator[Connection]:
    """A connection while no other process migrates the same database."""
    if engine.dialect.name == "sqlite":
        # Changing to WAL fails at once, busy_timeout or not, if another connection is there: it is done here, for good.
        with locked(home / ".migrate.lock"), engine.connect() as connection:
            connection.connection.cursor().execute("PRAGMA journal_mode=WAL")
            yield connection
        return
    name = f"deid-{hashlib.sha256((engine.url.database or '').encode()).hexdigest()[:32]}"
    with engine.connect() as connection:
        got = connection.execute(
            text("SELECT GET_LOCK(:name, :seconds)"), {"name": name, "seconds": _LOCK_SECONDS}
        ).scalar()
        if got != 1:
            raise StoreError(
                "Another process has been migrating the database for too long: look what it does, then retry."
            )
        try:
            yield connection
        finally:
            connection.execute(text("SELECT RELEASE_LOCK(:name)"), {"name": name})
            connection.commit()


def migrate(connection: Connection, to: str = "head") -> None:
    """Bring the schema to a numbered version."""
    config = _alembic()
    config.attributes["connection"] = connection
    connection.commit()
    command.upgrade(config, to)
    connection.commit()


def _alembic() -> Config:
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    return config
