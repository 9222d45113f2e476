"""A short run of tests/fuzzing.py; the long one's figures are in docs/pixels.md."""

from __future__ import annotations

from pathlib import Path

from tests.fuzzing import ENDS, PASSED, through_stages, through_the_command


def test_damaged_files_end_in_order_and_surprise_nobody() -> None:
    found = through_stages(150, seed=11)
    assert found.ends.total() == 150
    assert set(found.ends) <= set(ENDS)
    assert found.ends[PASSED] > 10
    assert found.ends["quarantined"] > 10
    assert found.ends["refused"] > 10
    assert dict(found.reasons.get("surprised", {})) == {}


def test_damaged_files_pass_through_the_command_line(tmp_path: Path) -> None:
    found = through_the_command(6, seed=12, folder=tmp_path)
    assert found.ends.total() == 6
