"""Fixtures that several test files share."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import create_engine, inspect, text

from deid.settings import Settings
from deid.store import Store, open_store, passwords
from tests.mariadb import private_server


@pytest.fixture(autouse=True)
def _quick_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Passwords are hashed at bcrypt's lowest cost."""
    monkeypatch.setattr(passwords, "ROUNDS", 4)


@pytest.fixture(autouse=True)
def _no_model(monkeypatch: pytest.MonkeyPatch) -> None:
    """A fresh installation merges the model once; tests/test_llama.py does that once for all tests that need it."""
    monkeypatch.setenv("DEID_MODEL", "none")


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Settings of a fresh installation on SQLite, without the model."""
    return Settings.from_environment({"DEID_HOME": str(tmp_path / "home"), "DEID_MODEL": "none"})


@pytest.fixture(scope="session")
def mariadb_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """URL of an empty database on a real MariaDB server of our own."""
    with private_server(tmp_path_factory.mktemp("mariadb")) as url:
        yield url


def empty(url: str, *, keep_schema: bool) -> None:
    """Take everything out of a database on the server."""
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(text("SET FOREIGN_KEY_CHECKS=0"))
        for table in inspect(engine).get_table_names():
            if not keep_schema:
                connection.execute(text(f"DROP TABLE {table}"))
            elif table != "alembic_version":
                connection.execute(text(f"DELETE FROM {table}"))
    engine.dispose()


def stored(settings: Settings) -> bytes:
    """Everything that the database of these settings holds."""
    if settings.database_url.startswith("sqlite"):
        return b"".join(path.read_bytes() for path in settings.home.glob("deid.sqlite*"))
    engine = create_engine(settings.database_url)
    with engine.connect() as connection:
        tables = inspect(engine).get_table_names()
        rows = [row for table in tables for row in connection.execute(text(f"SELECT * FROM {table}"))]
    engine.dispose()
    assert rows
    return repr(rows).encode()


@pytest.fixture(params=["sqlite", "mariadb"])
def database(request: pytest.FixtureRequest, settings: Settings) -> Settings:
    """Settings of an empty installation on each kind of database."""
    if request.param == "sqlite":
        return settings
    url: str = request.getfixturevalue("mariadb_url")
    empty(url, keep_schema=True)
    return replace(settings, database_url=url)


@pytest.fixture
def store(database: Settings) -> Iterator[Store]:
    """An empty store on each kind of database."""
    opened = open_store(database)
    yield opened
    opened.close()
