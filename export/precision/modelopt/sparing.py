"""Takes the layers out of INT8 that cost a tower most of its faith."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
from onnx import ModelProto, NodeProto

from export.precision.halves.view import captured
from export.precision.modelopt.layers import quantised
from export.precision.modelopt.simulation import Batches, answers
from export.reference import Floats

# Wanted of the first percentile of cosines to FP32; above the gate's bound, because the gate judges on other inputs.
FLOOR = 0.983
# Beyond this share of the layers, INT8 has little left to speed up.
MOST = 1 / 3
# Batches that layers are ranked on, one run of the graph for each layer.
RANKED = 2
QDQ = ("QuantizeLinear", "DequantizeLinear")


@dataclass(frozen=True)
class Spared:
    """A graph with fewer INT8 layers.

    Args:
        graph: With explicit Q/DQ around the layers that are left.
        layers: The layers taken out, the costliest first.
    """

    graph: ModelProto
    layers: tuple[str, ...]


def spare(graph: ModelProto, reference: Floats, batches: Batches, *, floor: float = FLOOR) -> Spared:
    """Take layers out, the costliest first, until the graph is faithful or a third of them is out.

    Args:
        graph: With explicit Q/DQ; left as it is.
        reference: What the FP32 graph answers to the batches, ``(rows, dim)``.
        batches: Real inputs.
        floor: First percentile of cosines at which to stop.
    """
    if _faith(graph, reference, batches) >= floor:
        return Spared(graph, ())
    few = batches[:RANKED]
    order = by_cost(graph, reference[: sum(len(next(iter(batch.values()))) for batch in few)], few)
    most = max(1, int(len(order) * MOST))
    for count in range(1, most):
        tried = without(graph, order[:count])
        if _faith(tried, reference, batches) >= floor:
            return Spared(tried, tuple(order[:count]))
    return Spared(without(graph, order[:most]), tuple(order[:most]))


def by_cost(graph: ModelProto, reference: Floats, batches: Batches) -> list[str]:
    """The INT8 layers, first the one without which the mean cosine rises most."""
    layers, _ = quantised(graph)
    gain = {name: float(cosines(answers(without(graph, [name]), batches), reference).mean()) for name in layers}
    return sorted(layers, key=lambda name: -gain[name])


def without(graph: ModelProto, layers: Collection[str]) -> ModelProto:
    """A copy in which these layers read what they read before Q/DQ."""
    copy = ModelProto()
    copy.CopyFrom(graph)
    makers = {name: node for node in copy.graph.node for name in node.output}
    for node in copy.graph.node:
        if node.name in layers:
            for at, name in enumerate(node.input):
                node.input[at] = _before(name, makers)
    _drop_unread(copy)
    return copy


def cosines(ours: Floats, theirs: Floats) -> Floats:
    """``(rows,)``; 0 where a vector is zero, NaN where it is not finite."""
    lengths = np.linalg.norm(ours, axis=1) * np.linalg.norm(theirs, axis=1)
    found: Floats = (ours * theirs).sum(axis=1) / np.maximum(lengths, np.float32(1e-12))
    return found


def _faith(graph: ModelProto, reference: Floats, batches: Batches) -> float:
    return float(np.quantile(cosines(answers(graph, batches), reference), 0.01))


def _before(name: str, makers: dict[str, NodeProto]) -> str:
    while name in makers and makers[name].op_type in QDQ:
        name = makers[name].input[0]
    return name


def _drop_unread(graph: ModelProto) -> None:
    """Remove the Q/DQ nodes that nothing reads any more, and the constants that only they read."""
    top = graph.graph
    nodes: list[NodeProto] = []
    read = {value.name for value in top.output}
    for node in reversed(top.node):
        if node.op_type not in QDQ or read.intersection(node.output):
            nodes.append(node)
            read.update(node.input, captured(node))
    kept = [tensor for tensor in top.initializer if tensor.name in read]
    del top.node[:], top.initializer[:]
    top.node.extend(reversed(nodes))
    top.initializer.extend(kept)
