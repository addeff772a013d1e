"""What the ONNX standard says of an operator's places: which of them can be FP16."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import onnx
from onnx import NodeProto
from onnx.defs import OpSchema

HALF = "tensor(float16)"
STANDARD = ("", "ai.onnx")


def half_places(node: NodeProto, opset: int, floats: Collection[str]) -> tuple[tuple[bool, ...], tuple[bool, ...]]:
    """Of each input and of each output of a node, whether it may turn from float32 to FP16.

    Inputs may where the operator takes FP16 there (``scales`` of ``Resize`` stays float32). Outputs may where their
    type follows that of such an input; the type of a ``Cast`` or a ``Range`` follows from something else.

    Args:
        node: Of the top level of its graph.
        opset: Version of the standard operators.
        floats: Names of the float32 values.
    """
    schema = schema_of(node, opset)
    if schema is None:
        return (False,) * len(node.input), (False,) * len(node.output)
    takes = _formal(schema.inputs, len(node.input))
    inputs = tuple(name in floats and HALF in place.types for name, place in zip(node.input, takes, strict=True))
    following = {place.type_str for place, half in zip(takes, inputs, strict=True) if half}
    outputs = tuple(
        name in floats and HALF in place.types and place.type_str in following
        for name, place in zip(node.output, _formal(schema.outputs, len(node.output)), strict=True)
    )
    return inputs, outputs


def schema_of(node: NodeProto, opset: int) -> OpSchema | None:
    """The operator's entry in the standard; nothing where it is of another domain."""
    if node.domain not in STANDARD:
        return None
    try:
        return onnx.defs.get_schema(node.op_type, opset)
    except onnx.defs.SchemaError:
        return None


def _formal(places: Sequence[OpSchema.FormalParameter], count: int) -> list[OpSchema.FormalParameter]:
    """One formal parameter for each actual one: the last is repeated where the operator takes any number."""
    return [places[min(at, len(places) - 1)] for at in range(count)]
