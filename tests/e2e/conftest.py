"""A server with an administrator, for the tests of one file, and a browser that has never been there."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.served import Browser, Server, browser, server, set_up


@pytest.fixture(scope="module")
def at(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server whose administrator was made in the browser."""
    folder = tmp_path_factory.mktemp("server")
    with server(folder) as running:
        with browser(folder / "first") as page:
            set_up(page, running)
        yield running


@pytest.fixture
def page(tmp_path: Path) -> Iterator[Browser]:
    """A browser that has never been here."""
    with browser(tmp_path / "profile") as opened:
        yield opened
