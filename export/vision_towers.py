"""Vision towers from each kind of source."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np

from ensemble.settings import ImageSettings, ResizeMode
from export import factories, huggingface
from export.errors import BadSource
from export.graphs import VISION_OUTPUT, BuiltTower, clean
from export.onnx_sources import external_files
from export.plans import VisionPlan
from export.preprocessing import read_preprocessing
from export.projection import Projection, load_projection
from export.reference import Array, Floats, Reference, finish, scale_pixels
from export.runtime import answer_dim, run_source
from export.towers_file import Triple, VisionTable

# Convolutional networks answer with a map; their pooler averages it.
POOLER_TYPES = (
    "siglip",
    "siglip_vision_model",
    "convnext",
    "convnextv2",
    "resnet",
    "mobilenet_v1",
    "mobilenet_v2",
    "mobilevit",
)


@dataclass(frozen=True)
class _Form:
    """Everything about a vision tower but its weights."""

    size: int
    mean: Triple
    std: Triple
    pooling: str
    projection: Projection | None


def plan_vision(table: VisionTable) -> VisionPlan:
    """Settings, files and builder of the vision tower that ``[vision]`` asks for.

    Raises:
        BadSource: A file is missing or a setting does not fit the source.
    """
    files = {} if table.projection is None else {"projection": table.projection}
    if table.hf is not None:
        folder = huggingface.find_folder(table.hf)
        form, resize = _hf_form(table, folder)
        files |= huggingface.model_files(folder)
        return VisionPlan(ImageSettings(form.size, resize), files, lambda: _build_hf(folder, form))
    if table.onnx is not None:
        files |= {"onnx": table.onnx, **external_files(table.onnx)}
        form = _form(table, table.image_size or _onnx_size(table), _own_scaling(table))
        return VisionPlan(ImageSettings(form.size, table.resize or "pad"), files, lambda: _build_onnx(table, form))
    files["factory"] = factories.source_file(str(table.factory))
    form = _form(table, table.image_size or 0, _own_scaling(table))
    return VisionPlan(
        ImageSettings(form.size, table.resize or "pad"), files, lambda: _build_factory(str(table.factory), form)
    )


def _form(table: VisionTable, size: int, scaling: tuple[Triple, Triple], pooling: str = "cls") -> _Form:
    return _Form(size, *scaling, table.pooling or pooling, load_projection(table.projection))


def _own_scaling(table: VisionTable) -> tuple[Triple, Triple]:
    """Mean and std of ``[vision]``; the table refuses to be without them beside onnx and factory."""
    return cast("tuple[Triple, Triple]", (table.mean, table.std))


def _hf_form(table: VisionTable, folder: Path) -> tuple[_Form, ResizeMode]:
    """What the folder says, where ``[vision]`` does not."""
    config = huggingface.read_json(folder / "config.json")
    said = read_preprocessing(folder, table)
    size = said.size or (config.get("vision_config") or config).get("image_size")
    if not isinstance(size, int):
        raise BadSource(
            f"{folder}: no image size in preprocessor_config.json or config.json; set image_size in [vision]"
        )
    pooling = "pooler" if str(config.get("model_type")) in POOLER_TYPES else "cls"
    return _form(table, size, (said.mean, said.std), pooling), said.resize


def _build_hf(folder: Path, form: _Form) -> BuiltTower:
    import torch

    from export.modules import HuggingFaceVision

    model = huggingface.load_vision_model(folder, pooler=form.pooling == "pooler")
    answer = "pooler_output" if form.pooling == "pooler" else "last_hidden_state"
    answer = "image_embeds" if hasattr(model, "visual_projection") else answer

    def raw(pixels: Array) -> Array:
        return _array(getattr(model(pixel_values=torch.from_numpy(pixels)), answer))

    return _traced(HuggingFaceVision(model, answer), raw, form, str(folder))


def _build_factory(name: str, form: _Form) -> BuiltTower:
    import torch

    module = factories.call(name)
    return _traced(module, lambda pixels: _array(module(torch.from_numpy(pixels))), form, name)


def _traced(encoder: Any, raw: Callable[[Array], Array], form: _Form, source: str) -> BuiltTower:
    from export.modules import VisionGraph
    from export.tracing import trace_vision

    module = VisionGraph(encoder, form.mean, form.std, form.pooling, form.projection)
    return BuiltTower(trace_vision(module, form.size, source=source), _reference(raw, form, "NCHW"))


def _onnx_size(table: VisionTable) -> int:
    from export.onnx_sources import input_of, load_source

    value = input_of(load_source(str(table.onnx)), table.input, source=str(table.onnx))
    sides = [axis.dim_value for axis in value.type.tensor_type.shape.dim]
    square = sides[2:4] if table.layout == "NCHW" else sides[1:3]
    if len(sides) != 4 or not square[0] or square[0] != square[1]:
        raise BadSource(f"{table.onnx}: the input's size is not fixed to a square; set image_size in [vision]")
    return int(square[0])


def _build_onnx(table: VisionTable, form: _Form) -> BuiltTower:
    from export.merging import merge_vision
    from export.onnx_sources import input_of, load_source, output_of

    name = str(table.onnx)
    source = load_source(name)
    given, output = input_of(source, table.input, source=name), output_of(source, table.output, source=name)
    graph = merge_vision(
        source,
        (given, output),
        (form.mean, form.std),
        (form.size, table.layout),
        (form.pooling, form.projection),
    )
    example = {"PIXELS": np.zeros((2, form.size, form.size, 3), np.uint8)}
    clean(graph, VISION_OUTPUT, answer_dim(graph, example, source=name))
    run = run_source(source, output.name)
    return BuiltTower(graph, _reference(lambda pixels: run({given.name: pixels}), form, table.layout))


def _reference(raw: Callable[[Array], Array], form: _Form, layout: str) -> Reference:
    def reference(inputs: Mapping[str, Array]) -> Floats:
        scaled = scale_pixels(inputs["PIXELS"], form.mean, form.std)
        if layout == "NCHW":
            scaled = np.ascontiguousarray(scaled.transpose(0, 3, 1, 2))
        states = raw(scaled)
        if states.ndim == 4 and form.pooling == "mean":
            states = states.mean(axis=(2, 3) if layout == "NCHW" else (1, 2))
        return finish(states, None, form.pooling, form.projection)

    return reference


def _array(tensor: Any) -> Array:
    array: Array = tensor.detach().numpy()
    return array
