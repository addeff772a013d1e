"""One FP32 graph to a strongly typed FP16 graph with FP32 islands, for TensorRT 10 and 11 and ONNX Runtime.

The rules are those of NVIDIA's AutoCast, on the same bounds, with real inputs instead of random ones: everything
becomes FP16 but sums over many values, normalisations, softmax, arithmetic on masks and pixels, and what is measured to
be large. The types in the graph are the contract: nothing is left for an engine builder to decide.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import onnx
from onnx import ModelProto

from export.errors import PrecisionFailed
from export.precision.calibration import Calibration
from export.precision.halves.casting import with_casts
from export.precision.halves.islands import islands
from export.precision.halves.operators import ISLANDS
from export.precision.halves.ranges import largest
from export.precision.halves.view import view_of

# From 512 on, neighbours in FP16 are half a unit apart; and what is measured at 512 may be 127 times larger on an input
# never seen before it overflows.
LIMIT = 512.0


@dataclass(frozen=True)
class Fp16Report:
    """What became of the nodes that work on floats.

    Args:
        nodes_fp16: How many are FP16 now.
        nodes_fp32: How many stay FP32, casts not counted.
        casts: How many casts stand between them.
        islands: Why, for each node that stays FP32, by its name.
    """

    nodes_fp16: int
    nodes_fp32: int
    casts: int
    islands: Mapping[str, str]


def to_fp16(
    graph: ModelProto, calibration: Calibration, *, limit: float = LIMIT, operators: Mapping[str, str] = ISLANDS
) -> ModelProto:
    """The graph in FP16; see :func:`convert`."""
    return convert(graph, calibration, limit=limit, operators=operators)[0]


def convert(
    graph: ModelProto, calibration: Calibration, *, limit: float = LIMIT, operators: Mapping[str, str] = ISLANDS
) -> tuple[ModelProto, Fp16Report]:
    """The graph in FP16, with the report of what stayed FP32.

    Args:
        graph: FP32, with or without explicit Q/DQ; left as it is. Types of its inputs and outputs do not change.
        calibration: Real inputs.
        limit: Nodes that read or make a value of a larger magnitude on them stay FP32.
        operators: Reason of each operator that stays FP32 by its kind.

    Raises:
        PrecisionFailed: The types of the graph cannot be told, or it cannot be run on the calibration inputs.
        BadSource: ONNX Runtime cannot load the graph.
    """
    view = view_of(graph)
    found = islands(view, largest(view, calibration), limit, operators)
    working = sum(place.floating for place in view.places)
    before = len(view.places)
    halved = with_casts(view, found)
    try:
        onnx.checker.check_model(halved, full_check=True)
    except Exception as error:  # the checker and the inference raise a class each
        raise PrecisionFailed(f"the FP16 graph is not valid: {error}") from error
    return halved, Fp16Report(working - len(found), len(found), len(halved.graph.node) - before, found)
