"""Which layers INT8 leaves alone, and which a graph has in INT8."""

from __future__ import annotations

from collections.abc import Iterator

from onnx import ModelProto

from export.precision.halves.islands import integer_arithmetic
from export.precision.halves.operators import MOVES, SUMS
from export.precision.halves.view import Place, View

OPERATORS = ("MatMul", "Gemm", "Conv")
# With these a sequence or a map becomes one vector; layers after them are the head.
POOLS = SUMS | {"Gather", "GatherElements", "GatherND", "GlobalMaxPool", "ReduceMax", "Slice"}


def left_high(view: View) -> dict[str, str]:
    """Why each layer that stays high does, by its name.

    These are few of a tower's multiplications, and those that cost it most of its faith.

    Args:
        view: The FP32 graph.
    """
    found = {place.node.name: "the head" for place in _heads(view)}
    born = integer_arithmetic(view)[1]
    for place in view.places:
        if place.node.op_type not in OPERATORS:
            continue
        data, weight = place.node.input[:2]
        if not _constant(view, weight):
            found[place.node.name] = "a product of two activations"
        elif data in born:
            found[place.node.name] = "the first layer"
        elif place.node.op_type == "Conv" and _depthwise(view, weight, place):
            found[place.node.name] = "a depthwise convolution"
    return found


def quantised(graph: ModelProto) -> tuple[list[str], list[str]]:
    """The layers whose weights are dequantised from INT8, and those whose are not.

    Args:
        graph: With explicit Q/DQ.
    """
    makers = {name: node for node in graph.graph.node for name in node.output}
    low: list[str] = []
    high: list[str] = []
    for node in graph.graph.node:
        if node.op_type in OPERATORS:
            maker = makers.get(node.input[1])
            while maker is not None and maker.op_type in {*MOVES, "Cast"}:
                maker = makers.get(maker.input[0])
            (low if maker is not None and maker.op_type == "DequantizeLinear" else high).append(node.name)
    return low, high


def _heads(view: View) -> Iterator[Place]:
    """The layers between pooling and the answer."""
    waiting, seen = sorted(view.outputs), set(view.outputs)
    while waiting:
        place = view.producers.get(waiting.pop())
        if place is None or place.node.op_type in POOLS:
            continue
        if place.node.op_type in OPERATORS:
            yield place
            continue
        fresh = [name for name in view.computed(place) if name not in seen]
        seen.update(fresh)
        waiting += fresh


def _constant(view: View, name: str) -> bool:
    """Whether a value is a constant, or one with its axes moved."""
    while name not in view.constants:
        maker = view.producers.get(name)
        if maker is None or maker.node.op_type not in MOVES:
            return False
        name = maker.node.input[0]
    return True


def _depthwise(view: View, weight: str, place: Place) -> bool:
    groups = next((entry.i for entry in place.node.attribute if entry.name == "group"), 1)
    return groups > 1 and weight in view.constants and view.constants[weight].shape[1] == 1
