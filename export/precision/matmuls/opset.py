"""Raises a graph to the operators that the INT8 products are written in."""

from __future__ import annotations

from onnx import ModelProto, version_converter

from export.errors import PrecisionFailed
from export.precision.halves.prepare import opset_of, prepare

# The first in which QuantizeLinear takes one scale for each block of an axis.
BLOCKED = 21


def raised(model: ModelProto) -> ModelProto:
    """The graph in opset 21, or as it is where it is that high already.

    Raises:
        PrecisionFailed: It is not a valid graph, or ONNX has no conversion for one of its operators.
    """
    plain = prepare(model)
    version = opset_of(plain)
    if version >= BLOCKED:
        return plain
    try:
        return version_converter.convert_version(plain, BLOCKED)
    except Exception as error:  # the converter raises a class for each kind of failure
        raise PrecisionFailed(f"the graph cannot be raised from opset {version} to {BLOCKED}: {error}") from error
