"""`deid train`: text, training, export, choice of the bias, evaluation, one after the other."""

from __future__ import annotations

import dataclasses
import json
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deid.engines.llama import BUNDLED, LlamaClassifier, bundled_base
from deid.engines.merge import AdapterFacts, file_digest
from deid.engines.prompt import FORMAT, HARMLESS, PRIVATE
from deid.engines.rapidocr import RapidOcr
from deid.engines.tesseract import Tesseract
from deid.engines.weighing import KNOWN
from deid.errors import UsageError
from deid.training import evaluate, rendered
from deid.training.calibrate import weights_of
from deid.training.config import NEEDS, TrainConfig
from deid.training.export import Heads, write_adapter
from deid.training.images import DATA_VERSION, MadeUp, listed

YARDSTICK_PICTURES = 6000
DRAWN_SHARE, NEW_NAMES_SHARE = 10, 3
"""One in this many pictures of evaluation is drawn and read; so many have made-up names of equipment and views."""

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a training leaves what it makes."""

    out: Path
    resume: bool = False

    @property
    def checkpoint(self) -> Path:
        """From which it can go on."""
        return self.out / "checkpoint.pt"

    @property
    def adapter(self) -> Path:
        """The adapter."""
        return self.out / f"{BUNDLED}.gguf"

    @property
    def facts(self) -> Path:
        """How it was made and what it reaches."""
        return self.out / f"{BUNDLED}.json"


def train_adapter(config: TrainConfig, place: Place, say: Say) -> None:
    """Trains an adapter for the base of the configuration; sets its bias and measures it where the base is a GGUF file.

    Raises
    ------
    UsageError
        Where torch or transformers is not installed, or the base cannot be used.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # read once, by whichever library comes first
    try:
        from deid.training import lora
    except ImportError as exc:
        raise UsageError(NEEDS) from exc
    from deid.training.samples import sample_of
    from deid.training.tokenisers import tokeniser_of

    base = Path(config.base).expanduser() if config.base else bundled_base()
    vocabulary, answers = tokeniser_of(base)
    place.out.mkdir(parents=True, exist_ok=True)
    trainee = lora.make_trainee(config, base, vocabulary, answers)
    heads = Heads(trainee.model.config.num_attention_heads, trainee.model.config.num_key_value_heads)
    facts = AdapterFacts(FORMAT, config.layers, 0.0, file_digest(base) if base.is_file() else "")

    def keep(state: dict[str, Any], facts: AdapterFacts = facts) -> None:
        weights = {name: each.float().numpy() for name, each in state.items()}
        write_adapter(weights, heads, config.alpha, facts, place.adapter)

    others = [sample_of(listed(each), vocabulary) for each in evaluate.calibration_pictures(config.other_pictures)]
    lora.train(config, trainee, lora.Run(base, place.checkpoint, place.resume, keep, say, others))
    record = describe(config, facts)
    if base.is_file():
        judge = LlamaClassifier(config.base, str(place.adapter), 1, place.out / "models", say)
        judge.weights = weights_of(judge.logits, evaluate.calibration_pictures(config.evaluation_pictures))
        bias = evaluate.best_bias(judge.logits, config.evaluation_pictures, config.recall)
        facts = dataclasses.replace(facts, bias=bias, weights=judge.weights)
        keep(trainee.state(), facts)
        record = describe(config, facts) | {"metrics": measure(judge, bias, config, say)}
    else:
        say("The base is a folder: convert it to GGUF, then measure with `deid train --evaluate`.")
    place.facts.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


def describe(config: TrainConfig, facts: AdapterFacts) -> dict[str, Any]:
    """How an adapter was made."""
    return {
        "format": facts.format,
        "answers": [PRIVATE, HARMLESS],
        "bias": facts.bias,
        "weights": dict(zip(KNOWN, facts.weights, strict=True)) if facts.weights else {},
        "base_sha256": facts.base_sha256,
        "data_version": DATA_VERSION,
        "config": dataclasses.asdict(config),
    }


def evaluate_model(model: str, adapter: str, config: TrainConfig, folder: Path, say: Say) -> dict[str, Any]:
    """The table of `deid train --evaluate` for the model that the settings choose."""
    judge = LlamaClassifier(model, adapter, 1, folder, say)
    return measure(judge, judge.bias, config, say)


def measure(judge: LlamaClassifier, bias: float, config: TrainConfig, say: Say) -> dict[str, Any]:
    """Figures of the model, the yardstick and the rules over made-up text, said as a table."""
    made = evaluate.evaluation_pictures(config.evaluation_pictures)

    model = _remembering(judge.logits, bias)
    began = time.perf_counter()
    for each in made:
        model(each.texts)
    seconds = (time.perf_counter() - began) / len(made)
    ngram = evaluate.yardstick(min(YARDSTICK_PICTURES, config.evaluation_pictures * 10))
    yardstick = _remembering(ngram.logits, evaluate.best_bias(ngram.logits, config.evaluation_pictures, config.recall))
    rows = _rows(made, model, yardstick)
    rows.insert(1, ("model, word lists withheld", evaluate.figures(_unlisted(judge, bias), made)))
    new = evaluate.evaluation_pictures(max(config.evaluation_pictures // NEW_NAMES_SHARE, 1), new_names=True)
    rows += [(f"new names: {name}", evaluate.figures(judge, new)) for name, judge in _named(model, yardstick)]
    say(evaluate.table(rows))
    say(f"{seconds:.3f} s an image")
    drawn_pictures = max(config.evaluation_pictures // DRAWN_SHARE, 1)
    seen = rendered.read_back(drawn_pictures, (RapidOcr(), Tesseract()))
    misread, regrouped = seen.misread / max(seen.letters, 1), seen.regrouped / max(seen.words, 1)
    say(
        f"Drawn, and read by the product's readers: {misread:.2%} of letters misread (at worst {seen.worst:.1%} of a "
        f"picture's), {regrouped:.1%} of words joined, cut or not read."
    )
    drawn = _rows(list(seen.pictures), model, yardstick)
    say(evaluate.table(drawn))
    rows += [(f"drawn and read: {name}", each) for name, each in drawn]
    read = {"letters_misread": round(misread, 5), "words_regrouped": round(regrouped, 4)}
    return {"seconds_an_image": round(seconds, 4), **read} | {
        name: {key: round(value, 4) for key, value in dataclasses.asdict(each).items()} for name, each in rows
    }


def _remembering(judge: evaluate.Judge, bias: float) -> evaluate.Judge:
    """The judge with its bias; what it said of a picture is not asked twice."""
    said: dict[tuple[tuple[str, ...], ...], list[float]] = {}

    def remembered(lines: Sequence[Sequence[str]]) -> list[float]:
        key = tuple(tuple(line) for line in lines)
        if key not in said:
            said[key] = [score + bias for score in judge(lines)]
        return said[key]

    return remembered


def _unlisted(judge: LlamaClassifier, bias: float) -> evaluate.Judge:
    """The judge as if no list knew any word."""
    return lambda lines: [score + bias for score in judge.logits(lines, unlisted=True)]


def _named(model: evaluate.Judge, yardstick: evaluate.Judge) -> tuple[tuple[str, evaluate.Judge], ...]:
    return (("model", model), ("n-gram yardstick", yardstick))


def _rows(made: list[MadeUp], model: evaluate.Judge, yardstick: evaluate.Judge) -> list[tuple[str, evaluate.Figures]]:
    free = [is_free for each in made for is_free in evaluate.unsettled(each.texts)]
    judges = _named(model, yardstick)
    return [
        *((name, evaluate.figures(judge, made)) for name, judge in judges),
        ("rules alone", evaluate.figures(evaluate.rules_alone, made)),
        *((f"rules and {name}", evaluate.figures(evaluate.with_rules(judge), made)) for name, judge in judges),
        *((f"unsettled words: {name}", evaluate.figures(judge, made, free)) for name, judge in judges),
        *((f"overruling from {bar}", evaluate.figures(evaluate.with_rules(model, bar), made)) for bar in evaluate.BARS),
    ]
