"""The model that judges words: the bundled one, run for real, and what happens to files that are none."""

import dataclasses
import json
import math
import subprocess
import sys
from pathlib import Path

import pytest

from deid.engines.fewshot import FORMAT as FEWSHOT
from deid.engines.llama import LIMIT_UNTRAINED, LlamaClassifier, bundled_base, parts_of, standing
from deid.engines.merge import adapter_facts, file_digest, merged_model
from deid.engines.weighing import KNOWN, known_of
from deid.errors import EngineError
from deid.gathered import LISTED, P_OVERRULES, P_OVERRULES_BESIDE, P_OVERRULES_PLACE
from deid.training.export import Heads, read_adapter, write_adapter

ROOT = Path(__file__).parents[1]
ADAPTER = ROOT / "deid/models/phi-lora.gguf"
RECORD = json.loads((ROOT / "deid/models/phi-lora.json").read_text(encoding="utf-8"))
TEXT = [["LINDQVIST,", "MAJA"], ["ID:", "PX-771203", "DOB:", "12/03/1964"], ["T2", "TSE", "TR", "4500", "TE", "102"]]
START = """
import sys
from pathlib import Path
from deid.engines.llama import LlamaClassifier
print(LlamaClassifier(cache_folder=Path(sys.argv[1]), say=lambda line: None).classify([["LINDQVIST", "kVp", "110"]]))
"""


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("models")


@pytest.fixture(scope="module")
def started(models: Path) -> list[str]:
    """What two processes that start at once, and make the merged file at once, say of the same text."""
    pair = [
        subprocess.Popen([sys.executable, "-c", START, str(models)], cwd=ROOT, stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    return [each.communicate(timeout=120)[0] for each in pair]


@pytest.fixture(scope="module")
def model(models: Path, started: list[str]) -> LlamaClassifier:
    return LlamaClassifier(cache_folder=models)


def test_two_processes_may_start_at_once(started: list[str], models: Path) -> None:
    assert started[0]
    assert started[0] == started[1]
    assert [path.suffix for path in models.iterdir()] == [".gguf"]


def test_a_name_goes_and_technique_stays(model: LlamaClassifier) -> None:
    names, numbers, technique = model.classify(TEXT)
    assert min(*names, numbers[1], numbers[3]) > 0.5
    assert max(technique[1:]) < 0.5


def test_the_same_text_gives_the_same_numbers(model: LlamaClassifier) -> None:
    assert model.classify(TEXT) == model.classify(TEXT)


def test_a_long_image_is_judged_in_parts(model: LlamaClassifier) -> None:
    lines = [["Thickness", "5.0", "mm", "LINDQVIST"]] * 80 + [["kVp", "110"] * 220]
    judged = model.classify(lines)
    assert [len(line) for line in judged] == [len(line) for line in lines]


def test_only_a_line_that_is_too_long_alone_is_cut() -> None:
    parts = parts_of(
        [["a"] * 4, ["b"] * 3, ["c"] * 12], lambda word: (1,), room=23
    )  # three for each word: itself, and room for its marks
    assert parts[:2] == [[["a"] * 4], [["b"] * 3]]
    assert [len(word) for part in parts[2:] for word in part] == [7, 5]


def test_what_is_known_of_a_word_corrects_the_answer(model: LlamaClassifier) -> None:
    line = ["Chest", "F/94", "Lindqvist"]
    weights, corrected = model.weights, model.logits([line])
    model.weights = ()
    plain = model.logits([line])
    model.weights = weights
    added = [after - before for after, before in zip(corrected, plain, strict=True)]
    expected = [weights[KNOWN.index("listed")], weights[KNOWN.index("an age that identifies")], 0]
    assert added == pytest.approx(expected, abs=1e-3)


@pytest.mark.parametrize(
    ("line", "word", "known"),
    [
        (["Chest"], 0, "listed"),
        (["Toshiba"], 0, "listed, or a name"),
        (["F/94"], 0, "an age that identifies"),
        (["92", "years"], 0, "an age that identifies"),
        (["F/54"], 0, "a younger age"),
        (["5.0mm"], 0, "a measure with its unit"),
        (["31/866"], 0, "two counts"),
        (["1.25"], 0, "a decimal"),
        (["17"], 0, "a short number"),
        (["Q."], 0, "one letter"),
        (["Lindqvist"], 0, ""),
        (["4711"], 0, ""),
    ],
)
def test_what_is_known_of_a_word(line: list[str], word: int, known: str) -> None:
    found = list(known_of(line, [standing(each) for each in line]))[word]
    said = {name for name, holds in zip(KNOWN, found, strict=True) if holds}
    assert said >= {known} if known else not said


def test_an_adapter_with_weights_for_other_things_is_refused(tmp_path: Path) -> None:
    facts = adapter_facts(ADAPTER)
    assert facts is not None
    path = tmp_path / "own.gguf"
    other = dataclasses.replace(facts, weights=facts.weights[:-1])
    write_adapter(read_adapter(ADAPTER, Heads(9, 3)), Heads(9, 3), 64.0, other, path)
    with pytest.raises(EngineError):
        LlamaClassifier(adapter=str(path), cache_folder=tmp_path)


def test_an_untrained_model_is_never_believed_against_the_word_lists() -> None:
    bars = (P_OVERRULES, P_OVERRULES_BESIDE, P_OVERRULES_PLACE)
    assert min(math.log(bar / (1 - bar)) - LISTED for bar in bars) > LIMIT_UNTRAINED


def test_no_words_need_no_model(model: LlamaClassifier) -> None:
    assert model.classify([]) == ()


def test_text_of_an_image_is_never_a_control_token(model: LlamaClassifier) -> None:
    assert len(model._model.tokens(" <|im_end|>")) > 1


def test_the_bundled_files_belong_together(model: LlamaClassifier) -> None:
    facts = adapter_facts(ADAPTER)
    assert facts is not None
    assert facts.base_sha256 == RECORD["base_sha256"] == file_digest(bundled_base())
    assert facts.bias == pytest.approx(RECORD["bias"], abs=1e-5)
    assert facts.weights == pytest.approx(list(RECORD["weights"].values()), abs=1e-5)
    assert ADAPTER.stat().st_size < 10_000_000


@pytest.mark.parametrize("kept", [None, 0, 2_000_000], ids=["missing", "empty", "truncated"])
def test_a_model_that_is_not_whole_is_refused_at_start_up(kept: int | None, tmp_path: Path) -> None:
    path = tmp_path / "own.gguf"
    if kept is not None:
        path.write_bytes(bundled_base().read_bytes()[:kept])
    for adapter in ("", str(ADAPTER)):
        with pytest.raises(EngineError):
            LlamaClassifier(str(path), adapter, cache_folder=tmp_path)


def test_an_adapter_that_is_not_whole_is_refused_at_start_up(tmp_path: Path) -> None:
    path = tmp_path / "own.gguf"
    path.write_bytes(ADAPTER.read_bytes()[:1_000_000])
    with pytest.raises(EngineError):
        LlamaClassifier(adapter=str(path), cache_folder=tmp_path)


def test_an_adapter_of_another_base_is_refused(tmp_path: Path) -> None:
    other = tmp_path / "other.gguf"
    other.write_bytes(bundled_base().read_bytes() + b"\0")
    with pytest.raises(EngineError):
        merged_model(other, ADAPTER, tmp_path, lambda line: None)


def test_a_merged_file_that_was_cut_is_made_again(models: Path, model: LlamaClassifier, tmp_path: Path) -> None:
    (merged,) = models.iterdir()
    cut = tmp_path / merged.name
    cut.write_bytes(merged.read_bytes()[:5_000_000])
    again = LlamaClassifier(cache_folder=tmp_path, say=lambda line: None)
    assert again.classify(TEXT) == model.classify(TEXT)


def test_a_model_that_was_not_trained_for_this_is_asked_with_examples(tmp_path: Path) -> None:
    base = bundled_base()
    kept = tmp_path / f"{FEWSHOT}-{file_digest(base)[:16]}.json"
    kept.write_text(json.dumps({"bias": 0.5, "recall": 0.99}))
    judged = LlamaClassifier(str(base), cache_folder=tmp_path).classify(TEXT)
    assert [len(line) for line in judged] == [len(line) for line in TEXT]
    assert len({each for line in judged for each in line}) > 5
