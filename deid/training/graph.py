"""A network in an ONNX file as a module of PyTorch, so that its weights can be trained and written back."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from onnx import numpy_helper
from torch import Tensor, nn
from torch.nn import functional

_SHAPED = ("Resize", "Reshape", "Slice")
"""Their further inputs are sizes and places, not values."""


_HALF = ".half"
"""Ends the name of a weight that is stored in 16 bits."""


class Graph(nn.Module):
    """Runs the operators that the readers' networks are made of; weights of one dimension and more are trained."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._model = _with_whole_numbers(onnx.load(str(path)))
        graph = self._model.graph
        self._output = graph.output[0].name
        self._input = next(each.name for each in graph.input)
        self._attributes = [
            {each.name: onnx.helper.get_attribute_value(each) for each in node.attribute} for node in graph.node
        ]
        self._constants: dict[str, Any] = {}
        self._settled = {name for node in graph.node for name in node.input[1:] if node.op_type in _SHAPED}
        self._device: torch.device | None = None
        self.weights = nn.ParameterDict()
        self._keys: dict[str, str] = {}
        for number, each in enumerate(graph.initializer):
            values = torch.from_numpy(numpy_helper.to_array(each).copy())
            if values.is_floating_point() and values.numel() > 1 and each.name not in self._settled:
                self._keys[each.name] = f"w{number}"
                self.weights[f"w{number}"] = nn.Parameter(values)
            else:
                self._constants[each.name] = values
        for node, attributes in zip(graph.node, self._attributes, strict=True):
            if node.op_type == "Constant":
                self._constants[node.output[0]] = torch.from_numpy(numpy_helper.to_array(attributes["value"]).copy())

    def forward(self, values: Tensor, until: str | None = None) -> Tensor:
        """The output for an input, or what the node makes that is named `until`."""
        if self._device != values.device:
            self._device = values.device
            for name, each in self._constants.items():
                is_value = each.is_floating_point() and name not in self._settled  # whole numbers are sizes and places
                self._constants[name] = each.to(values.device) if is_value else each
        known: dict[str, Any] = dict(self._constants)
        known.update({name: self.weights[key] for name, key in self._keys.items()})
        known[self._input] = values
        wanted = until or self._output
        for node, attributes in zip(self._model.graph.node, self._attributes, strict=True):
            if node.op_type == "Constant":
                continue
            inputs = [known[name] if name else None for name in node.input]
            known[node.output[0]] = _run(node.op_type, inputs, attributes)
            if node.output[0] == wanted:
                break
        result: Tensor = known[wanted]
        return result

    @property
    def before_last(self) -> str:
        """What the last sigmoid or softmax takes: the output as logits."""
        kinds = ("Sigmoid", "Softmax")
        return str(next(node.input[0] for node in reversed(self._model.graph.node) if node.op_type in kinds))

    def hold(self, kind: str, *inputs: int) -> None:
        """Keeps the weights as they are that operators of one kind take as these inputs."""
        for node in self._model.graph.node:
            for name in (node.input[each] for each in inputs if each < len(node.input)):
                if node.op_type == kind and name in self._keys:
                    self.weights[self._keys[name]].requires_grad_(False)

    def hold_last(self, but: int) -> list[nn.Parameter]:
        """Keeps what tells one character from another, but for one character: the last sum's and product's weights."""
        made = {name: node for node in self._model.graph.node for name in node.output}
        name = self.before_last
        found: list[nn.Parameter] = []
        passed: set[str] = set()
        while passed != {"Add", "MatMul"}:
            node = made[name]
            found += [self.weights[self._keys[each]] for each in node.input if each in self._keys]
            passed |= {node.op_type} & {"Add", "MatMul"}
            name = next(each for each in node.input if each in made)
        for weight in found:
            free = torch.zeros_like(weight)
            free[..., but] = 1
            weight.requires_grad_(True).register_hook(free.mul)
        return found

    @property
    def characters(self) -> tuple[str, ...]:
        """What the outputs of a recogniser stand for: nothing, the characters that the file names, the space."""
        named = next(each.value for each in self._model.metadata_props if each.key == "character")
        return ("", *named.split("\n"), " ")

    @torch.no_grad()
    def blend(self, other: Graph, share: float) -> None:
        """Makes each weight so much of another network's of the same file as `share` says, and the rest its own.

        What training taught stays so, and what it made the network forget comes back (Wortsman et al., 2022).
        """
        for key, mine in self.weights.items():
            mine.lerp_(other.weights[key], share)

    def save(self, path: Path) -> None:
        """Writes the file with the weights as they are now, in halves: what reads it makes whole numbers of them."""
        model = copy.deepcopy(self._model)
        graph, casts = model.graph, []
        for each in graph.initializer:
            if each.name in self._keys:
                values = self.weights[self._keys[each.name]].detach().float().cpu().numpy()
                half = each.name + _HALF
                casts.append(onnx.helper.make_node("Cast", [half], [each.name], to=onnx.TensorProto.FLOAT))
                each.CopyFrom(numpy_helper.from_array(values.astype(np.float16), half))
        nodes = [*casts, *graph.node]
        del graph.node[:]
        graph.node.extend(nodes)
        onnx.save(model, str(path))


def _with_whole_numbers(model: Any) -> Any:
    """The model with weights that were written in halves as they were before."""
    halves = {each.name: each for each in model.graph.initializer if each.name.endswith(_HALF)}
    for each in halves.values():
        values = numpy_helper.to_array(each).astype(np.float32)
        each.CopyFrom(numpy_helper.from_array(values, each.name.removesuffix(_HALF)))
    nodes = [node for node in model.graph.node if not (node.op_type == "Cast" and node.input[0].endswith(_HALF))]
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    return model


def _run(kind: str, inputs: list[Any], attributes: dict[str, Any]) -> Any:
    """One operator; those of the default domain, version 11."""
    first = inputs[0]
    match kind:
        case "Identity":
            return first
        case "Add":
            return first + inputs[1]
        case "Sub":
            return first - inputs[1]
        case "Mul":
            return first * inputs[1]
        case "Div":
            return first / inputs[1]
        case "Pow":
            return first ** inputs[1]
        case "Sqrt":
            return first.sqrt()
        case "Erf":
            return torch.erf(first)
        case "Relu":
            return functional.relu(first)
        case "Sigmoid":
            return torch.sigmoid(first)
        case "Softmax":
            return torch.softmax(first, attributes.get("axis", -1))
        case "HardSigmoid":
            return torch.clamp(first * attributes.get("alpha", 0.2) + attributes.get("beta", 0.5), 0, 1)
        case "MatMul":
            return first @ inputs[1].to(first.dtype)
        case "Concat":
            return torch.cat([torch.as_tensor(each) for each in inputs], attributes["axis"])
        case "GlobalAveragePool":
            return first.mean((2, 3), keepdim=True)
        case "ReduceMean":
            return first.mean(tuple(attributes["axes"]), keepdim=bool(attributes.get("keepdims", 1)))
        case "Conv":
            return functional.conv2d(
                *_padded(first, inputs[1], attributes),
                inputs[2] if len(inputs) > 2 else None,
                stride=attributes["strides"],
                dilation=attributes["dilations"],
                groups=attributes.get("group", 1),
            )
        case "ConvTranspose":
            bias = inputs[2] if len(inputs) > 2 else None
            return functional.conv_transpose2d(first, inputs[1], bias, stride=attributes["strides"])
        case "MaxPool":
            padded, _ = _padded(first, None, attributes)
            return functional.max_pool2d(padded, attributes["kernel_shape"], attributes["strides"])
        case "AveragePool":
            return functional.avg_pool2d(first, attributes["kernel_shape"], attributes["strides"])
        case "Resize":
            return functional.interpolate(first, scale_factor=[float(each) for each in inputs[2][2:]], mode="nearest")
        case "BatchNormalization":
            scale, shift, mean, variance = (each[:, None, None] for each in inputs[1:])
            return (first - mean) / torch.sqrt(variance + attributes["epsilon"]) * scale + shift
        case "Shape":
            return torch.tensor(first.shape)
        case "Slice":
            return _sliced(first, *inputs[1:])
        case "Squeeze":
            for axis in sorted(attributes["axes"], reverse=True):
                first = first.squeeze(axis)
            return first
        case "Unsqueeze":
            for axis in sorted(attributes["axes"]):
                first = first.unsqueeze(axis)
            return first
        case "Reshape":
            shape = [first.shape[at] if each == 0 else int(each) for at, each in enumerate(inputs[1].tolist())]
            return first.reshape(shape)
        case "Transpose":
            return first.permute(attributes["perm"])
    raise NotImplementedError(kind)


def _padded(values: Tensor, weights: Tensor | None, attributes: dict[str, Any]) -> tuple[Tensor, Any]:
    """The input with room for the kernel around it."""
    if attributes.get("auto_pad", b"NOTSET") == b"SAME_UPPER":
        rows, columns = (side - 1 for side in attributes["kernel_shape"])
        pads = [columns // 2, columns - columns // 2, rows // 2, rows - rows // 2]
    else:
        top, left, bottom, right = attributes["pads"]
        pads = [left, right, top, bottom]
    return functional.pad(values, pads) if any(pads) else values, weights


def _sliced(values: Tensor, starts: Tensor, ends: Tensor, axes: Tensor, steps: Tensor | None = None) -> Tensor:
    for number, axis in enumerate(axes.tolist()):
        length = values.shape[axis]
        start, end = int(starts[number]), min(int(ends[number]), length)
        step = int(steps[number]) if steps is not None else 1
        chosen = range(length)[start:end:step]
        values = values.index_select(axis, torch.tensor(list(chosen), device=values.device))
    return values
