"""Writes the FP16 graph: half constants, half values, and one cast wherever a value changes its type."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import numpy as np
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper

from export.precision.halves.view import Place, View, captured, subgraphs

SUFFIX: Mapping[int, str] = {TensorProto.FLOAT: "/fp32", TensorProto.FLOAT16: "/fp16"}


def with_casts(view: View, full: Collection[str]) -> ModelProto:
    """The strongly typed graph.

    Args:
        view: The FP32 graph; used up.
        full: Names of the nodes that stay FP32.
    """
    writer = _Writer(view, frozenset(full))
    for place in view.places:
        writer.write(place)
    return writer.finish()


class _Writer:
    """Goes through the nodes in their order; a value is cast just before the first node that wants its other type."""

    def __init__(self, view: View, full: frozenset[str]) -> None:
        self._view, self._full = view, full
        self._halves = {
            name
            for place in view.places
            if place.node.name not in full
            for name, half in zip(place.node.output, place.half_outputs, strict=True)
            if half
        }
        self._nodes: list[NodeProto] = []
        self._asked: set[tuple[str, int]] = set()

    def write(self, place: Place) -> None:
        """Append a node, and before it the casts that it is the first to need."""
        node = place.node
        half = node.name not in self._full
        for at, name in enumerate(node.input):
            if name in self._view.floats:
                node.input[at] = self._ask(
                    name, TensorProto.FLOAT16 if half and place.half_inputs[at] else TensorProto.FLOAT
                )
        _rename(
            node, {name: self._ask(name, TensorProto.FLOAT) for name in captured(node) if name in self._view.floats}
        )
        for at, name in enumerate(node.output):
            node.output[at] = self._name(name, self._made(name))
        self._nodes.append(node)

    def finish(self) -> ModelProto:
        """The graph, its answers in FP32 and its constants in the types that were asked for."""
        for name in sorted(self._view.outputs & self._halves):
            self._ask(name, TensorProto.FLOAT)
        graph = self._view.model.graph
        constants = [tensor for tensor in graph.initializer if tensor.name not in self._view.floats]
        for tensor in (tensor for tensor in graph.initializer if tensor.name in self._view.floats):
            if (tensor.name, TensorProto.FLOAT) in self._asked:
                constants.append(tensor)
            if (tensor.name, TensorProto.FLOAT16) in self._asked:
                values = numpy_helper.to_array(tensor).astype(np.float16)
                constants.append(numpy_helper.from_array(values, self._name(tensor.name, TensorProto.FLOAT16)))
        del graph.node[:], graph.initializer[:], graph.value_info[:]
        graph.node.extend(self._nodes)
        graph.initializer.extend(constants)
        return self._view.model

    def _ask(self, name: str, kind: int) -> str:
        """Name of a value in one of its types, after the cast that makes it."""
        wanted = self._name(name, kind)
        if (name, kind) not in self._asked and name not in self._view.constants and kind != self._made(name):
            made = self._name(name, self._made(name))
            self._nodes.append(helper.make_node("Cast", [made], [wanted], name=f"cast/{wanted}", to=kind))
        self._asked.add((name, kind))
        return wanted

    def _made(self, name: str) -> int:
        return TensorProto.FLOAT16 if name in self._halves else TensorProto.FLOAT

    def _name(self, name: str, kind: int) -> str:
        """A value keeps its name in the type that it is made in; an answer and a constant keep theirs in FP32."""
        fixed = name in self._view.outputs or name in self._view.constants
        return name if kind == (TensorProto.FLOAT if fixed else self._made(name)) else name + SUFFIX[kind]


def _rename(node: NodeProto, names: Mapping[str, str]) -> None:
    """Change what a node's subgraphs read of the graph around them."""
    for graph in subgraphs(node):
        for inner in graph.node:
            for at, name in enumerate(inner.input):
                inner.input[at] = names.get(name, name)
            _rename(inner, names)
        for value in graph.output:
            value.name = names.get(value.name, value.name)
