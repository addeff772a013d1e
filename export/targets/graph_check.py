"""Whether a graph is what a tower's config says, and what the target's backend takes.

The Python model of the CPU target takes any array; Triton's own backends refuse to load a model whose tensors differ
from its config, on the machine that serves. So a release is checked here, where it is made.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from onnx import ModelProto, TensorProto, ValueInfoProto
from tritonclient.grpc import model_config_pb2 as pb

from export.errors import BadSource
from export.targets import TENSORRT

ONNX_TYPES = {
    pb.TYPE_BOOL: TensorProto.BOOL,
    pb.TYPE_UINT8: TensorProto.UINT8,
    pb.TYPE_INT32: TensorProto.INT32,
    pb.TYPE_INT64: TensorProto.INT64,
    pb.TYPE_FP16: TensorProto.FLOAT16,
    pb.TYPE_FP32: TensorProto.FLOAT,
}
ANY = -1


def check_graph(config: Any, graph: ModelProto, target: str) -> None:
    """Hold a tower's graph to its config and to its target.

    Args:
        config: The tower's, filled in.
        graph: What will serve, or what the engine is built from.
        target: One of ``TARGETS``.

    Raises:
        BadSource: Tensors differ, or TensorRT would refuse an input; lists every problem.
    """
    problems = [*_differences("input", config.input, graph.graph.input, graph)]
    problems += _differences("output", config.output, graph.graph.output, graph)
    if target == TENSORRT:
        problems += _uncast_bytes(graph)
    if problems:
        raise BadSource("\n".join([f"{config.name}: the graph cannot serve on target {target}", *problems]))


def _differences(kind: str, wanted: Any, found: Any, graph: ModelProto) -> Iterator[str]:
    weights = {tensor.name for tensor in graph.graph.initializer}
    values = {value.name: value for value in found if value.name not in weights}
    names = {tensor.name for tensor in wanted}
    if names != set(values):
        yield f"  {kind}s: the graph has {sorted(values)}, the config {sorted(names)}"
    for tensor in wanted:
        if tensor.name in values:
            yield from _difference(kind, tensor, values[tensor.name])


def _difference(kind: str, tensor: Any, value: ValueInfoProto) -> Iterator[str]:
    found, wanted = value.type.tensor_type.elem_type, ONNX_TYPES.get(tensor.data_type)
    if found != wanted:
        name = TensorProto.DataType.Name(found) if found in TensorProto.DataType.values() else found
        yield f"  {kind} {tensor.name}: the graph has {name}, the config {pb.DataType.Name(tensor.data_type)}"
    shape = [axis.dim_value if axis.HasField("dim_value") else ANY for axis in value.type.tensor_type.shape.dim]
    # The batch comes before what a config says of a row, and must be free.
    if shape[:1] != [ANY] or shape[1:] != list(tensor.dims):
        yield f"  {kind} {tensor.name}: the graph has {shape}, the config {[ANY, *tensor.dims]}"


def _uncast_bytes(graph: ModelProto) -> Iterator[str]:
    """TensorRT takes UINT8 at its door only, and nothing but a cast may read it."""
    for value in graph.graph.input:
        if value.type.tensor_type.elem_type != TensorProto.UINT8:
            continue
        readers = [node for node in graph.graph.node if value.name in node.input]
        for node in readers:
            if node.op_type != "Cast":
                yield f"  input {value.name}: read by {node.op_type} {node.name!r}; TensorRT needs a Cast first"
        if not readers:
            yield f"  input {value.name}: read by nothing"
