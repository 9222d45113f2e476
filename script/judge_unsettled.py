"""Words of the bench sets that no header value, pattern, place or lexicon settles: how many are judged rightly.

Below that, where no header helps: what is leaked and lost where the model overrules the word lists from some P on.

    DEID_BENCH=../shared/bench python script/judge_unsettled.py     (needs requirements-dev.txt)

Only counts are printed, of each file's first frame. DEID_MODEL and DEID_ADAPTER choose another model.
Nothing is trained on these words.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
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
from deid.values import Box, Hint, Word  # noqa: E402

SETS = ("dev", "real", "pseudo_phi")


def label_of(word: Word, truth: list[dict[str, object]]) -> bool | None:
    """Whether the truth calls what lies under a word PHI; None where it does not say."""
    labels = set()
    for each in truth:
        left, top, width, height = each["box"]  # type: ignore[misc]
        box = Box(left, top, max(width, 1), max(height, 1))
        if each["frames"] in (None, [0]) and word.box.overlap(box) >= 0.5 * min(box.area, word.box.area):
            labels.add(None if each.get("skip") else bool(each["phi"]))
    return True if True in labels else False if labels == {False} else None


def main() -> None:
    """Print, for each set, what share of such words each judge decides rightly, and what overruling does."""
    bench = Path(os.environ.get("DEID_BENCH") or ROOT.parent / "shared" / "bench")
    settings = Settings.from_environment()
    model = LlamaClassifier(settings.model, settings.adapter, cache_folder=settings.home / "models")
    ngram = evaluate.yardstick(6000)
    ngram_bias = evaluate.best_bias(ngram.logits, 1000, 0.995)
    judges = {
        "LLM": lambda lines: [score + model.bias for score in model.logits(lines)],
        "n-gram": lambda lines: [score + ngram_bias for score in ngram.logits(lines)],
        "rules": lambda lines: [1.0 for line in lines for _ in line],
    }
    engines = Engines((RapidOcr(), Tesseract()), b"k" * 32)
    for name in SETS:
        cases = [_read(path, engines) for path in sorted((bench / name).glob("*.dcm"))]
        _say_unsettled(name, [word for case in cases for word in _left(case, judges)])
        _say_overruling([(case, judges["LLM"](case.texts)) for case in cases])


@dataclass(frozen=True)
class Case:
    """What the readers and the header say of a file's first frame, and its truth."""

    lines: tuple[tuple[Word, ...], ...]
    hints: tuple[Hint, ...]
    truth: list[dict[str, object]]

    @property
    def words(self) -> list[Word]:
        """In reading order."""
        return [word for line in self.lines for word in line]

    @property
    def texts(self) -> list[list[str]]:
        """By line."""
        return [[word.text for word in line] for line in self.lines]


@dataclass(frozen=True)
class Left:
    """A word that is left to a model, of which the truth says whether it is PHI."""

    phi: bool
    scores: dict[str, float]


def _read(path: Path, engines: Engines) -> Case:
    truth = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))["words"]
    case = open_case(path.read_bytes(), Options())
    case = run_step(case, Step.CONVERT, engines, Options())
    case = run_step(replace(case, representative=(case.representative or ())[:1]), Step.READ, engines, Options())
    lines: dict[int, list[Word]] = {}
    for word in (case.words or ())[0].words:
        lines.setdefault(word.line, []).append(word)
    return Case(tuple(map(tuple, lines.values())), tuple(case.hints), truth)


def _left(case: Case, judges: dict[str, evaluate.Judge]) -> Iterator[Left]:
    lexicon = load_lexicon()
    findings = classify_words(case.words, targets(case.hints, lexicon), lexicon, None, 0.5)
    scores = {judge: judges[judge](case.texts) for judge in judges}
    for index, finding in enumerate(findings):
        label = label_of(finding.word, case.truth)
        if label is not None and evaluate.is_free(finding):
            yield Left(label, {judge: scores[judge][index] for judge in judges})


def _say_unsettled(name: str, words: list[Left]) -> None:
    print(f"{name}: {len(words)} words are left to a model, {sum(word.phi for word in words)} of them PHI")
    for judge in words[0].scores if words else ():
        said = [(word.phi, word.scores[judge] >= 0) for word in words]
        right = sum(phi == goes for phi, goes in said)
        missed, taken = _wrong(said)
        print(f"  {judge}: {right / len(said):.3f} right, {missed} of PHI missed, {taken} others taken")


def _say_overruling(cases: list[tuple[Case, list[float]]]) -> None:
    ways = {"rules alone": None, "never overruling": evaluate.NEVER}
    ways |= {f"overruling from {bar}": bar for bar in reversed(evaluate.BARS)}
    for way, bar in ways.items():
        said = []
        for case, scores in cases:
            model = evaluate.Said.of(scores, case.lines) if bar else None
            for finding in classify_words(case.words, (), load_lexicon(), model, 0.5, bar or evaluate.NEVER):
                label = label_of(finding.word, case.truth)
                if label is not None:
                    said.append((label, finding.is_phi))
        leaked, lost = _wrong(said)
        private = sum(phi for phi, _ in said)
        print(f"  no header, {way}: {leaked} of {private} leaked, {lost} of {len(said) - private} lost")


def _wrong(said: list[tuple[bool, bool]]) -> tuple[int, int]:
    """Of (whether PHI, whether it goes): how many stay that are PHI, and how many go that are not."""
    return sum(phi and not goes for phi, goes in said), sum(goes and not phi for phi, goes in said)


if __name__ == "__main__":
    main()
