"""Pooling of vision towers: sequences and maps, from every kind of source and every opset; numpy is the twin."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import parser

from ensemble.towers import Tower
from export.towers_file import VisionTable
from export.vision_towers import plan_vision
from tests.export.test_towers import HALVES, PIXELS, check_graph, unit

# A map of 4 x 4 places: the mean of each colour, and the largest; (batch, 6, 4, 4).
MAPS = """
<ir_version: 8, opset_import: ["" : {opset}]>
vision (float[b, {shape}] picture) => ({answer})
{{
    planes = {turn} (picture)
    means = AveragePool <kernel_shape = [4, 4], strides = [4, 4]> (planes)
    tops = MaxPool <kernel_shape = [4, 4], strides = [4, 4]> (planes)
    both = Concat <axis = 1> (means, tops)
    {last}
}}
"""
ANSWERS = {
    ("map", "NCHW"): ("float[b, 6, 4, 4] map", "map = Identity (both)"),
    ("map", "NHWC"): ("float[b, 4, 4, 6] map", "map = Transpose <perm = [0, 2, 3, 1]> (both)"),
    ("states", "NCHW"): (
        "float[b, 16, 6] states",
        """places = Constant <value_ints = [0, 6, 16]> ()
        rows = Reshape (both, places)
        states = Transpose <perm = [0, 2, 1]> (rows)""",
    ),
}


def maps() -> Any:
    """The source's map in numpy, (batch, 4, 4, 6)."""
    scaled = (PIXELS["PIXELS"] / 255 - 0.5) / 0.5
    places = scaled.reshape(3, 4, 4, 4, 4, 3)
    return np.concatenate([places.mean(axis=(2, 4)), places.max(axis=(2, 4))], axis=3)


def source(folder: Path, output: str, layout: str, opset: int) -> Path:
    answer, last = ANSWERS[output, layout]
    shape, turn = ("3, 16, 16", "Identity") if layout == "NCHW" else ("16, 16, 3", "Transpose <perm = [0, 3, 1, 2]>")
    model = parser.parse_model(MAPS.format(opset=opset, shape=shape, turn=turn, answer=answer, last=last))
    onnx.save(model, folder / "source.onnx")
    return folder / "source.onnx"


@pytest.mark.parametrize("opset", [17, 18, 20])
@pytest.mark.parametrize(("output", "layout"), ANSWERS)
def test_mean_of_an_onnx_source(tmp_path: Path, output: str, layout: Any, opset: int) -> None:
    path = source(tmp_path, output, layout, opset)
    table = VisionTable(onnx=path, image_size=16, layout=layout, mean=HALVES, std=HALVES, pooling="mean")
    tower = check_graph(plan_vision(table).build(), PIXELS, "IMAGE_VECTOR", 6, tmp_path)
    np.testing.assert_allclose(tower.encode(PIXELS), unit(maps().mean(axis=(1, 2))), atol=1e-5)


@pytest.mark.parametrize("opset", [17, 20])
def test_first_place_of_an_onnx_source(tmp_path: Path, opset: int) -> None:
    path = source(tmp_path, "states", "NCHW", opset)
    table = VisionTable(onnx=path, image_size=16, mean=HALVES, std=HALVES)
    tower = check_graph(plan_vision(table).build(), PIXELS, "IMAGE_VECTOR", 6, tmp_path)
    np.testing.assert_allclose(tower.encode(PIXELS), unit(maps()[:, 0, 0]), atol=1e-5)


@pytest.mark.parametrize("layout", ["NCHW", "NHWC"])
def test_a_map_that_is_not_pooled_is_laid_out_flat(tmp_path: Path, layout: Any) -> None:
    path = source(tmp_path, "map", layout, 20)
    table = VisionTable(onnx=path, image_size=16, layout=layout, mean=HALVES, std=HALVES)
    tower = check_graph(plan_vision(table).build(), PIXELS, "IMAGE_VECTOR", 96, tmp_path)
    wanted = maps() if layout == "NHWC" else maps().transpose(0, 3, 1, 2)
    np.testing.assert_allclose(tower.encode(PIXELS), unit(wanted.reshape(3, -1)), atol=1e-5)


def test_mean_of_a_map_of_a_factory(tmp_path: Path) -> None:
    table = VisionTable(
        factory="tests.export.tiny_factories:mean_and_top_maps", image_size=16, mean=HALVES, std=HALVES, pooling="mean"
    )
    tower: Tower = check_graph(plan_vision(table).build(), PIXELS, "IMAGE_VECTOR", 6, tmp_path)
    np.testing.assert_allclose(tower.encode(PIXELS), unit(maps().mean(axis=(1, 2))), atol=1e-5)
