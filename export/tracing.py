"""PyTorch towers to ONNX graphs."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import onnx
import torch
from onnx import ModelProto
from torch import Tensor

from export.errors import BadSource
from export.graphs import OPSET, TEXT_INPUTS, TEXT_OUTPUT, VISION_INPUTS, VISION_OUTPUT, clean
from export.modules import TextGraph, VisionGraph

# Two of each, because a size of 1 would be traced as a constant.
TRACE_BATCH = 2
TRACE_TOKENS = 8


def trace_text(graph: TextGraph, *, source: str) -> ModelProto:
    """Export with batch and sequence free.

    Raises:
        BadSource: PyTorch cannot trace the model.
    """
    ids = torch.ones((TRACE_BATCH, TRACE_TOKENS), dtype=torch.int64)
    lengths = torch.tensor([[TRACE_TOKENS], [TRACE_TOKENS - 1]], dtype=torch.int32)
    free = torch.export.Dim.DYNAMIC
    return trace(graph, (ids, lengths), ({0: free, 1: free}, {0: free}), (TEXT_INPUTS, TEXT_OUTPUT), source)


def trace_vision(graph: VisionGraph, size: int, *, source: str) -> ModelProto:
    """Export with the batch free.

    Raises:
        BadSource: PyTorch cannot trace the model.
    """
    pixels = torch.zeros((TRACE_BATCH, size, size, 3), dtype=torch.uint8)
    shapes = ({0: torch.export.Dim.DYNAMIC},)
    return trace(graph, (pixels,), shapes, (VISION_INPUTS, VISION_OUTPUT), source)


def trace(
    graph: torch.nn.Module,
    inputs: tuple[Tensor, ...],
    shapes: Sequence[dict[int, object]],
    names: tuple[Sequence[str], str],
    source: str,
) -> ModelProto:
    """Export a tower.

    Args:
        graph: From its inputs to unit vectors.
        inputs: An example of each.
        shapes: Axes of each that are free, by number.
        names: Of the inputs, and of the output.
        source: What the tower is made of, for the error.

    Raises:
        BadSource: PyTorch cannot run or trace it.
    """
    graph.eval()  # the outer module: a dropout left on would look like an error of the export
    try:
        with _quiet(), torch.no_grad():
            dim = graph(*inputs).shape[1]
            program = torch.onnx.export(
                graph,
                inputs,
                dynamo=True,
                opset_version=OPSET,
                input_names=list(names[0]),
                output_names=[names[1]],
                dynamic_shapes=tuple(shapes),
                verbose=False,
            )
    except Exception as error:  # a model may fail in any way of its own
        raise BadSource(f"{source}: cannot be run or traced by PyTorch: {error}") from error
    if program is None:
        raise BadSource(f"{source}: PyTorch made no graph of it")
    model: ModelProto = program.model_proto
    onnx.checker.check_model(model)
    return clean(model, names[1], dim)


@contextmanager
def _quiet() -> Iterator[None]:
    """The tracer warns of its own deprecations and of torchvision's absence; neither is the user's to mend."""
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)
