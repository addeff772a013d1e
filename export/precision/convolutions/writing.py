"""Writes the graph with explicit Q/DQ: codes between the 8-bit layers, real numbers everywhere else."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import onnx
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper

from export.precision.convolutions.layers import Layer
from export.precision.convolutions.pixels import Pixels
from export.precision.convolutions.ranges import Steps
from export.precision.convolutions.weights import Weights
from export.precision.halves.view import View

REAL, CODES, EIGHT, STEP, ZERO = "/real", "/codes", "/eight", "/step", "/zero"


def with_codes(
    view: View,
    layers: Mapping[str, Layer],
    steps: Mapping[str, Steps],
    weights: Mapping[str, Weights],
    pixels: Mapping[str, Pixels],
) -> ModelProto:
    """The graph in which these layers read and make codes.

    A value that a layer makes keeps its name where it is turned back into real numbers.

    Args:
        view: The FP32 graph; used up.
        layers: By the name of their node.
        steps: Of every value that a layer reads or makes.
        weights: Of every convolution among the layers.
        pixels: Of every convolution that reads bytes.
    """
    writer = _Writer(view, layers, steps, weights, pixels)
    for place in view.places:
        writer.write(place.node)
    return writer.finish()


class _Writer:
    def __init__(
        self,
        view: View,
        layers: Mapping[str, Layer],
        steps: Mapping[str, Steps],
        weights: Mapping[str, Weights],
        pixels: Mapping[str, Pixels],
    ) -> None:
        self._view, self._layers, self._steps, self._weights = view, layers, steps, weights
        self._made = {layer.output for layer in layers.values()}
        self._bounds = {layer.bound.name for layer in layers.values() if layer.bound is not None}
        self._pixels = pixels
        self._gone = self._bounds | {name for one in pixels.values() for name in one.nodes}
        self._nodes: list[NodeProto] = []
        self._constants: dict[str, TensorProto] = {}
        self._read: set[str] = set()

    def write(self, node: NodeProto) -> None:
        """Append a node; a layer reads from codes and answers into codes."""
        if node.name in self._gone:
            return
        layer = self._layers.get(node.name)
        if layer is None:
            self._write_apart(node)
            return
        reads, makes = layer.inputs, layer.output
        for at, name in enumerate(reads):
            node.input[at] = (
                self._bytes(name, self._pixels[node.name]) if node.name in self._pixels else self._eight(name)
            )
        if node.name in self._weights:
            self._write_weights(node, self._weights[node.name], self._steps[reads[0]])
        node.output[0] = makes + REAL
        self._nodes.append(node)
        self._through_codes(makes + REAL, makes, makes)

    def finish(self) -> ModelProto:
        """The graph without the constants that nothing reads any more."""
        graph = self._view.model.graph
        used = {name for node in self._nodes for name in node.input} | {value.name for value in graph.output}
        kept = [tensor for tensor in graph.initializer if tensor.name in used]
        del graph.node[:], graph.initializer[:], graph.value_info[:]
        graph.node.extend(self._nodes)
        graph.initializer.extend([*kept, *self._constants.values()])
        onnx.checker.check_model(self._view.model)
        return self._view.model

    def _write_apart(self, node: NodeProto) -> None:
        """A node in FP32.

        Between one step for a whole tensor before it and Q after it, ONNX Runtime (``WeightBiasQuantization``) rounds
        the weights of a convolution on its own, on one scale for all channels. With a step for each channel before it,
        it does not.
        """
        if node.op_type == "Conv" and node.input[0] in self._made:
            name = node.input[0]
            channels = self._view.constants[node.input[1]].shape[1] * _groups(node)
            steps = self._steps[name]
            step = self._constant(name + "/steps", np.full(channels, steps.scale, np.float32))
            zero = self._constant(name + "/zeros", np.full(channels, steps.zero, np.uint8))
            if name not in self._read:
                self._read.add(name)
                self._node("DequantizeLinear", [name + CODES, step, zero], name + "/apart", axis=1)
            node.input[0] = name + "/apart"
        self._nodes.append(node)

    def _eight(self, name: str) -> str:
        """A value as codes can hold it; what layers make already is."""
        if name in self._made:
            return name
        if name not in self._read:
            self._read.add(name)
            self._through_codes(name, name + EIGHT, name)
        return name + EIGHT

    def _bytes(self, name: str, pixels: Pixels) -> str:
        """The picture itself, as the codes that it is."""
        codes = pixels.source
        if pixels.order:
            codes = self._node("Transpose", [codes], name + "/planes", perm=pixels.order)
        if pixels.extra is not None:
            codes = self._with_plane(codes, pixels.extra, name)
        step = self._constant(name + STEP, np.float32(pixels.steps.scale))
        zero = self._constant(name + ZERO, np.uint8(pixels.steps.zero))
        return self._node("DequantizeLinear", [codes, step, zero], name + EIGHT)

    def _with_plane(self, planes: str, value: int, name: str) -> str:
        """One more channel, the same everywhere."""
        one = self._constant(name + "/one", np.array([1], np.int64))
        plane = self._constant(name + "/inside", np.full((1, 1, 1, 1), value, np.uint8))
        rows = self._node("Shape", [planes], name + "/rows", start=0, end=1)
        sides = self._node("Shape", [planes], name + "/sides", start=2)
        shape = self._node("Concat", [rows, one, sides], name + "/shape", axis=0)
        more = self._node("Expand", [plane, shape], name + "/plane")
        return self._node("Concat", [planes, more], name + CODES, axis=1)

    def _through_codes(self, real: str, back: str, name: str) -> None:
        steps = self._steps[name]
        step = self._constant(name + STEP, np.float32(steps.scale))
        zero = self._constant(name + ZERO, np.uint8(steps.zero))
        self._node("QuantizeLinear", [real, step, zero], name + CODES)
        self._node("DequantizeLinear", [name + CODES, step, zero], back)

    def _write_weights(self, node: NodeProto, weights: Weights, read: Steps) -> None:
        outputs = len(weights.scales)
        weight, bias = f"{node.name}/weight", f"{node.name}/bias"
        for name, codes, scales in (
            (weight, weights.codes, weights.scales),
            (bias, weights.bias, weights.scales * np.float32(read.scale)),
        ):
            step = self._constant(name + STEP, scales)
            zero = self._constant(name + ZERO, np.zeros(outputs, codes.dtype))
            self._node("DequantizeLinear", [self._constant(name + CODES, codes), step, zero], name, axis=0)
        del node.input[1:]
        node.input.extend([weight, bias])

    def _constant(self, name: str, value: Any) -> str:
        self._constants[name] = numpy_helper.from_array(np.asarray(value), name)
        return name

    def _node(self, kind: str, inputs: list[str], output: str, **attributes: Any) -> str:
        self._nodes.append(helper.make_node(kind, inputs, [output], name=f"{kind}/{output}", **attributes))
        return output


def _groups(node: NodeProto) -> int:
    return next((int(attribute.i) for attribute in node.attribute if attribute.name == "group"), 1)
