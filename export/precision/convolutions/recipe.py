"""From an FP32 graph to one with 8-bit convolutions, for ONNX Runtime on a CPU."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

from onnx import ModelProto

from export.errors import PrecisionFailed
from export.precision.calibration import Calibration
from export.precision.convolutions.layers import Layer, layers_of
from export.precision.convolutions.pixels import Pixels, pixels_of
from export.precision.convolutions.ranges import Measured, best_steps, measure
from export.precision.convolutions.rounding import rounded
from export.precision.convolutions.sensitivity import to_spare
from export.precision.convolutions.writing import with_codes
from export.precision.halves.prepare import opset_of
from export.precision.halves.view import View, view_of

# ``Shape`` of some axes; steps for each channel are from 13 on.
OPSET = 15

Recipe = Callable[[ModelProto, Calibration], ModelProto | None]


@dataclass(frozen=True)
class Study:
    """A graph and what its values hold on real inputs; graphs with other layers in 8 bits are made from one study.

    Args:
        graph: FP32.
        measured: Every value that a layer reads or makes.
    """

    graph: ModelProto
    measured: Mapping[str, Measured]

    def quantised(self, spared: Collection[str] = ()) -> ModelProto:
        """The graph with 8-bit convolutions.

        Args:
            spared: Names of convolutions that stay FP32.
        """
        view = view_of(self.graph)
        layers = layers_of(view, spared)
        pixels = _pixels(view, layers)
        steps = {name: best_steps(self.measured[name]) for name in _values(layers)}
        steps |= {layers[name].inputs[0]: one.steps for name, one in pixels.items()}
        weights = {}
        for name, layer in layers.items():
            if layer.node.op_type == "MaxPool":
                # It passes codes on as they are.
                steps[layer.output] = steps[layer.inputs[0]]
            if layer.node.op_type == "Conv":
                read = layer.inputs[0]
                weights[name] = rounded(view, layer, steps[read], self.measured[read], pixels.get(name))
        return with_codes(view, layers, steps, weights, pixels)


def study(graph: ModelProto, calibration: Calibration) -> Study | None:
    """Measure a graph; nothing if it has no convolutions with constant weights.

    Args:
        graph: FP32; left as it is.
        calibration: Real inputs.

    Raises:
        PrecisionFailed: The graph is not valid, cannot be run on them, or answers with values that are not finite.
        BadSource: ONNX Runtime cannot load the graph.
    """
    view = view_of(graph)
    if opset_of(view.model) < OPSET:
        raise PrecisionFailed(f"the graph is in opset {opset_of(view.model)}; 8-bit convolutions need {OPSET} or later")
    layers = layers_of(view)
    return Study(graph, measure(view.model, _values(layers), calibration)) if layers else None


def quantise_convolutions(graph: ModelProto, calibration: Calibration) -> ModelProto | None:
    """All convolutions in 8 bits, and what lies between them; nothing if there are none.

    Args:
        graph: FP32; left as it is. Types of its inputs and outputs do not change.
        calibration: Real inputs.

    Raises:
        PrecisionFailed: The graph is not valid, cannot be run on them, or answers with values that are not finite.
        BadSource: ONNX Runtime cannot load the graph.
    """
    found = study(graph, calibration)
    return None if found is None else found.quantised()


def quantise_most_convolutions(graph: ModelProto, calibration: Calibration) -> ModelProto | None:
    """As :func:`quantise_convolutions`, but the layers that cost most of the faith for the work they are stay FP32."""
    found = study(graph, calibration)
    return None if found is None else found.quantised(to_spare(found, calibration))


# By the name that tables and reports call them.
RECIPES: Mapping[str, Recipe] = {
    "convolutions": quantise_convolutions,
    "convolutions-spared": quantise_most_convolutions,
}


def _values(layers: Mapping[str, Layer]) -> list[str]:
    return list(dict.fromkeys(name for layer in layers.values() for name in (*layer.inputs, layer.output)))


def _pixels(view: View, layers: Mapping[str, Layer]) -> dict[str, Pixels]:
    found = {name: pixels_of(view, layer) for name, layer in layers.items() if layer.node.op_type == "Conv"}
    return {name: one for name, one in found.items() if one is not None}
