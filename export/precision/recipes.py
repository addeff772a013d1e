"""Every recipe that a target may try."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from onnx import ModelProto

from export.precision.blockwise import blockwise
from export.precision.calibration import Calibration
from export.precision.fp16 import to_fp16
from export.precision.matmuls.recipe import by_token, static_norms
from export.precision.matmuls.sites import ROW_RANK
from export.targets import TENSORRT

# A graph of lower precision; ``None`` where it has nothing that the recipe works on.
Make = Callable[[ModelProto, Calibration], ModelProto | None]


@dataclass(frozen=True)
class Recipe:
    """One way to a lower precision.

    Args:
        precision: ``int8`` or ``fp16``.
        name: What the manifest calls it.
        make: Makes the graph.
    """

    precision: str
    name: str
    make: Make


def row_recipes() -> tuple[Recipe, ...]:
    """Recipes of a network over rows of features, as a product tower is: it runs on the CPU whatever the target."""
    return (
        Recipe("fp16", "islands", to_fp16),
        Recipe("int8", "static-norms", partial(static_norms, least_rank=ROW_RANK)),
        Recipe("int8", "by-row", partial(by_token, least_rank=ROW_RANK)),
        Recipe("int8", "blockwise", partial(blockwise, least_rank=ROW_RANK)),
    )


def recipes(target: str, device: str) -> tuple[Recipe, ...]:
    """Recipes of a target, in no order of merit: the gate measures it.

    INT8 on a CPU is written in operators that ONNX Runtime has there. On a GPU those would fall back to the CPU, so its
    CUDA provider gets FP16 alone; TensorRT gets explicit Q/DQ.
    """
    halves = Recipe("fp16", "islands", to_fp16)
    if target == TENSORRT:
        return (halves, *_modelopt())
    if device == "gpu":
        return (halves,)
    return (
        halves,
        Recipe("int8", "static-norms", _after_convolutions("convolutions", static_norms)),
        Recipe("int8", "by-token", _after_convolutions("convolutions", by_token)),
        Recipe("int8", "spared", _spared),
        Recipe("int8", "blockwise", blockwise),
    )


def _after_convolutions(convolutions: str, products: Make) -> Make:
    """Convolutions first, then matrix products; ``None`` where a graph has neither."""

    def make(graph: ModelProto, calibration: Calibration) -> ModelProto | None:
        from export.precision.convolutions.recipe import RECIPES

        changed = RECIPES[convolutions](graph, calibration)
        multiplied = products(changed or graph, calibration)
        return multiplied or changed

    return make


def _spared(graph: ModelProto, calibration: Calibration) -> ModelProto | None:
    """The most sensitive convolutions stay FP32; ``None`` where there is none."""
    if all(node.op_type != "Conv" for node in graph.graph.node):
        return None
    return _after_convolutions("convolutions-spared", by_token)(graph, calibration)


def _modelopt() -> tuple[Recipe, ...]:
    from export.precision.modelopt.recipe import RECIPES, quantise

    def make(name: str) -> Make:
        return lambda graph, calibration: quantise(graph, calibration, name)[0]

    return tuple(Recipe("int8", name, make(name)) for name in RECIPES)
