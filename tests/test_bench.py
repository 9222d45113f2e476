"""A few cases of the bench sets, scored by their own definitions: no word of PHI may be seen again."""

import importlib.util
import os
from pathlib import Path
from types import ModuleType

import pytest

from deid import jobs
from deid.settings import Settings

BENCH = Path(os.environ.get("DEID_BENCH") or Path(__file__).parents[2] / "shared" / "bench")
CASES = {
    "dev": ["dev_000_us_explicit", "dev_002_ct_rle", "dev_010_ct_jpeg", "dev_027_mr_rle"],
    "real": ["case_2229fb1f", "case_8cad7372"],
    "pseudo_phi": ["case_02b7d785", "case_25570b22"],
}
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


@pytest.mark.parametrize("name", CASES)
def test_no_word_of_phi_is_seen_again(name: str, score: ModuleType, settings: Settings, tmp_path: Path) -> None:
    inputs = tuple(BENCH / name / f"{case}.dcm" for case in CASES[name])
    batch = jobs.Batch(inputs, tmp_path / "out", jobs.options_of(settings), hold_review=False)
    jobs.run_batch(batch, settings)
    rows = [score.score_case(BENCH / name / f"{case}.json", tmp_path / "out") for case in CASES[name]]
    figures = score.total(rows)
    assert figures["missing"] == 0
    assert [row["leaked_words"] for row in rows] == [[] for _ in rows]
    assert figures["header_hits"] == 0
    assert figures["lost_words"] <= 0.1
