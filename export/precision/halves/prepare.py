"""A graph made plain before its types change: no functions, no float constants among the nodes, known types."""

from __future__ import annotations

import numpy as np
import onnx
from onnx import ModelProto, NodeProto, TensorProto, helper, inliner, numpy_helper

from export.errors import PrecisionFailed
from export.precision.halves.schemas import STANDARD

# The attributes in which a ``Constant`` may hold floats, and the rank of each.
FLOAT_ATTRIBUTES = ("value_float", "value_floats")


def prepare(model: ModelProto) -> ModelProto:
    """A plain copy: functions inlined, float constants as initializers, casts of float32 to float32 gone, nodes named.

    Args:
        model: Left as it is.

    Raises:
        PrecisionFailed: It is not a valid graph.
    """
    copy = ModelProto()
    copy.CopyFrom(inliner.inline_local_functions(model) if model.functions else model)
    _one_import_each(copy)
    graph = copy.graph
    weights = {tensor.name for tensor in graph.initializer}
    inputs = [value for value in graph.input if value.name not in weights]
    nodes = list(graph.node)
    del graph.input[:], graph.node[:], graph.value_info[:]
    graph.input.extend(inputs)
    for node in nodes:
        constant = _float_constant(node)
        if constant is None:
            graph.node.append(node)
        else:
            graph.initializer.append(constant)
    _name_all(copy)
    return _without_idle_casts(_inferred(copy))


def float_values(model: ModelProto) -> frozenset[str]:
    """Names of the float32 values of a prepared graph's top level.

    Raises:
        PrecisionFailed: The type of a value cannot be told.
    """
    known = _types(model)
    for node in model.graph.node:
        for name in filter(None, node.output):
            if name not in known:
                operator = f"{node.domain}.{node.op_type}" if node.domain else node.op_type
                raise PrecisionFailed(f"the type of value {name!r}, after operator {operator}, cannot be told")
    return frozenset(name for name, kind in known.items() if kind == TensorProto.FLOAT)


def opset_of(model: ModelProto) -> int:
    """Version of the standard operators that a graph is written in."""
    return int(next(entry.version for entry in model.opset_import if entry.domain in STANDARD))


def _types(model: ModelProto) -> dict[str, int]:
    graph = model.graph
    values = (*graph.input, *graph.value_info, *graph.output)
    known = {value.name: value.type.tensor_type.elem_type for value in values}
    return known | {tensor.name: tensor.data_type for tensor in graph.initializer}


def _one_import_each(model: ModelProto) -> None:
    """Merged graphs import the same operators several times."""
    versions = {entry.domain: entry.version for entry in model.opset_import}
    del model.opset_import[:]
    model.opset_import.extend(helper.make_opsetid(domain, version) for domain, version in versions.items())


def _float_constant(node: NodeProto) -> TensorProto | None:
    if node.op_type != "Constant":
        return None
    (attribute,) = node.attribute
    if attribute.name == "value" and attribute.t.data_type == TensorProto.FLOAT:
        return numpy_helper.from_array(numpy_helper.to_array(attribute.t), node.output[0])
    if attribute.name in FLOAT_ATTRIBUTES:
        value = np.array(helper.get_attribute_value(attribute), np.float32)
        return numpy_helper.from_array(value, node.output[0])
    return None


def _name_all(model: ModelProto) -> None:
    """Reports and exclusions name nodes, so every one needs a name of its own."""
    taken: set[str] = set()
    for at, node in enumerate(model.graph.node):
        if not node.name or node.name in taken:
            node.name = f"{node.op_type}_{at}_{node.output[0]}"
        taken.add(node.name)


def _inferred(model: ModelProto) -> ModelProto:
    try:
        onnx.checker.check_model(model)
        return onnx.shape_inference.infer_shapes(model, check_type=True, strict_mode=True)
    except Exception as error:  # the checker, the inference and protobuf raise a class each
        raise PrecisionFailed(f"types of the graph cannot be told: {error}") from error


def _without_idle_casts(model: ModelProto) -> ModelProto:
    known = _types(model)
    for node in model.graph.node:
        if node.op_type == "Cast" and known[node.input[0]] == known[node.output[0]] == TensorProto.FLOAT:
            node.op_type = "Identity"
            del node.attribute[:]
    return model
