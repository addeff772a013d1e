"""INT8 graphs with explicit Q/DQ for TensorRT, calibrated by NVIDIA ModelOpt on real inputs."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import ModelProto

from export.errors import ModelOptFailed
from export.precision.calibration import Calibration
from export.precision.fp16 import to_fp16
from export.precision.halves.view import view_of
from export.precision.modelopt.environment import PYTHON, run_worker
from export.precision.modelopt.layers import OPERATORS, left_high, quantised
from export.precision.modelopt.simulation import answers
from export.precision.modelopt.sparing import spare
from export.reference import Array

# Rows of the calibration inputs on which layers are judged: enough to rank them, few enough for one run a layer.
JUDGED = 48
TIMEOUT = 1800.0


@dataclass(frozen=True)
class Recipe:
    """One way to INT8.

    Args:
        method: How the ranges of activations are found: ``max`` or ``entropy``.
        spares: Whether the costliest layers are taken out of INT8 until the rest is faithful.
    """

    method: str
    spares: bool = False


RECIPES: Mapping[str, Recipe] = {
    "modelopt-max": Recipe("max"),
    "modelopt-entropy": Recipe("entropy"),
    "modelopt-max-spared": Recipe("max", spares=True),
}


@dataclass(frozen=True)
class ModelOptReport:
    """What ModelOpt did.

    Args:
        modelopt: Its version.
        seconds: How long it took.
        int8: The layers that are INT8 now.
        high: Why, for each layer that is not.
    """

    modelopt: str
    seconds: float
    int8: tuple[str, ...]
    high: Mapping[str, str]


def quantise(
    graph: ModelProto,
    calibration: Calibration,
    recipe: str,
    *,
    halves: bool = True,
    python: Path = PYTHON,
    timeout: float = TIMEOUT,
) -> tuple[ModelProto, ModelOptReport]:
    """A graph with explicit Q/DQ: symmetric, per channel for weights, per tensor for activations.

    Layers that multiply with weights are INT8, but for the first, the head, depthwise convolutions, and those that
    cost too much faith where the recipe spares them.

    Args:
        graph: FP32; left as it is.
        calibration: Real inputs; 128 texts or more, or a few hundred pictures.
        recipe: One of ``RECIPES``.
        halves: Whether the rest becomes FP16 (with its islands); else it stays FP32.
        python: Interpreter of ModelOpt's environment.
        timeout: Of the quantisation, in seconds.

    Raises:
        ModelOptFailed: ModelOpt is missing, fails, takes too long, or leaves every layer as it was.
        PrecisionFailed: The types of the graph cannot be told.
        ValueError: There is no such recipe.
    """
    if recipe not in RECIPES:
        raise ValueError(f"`recipe` must be one of {', '.join(RECIPES)}, got {recipe!r}")
    how = RECIPES[recipe]
    view = view_of(graph)
    high = left_high(view)
    made, answer = _calibrated(view.model, calibration, how.method, high, python, timeout)
    if not quantised(made)[0]:
        raise ModelOptFailed(f"ModelOpt left every layer as it was; of {', '.join(OPERATORS)} there must be some")
    if how.spares:
        batches = _first_rows(calibration, JUDGED)
        spared = spare(made, answers(view.model, batches), batches)
        made, high = spared.graph, high | dict.fromkeys(spared.layers, "costs too much faith")
    low, left = quantised(made)
    reasons = {name: high.get(name, "left by ModelOpt") for name in left}
    report = ModelOptReport(str(answer["modelopt"]), float(answer["seconds"]), tuple(low), reasons)
    return (to_fp16(made, calibration) if halves else made), report


def _calibrated(
    graph: ModelProto, calibration: Calibration, method: str, high: Iterable[str], python: Path, timeout: float
) -> tuple[ModelProto, dict[str, Any]]:
    """The graph that ModelOpt makes, and what it says of itself."""
    with tempfile.TemporaryDirectory(prefix="modelopt-") as name:
        folder = Path(name)
        source, output, inputs = folder / "source.onnx", folder / "int8.onnx", folder / "calibration.npz"
        onnx.save(graph, source)
        np.savez(inputs, **_arrays(calibration, {value.name for value in graph.graph.input}))
        request = {
            "graph": str(source),
            "calibration": str(inputs),
            "output": str(output),
            "method": method,
            "operators": OPERATORS,
            "exclude": sorted(high),
        }
        answer = run_worker(request, folder, python=python, timeout=timeout)
        return _read(output), answer


def _first_rows(calibration: Calibration, count: int) -> list[Mapping[str, Array]]:
    """The first batches, until they hold so many rows."""
    found: list[Mapping[str, Array]] = []
    rows = 0
    for batch in calibration.batches:
        if rows < count:
            found.append(batch)
            rows += len(next(iter(batch.values())))
    return found


def _arrays(calibration: Calibration, inputs: set[str]) -> dict[str, Array]:
    return {
        f"{number}/{name}": array
        for number, batch in enumerate(calibration.batches)
        for name, array in batch.items()
        if name in inputs
    }


def _read(output: Path) -> ModelProto:
    try:
        made = onnx.load(output)
        onnx.checker.check_model(made, full_check=True)
    except Exception as error:  # a missing file, protobuf and the checker raise a class each
        raise ModelOptFailed(f"ModelOpt wrote no valid graph: {error}") from error
    return made
