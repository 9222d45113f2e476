"""A base model and its adapter made into one file of fewer layers, once, in a cache keyed by the hashes of both.

The base as shipped has no fast kernels on processors, and an adapter beside it costs more; merged and requantised the
pair is twice as fast. What an adapter needs to be used rightly stands in its own metadata, under names that begin deid.
"""

from __future__ import annotations

import hashlib
import os
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deid.errors import EngineError

MERGE_VERSION = 1
"""Raised with every change that makes another file from the same pair."""
_METADATA = "deid."


@dataclass(frozen=True, slots=True)
class AdapterFacts:
    """What an adapter says of itself."""

    format: str
    layers: int
    """First layers of the base that it was trained on; 0 means all."""
    bias: float
    """Added to the logit, so that 0.5 is the decision."""
    base_sha256: str
    """Of the base's GGUF file; "" where it was trained on a folder."""
    weights: tuple[float, ...] = ()
    """Added to the logit for what is known of a word (deid/engines/weighing.py); nothing where there are none."""


def file_digest(path: Path) -> str:
    """SHA-256 of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def adapter_facts(path: Path) -> AdapterFacts | None:
    """What the adapter says of itself; None for one that `deid train` did not make.

    Raises
    ------
    EngineError
        Where the file is no whole adapter.
    """
    fields = {
        key.removeprefix(_METADATA): field.contents()
        for key, field in _opened(path, "adapter").fields.items()
        if key.startswith(_METADATA)
    }
    if "format" not in fields:
        return None
    return AdapterFacts(
        str(fields["format"]),
        int(fields["layers"]),
        float(fields["bias"]),
        str(fields.get("base_sha256", "")),
        tuple(float(each) for each in fields.get("weights", ())),
    )


def merged_model(base: Path, adapter: Path, folder: Path, say: Callable[[str], None]) -> Path:
    """The merged file, made where the folder does not hold it yet.

    Raises
    ------
    EngineError
        Where either file is not whole or the two do not belong together.
    """
    facts = adapter_facts(adapter)
    assert facts is not None
    digest = file_digest(base)
    if facts.base_sha256 and facts.base_sha256 != digest:
        raise EngineError("The adapter was trained for another base model than the one that is to be used.")
    target = folder / f"merged-{MERGE_VERSION}-{digest[:16]}-{file_digest(adapter)[:16]}.gguf"
    if target.is_file():
        return target
    say("Preparing the model, once on this machine: about ten seconds.")
    staged = folder / f".{uuid.uuid4().hex}.part"
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        _write(_opened(base, "model"), _opened(adapter, "adapter"), facts.layers, staged)
        os.replace(staged, target)  # noqa: PTH105 - of two processes the later one wins, with the same bytes
    except OSError as exc:
        if not target.is_file():
            raise EngineError("The folder `models` in DEID_HOME cannot be written, or its disk is full.") from exc
    finally:
        staged.unlink(missing_ok=True)
    return target


def _opened(path: Path, what: str) -> Any:
    from gguf import GGUFReader

    try:
        return GGUFReader(path)
    except Exception as exc:  # the reader raises whatever its arithmetic on a broken file comes to
        raise EngineError(f"The {what} cannot be read: it must be a whole GGUF file.") from exc


def _write(base: Any, adapter: Any, layers: int, target: Path) -> None:
    from gguf import GGMLQuantizationType, GGUFValueType, GGUFWriter

    architecture = str(base.fields["general.architecture"].contents())
    writer = GGUFWriter(target, architecture)
    for key, field in base.fields.items():
        if key.startswith("GGUF.") or key == "general.architecture":
            continue
        value = layers if key == f"{architecture}.block_count" and layers else field.contents()
        kind = field.types[0]
        writer.add_key_value(key, value, kind, field.types[-1] if kind is GGUFValueType.ARRAY else None)
    scale, pairs = _pairs(adapter)
    for tensor in base.tensors:
        if layers and tensor.name.startswith("blk.") and int(tensor.name.split(".")[1]) >= layers:
            continue
        pair = pairs.pop(tensor.name, None)
        if pair is None:
            writer.add_tensor(tensor.name, np.array(tensor.data), raw_dtype=tensor.tensor_type)
        else:
            data = _requantised(tensor, pair[0], pair[1], scale)
            writer.add_tensor(tensor.name, data, raw_dtype=GGMLQuantizationType.Q8_0)
    if pairs:
        raise EngineError("The adapter does not fit the model: it has parts that the model has not.")
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def _pairs(adapter: Any) -> tuple[float, dict[str, tuple[NDArray[np.float32], NDArray[np.float32]]]]:
    """The factor of the adapter's products, and (a, b) by the name of the base's tensor."""
    from gguf.quants import dequantize

    tensors = {each.name: np.asarray(dequantize(each.data, each.tensor_type), np.float32) for each in adapter.tensors}
    names = [name.removesuffix(".lora_a") for name in tensors if name.endswith(".lora_a")]
    pairs = {name: (tensors[name + ".lora_a"], tensors[name + ".lora_b"]) for name in names}
    if not pairs:
        raise EngineError("The adapter holds no LoRA weights.")
    rank = next(iter(pairs.values()))[0].shape[0]
    return float(adapter.fields["adapter.lora.alpha"].contents()) / rank, pairs


def _requantised(tensor: Any, a: NDArray[np.float32], b: NDArray[np.float32], scale: float) -> NDArray[np.uint8]:
    from gguf import GGMLQuantizationType
    from gguf.quants import dequantize, quantize

    weights = dequantize(tensor.data, tensor.tensor_type)
    if weights.shape != (b.shape[0], a.shape[1]):
        raise EngineError("The adapter does not fit the model: its parts have another size.")
    merged = weights + scale * (b @ a)
    return np.asarray(quantize(merged.astype(np.float32), GGMLQuantizationType.Q8_0), np.uint8)
