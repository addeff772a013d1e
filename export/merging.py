"""ONNX sources get the same prologue and epilogue as PyTorch ones, as small graphs merged around them."""

from __future__ import annotations

import numpy as np
import onnx
from onnx import ModelProto, TensorProto, ValueInfoProto, compose, numpy_helper, parser

from export.errors import BadSource
from export.graphs import TEXT_OUTPUT, VISION_OUTPUT
from export.onnx_sources import opset_of
from export.onnx_texts import (
    AVERAGE,
    AVERAGE_BY_ATTRIBUTE,
    CLS_POOLING,
    FLATTEN,
    MEAN_POOLING,
    NORM,
    TEXT_PROLOGUE,
    VISION_PROLOGUE,
)
from export.projection import Projection
from export.reference import NORM_EPS

PREFIX = "source/"
# ReduceMean takes its axes as an input from this opset on, and as an attribute before.
AXES_ARE_INPUT = 18
TEXT_SOURCE_INPUTS = ("input_ids", "attention_mask", "token_type_ids")


def merge_text(
    source: ModelProto, output: ValueInfoProto, pooling: str, projection: Projection | None, *, name: str
) -> ModelProto:
    """Put a text source between ``INPUT_IDS``, ``LENGTHS`` and ``TEXT_VECTOR``.

    Raises:
        BadSource: The source has an input that is not known.
    """
    weights = {tensor.name for tensor in source.graph.initializer}
    types = {value.name: value.type.tensor_type.elem_type for value in source.graph.input if value.name not in weights}
    unknown = sorted(set(types) - set(TEXT_SOURCE_INPUTS))
    if unknown or "input_ids" not in types:
        raise BadSource(
            f"{name}: inputs {sorted(types)}; allowed: input_ids and, if any, {', '.join(TEXT_SOURCE_INPUTS[1:])}"
        )
    codes = [types.get(wanted, TensorProto.INT64) for wanted in TEXT_SOURCE_INPUTS]
    filling = {f"code_{at}": code for at, code in enumerate(codes)}
    filling |= {f"type_{at}": _type_name(code) for at, code in enumerate(codes)}
    prologue = _parse(TEXT_PROLOGUE.format(**filling), source)
    rank = len(output.type.tensor_type.shape.dim)
    masked = MEAN_POOLING if pooling == "mean" else CLS_POOLING
    epilogue = _epilogue(source, output, masked if rank == 3 else FLATTEN, projection, TEXT_OUTPUT)
    links = [(wanted, PREFIX + wanted) for wanted in TEXT_SOURCE_INPUTS if wanted in types]
    return _join(prologue, source, epilogue, links, output.name)


def merge_vision(
    source: ModelProto,
    ends: tuple[ValueInfoProto, ValueInfoProto],
    scaling: tuple[tuple[float, ...], tuple[float, ...]],
    form: tuple[int, str],
    pooling: tuple[str, Projection | None],
) -> ModelProto:
    """Put a vision source between ``PIXELS`` and ``IMAGE_VECTOR``.

    Args:
        source: The graph.
        ends: Its input and output.
        scaling: Mean and std of each channel, for pixels of 0 to 1.
        form: Height and width of the input, and its layout.
        pooling: Kind, and projection.
    """
    given, output = ends
    mean, std = scaling
    size, layout = form
    text = VISION_PROLOGUE.format(
        size=size,
        shape=f"batch, 3, {size}, {size}" if layout == "NCHW" else f"batch, {size}, {size}, 3",
        layout="Transpose <perm = [0, 3, 1, 2]>" if layout == "NCHW" else "Identity",
        scale=", ".join(_literal(1 / (255 * one)) for one in std),
        shift=", ".join(_literal(-one / two) for one, two in zip(mean, std, strict=True)),
    )
    kind, projection = pooling
    pooled = _vision_pooling(len(output.type.tensor_type.shape.dim), kind, layout, opset_of(source))
    epilogue = _epilogue(source, output, pooled, projection, VISION_OUTPUT)
    return _join(_parse(text, source), source, epilogue, [("image", PREFIX + given.name)], output.name)


def _vision_pooling(rank: int, pooling: str, layout: str, opset: int) -> str:
    """Lines from ``states`` to ``pooled``; a map has the layout of the input."""
    if rank == 3 and pooling == "cls":
        return CLS_POOLING
    if rank not in (3, 4) or pooling != "mean":
        return FLATTEN
    axes = "[1]" if rank == 3 else "[2, 3]" if layout == "NCHW" else "[1, 2]"
    return (AVERAGE if opset >= AXES_ARE_INPUT else AVERAGE_BY_ATTRIBUTE).format(axes=axes)


def _epilogue(
    source: ModelProto, output: ValueInfoProto, pooling: str, projection: Projection | None, name: str
) -> ModelProto:
    rank = len(output.type.tensor_type.shape.dim)
    axes = ", ".join(["batch", *(f"axis_{at}" for at in range(1, rank))])
    kind = _type_name(output.type.tensor_type.elem_type)
    mask = ", float[batch, sequence] pool_mask" if pooling == MEAN_POOLING else ""
    body = ["    states = Cast <to = 1> (raw)", pooling, _projection_line(projection)]
    body.append(NORM.format(eps=_literal(NORM_EPS), output=name))
    head = f"epilogue ({kind}[{axes}] raw{mask}) => (float[batch, dim] {name})"
    epilogue = _parse(head + "\n{\n" + "\n".join(body) + "\n}\n", source)
    for key, tensor in () if projection is None else (("weight", projection.weight), ("bias", projection.bias)):
        if tensor is not None:
            epilogue.graph.initializer.append(numpy_helper.from_array(np.ascontiguousarray(tensor), key))
    return epilogue


def _projection_line(projection: Projection | None) -> str:
    if projection is None:
        return "    projected = Identity (pooled)"
    return f"    projected = Gemm <transB = 1> (pooled, weight{'' if projection.bias is None else ', bias'})"


def _join(
    prologue: ModelProto, source: ModelProto, epilogue: ModelProto, links: list[tuple[str, str]], output: str
) -> ModelProto:
    """Chain the three graphs; ``links`` are pairs of the prologue's outputs and the source's inputs."""
    inner = compose.add_prefix(source, PREFIX)
    del inner.graph.value_info[:]
    epilogue = compose.add_prefix(epilogue, "epilogue/", rename_outputs=False)
    kept = [PREFIX + output]
    onward = [(PREFIX + output, "epilogue/raw")]
    if "epilogue/pool_mask" in [value.name for value in epilogue.graph.input]:
        kept.append("pool_mask")
        onward.append(("pool_mask", "epilogue/pool_mask"))
    front = compose.merge_models(prologue, inner, io_map=links, outputs=kept)
    whole = compose.merge_models(front, epilogue, io_map=onward)
    # Merging repeats the import of each part, which some readers take for a contradiction.
    versions = {entry.domain: entry.version for entry in whole.opset_import}
    del whole.opset_import[:]
    whole.opset_import.extend(onnx.helper.make_opsetid(domain, version) for domain, version in versions.items())
    return whole


def _parse(text: str, source: ModelProto) -> ModelProto:
    head = f'<ir_version: {source.ir_version}, opset_import: ["" : {opset_of(source)}]>\n'
    return parser.parse_model(head + text)


def _type_name(code: int) -> str:
    return str(onnx.helper.tensor_dtype_to_string(code)).removeprefix("TensorProto.").lower()


def _literal(value: float) -> str:
    """A float in the form that ONNX's parser reads."""
    return f"{value:.12f}"
