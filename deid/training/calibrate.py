"""The last step of training: how far the adapter's answers are corrected by what rules and lists know of a word.

By logistic regression on made-up text, over the model's logit and each thing that is known of a word. The slope of the
logit is divided out, so that the bars of deid/classify.py keep their meaning.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from deid.engines.llama import standing
from deid.engines.weighing import known_of
from deid.training.evaluate import Judge
from deid.training.images import MadeUp

RIDGE = 3.0
"""How strongly weights are held at nothing."""
STEPS = 30


def weights_of(judge: Judge, made: Sequence[MadeUp]) -> tuple[float, ...]:
    """Weights of `deid.engines.weighing.KNOWN` for a judge that applies none."""
    known, scores, labels = [], [], []
    for picture in made:
        scores += judge(picture.texts)
        labels += [token.phi for token in picture.tokens]
        for line in picture.texts:
            known += list(known_of(line, [standing(word) for word in line]))
    counted = np.array([label is not None for label in labels])
    phi = np.array([bool(label) for label in labels])
    return fitted(np.array(known, float)[counted], np.array(scores)[counted], phi[counted])


def fitted(known: NDArray[np.float64], scores: NDArray[np.float64], phi: NDArray[np.bool_]) -> tuple[float, ...]:
    """The weights of the columns of `known` (words, things known) in units of the scores."""
    columns = np.hstack([np.ones((len(scores), 1)), scores[:, None], known])
    weights = np.zeros(columns.shape[1])
    weights[1] = 1.0
    first = weights.copy()
    held = np.r_[1e-6, 1e-6, np.full(known.shape[1], RIDGE)]
    for _ in range(STEPS):
        likely = 1 / (1 + np.exp(-np.clip(columns @ weights, -30, 30)))
        slope = columns.T @ (likely - phi) + held * (weights - first)
        curve = (columns * (likely * (1 - likely))[:, None]).T @ columns + np.diag(held)
        weights = weights - np.linalg.solve(curve, slope)
    return tuple(round(float(each), 4) for each in weights[2:] / weights[1])
