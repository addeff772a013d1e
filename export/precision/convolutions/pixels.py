"""The first convolution reads the picture's bytes themselves: they are 8-bit codes already.

What stands between the bytes and the convolution (a cast, a scale and a shift per channel, a transposition) is done by
the step and the zero of those codes, by the weights and by the bias. Where channels have different zeros and the border
is padded with a normalised 0, one more channel is added that holds 255 within the picture and the zero outside: its
weights carry what is different.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
from onnx import ModelProto, NodeProto, TensorProto, helper

from export.precision.convolutions.layers import Layer
from export.precision.convolutions.ranges import Steps
from export.precision.halves.view import View
from export.reference import Floats
from export.runtime import session_of

POINTWISE = ("Add", "Cast", "Div", "Identity", "Mul", "Sub", "Transpose")
PROBES = (0, 128, 255)
# From rows of pixels to channels first.
PLANES = (0, 3, 1, 2)
# A border that is off by half a step is as right as any rounded value.
ROUNDED = 0.5 + 1e-4
BRIGHTEST = 255


@dataclass(frozen=True)
class Pixels:
    """How a convolution reads bytes.

    Args:
        source: Name of the graph's input.
        order: Transposition from the bytes to channels first; empty if they come so.
        nodes: Names of the nodes that are not needed any more.
        scale: ``(channels,)`` of the normalisation ``scale * byte + shift``.
        shift: ``(channels,)`` of the normalisation.
        padded: Whether the convolution reads beyond the border.
    """

    source: str
    order: tuple[int, ...]
    nodes: frozenset[str]
    scale: Floats
    shift: Floats
    padded: bool

    @property
    def steps(self) -> Steps:
        """Of the bytes: the mean of the channels."""
        zero = np.clip(np.round(-self.shift / self.scale).mean(), 0, BRIGHTEST)
        return Steps(float(self.scale.mean()), int(np.round(zero)))

    @property
    def extra(self) -> int | None:
        """What the additional channel holds within the picture; nothing if there is no need of one."""
        off = np.abs(self.shift / self.scale + self.steps.zero)
        if not self.padded or off.max() <= ROUNDED:
            return None
        return BRIGHTEST if self.steps.zero < BRIGHTEST / 2 else 0

    def means(self, normalised: Floats) -> Floats:
        """``(channels,)`` means of what is read instead of the normalised pixels, in their units.

        Args:
            normalised: ``(channels,)`` means of the normalised pixels.
        """
        steps = self.steps
        means = ((normalised - self.shift) / self.scale - steps.zero) * steps.scale
        if self.extra is not None:
            means = np.append(means, (self.extra - steps.zero) * steps.scale)
        return means.astype(np.float32)

    def fold(self, weights: Floats, bias: Floats) -> tuple[Floats, Floats]:
        """Weights and bias of the convolution on bytes.

        Args:
            weights: ``(outputs, channels, height, width)`` on normalised pixels.
            bias: ``(outputs,)``.
        """
        steps = self.steps
        on_bytes = weights * (self.scale / steps.scale).astype(np.float32)[:, None, None]
        offset = np.einsum("oihw,i->ohw", weights, (self.shift + self.scale * steps.zero).astype(np.float32))
        if self.extra is None:
            return on_bytes, (bias + offset.sum(axis=(1, 2))).astype(np.float32)
        more = offset / np.float32(steps.scale * (self.extra - steps.zero))
        return np.concatenate([on_bytes, more[:, None]], axis=1), bias


def pixels_of(view: View, layer: Layer) -> Pixels | None:
    """How a convolution can read bytes; nothing if it cannot.

    Args:
        view: The graph.
        layer: A convolution.
    """
    bytes_of = {
        value.name
        for value in view.model.graph.input
        if value.type.tensor_type.elem_type == TensorProto.UINT8 and len(value.type.tensor_type.shape.dim) == 4
    }
    found = _walk(view, layer.node.input[0], bytes_of)
    if found is None:
        return None
    source, nodes = found
    orders = [tuple(helper.get_node_attr_value(node, "perm")) for node in nodes if node.op_type == "Transpose"]
    channels = view.constants[layer.node.input[1]].shape[1]
    if _group(layer.node) != 1 or orders not in ([], [PLANES]):
        return None
    order = orders[0] if orders else ()
    curve = _curve(view.model, source, nodes, (1, 1, 1, channels) if order else (1, channels, 1, 1))
    if curve is None:
        return None
    scale, shift = curve
    return Pixels(source, order, frozenset(node.name for node in nodes), scale, shift, _padded(layer.node))


def _walk(view: View, name: str, ends: Collection[str]) -> tuple[str, list[NodeProto]] | None:
    """From a convolution's input back to the bytes, over nodes that treat each number by itself and serve it alone."""
    nodes: list[NodeProto] = []
    while name not in ends:
        place = view.producers.get(name)
        if place is None or place.node.op_type not in POINTWISE or name in view.outputs:
            return None
        computed = [one for one in place.node.input if one not in view.constants]
        if len(computed) != 1 or len(view.consumers[name]) != 1:
            return None
        nodes.insert(0, place.node)
        name = computed[0]
    return (name, nodes) if nodes else None


def _curve(
    model: ModelProto, source: str, nodes: Sequence[NodeProto], shape: tuple[int, ...]
) -> tuple[Floats, Floats] | None:
    """``(channels,)`` scale and shift, as pixels of three brightnesses show them; nothing if they are no line."""
    session = session_of(_alone(model, source, nodes), source="the normalisation of pixels")
    dark, middle, bright = (
        session.run(None, {source: np.full(shape, byte, np.uint8)})[0].reshape(-1).astype(np.float64) for byte in PROBES
    )
    scale = (bright - dark) / BRIGHTEST
    straight = np.allclose(middle, dark + scale * PROBES[1], rtol=1e-4, atol=1e-6)
    return (scale, dark) if straight and len(scale) == max(shape) and (scale > 0).all() else None


def _group(node: NodeProto) -> int:
    return next((int(attribute.i) for attribute in node.attribute if attribute.name == "group"), 1)


def _padded(node: NodeProto) -> bool:
    given = {attribute.name: helper.get_attribute_value(attribute) for attribute in node.attribute}
    return given.get("auto_pad", b"NOTSET") not in (b"NOTSET", b"VALID") or any(given.get("pads", ()))


def _alone(model: ModelProto, source: str, nodes: Sequence[NodeProto]) -> ModelProto:
    """The nodes from the bytes to the convolution as a graph of their own."""
    read = {name for node in nodes for name in node.input}
    output = nodes[-1].output[0]
    graph = helper.make_graph(
        list(nodes),
        "normalisation",
        [helper.make_tensor_value_info(source, TensorProto.UINT8, [None] * 4)],
        [helper.make_tensor_value_info(output, TensorProto.FLOAT, None)],
        [tensor for tensor in model.graph.initializer if tensor.name in read],
    )
    return helper.make_model(graph, opset_imports=model.opset_import, ir_version=model.ir_version)
