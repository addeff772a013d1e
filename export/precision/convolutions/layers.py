"""Which parts of a graph work in 8 bits: convolutions, what follows them at once, and sums of their answers."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np
from onnx import NodeProto

from export.precision.halves.view import Place, View
from export.reference import Array


@dataclass(frozen=True)
class Layer:
    """Nodes that become one kernel on 8-bit values.

    Args:
        node: A ``Conv``, an ``Add`` or a ``MaxPool``.
        bound: The ``Relu`` or ``Clip`` after it, if there is one and nothing else reads between the two.
        low: Least answer that the bound allows.
        high: Largest answer that the bound allows.
    """

    node: NodeProto
    bound: NodeProto | None
    low: float
    high: float

    @property
    def inputs(self) -> list[str]:
        """Names of the values that are read in 8 bits."""
        return list(self.node.input[:2] if self.node.op_type == "Add" else self.node.input[:1])

    @property
    def output(self) -> str:
        """Name of the value that is made in 8 bits."""
        return str((self.bound or self.node).output[0])


def layers_of(view: View, spared: Collection[str] = ()) -> dict[str, Layer]:
    """The 8-bit layers in their order, by the name of their node.

    Args:
        view: The graph.
        spared: Names of convolutions that stay FP32.
    """
    found: dict[str, Layer] = {}
    made: set[str] = set()
    for place in view.places:
        if place.node.name not in spared and _fits(view, place, made):
            layer = _layer(view, place)
            found[place.node.name] = layer
            made.add(layer.output)
    return found


def convolutions(view: View) -> list[str]:
    """Names of all convolutions that could be 8-bit layers."""
    return [place.node.name for place in view.places if _is_convolution(view, place)]


def _fits(view: View, place: Place, made: Collection[str]) -> bool:
    node = place.node
    if node.op_type == "Add":
        return set(node.input) <= set(made)
    if node.op_type == "MaxPool":
        return node.input[0] in made and len(node.output) == 1
    return _is_convolution(view, place)


def _is_convolution(view: View, place: Place) -> bool:
    node = place.node
    return (
        node.op_type == "Conv"
        and node.input[0] in view.floats
        and all(name in view.constants for name in node.input[1:])
    )


def _layer(view: View, place: Place) -> Layer:
    output = place.node.output[0]
    readers = view.consumers.get(output, ())
    if place.node.op_type != "MaxPool" and len(readers) == 1 and output not in view.outputs:
        bounds = _bounds(readers[0].node, view.constants)
        if bounds is not None:
            return Layer(place.node, readers[0].node, *bounds)
    return Layer(place.node, None, -np.inf, np.inf)


def _bounds(node: NodeProto, constants: Mapping[str, Array]) -> tuple[float, float] | None:
    if node.op_type == "Relu":
        return 0.0, np.inf
    if node.op_type != "Clip" or any(name and name not in constants for name in node.input[1:]):
        return None
    given = [float(constants[name]) if name else None for name in node.input[1:]] + [None, None]
    low, high = given[0], given[1]
    return -np.inf if low is None else low, np.inf if high is None else high
