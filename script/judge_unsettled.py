"""Words of the bench sets that no header value, pattern, place or lexicon settles: how many are judged rightly.

    DEID_BENCH=../shared/bench python script/judge_unsettled.py     (needs requirements-dev.txt)

Only counts are printed. Nothing is trained on these words.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
sys.path.insert(0, str(ROOT))

from deid.classify import classify_words  # noqa: E402 - the environment comes first
from deid.engines.llama import LlamaClassifier  # noqa: E402
from deid.engines.rapidocr import RapidOcr  # noqa: E402
from deid.engines.tesseract import Tesseract  # noqa: E402
from deid.lexicon import load_lexicon  # noqa: E402
from deid.matching import targets  # noqa: E402
from deid.pipeline import Engines, Options, Step, open_case, run_step  # noqa: E402
from deid.settings import Settings  # noqa: E402
from deid.training import evaluate  # noqa: E402
from deid.values import Box, Finding, Word  # noqa: E402

FRAMES = 1
"""Of each file, the first ones are looked at."""


def label_of(word: Word, truth: list[dict[str, object]]) -> bool | None:
    """Whether the truth calls what lies under a word PHI; None where it does not say."""
    labels = set()
    for each in truth:
        left, top, width, height = each["box"]  # type: ignore[misc]
        box = Box(left, top, max(width, 1), max(height, 1))
        if each["frames"] in (None, [0]) and word.box.overlap(box) >= 0.5 * min(box.area, word.box.area):
            labels.add(None if each.get("skip") else bool(each["phi"]))
    return True if True in labels else False if labels == {False} else None


def unsettled(finding: Finding) -> bool:
    """Whether the decision is left to a model."""
    return not any(each.reason in evaluate.SETTLING for each in finding.evidence)


def main() -> None:
    """Print, for each set, how many such words there are and what share each judge decides rightly."""
    bench = Path(os.environ.get("DEID_BENCH") or ROOT.parent / "shared" / "bench")
    settings = Settings.from_environment()
    model = LlamaClassifier(cache_folder=settings.home / "models")
    ngram = evaluate.yardstick(6000)
    ngram_bias = evaluate.best_bias(ngram.logits, 1000, 0.995)
    judges = {
        "LLM": lambda lines: [score + model.bias for score in model.logits(lines)],
        "n-gram": lambda lines: [score + ngram_bias for score in ngram.logits(lines)],
        "rules": lambda lines: [1.0 for line in lines for _ in line],
    }
    engines = Engines((RapidOcr(), Tesseract()), b"k" * 32)
    for name in ("dev", "real"):
        words: list[tuple[bool, dict[str, float]]] = []
        for path in sorted((bench / name).glob("*.dcm")):
            words += _of_case(path, engines, judges)
        print(f"{name}: {len(words)} words, {sum(phi for phi, _ in words)} of them PHI")
        for judge in judges:
            rows = [(phi, scores[judge] >= 0) for phi, scores in words]
            right = sum(phi == said for phi, said in rows)
            missed = sum(phi and not said for phi, said in rows)
            lost = sum(said and not phi for phi, said in rows)
            print(f"  {judge}: {right / max(len(rows), 1):.3f} right, {missed} of PHI missed, {lost} others taken")


def _of_case(path: Path, engines: Engines, judges: dict[str, evaluate.Judge]) -> list[tuple[bool, dict[str, float]]]:
    """The words of a file's first frame that are left to a model: whether PHI, and each judge's score."""
    truth = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))["words"]
    case = open_case(path.read_bytes(), Options())
    for step in (Step.CONVERT, Step.READ):
        case = run_step(case, step, engines, Options())
    found: list[tuple[bool, dict[str, float]]] = []
    lexicon = load_lexicon()
    for frame in (case.words or ())[:FRAMES]:
        findings = classify_words(frame.words, targets(case.hints, lexicon), lexicon, None, 0.5)
        rows: dict[int, list[Finding]] = {}
        for finding in findings:
            rows.setdefault(finding.word.line, []).append(finding)
        lines = [[finding.word.text for finding in row] for row in rows.values()]
        scores = {judge: judges[judge](lines) for judge in judges}
        ordered = [finding for row in rows.values() for finding in row]
        for index, finding in enumerate(ordered):
            label = label_of(finding.word, truth)
            if label is not None and unsettled(finding):
                found.append((label, {judge: scores[judge][index] for judge in judges}))
    return found


if __name__ == "__main__":
    main()
