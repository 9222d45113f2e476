"""A part of the bench sets, scored by their own definitions: no more leaks than docs/benchmarks.md records for all."""

import importlib.util
import os
from pathlib import Path
from types import ModuleType

import pytest

from deid import jobs
from deid.settings import Settings

BENCH = Path(os.environ.get("DEID_BENCH") or Path(__file__).parents[2] / "shared" / "bench")
CASES = {
    "dev": (
        *("dev_000_us_explicit", "dev_002_ct_rle", "dev_007_cr_jpeg", "dev_010_ct_jpeg", "dev_013_mg_rle"),
        *("dev_017_cr_deflated", "dev_022_us_explicit", "dev_027_mr_rle", "dev_028_xa_deflated"),
    ),
    "real": ("case_0a4a0ba3", "case_2229fb1f", "case_80769eed", "case_8cad7372", "case_90b306cf", "case_a69cc948"),
    "pseudo_phi": ("case_02b7d785", "case_25570b22", "case_360beea1", "case_b08ab38d"),
}
RECORD = Path(__file__).parents[1] / "docs" / "benchmarks.md"
pytestmark = [
    pytest.mark.bench,
    pytest.mark.skipif(not (BENCH / "score.py").is_file(), reason="the bench sets are not here: set DEID_BENCH"),
]


@pytest.fixture(scope="module")
def score() -> ModuleType:
    spec = importlib.util.spec_from_file_location("score", BENCH / "score.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _recorded(name: str) -> tuple[int, float]:
    """(missing, leak_words) of a whole set, in the first table that has a row of its name."""
    heads: list[str] = []
    for line in RECORD.read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if "leak_words" in cells:
            heads = cells
        elif heads and cells[0] == name:
            row = dict(zip(heads, cells, strict=True))
            return int(row["missing"]), float(row["leak_words"])
    raise AssertionError(f"docs/benchmarks.md does not record {name}")


@pytest.mark.parametrize("name", CASES)
def test_no_more_leaks_than_is_recorded(name: str, score: ModuleType, settings: Settings, tmp_path: Path) -> None:
    inputs = tuple(BENCH / name / f"{case}.dcm" for case in CASES[name])
    batch = jobs.Batch(inputs, tmp_path / "out", jobs.options_of(settings), hold_review=False)
    jobs.run_batch(batch, settings)
    rows = [score.score_case(BENCH / name / f"{case}.json", tmp_path / "out") for case in CASES[name]]
    figures = score.total(rows)
    missing, leak_words = _recorded(name)
    assert figures["missing"] <= missing
    assert figures["leak_words"] <= leak_words, [row["leaked_words"] for row in rows]
    assert figures["header_hits"] == 0
    assert figures["lost_words"] <= 0.1
