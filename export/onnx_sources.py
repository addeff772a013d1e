"""ONNX files as sources of towers."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import onnx
from onnx import ModelProto, TensorProto, ValueInfoProto, version_converter

from export.errors import BadSource

# ReduceSum takes its axes as an input from here on.
MIN_OPSET = 13
CONVERT_TO = 17


def load_source(path: str) -> ModelProto:
    """Load an ONNX file and bring it to an opset that prologue and epilogue can have.

    Raises:
        BadSource: Not an ONNX file, or one that cannot be brought there.
    """
    try:
        model = onnx.load(path)
        onnx.checker.check_model(model)
        opset = opset_of(model)
        return model if opset >= MIN_OPSET else version_converter.convert_version(model, CONVERT_TO)
    except Exception as error:  # onnx raises protobuf's, its checker's and its converter's errors
        raise BadSource(f"{path}: not an ONNX model that can be used: {error}") from error


def external_files(path: Path) -> dict[str, Path]:
    """Files beside an ONNX file that hold its large weights, by name.

    Raises:
        BadSource: Not an ONNX file.
    """
    try:
        graph = onnx.load(str(path), load_external_data=False).graph
    except Exception as error:  # as above
        raise BadSource(f"{path}: not an ONNX model that can be used: {error}") from error
    tensors = [tensor for tensor in graph.initializer if tensor.data_location == TensorProto.EXTERNAL]
    names = {entry.value for tensor in tensors for entry in tensor.external_data if entry.key == "location"}
    return {f"onnx.{name}": path.parent / name for name in sorted(names)}


def opset_of(model: ModelProto) -> int:
    """Version of the standard operators."""
    return max(int(entry.version) for entry in model.opset_import if entry.domain in ("", "ai.onnx"))


def input_of(model: ModelProto, name: str | None, *, source: str) -> ValueInfoProto:
    """An input by name, or the only one.

    Raises:
        BadSource: There is none of that name, or several and no name.
    """
    weights = {tensor.name for tensor in model.graph.initializer}
    return _pick([value for value in model.graph.input if value.name not in weights], name, f"{source}: input")


def output_of(model: ModelProto, name: str | None, *, source: str) -> ValueInfoProto:
    """An output by name, or the only one.

    Raises:
        BadSource: There is none of that name, or several and no name.
    """
    return _pick(list(model.graph.output), name, f"{source}: output")


def _pick(values: Sequence[ValueInfoProto], name: str | None, what: str) -> ValueInfoProto:
    chosen = [value for value in values if name in (None, value.name)]
    if len(chosen) != 1:
        raise BadSource(f"{what} = {name!r}; name one of {', '.join(value.name for value in values)}")
    return chosen[0]
