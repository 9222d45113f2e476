"""A GGUF model through llama-cpp-python as a Classifier: P(PHI) of each word from one forward pass an image.

The prompt lists the image's lines, then each word followed by a colon; the logits of two label tokens at each colon
give the answer. Nothing is generated, so nothing has to be parsed.
"""

from __future__ import annotations

import ctypes
import hashlib
import math
from collections.abc import Sequence
from pathlib import Path
from threading import Lock
from typing import Any

from deid.errors import EngineError

PRIVATE, HARMLESS = " private", " technical"
CONTEXT_TOKENS = 4096
LONGEST_WORD_TOKENS = 24
PROMPT_VERSION = "list-1"


class LlamaClassifier:
    """One model and one context; calls take turns."""

    name = "llama"

    def __init__(self, model: str, adapter: str = "", threads: int = 1) -> None:
        import llama_cpp

        self._lib = llama_cpp
        self._turn = Lock()
        self._silence = llama_cpp.llama_log_callback(lambda level, text, data: None)
        llama_cpp.llama_log_set(self._silence, ctypes.c_void_p(0))
        for path in filter(None, (model, adapter)):
            if not Path(path).is_file():
                raise EngineError("The model file that DEID_MODEL or DEID_ADAPTER names is not there.")
        llama_cpp.llama_backend_init()
        self._model = llama_cpp.llama_model_load_from_file(model.encode(), llama_cpp.llama_model_default_params())
        if not self._model:
            raise EngineError("The model that DEID_MODEL names cannot be read: it must be a whole GGUF file.")
        self._vocab = llama_cpp.llama_model_get_vocab(self._model)
        params = llama_cpp.llama_context_default_params()
        params.n_ctx = params.n_batch = CONTEXT_TOKENS
        params.n_threads = params.n_threads_batch = threads
        self._context = llama_cpp.llama_init_from_model(self._model, params)
        if not self._context:
            raise EngineError("There is not enough memory for the model that DEID_MODEL names.")
        if adapter:
            self._set_adapter(adapter)
        self._batch = llama_cpp.llama_batch_init(CONTEXT_TOKENS, 0, 1)
        self._labels = self._tokens(PRIVATE)[0], self._tokens(HARMLESS)[0]
        self._colon, self._newline = self._tokens(":")[-1], self._tokens("\n")[-1]
        self._start = llama_cpp.llama_vocab_bos(self._vocab)
        self._end = llama_cpp.llama_vocab_eos(self._vocab)
        self.version = f"{PROMPT_VERSION}:{_digest(model)}" + (f"+{_digest(adapter)}" if adapter else "")

    def classify(self, lines: Sequence[Sequence[str]]) -> tuple[tuple[float, ...], ...]:
        """P(PHI) of each word of each line of one image."""
        with self._turn:
            return tuple(each for part in self._parts(lines) for each in self._classify_part(part))

    def _parts(self, lines: Sequence[Sequence[str]]) -> list[list[Sequence[str]]]:
        """The lines in groups that fit one pass."""
        groups: list[list[Sequence[str]]] = [[]]
        used = 0
        for line in lines:
            cost = sum(2 * len(self._word(word)) + 1 for word in line) + 1
            if groups[-1] and used + cost > CONTEXT_TOKENS - 2:
                groups.append([])
                used = 0
            groups[-1].append(line)
            used += cost
        return groups

    def _classify_part(self, lines: Sequence[Sequence[str]]) -> list[tuple[float, ...]]:
        tokens = [self._start]
        asked: list[int] = []
        for line in lines:
            for word in line:
                tokens += self._word(word)
            tokens.append(self._newline)
        tokens.append(self._end)
        for word in (word for line in lines for word in line):
            tokens += [*self._word(word), self._colon]
            asked.append(len(tokens) - 1)
        if len(tokens) > CONTEXT_TOKENS:
            return [tuple(1.0 for _ in line) for line in lines]
        scores = iter(self._decode(tokens, asked))
        return [tuple(next(scores) for _ in line) for line in lines]

    def _decode(self, tokens: Sequence[int], asked: Sequence[int]) -> list[float]:
        lib, batch = self._lib, self._batch
        lib.llama_memory_clear(lib.llama_get_memory(self._context), True)
        wanted = set(asked)
        for index, token in enumerate(tokens):
            batch.token[index] = token
            batch.pos[index] = index
            batch.n_seq_id[index] = 1
            batch.seq_id[index][0] = 0
            batch.logits[index] = index in wanted
        batch.n_tokens = len(tokens)
        if lib.llama_decode(self._context, batch) != 0:
            raise EngineError("The model could not judge the words of an image.")
        private, harmless = self._labels
        scores = []
        for index in asked:
            logits: Any = lib.llama_get_logits_ith(self._context, index)
            scores.append(1 / (1 + math.exp(min(max(logits[harmless] - logits[private], -50.0), 50.0))))
        return scores

    def _word(self, word: str) -> list[int]:
        return self._tokens(" " + word)[:LONGEST_WORD_TOKENS] or [self._newline]

    def _tokens(self, text: str) -> list[int]:
        """Tokens of text from an image, in which nothing counts as a control token."""
        raw = text.encode("utf-8", "ignore")
        room = (self._lib.llama_token * (len(raw) + 8))()
        count = self._lib.llama_tokenize(self._vocab, raw, len(raw), room, len(room), False, False)
        return list(room[: max(count, 0)])

    def _set_adapter(self, adapter: str) -> None:
        loaded = self._lib.llama_adapter_lora_init(self._model, adapter.encode())
        if not loaded:
            raise EngineError("The adapter that DEID_ADAPTER names does not fit the model.")
        adapters = (self._lib.llama_adapter_lora_p_ctypes * 1)(loaded)
        if self._lib.llama_set_adapters_lora(self._context, adapters, 1, (ctypes.c_float * 1)(1.0)) != 0:
            raise EngineError("The adapter that DEID_ADAPTER names cannot be applied.")


def _digest(path: str) -> str:
    digest = hashlib.sha256()
    with Path(path).open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()[:16]
