"""A graph that nodes are replaced in: who makes a value, who uses it, and what is constant."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper

from export.precision.halves.prepare import prepare
from export.reference import Array

# Operators that only ONNX Runtime knows.
CONTRIB = "com.microsoft"


class Editor:
    """Collects changes of a graph and makes the changed copy.

    Args:
        model: Left as it is.

    Raises:
        PrecisionFailed: It is not a valid graph.
    """

    def __init__(self, model: ModelProto) -> None:
        self.model = prepare(model)
        graph = self.model.graph
        self._tensors = {tensor.name: tensor for tensor in graph.initializer}
        self.producer = {name: node for node in graph.node for name in node.output}
        self._consumers: dict[str, list[NodeProto]] = {}
        for node in graph.node:
            for name in node.input:
                self._consumers.setdefault(name, []).append(node)
        self._ranks = {
            value.name: len(value.type.tensor_type.shape.dim)
            for value in (*graph.input, *graph.value_info, *graph.output)
            if value.type.tensor_type.HasField("shape")
        }
        self._instead: dict[int, list[NodeProto]] = {}
        self._before: dict[int, list[NodeProto]] = {}
        self._new: dict[str, TensorProto] = {}

    @property
    def nodes(self) -> Sequence[NodeProto]:
        """As they were, in their order."""
        nodes: Sequence[NodeProto] = self.model.graph.node
        return nodes

    def constant(self, name: str) -> Array | None:
        """Value of a constant; ``None`` where it is computed."""
        tensor = self._tensors.get(name)
        return None if tensor is None else numpy_helper.to_array(tensor)

    def rank(self, name: str) -> int | None:
        """How many axes a value has, where that is known."""
        return self._ranks.get(name)

    def consumers(self, name: str) -> Sequence[NodeProto]:
        """Nodes that use a value."""
        return self._consumers.get(name, ())

    def is_output(self, name: str) -> bool:
        """Whether the graph answers with a value."""
        return any(value.name == name for value in self.model.graph.output)

    def add(self, name: str, value: Any) -> str:
        """Add a constant, once; returns its name."""
        if name not in self._new:
            self._new[name] = numpy_helper.from_array(np.ascontiguousarray(value), name)
        return name

    def replace(self, node: NodeProto, nodes: Sequence[NodeProto]) -> None:
        """Let others stand in a node's place."""
        self._instead[id(node)] = list(nodes)

    def insert_before(self, node: NodeProto, nodes: Sequence[NodeProto]) -> None:
        """Let others stand before a node."""
        self._before.setdefault(id(node), []).extend(nodes)

    def finish(self) -> ModelProto:
        """The changed copy, without constants that nothing uses any more."""
        changed = ModelProto()
        changed.CopyFrom(self.model)
        graph = changed.graph
        del graph.node[:], graph.value_info[:], graph.initializer[:]
        for node in self.nodes:
            graph.node.extend(self._before.get(id(node), ()))
            graph.node.extend(self._instead.get(id(node), [node]))
        used = {name for node in graph.node for name in node.input} | {value.name for value in graph.output}
        kept = {**self._tensors, **self._new}
        graph.initializer.extend(tensor for name, tensor in kept.items() if name in used)
        if all(entry.domain != CONTRIB for entry in changed.opset_import):
            changed.opset_import.append(helper.make_opsetid(CONTRIB, 1))
        return changed
