"""A trained adapter as a GGUF file that says how it is to be used."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from deid.engines.merge import AdapterFacts
from deid.errors import UsageError

GGUF_NAMES = {
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
}
BLOCK = 32
"""Rows that divide by this are kept in blocks of eight bits a weight; the others in 16 bits."""
_TENSOR = re.compile(r"^blk\.(\d+)\.([a-z_]+)\.weight\.lora_([ab])$")
_PARAMETER = re.compile(r"^layers\.(\d+)\.([a-z_]+\.[a-z_]+)\.([ab])$")


@dataclass(frozen=True, slots=True)
class Heads:
    """Attention heads of the base: llama.cpp keeps the rows of queries and keys in another order."""

    queries: int
    keys: int


def write_adapter(
    weights: Mapping[str, NDArray[np.float32]], heads: Heads, alpha: float, facts: AdapterFacts, path: Path
) -> None:
    """Writes the adapter; `weights` are named as `lora.Trainee.state` names them."""
    from gguf import GGMLQuantizationType, GGUFWriter
    from gguf.quants import quantize

    writer = GGUFWriter(path, "llama")
    writer.add_string("general.type", "adapter")
    writer.add_string("general.name", "phi-lora")
    writer.add_string("general.license", "apache-2.0")
    writer.add_string("adapter.type", "lora")
    writer.add_float32("adapter.lora.alpha", alpha)
    writer.add_string("deid.format", facts.format)
    writer.add_uint32("deid.layers", facts.layers)
    writer.add_float32("deid.bias", facts.bias)
    writer.add_string("deid.base_sha256", facts.base_sha256)
    if facts.weights:
        writer.add_array("deid.weights", list(facts.weights))
    for name, values in weights.items():
        match = _PARAMETER.match(name)
        if match is None:
            raise ValueError("a weight of the adapter has no place in a Llama")
        layer, linear, part = match.groups()
        if part == "b" and linear.endswith(("q_proj", "k_proj")):
            values = _permuted(values, heads.queries if linear.endswith("q_proj") else heads.keys)
        tensor = f"blk.{layer}.{GGUF_NAMES[linear]}.weight.lora_{part}"
        if values.shape[1] % BLOCK:
            writer.add_tensor(tensor, np.ascontiguousarray(values, np.float16))
        else:
            data = np.asarray(quantize(np.ascontiguousarray(values, np.float32), GGMLQuantizationType.Q8_0), np.uint8)
            writer.add_tensor(tensor, data, raw_dtype=GGMLQuantizationType.Q8_0)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def read_adapter(path: Path, heads: Heads) -> dict[str, NDArray[np.float32]]:
    """The weights of an adapter that `write_adapter` wrote, under the names that it was given.

    Raises
    ------
    UsageError
        Where the file is no adapter of this form.
    """
    from gguf import GGUFReader
    from gguf.quants import dequantize

    linears = {short: linear for linear, short in GGUF_NAMES.items()}
    weights = {}
    try:
        tensors = GGUFReader(path).tensors
    except Exception as exc:  # the reader raises whatever its arithmetic on a broken file comes to
        raise UsageError("The adapter to start from cannot be read: it must be a whole GGUF file.") from exc
    for tensor in tensors:
        match = _TENSOR.match(tensor.name)
        if match is None or match[2] not in linears:
            raise UsageError("The adapter to start from was not made by `deid train`.")
        values = np.array(dequantize(tensor.data, tensor.tensor_type), np.float32)
        linear = linears[match[2]]
        if match[3] == "b" and linear.endswith(("q_proj", "k_proj")):
            values = _unpermuted(values, heads.queries if linear.endswith("q_proj") else heads.keys)
        weights[f"layers.{match[1]}.{linear}.{match[3]}"] = values
    return weights


def _permuted(rows: NDArray[np.float32], heads: int) -> NDArray[np.float32]:
    halves = rows.reshape(heads, 2, rows.shape[0] // heads // 2, rows.shape[1])
    return halves.swapaxes(1, 2).reshape(rows.shape)


def _unpermuted(rows: NDArray[np.float32], heads: int) -> NDArray[np.float32]:
    halves = rows.reshape(heads, rows.shape[0] // heads // 2, 2, rows.shape[1])
    return halves.swapaxes(1, 2).reshape(rows.shape)
