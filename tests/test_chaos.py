"""The short form of tests/chaos.py."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests import chaos


@pytest.mark.skipif(sys.platform != "linux", reason="finds worker processes in /proc")
@pytest.mark.parametrize("on_server", [False, True], ids=["sqlite", "mariadb"])
def test_a_run_that_is_killed_again_and_again_comes_to_what_it_would_have(tmp_path: Path, on_server: bool) -> None:
    told: list[str] = []
    chaos.play(tmp_path, chaos.Plan(files=24, rounds=4, seed=3, mariadb=on_server), told.append)
    assert told[-1].startswith("4 rounds")
