"""How well words are judged: figures of a model, of the yardstick and of the rules alone, over made-up text."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from deid.classify import classify_words
from deid.gathered import P_OVERRULES
from deid.lexicon import load_lexicon
from deid.training.images import MadeUp, pictures
from deid.training.ngram import NgramModel
from deid.training.split import Split
from deid.training.tokens import CLOSED_LISTS
from deid.values import Box, Finding, Reason, Word

Judge = Callable[[Sequence[Sequence[str]]], list[float]]
"""Lines of words to one score a word, in reading order; 0 or more means PHI."""
EVALUATION_SEED, CALIBRATION_SEED, YARDSTICK_SEED = 99, 1234, 7
NEVER = 2.0
"""A bar that no probability reaches."""
BARS = (0.998, 0.9995, 0.9999, 0.99995)
"""Of overruling: what each does is measured."""
SETTLING = frozenset((Reason.HEADER, Reason.PATTERN, Reason.CONTEXT, Reason.LEXICON, Reason.UNREADABLE))


@dataclass(frozen=True, slots=True)
class Figures:
    """Shares, 0 to 1; NaN where there was no such word."""

    auc: float
    specificity_at_recall: float
    """Of the harmless words where the threshold gives a recall of 0.995."""
    recall: float
    specificity: float
    false_alarms: float
    """Of brands, devices, projections, protocols and names of sequences and kernels."""
    initials: float
    """Recall of initials."""
    words: int


def figures(judge: Judge, evaluated: Sequence[MadeUp], only: Sequence[bool] | None = None) -> Figures:
    """What the judge reaches; `only` says which words count, in reading order of all pictures."""
    tokens = [token for each in evaluated for token in each.tokens]
    scores = np.array([score for each in evaluated for score in judge(each.texts)])
    counted = np.array([token.phi is not None for token in tokens])
    if only is not None:
        counted &= np.asarray(only)
    phi = np.array([bool(token.phi) for token in tokens])
    kinds = np.array([token.kind for token in tokens])
    private, harmless = scores[counted & phi], scores[counted & ~phi]
    closed = scores[counted & ~phi & np.isin(kinds, CLOSED_LISTS)]
    return Figures(
        auc=area_under_curve(private, harmless),
        specificity_at_recall=specificity_at_recall(private, harmless),
        recall=_share(private >= 0),
        specificity=_share(harmless < 0),
        false_alarms=_share(closed >= 0),
        initials=_share(scores[counted & phi & np.isin(kinds, ("initials", "loose", "signed"))] >= 0),
        words=int(counted.sum()),
    )


def area_under_curve(private: NDArray[np.float64], harmless: NDArray[np.float64]) -> float:
    """Probability that a private word scores above a harmless one, ties counted half."""
    if not len(private) or not len(harmless):
        return float("nan")
    ordered = np.sort(harmless)
    below = np.searchsorted(ordered, private, "left") + np.searchsorted(ordered, private, "right")
    return float(below.mean() / 2 / len(harmless))


def specificity_at_recall(private: NDArray[np.float64], harmless: NDArray[np.float64], recall: float = 0.995) -> float:
    """Of the harmless words, those below the threshold that gives the private ones this recall."""
    return _share(harmless < (np.quantile(private, 1 - recall) if len(private) else 0.0))


def _share(hits: NDArray[np.bool_]) -> float:
    return float(hits.mean()) if len(hits) else float("nan")


def evaluation_pictures(count: int, *, clean: bool = False, new_names: bool = False) -> list[MadeUp]:
    """Pictures whose people, places, phrases and templates were not trained on.

    Equipment, views and protocols are those of training; with `new_names` they are made-up ones that nothing knows.
    """
    return list(islice(pictures(Split.EVALUATE, EVALUATION_SEED, clean=clean, new_names=new_names), count))


def calibration_pictures(count: int) -> list[MadeUp]:
    """Other pictures of the same world, for the choice of the bias."""
    return list(islice(pictures(Split.EVALUATE, CALIBRATION_SEED), count))


def yardstick(count: int) -> NgramModel:
    """The n-gram model, trained on as many pictures."""
    return NgramModel(list(islice(pictures(Split.TRAIN, YARDSTICK_SEED), count)))


def best_bias(judge: Judge, count: int, recall: float) -> float:
    """What is added to the scores so that 0 has this recall on text of calibration."""
    made = calibration_pictures(count)
    scores = [score for each in made for score in judge(each.texts)]
    phi = [token.phi for each in made for token in each.tokens]
    private = sorted(score for score, label in zip(scores, phi, strict=True) if label)
    return -private[int(len(private) * (1 - recall))]


def rules_alone(lines: Sequence[Sequence[str]]) -> list[float]:
    """The pipeline without header values and without a model: what it is not sure of goes."""
    return [finding.p_phi - 0.5 for finding in _judged(lines)]


def unsettled(lines: Sequence[Sequence[str]]) -> list[bool]:
    """Which words no header value, pattern, place or lexicon settles."""
    return [is_free(finding) for finding in _judged(lines)]


def is_free(finding: Finding) -> bool:
    """Whether the decision is left to a model."""
    return not any(each.reason in SETTLING for each in finding.evidence)


@dataclass(slots=True)
class Said:
    """A classifier of one image whose words were judged before."""

    probabilities: tuple[tuple[float, ...], ...]
    name: str = "said"
    version: str = ""

    @classmethod
    def of(cls, scores: Sequence[float], lines: Sequence[Sequence[object]]) -> Said:
        """The scores of words in reading order as probabilities."""
        left = iter(scores)
        return cls(tuple(tuple(1 / (1 + math.exp(-min(max(next(left), -30), 30))) for _ in line) for line in lines))

    def classify(self, lines: Sequence[Sequence[str]]) -> tuple[tuple[float, ...], ...]:
        """What was said."""
        return self.probabilities


def with_rules(judge: Judge, bar: float = P_OVERRULES) -> Judge:
    """The pipeline's decision without header values: from P = `bar` on the judge overrules the word lists."""

    def both(lines: Sequence[Sequence[str]]) -> list[float]:
        return [finding.p_phi - 0.5 for finding in _judged(lines, Said.of(judge(lines), lines), bar)]

    return both


def _judged(lines: Sequence[Sequence[str]], said: Said | None = None, bar: float = P_OVERRULES) -> list[Finding]:
    words = []
    for number, line in enumerate(lines):
        left = 10
        for text in line:
            width = 9 * len(text)
            words.append(Word(text, Box(left, 10 + 40 * number, width, 16), 1.0, ("made-up",), line=number))
            left += width + 9
    return list(classify_words(words, (), load_lexicon(), said, 0.5, bar))


def table(rows: Sequence[tuple[str, Figures]]) -> str:
    """The figures as Markdown."""
    head = (
        "| what | words | AUC | specificity at recall 0.995 | recall | specificity | alarms, closed lists | initials |"
    )
    lines = [head, "|---|" + "---|" * 7]
    for name, each in rows:
        shares = (each.recall, each.specificity, each.false_alarms, each.initials)
        lines.append(
            f"| {name} | {each.words} | {each.auc:.4f} | {each.specificity_at_recall:.3f} | "
            + " | ".join(f"{share:.3f}" for share in shares)
            + " |"
        )
    return "\n".join(lines)
