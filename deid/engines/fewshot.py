"""Any model that was not trained for this: asked about each word after examples, its threshold set on made-up text.

All words of an image share the examples and the image's lines, and are asked about beside each other in one pass.
"""

from __future__ import annotations

import json
import os
import uuid
from collections.abc import Callable, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Protocol

from deid.engines.prompt import HARMLESS, LONGEST_WORD_TOKENS, PRIVATE, Vocabulary
from deid.errors import EngineError

FORMAT = "fewshot-1"
PASS_TOKENS = 2048
WORDS_A_PASS = 32
LINES_TOKENS = 600
"""Of the image's text before the question."""
RECALL = 0.99
"""The threshold is set for this recall."""
_EXAMPLES = (
    ("Name: VARGA ISTVAN DOB 12/03/1964 kVp 110", {"VARGA", "ISTVAN", "12/03/1964"}),
    ("St. Aurel Hospital CT Abdomen SL 5.0 mm Dr. Hale", {"St.", "Aurel", "Hospital", "Hale"}),
    ("ID 4471902 Philips iU22 L12-5 Gain 52% OP: jk", {"4471902", "jk"}),
)


class Answering(Protocol):
    """What is needed of a model."""

    vocabulary: Vocabulary

    def tokens(self, text: str) -> tuple[int, ...]:
        """Tokens of a text."""
        ...

    def answers(self, placed: Sequence[tuple[int, int, int]], asked: Sequence[int], shared: int = 0) -> list[float]:
        """Logits at the asked places."""
        ...


def scores(model: Answering, lines: Sequence[Sequence[str]]) -> list[float]:
    """Logit of each word in reading order."""
    opening = [model.vocabulary.start, *model.tokens(_opening())]
    text = [token for line in lines for word in line for token in model.vocabulary.word(word)[:LONGEST_WORD_TOKENS]]
    opening += [*text[:LINES_TOKENS], model.vocabulary.newline]
    colon = model.tokens(":")[-1]
    words = [word for line in lines for word in line]
    found: list[float] = []
    for first in range(0, len(words), WORDS_A_PASS):
        placed = [(token, place, 0) for place, token in enumerate(opening)]
        asked = []
        for sequence, word in enumerate(words[first : first + WORDS_A_PASS]):
            question = [*model.vocabulary.word(word)[:LONGEST_WORD_TOKENS], colon]
            placed += [(token, len(opening) + place, sequence) for place, token in enumerate(question)]
            asked.append(len(placed) - 1)
        found += model.answers(placed, asked, shared=len(opening))
    return found


def calibrated(model: Answering, kept: Path, say: Callable[[str], None]) -> float:
    """The bias that gives RECALL on made-up text; kept in a file named by the model's hash.

    Raises
    ------
    EngineError
        Where the file cannot be written.
    """
    if kept.is_file():
        return float(json.loads(kept.read_text("utf-8"))["bias"])
    say("Setting the threshold of a model that was not trained for this, once on this machine: some minutes.")
    logits: list[float] = []
    for picture in json.loads(files("deid.models").joinpath("calibration.json").read_text("utf-8"))["pictures"]:
        found = scores(model, [[word for word, _ in line] for line in picture])
        labels = [label for line in picture for _, label in line]
        logits += [logit for logit, label in zip(found, labels, strict=True) if label]
    bias = -sorted(logits)[int(len(logits) * (1 - RECALL))]
    staged = kept.with_name(f".{uuid.uuid4().hex}.part")
    try:
        kept.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        staged.write_text(json.dumps({"bias": bias, "recall": RECALL}), encoding="utf-8")
        os.replace(staged, kept)  # noqa: PTH105 - two processes may set it at once, to the same
    except OSError as exc:
        raise EngineError("The folder `models` in DEID_HOME cannot be written.") from exc
    return bias


def _opening() -> str:
    """The task and its examples, each word with its answer."""
    said = [
        f"Words burned into medical images: {PRIVATE} ones name people, places, dates and numbers of records, "
        f"{HARMLESS} ones do not."
    ]
    for line, private in _EXAMPLES:
        said.append(line)
        said += [f" {word}: {PRIVATE if word in private else HARMLESS}" for word in line.split()]
    return "\n".join(said) + "\n"
