"""The tokeniser of a base as the layout needs it: llama.cpp's own for a GGUF, the folder's for a folder."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from deid.engines.prompt import HARMLESS, PRIVATE, Vocabulary
from deid.errors import UsageError


def tokeniser_of(base: Path) -> tuple[Vocabulary, tuple[int, int]]:
    """The vocabulary of a base, and the tokens of PRIVATE and HARMLESS.

    Raises
    ------
    UsageError
        Where the base is neither a GGUF file nor a folder with a model.
    """
    if base.is_file():
        vocabulary = _of_gguf(base)
    elif (base / "config.json").is_file():
        vocabulary = _of_folder(base)
    else:
        raise UsageError("The base is neither a GGUF file nor a folder with a model.")
    return vocabulary, (vocabulary.word(PRIVATE)[-1], vocabulary.word(HARMLESS)[-1])


def _of_gguf(base: Path) -> Vocabulary:
    from deid.engines.llama import vocabulary_of

    return vocabulary_of(base)


def _of_folder(base: Path) -> Vocabulary:
    from transformers import AutoTokenizer

    tokeniser: Any = AutoTokenizer.from_pretrained(base, local_files_only=True)
    # Tokenisers of the SentencePiece kind put the leading space there themselves.
    spaced = str(tokeniser.convert_ids_to_tokens(tokeniser.encode("a", add_special_tokens=False))[0]).startswith("▁")

    @cache
    def word(text: str) -> tuple[int, ...]:
        return tuple(
            tokeniser.encode(text if spaced else " " + text, add_special_tokens=False, split_special_tokens=True)
        )

    start = tokeniser.bos_token_id if tokeniser.bos_token_id is not None else tokeniser.eos_token_id
    newline, mark = (tokeniser.encode(each, add_special_tokens=False)[-1] for each in "\n\t")
    return Vocabulary(word, start, newline, mark)
