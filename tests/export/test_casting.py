"""Graphs whose pixels nothing but a cast reads, as TensorRT needs them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import parser

from ensemble.towers import Tower
from export.casting import read_bytes_through_cast
from export.configs import Facts, fill
from export.errors import BadSource
from export.repository import source_configs
from export.targets.graph_check import check_graph
from tests import tiny

SHAPED = """
<ir_version: 8, opset_import: ["" : 18]>
tower (uint8[batch, 16, 16, 3] PIXELS) => (float[batch, 8] IMAGE_VECTOR) {
    rows = Shape <start = 0, end = 1> (PIXELS)
    real = Cast <to = 1> (PIXELS)
    width = Constant <value_ints = [768]> ()
    flat_shape = Concat <axis = 0> (rows, width)
    flat = Reshape (real, flat_shape)
    zero = Constant <value_ints = [0]> ()
    eight = Constant <value_ints = [8]> ()
    one = Constant <value_ints = [1]> ()
    IMAGE_VECTOR = Slice (flat, zero, eight, one)
}
"""


def test_a_shape_is_read_off_the_cast_and_the_answer_is_the_same(tmp_path: Path) -> None:
    config = fill(source_configs()["vision_tower"], Facts(1, None, tiny.TEXT, tiny.IMAGE, tiny.SPACE))
    graph = parser.parse_model(SHAPED)
    onnx.save(graph, tmp_path / "before.onnx")
    with pytest.raises(BadSource, match="PIXELS: read by Shape"):
        check_graph(config, graph, "tensorrt")
    assert read_bytes_through_cast(graph) == 1
    check_graph(config, graph, "tensorrt")
    onnx.checker.check_model(graph, full_check=True)
    onnx.save(graph, tmp_path / "after.onnx")
    pixels = np.random.default_rng(0).integers(0, 256, (3, 16, 16, 3), np.uint8)
    before, after = (Tower(tmp_path / f"{name}.onnx").encode({"PIXELS": pixels}) for name in ("before", "after"))
    np.testing.assert_array_equal(before, after)
    assert read_bytes_through_cast(graph) == 0


def test_graphs_without_pixels_or_without_a_cast_stay_as_they_are() -> None:
    text, bare = tiny.text_tower(), parser.parse_model(SHAPED)
    bare.graph.node[1].op_type = "Identity"
    for graph in (text, bare, tiny.vision_tower()):
        before = graph.SerializeToString()
        assert read_bytes_through_cast(graph) == 0
        assert graph.SerializeToString() == before
