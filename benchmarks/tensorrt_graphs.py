"""The towers of a release for the TensorRT benchmark: real inputs, a graph a precision, and the PyTorch module."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any
from unittest.mock import patch

import onnx

from benchmarks.queries import photo_queries, text_queries
from benchmarks.side_by_side import Feed, part
from ensemble.pipeline import Encoders
from export import tracing
from export.engines.options import Profile, text_profiles, vision_profiles
from export.order import Plans
from export.precision.calibration import Calibration
from export.precision.candidates import PRECISIONS
from export.precision.fp16 import to_fp16

TEXT, VISION = "text_tower", "vision_tower"
INPUTS, CALIBRATION_INPUTS = 256, 64
SOURCE = "fp32-source"


@dataclass(frozen=True)
class BenchTower:
    """One tower.

    Args:
        model: ``text_tower`` or ``vision_tower``.
        feed: Real inputs, one batch.
        profiles: For its engines.
        graphs: ONNX file by ``PRECISION-RECIPE``; ``fp32-source`` is always there.
        module: As PyTorch runs it; None where the source is an ONNX file.
    """

    model: str
    feed: Feed
    profiles: tuple[Profile, ...]
    graphs: Mapping[str, Path]
    module: Any


def bench_towers(
    encoders: Encoders, plans: Plans, sample: Path, given: Path, work: Path, *, typed: bool
) -> list[BenchTower]:
    """Both towers of a release.

    Args:
        encoders: Those of the release, for its preprocessing.
        plans: What the release was made from.
        sample: Folder with the texts and photos that are asked for.
        given: Folder with ``MODEL/PRECISION-RECIPE.onnx``; what is absent is made, but for INT8.
        work: Where graphs are written.
        typed: Whether the builder reads precision from the graph; otherwise it is given FP32 graphs, Q/DQ for INT8.
    """
    made = []
    for model in (TEXT, VISION):
        feed, profiles = _text(encoders, sample) if model == TEXT else _vision(encoders, sample)
        with _kept_module() as module:
            built = (plans.text if model == TEXT else plans.vision).build()
        folder = work / model
        folder.mkdir(parents=True, exist_ok=True)
        onnx.save(built.graph, folder / f"{SOURCE}.onnx")
        graphs = {SOURCE: folder / f"{SOURCE}.onnx"} | _given(given / model)
        if not any(name.startswith("fp16-") for name in graphs):
            graphs["fp16-islands"] = graphs[SOURCE]
        if typed:
            graphs = {name: _halved(name, path, feed, folder) for name, path in graphs.items()}
        made.append(BenchTower(model, feed, profiles, graphs, module.get("module")))
    return made


def _text(encoders: Encoders, sample: Path) -> tuple[Feed, tuple[Profile, ...]]:
    tokens = encoders.text(list(islice(text_queries(sample), INPUTS)))
    return {"INPUT_IDS": tokens.input_ids, "LENGTHS": tokens.lengths}, text_profiles(encoders.text.settings.buckets)


def _vision(encoders: Encoders, sample: Path) -> tuple[Feed, tuple[Profile, ...]]:
    pixels = encoders.image(list(islice(photo_queries(sample), INPUTS)))
    return {"PIXELS": pixels}, vision_profiles(pixels.shape[1])


def _given(folder: Path) -> dict[str, Path]:
    """Graphs of a folder that a builder takes: INT8 needs static Q/DQ, so ONNX Runtime's dynamic graphs are left."""
    found = {path.stem: path for path in sorted(folder.glob("*.onnx")) if path.stem.partition("-")[0] in PRECISIONS}
    return {name: path for name, path in found.items() if not name.startswith("int8-") or _has_qdq(path)}


def _has_qdq(path: Path) -> bool:
    kinds = {node.op_type for node in onnx.load(path, load_external_data=False).graph.node}
    return "QuantizeLinear" in kinds and "DynamicQuantizeLinear" not in kinds


def _halved(name: str, path: Path, feed: Feed, folder: Path) -> Path:
    """The same graph with FP16 where it was FP32, for all but the FP32 one: INT8 beside FP32 layers would be slow."""
    model = onnx.load(path)
    if name.startswith("fp32-") or any(
        tensor.data_type == onnx.TensorProto.FLOAT16 for tensor in model.graph.initializer
    ):
        return path
    onnx.save(to_fp16(model, Calibration([part(feed, 0, CALIBRATION_INPUTS)])), folder / f"{name}.onnx")
    return folder / f"{name}.onnx"


@contextmanager
def _kept_module() -> Iterator[dict[str, Any]]:
    """Keep the module that a tower is traced from: what PyTorch runs must be what became the graph."""
    kept: dict[str, Any] = {}
    trace = tracing.trace

    def trace_and_keep(module: Any, *args: Any) -> onnx.ModelProto:
        kept["module"] = module
        return trace(module, *args)

    with patch.object(tracing, "trace", trace_and_keep):
        yield kept
