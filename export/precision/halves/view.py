"""A graph as the conversion sees it: its float32 values, who makes them and who reads them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from onnx import AttributeProto, GraphProto, ModelProto, NodeProto, numpy_helper

from export.precision.halves.prepare import float_values, opset_of, prepare
from export.precision.halves.schemas import half_places
from export.reference import Array


@dataclass(frozen=True)
class Place:
    """A node with the float32 values around it.

    Args:
        at: Its number in the graph.
        node: The node.
        half_inputs: Of each input, whether it may become FP16.
        half_outputs: Of each output, likewise.
        floating: Whether any of its inputs or outputs is a float32 value.
    """

    at: int
    node: NodeProto
    half_inputs: tuple[bool, ...]
    half_outputs: tuple[bool, ...]
    floating: bool

    @property
    def reads(self) -> list[str]:
        """The inputs that may become FP16."""
        return [name for name, half in zip(self.node.input, self.half_inputs, strict=True) if half]


@dataclass(frozen=True)
class View:
    """A prepared graph.

    Args:
        model: The graph; every node has a name of its own, and every constant is an initializer.
        places: Its nodes in their order.
        floats: Names of the float32 values of its top level, constants among them.
        constants: The float32 constants.
        producers: The node that makes a value.
        consumers: The nodes that read a value, those that read it within a subgraph included.
        outputs: Names of the answers.
    """

    model: ModelProto
    places: tuple[Place, ...]
    floats: frozenset[str]
    constants: Mapping[str, Array]
    producers: Mapping[str, Place]
    consumers: Mapping[str, tuple[Place, ...]]
    outputs: frozenset[str]

    def computed(self, place: Place) -> list[str]:
        """The float32 inputs of a node that are not constants."""
        return [name for name in place.node.input if name in self.floats and name not in self.constants]


def view_of(model: ModelProto) -> View:
    """Prepare a copy of a graph and look at it.

    Args:
        model: Left as it is.

    Raises:
        PrecisionFailed: It is not valid, or the type of a value cannot be told.
    """
    model = prepare(model)
    graph, opset = model.graph, opset_of(model)
    floats = float_values(model)
    places = tuple(
        Place(at, node, *half_places(node, opset, floats), any(name in floats for name in (*node.input, *node.output)))
        for at, node in enumerate(graph.node)
    )
    consumers: dict[str, list[Place]] = {}
    for place in places:
        for name in {*place.node.input, *captured(place.node)}:
            consumers.setdefault(name, []).append(place)
    return View(
        model=model,
        places=places,
        floats=floats,
        constants={t.name: numpy_helper.to_array(t) for t in graph.initializer if t.name in floats},
        producers={name: place for place in places for name in place.node.output},
        consumers={name: tuple(readers) for name, readers in consumers.items()},
        outputs=frozenset(value.name for value in graph.output),
    )


def subgraphs(node: NodeProto) -> Iterator[GraphProto]:
    """The graphs in a node's attributes: the branches of an ``If``, the body of a ``Loop``."""
    for attribute in node.attribute:
        if attribute.type == AttributeProto.GRAPH:
            yield attribute.g
        yield from attribute.graphs


def captured(node: NodeProto) -> Iterator[str]:
    """Names that a node's subgraphs read, at any depth; those that they make themselves are among them."""
    for graph in subgraphs(node):
        for inner in graph.node:
            yield from inner.input
            yield from captured(inner)
        yield from (value.name for value in graph.output)
