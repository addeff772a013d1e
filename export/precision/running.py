"""Runs a graph on calibration inputs, and lets it answer with values from within."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from onnx import ModelProto, TensorProto, helper

from export.errors import PrecisionFailed
from export.precision.calibration import Calibration
from export.reference import Array
from export.runtime import session_of


def answering(model: ModelProto, names: Sequence[str]) -> ModelProto:
    """A copy whose outputs are these float values of the graph."""
    copy = ModelProto()
    copy.CopyFrom(model)
    del copy.graph.output[:]
    copy.graph.output.extend(helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in names)
    return copy


def run_all(
    model: ModelProto, names: Sequence[str], calibration: Calibration
) -> Iterator[tuple[Mapping[str, Array], Sequence[Any]]]:
    """Each batch, and what the graph answers to it.

    Args:
        model: The graph.
        names: Which of its outputs are wanted, in this order.
        calibration: Real inputs.

    Raises:
        PrecisionFailed: The graph cannot be run on them.
        BadSource: ONNX Runtime cannot load the graph.
    """
    session = session_of(model, source="the graph to be measured")
    inputs = [entry.name for entry in session.get_inputs()]
    for batch in calibration.batches:
        try:
            values = session.run(list(names), {name: batch[name] for name in inputs})
        except Exception as error:  # onnxruntime raises one class per kind of failure; a missing input is a KeyError
            shapes = ", ".join(f"{name} {array.shape}" for name, array in batch.items())
            raise PrecisionFailed(f"the graph cannot be run on calibration inputs {shapes}: {error}") from error
        yield batch, values
