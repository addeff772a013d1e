"""How large every value of a graph becomes on real inputs."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from onnx import ModelProto, TensorProto, helper

from export.precision.calibration import Calibration
from export.precision.halves.view import View
from export.precision.running import run_all

PREFIX = "largest/"


def largest(view: View, calibration: Calibration) -> dict[str, float]:
    """The largest magnitude of each computed float32 value over all batches.

    Args:
        view: The graph.
        calibration: Real inputs.

    Raises:
        PrecisionFailed: The graph cannot be run on them, or answers with values that are not finite.
        BadSource: ONNX Runtime cannot load the graph.
    """
    names = [name for place in view.places for name in place.node.output if name in view.floats]
    if not names:
        return {}
    wanted = [PREFIX + name for name in names]
    found = np.zeros(len(names))
    for _, maxima in run_all(_with_maxima(view.model, names), wanted, calibration):
        found = np.maximum(found, np.array(maxima, np.float64))
    return dict(zip(names, found.tolist(), strict=True))


def _with_maxima(model: ModelProto, names: Sequence[str]) -> ModelProto:
    """A copy that answers with the largest magnitude of each value, a scalar instead of a tensor each."""
    copy = ModelProto()
    copy.CopyFrom(model)
    graph = copy.graph
    del graph.output[:]
    for name in names:
        graph.node.append(helper.make_node("Abs", [name], [f"{PREFIX}abs/{name}"]))
        graph.node.append(helper.make_node("ReduceMax", [f"{PREFIX}abs/{name}"], [PREFIX + name], keepdims=0))
        graph.output.append(helper.make_tensor_value_info(PREFIX + name, TensorProto.FLOAT, []))
    return copy
