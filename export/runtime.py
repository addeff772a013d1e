"""ONNX Runtime over graphs in memory."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from onnx import ModelProto, TensorProto, helper

from export.errors import BadSource
from export.reference import Array


def session_of(graph: ModelProto, *, source: str) -> Any:
    """An ONNX Runtime session on the CPU.

    Raises:
        BadSource: ONNX Runtime refuses the graph, or it is larger than the 2 GB that one file can hold.
    """
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.log_severity_level = 3
    try:
        return ort.InferenceSession(graph.SerializeToString(), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime raises one class per kind of failure, protobuf its own
        raise BadSource(f"{source}: ONNX Runtime cannot load the graph: {error}") from error


def answer_dim(graph: ModelProto, inputs: Mapping[str, Array], *, source: str) -> int:
    """Length of the vectors that a graph answers with.

    Raises:
        BadSource: It fails on these inputs, or does not answer with one vector a row.
    """
    session = session_of(graph, source=source)
    try:
        (answer,) = session.run(None, dict(inputs))
    except Exception as error:  # onnxruntime raises one class per kind of failure
        shapes = ", ".join(f"{name} {array.shape}" for name, array in inputs.items())
        raise BadSource(
            f"{source}: cannot be run on {shapes}: {error}; the batch (and for text the sequence) must be dynamic"
        ) from error
    rows = len(next(iter(inputs.values())))
    if answer.ndim != 2 or len(answer) != rows:
        raise BadSource(f"{source}: answers {answer.shape} to {rows} rows; one vector a row is needed")
    return int(answer.shape[1])


def run_source(graph: ModelProto, output: str) -> Callable[[Mapping[str, Array]], Array]:
    """A function that runs a graph as it came, on those of its inputs that it has, cast as it wants them."""
    session = session_of(graph, source=output)
    weights = {tensor.name for tensor in graph.graph.initializer}
    types = {
        value.name: helper.tensor_dtype_to_np_dtype(value.type.tensor_type.elem_type or TensorProto.FLOAT)
        for value in graph.graph.input
        if value.name not in weights
    }

    def run(inputs: Mapping[str, Array]) -> Array:
        answer: Array = session.run([output], {name: inputs[name].astype(kind) for name, kind in types.items()})[0]
        return answer

    return run
