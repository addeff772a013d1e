"""Graphs that a tower's config does not fit, or that TensorRT would refuse, are found when the release is made."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import onnx
import pytest

from export.configs import Facts, fill, read_config
from export.errors import BadSource
from export.repository import source_configs
from export.targets import TOWERS
from export.targets.graph_check import check_graph
from tests import tiny

TEXT, VISION = TOWERS


@pytest.mark.parametrize("name", TOWERS)
@pytest.mark.parametrize("target", ["onnxruntime", "tensorrt"])
def test_configs_have_the_names_types_and_shapes_of_the_released_graphs(store: Path, name: str, target: str) -> None:
    graph = onnx.load(store / "models" / name / "1" / "model.onnx")
    check_graph(read_config(store / "models" / name / "config.pbtxt"), graph, target)


def _as(kind: int) -> Callable[[onnx.GraphProto], None]:
    def spoil(graph: onnx.GraphProto) -> None:
        graph.input[0].type.tensor_type.elem_type = kind

    return spoil


def _rename(graph: onnx.GraphProto) -> None:
    graph.output[0].name = "VECTOR"


def _fix_batch(graph: onnx.GraphProto) -> None:
    graph.input[0].type.tensor_type.shape.dim[0].dim_value = 1


def _longer(graph: onnx.GraphProto) -> None:
    graph.output[0].type.tensor_type.shape.dim[1].dim_value = 9


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (_as(onnx.TensorProto.INT32), "input INPUT_IDS: the graph has INT32, the config TYPE_INT64"),
        (_as(99), "input INPUT_IDS: the graph has 99, the config TYPE_INT64"),
        (_rename, r"outputs: the graph has \['VECTOR'\], the config \['TEXT_VECTOR'\]"),
        (_fix_batch, r"input INPUT_IDS: the graph has \[1, -1\], the config \[-1, -1\]"),
        (_longer, r"output TEXT_VECTOR: the graph has \[-1, 9\], the config \[-1, 8\]"),
    ],
)
def test_a_graph_of_other_tensors_is_refused(spoil: Callable[[onnx.GraphProto], None], told: str) -> None:
    config = fill(source_configs()[TEXT], Facts(1, None, tiny.TEXT, tiny.IMAGE, tiny.SPACE))
    graph = tiny.text_tower()
    check_graph(config, graph, "onnxruntime")
    spoil(graph.graph)
    with pytest.raises(BadSource, match=rf"text_tower: .* target onnxruntime\n  {told}"):
        check_graph(config, graph, "onnxruntime")


def test_pixels_that_are_not_cast_first_are_refused_for_tensorrt_alone() -> None:
    config = fill(source_configs()[VISION], Facts(1, None, tiny.TEXT, tiny.IMAGE, tiny.SPACE))
    graph = tiny.vision_tower()
    check_graph(config, graph, "tensorrt")
    cast, transpose = graph.graph.node[:2]
    cast.op_type, transpose.op_type = "Transpose", "Cast"
    cast.attribute[0].CopyFrom(onnx.helper.make_attribute("perm", [0, 3, 1, 2]))
    transpose.attribute[0].CopyFrom(onnx.helper.make_attribute("to", onnx.TensorProto.FLOAT))
    onnx.checker.check_model(graph, full_check=True)
    check_graph(config, graph, "onnxruntime")
    with pytest.raises(BadSource, match=r"input PIXELS: read by Transpose .* needs a Cast first"):
        check_graph(config, graph, "tensorrt")
