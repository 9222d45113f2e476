"""Fixtures that several test files share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from deid.settings import Settings
from deid.store import passwords
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
