"""Exported graphs: clean names, finite constants, no trace of the machine that made them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import onnx
from onnx import ModelProto, TensorProto, numpy_helper

from export.casting import read_bytes_through_cast
from export.errors import BadSource
from export.reference import Reference

OPSET = 20
# Added to the attention scores of padding. Finite, and small enough for FP16: the usual -3.4e38 becomes -inf there, and
# a row of nothing but -inf becomes NaN.
MASKED_SCORE = -1e4
# Anything larger that is added to attention scores overflows in FP16 and ruins INT8 ranges.
MAX_CONSTANT = 1e5
# Operators whose bounds may be as large as they like.
BOUNDING = ("Clip", "Min", "Max")

TEXT_INPUTS = ("INPUT_IDS", "LENGTHS")
TEXT_OUTPUT = "TEXT_VECTOR"
VISION_INPUTS = ("PIXELS",)
VISION_OUTPUT = "IMAGE_VECTOR"
DYNAMIC_AXES = {"INPUT_IDS": ("batch", "sequence")}


@dataclass(frozen=True)
class BuiltTower:
    """A tower as it will be served, with what it is held to.

    Args:
        graph: From the served inputs to unit vectors.
        reference: What the source answers to the same inputs.
    """

    graph: ModelProto
    reference: Reference


def clean(graph: ModelProto, output: str, dim: int) -> ModelProto:
    """Name the axes, drop what the tracer noted about this machine, and make every constant finite.

    Args:
        graph: Changed in place.
        output: Its output.
        dim: Length of its vectors.

    Raises:
        BadSource: A constant is not a number.
    """
    del graph.graph.value_info[:]
    for note in (graph, graph.graph, *graph.graph.node, *graph.graph.initializer):
        del note.metadata_props[:]
        note.doc_string = ""
    for value in (*graph.graph.input, *graph.graph.output):
        del value.metadata_props[:]
    for value in graph.graph.input:
        _name_axes(value, DYNAMIC_AXES.get(value.name, ("batch",)))
    (only,) = graph.graph.output
    only.CopyFrom(onnx.helper.make_tensor_value_info(output, TensorProto.FLOAT, ["batch", dim]))
    tame_constants(graph)
    read_bytes_through_cast(graph)
    return graph


def tame_constants(graph: ModelProto) -> int:
    """Clamp huge constants to the finite masked score; returns how many tensors were changed.

    After a softmax the two are the same: exp(-1e4) is 0 in any precision.

    Raises:
        BadSource: A constant is not a number.
    """
    bounding = {name for node in graph.graph.node if node.op_type in BOUNDING for name in node.input}
    changed = 0
    for name, tensor, store in _constants(graph):
        if name in bounding or tensor.data_type not in (TensorProto.FLOAT, TensorProto.FLOAT16, TensorProto.DOUBLE):
            continue
        values = numpy_helper.to_array(tensor)
        if np.isnan(values).any():
            raise BadSource(f"constant {name} holds values that are not numbers")
        if values.size and np.abs(values).max() > MAX_CONSTANT:
            finite = np.clip(values, MASKED_SCORE, -MASKED_SCORE).astype(values.dtype)
            store(numpy_helper.from_array(finite, tensor.name))
            changed += 1
    return changed


def _constants(graph: ModelProto) -> Iterator[tuple[str, TensorProto, Callable[[TensorProto], None]]]:
    """Every tensor written into the graph: name of its value, the tensor, and how to replace it."""
    for tensor in graph.graph.initializer:
        yield tensor.name, tensor, tensor.CopyFrom
    for node in graph.graph.node:
        for attribute in node.attribute:
            if attribute.name == "value" and attribute.type == onnx.AttributeProto.TENSOR:
                yield node.output[0], attribute.t, attribute.t.CopyFrom


def _name_axes(value: onnx.ValueInfoProto, names: tuple[str, ...]) -> None:
    for axis, name in zip(value.type.tensor_type.shape.dim, names, strict=False):
        axis.dim_param = name
