from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import ModelProto, numpy_helper

from export.errors import ModelOptFailed
from export.precision.calibration import Calibration
from export.precision.halves.rounding import rounded
from export.precision.halves.view import view_of
from export.precision.modelopt.environment import PYTHON, run_worker
from export.precision.modelopt.layers import left_high, quantised
from export.precision.modelopt.recipe import ModelOptReport, quantise
from export.precision.modelopt.simulation import answers
from export.precision.modelopt.sparing import cosines, spare, without
from tests.export.precision import graphs

installed = pytest.mark.skipif(not PYTHON.is_file(), reason="make modelopt")
TOWER = """
tower (uint8[batch, 16, 16, 3] PIXELS) => (float[batch, 16] IMAGE_VECTOR)
<float scale = {0.01}, float least = {0.000001}, int64[1] last = {-1}>
{
    floats = Cast <to = 1> (PIXELS)
    scaled = Mul (floats, scale)
    planes = Transpose <perm = [0, 3, 1, 2]> (scaled)
    stem = Conv <kernel_shape = [3, 3], strides = [2, 2]> (planes, first)
    stem_ = Relu (stem)
    spread = Conv <kernel_shape = [3, 3], group = 16> (stem_, depthwise)
    spread_ = Relu (spread)
    wide = Conv <kernel_shape = [1, 1]> (spread_, pointwise)
    wide_ = Relu (wide)
    wider = Conv <kernel_shape = [1, 1]> (wide_, again)
    mean = GlobalAveragePool (wider)
    flat = Flatten (mean)
    head = Gemm (flat, projection)
    square = Mul (head, head)
    total = ReduceSum <keepdims = 1> (square, last)
    norm = Sqrt (total)
    bound = Max (norm, least)
    IMAGE_VECTOR = Div (head, bound)
}
"""
SHAPES = {
    "first": (16, 3, 3, 3),
    "depthwise": (16, 1, 3, 3),
    "pointwise": (32, 16, 1, 1),
    "again": (32, 32, 1, 1),
    "projection": (32, 16),
}


@pytest.fixture(scope="module")
def tower() -> ModelProto:
    random = np.random.default_rng(6)
    return graphs.graph(TOWER, **{name: random.normal(size=shape) for name, shape in SHAPES.items()})


@pytest.fixture(scope="module")
def calibration() -> Calibration:
    pixels = np.random.default_rng(7).integers(0, 256, (24, 16, 16, 3)).astype(np.uint8)
    return Calibration([{"PIXELS": pixels[:16]}, {"PIXELS": pixels[16:]}])


@pytest.fixture(scope="module")
def int8(tower: ModelProto, calibration: Calibration) -> tuple[ModelProto, ModelOptReport]:
    return quantise(tower, calibration, "modelopt-max", halves=False)


@pytest.fixture
def interpreter(tmp_path: Path) -> Callable[[str], Path]:
    """Makes an interpreter that does this, in shell, whatever it is asked."""

    def write(script: str) -> Path:
        path = tmp_path / "python"
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o700)
        return path

    return write


def test_first_layer_head_and_depthwise_convolutions_are_left(tower: ModelProto) -> None:
    view = view_of(tower)
    outputs = {name: place.node.name for name, place in view.producers.items()}
    assert left_high(view) == {
        outputs["stem"]: "the first layer",
        outputs["spread"]: "a depthwise convolution",
        outputs["head"]: "the head",
    }


def test_products_of_attention_are_left() -> None:
    view = view_of(graphs.graph(graphs.MASK))
    assert list(left_high(view).values()) == 2 * ["a product of two activations"]


@installed
def test_the_other_layers_have_symmetric_scales_per_channel(int8: tuple[ModelProto, ModelOptReport]) -> None:
    graph, report = int8
    assert len(report.int8) == 2
    assert sorted(report.high.values()) == ["a depthwise convolution", "the first layer", "the head"]
    assert report.modelopt
    stored = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.graph.initializer}
    steps = [node for node in graph.graph.node if node.op_type == "QuantizeLinear"]
    assert all((stored[node.input[2]] == 0).all() for node in steps)
    assert sorted(stored[node.input[1]].size for node in steps if node.input[0] in stored) == [32, 32]
    assert next(entry.version for entry in graph.opset_import if not entry.domain) >= 19


@installed
def test_it_answers_as_the_tower_does(
    tower: ModelProto, calibration: Calibration, int8: tuple[ModelProto, ModelOptReport]
) -> None:
    theirs = answers(tower, calibration.batches)
    ours = answers(int8[0], calibration.batches)
    assert not (ours == theirs).all()
    assert cosines(ours, theirs).min() > 0.99
    assert [value.name for value in int8[0].graph.input] == ["PIXELS"]


@installed
def test_the_rest_becomes_fp16(tower: ModelProto, calibration: Calibration) -> None:
    graph, report = quantise(tower, calibration, "modelopt-entropy")
    onnx.checker.check_model(graph, full_check=True)
    half = {tensor.name for tensor in graph.graph.initializer if tensor.data_type == onnx.TensorProto.FLOAT16}
    steps = [node for node in graph.graph.node if node.op_type == "DequantizeLinear"]
    assert len(steps) == 2 * len(report.int8)
    assert all(node.input[1] in half for node in steps)
    theirs = answers(tower, calibration.batches)
    assert cosines(answers(rounded(graph), calibration.batches), theirs).min() > 0.99


@installed
def test_layers_that_cost_too_much_are_spared(
    tower: ModelProto, calibration: Calibration, int8: tuple[ModelProto, ModelOptReport]
) -> None:
    graph, batches = int8[0], calibration.batches
    theirs = answers(tower, batches)
    low, _ = quantised(graph)
    assert spare(graph, theirs, batches, floor=0.9).layers == ()
    spoiled = with_wrong_scales(graph, low[1])
    assert cosines(answers(spoiled, batches), theirs).min() < 0.97
    spared = spare(spoiled, theirs, batches, floor=0.99)
    assert spared.layers == (low[1],)
    assert quantised(spared.graph)[0] == [low[0]]
    assert cosines(answers(spared.graph, batches), theirs).min() > 0.99


@installed
def test_a_layer_taken_out_leaves_no_steps_behind(tower: ModelProto, int8: tuple[ModelProto, ModelOptReport]) -> None:
    graph = int8[0]
    low, high = quantised(graph)
    fewer = without(graph, low[:1])
    onnx.checker.check_model(fewer, full_check=True)
    assert quantised(fewer) == (low[1:], sorted([*high, low[0]], key=[n.name for n in fewer.graph.node].index))
    none = without(graph, low)
    assert not any(node.op_type == "QuantizeLinear" for node in none.graph.node)


def with_wrong_scales(graph: ModelProto, layer: str) -> ModelProto:
    """Every channel of one layer's weights dequantised by a wrong factor of its own."""
    copy = ModelProto()
    copy.CopyFrom(graph)
    makers = {name: node for node in copy.graph.node for name in node.output}
    step = makers[next(node.input[1] for node in copy.graph.node if node.name == layer)]
    scales = next(numpy_helper.to_array(t) for t in copy.graph.initializer if t.name == step.input[1])
    wrong = (scales * np.geomspace(0.1, 10, scales.size)).astype(np.float32)
    copy.graph.initializer.append(numpy_helper.from_array(wrong, "wrong"))
    step.input[1] = "wrong"
    return copy


def test_a_missing_environment_says_how_to_make_it(tower: ModelProto, calibration: Calibration, tmp_path: Path) -> None:
    with pytest.raises(ModelOptFailed, match="`make modelopt`"):
        quantise(tower, calibration, "modelopt-max", python=tmp_path / "none")


def test_a_failing_worker_is_quoted(
    tower: ModelProto, calibration: Calibration, interpreter: Callable[[str], Path]
) -> None:
    python = interpreter("echo loading; echo 'ImportError: no modelopt' >&2; exit 3")
    with pytest.raises(ModelOptFailed, match=r"exit status 3:\n  loading\n  ImportError: no modelopt"):
        quantise(tower, calibration, "modelopt-max", python=python)


def test_a_worker_that_takes_too_long_is_stopped(tmp_path: Path, interpreter: Callable[[str], Path]) -> None:
    with pytest.raises(ModelOptFailed, match=r"longer than 0\.2 s"):
        run_worker({}, tmp_path, python=interpreter("exec sleep 20"), timeout=0.2)


def test_a_worker_without_an_answer_has_failed(tmp_path: Path, interpreter: Callable[[str], Path]) -> None:
    with pytest.raises(ModelOptFailed, match="it said nothing"):
        run_worker({}, tmp_path, python=interpreter("exit 0"), timeout=20)


def test_an_interpreter_that_cannot_start_is_told(tmp_path: Path) -> None:
    python = tmp_path / "python"
    python.write_text("not a program")
    with pytest.raises(ModelOptFailed, match="cannot be started"):
        run_worker({}, tmp_path, python=python, timeout=20)


def test_a_graph_that_is_not_valid_is_refused(
    tower: ModelProto, calibration: Calibration, interpreter: Callable[[str], Path]
) -> None:
    folder = '"$(dirname "$3")"'
    python = interpreter(f"""echo '{{"modelopt": "0", "seconds": 1}}' > {folder}/answer.json""")
    with pytest.raises(ModelOptFailed, match="wrote no valid graph"):
        quantise(tower, calibration, "modelopt-max", python=python)


def test_a_graph_without_int8_layers_is_refused(
    tower: ModelProto, calibration: Calibration, interpreter: Callable[[str], Path]
) -> None:
    folder = '"$(dirname "$3")"'
    answer = f"""echo '{{"modelopt": "0", "seconds": 1}}' > {folder}/answer.json"""
    python = interpreter(f"cp {folder}/source.onnx {folder}/int8.onnx; {answer}")
    with pytest.raises(ModelOptFailed, match="left every layer as it was"):
        quantise(tower, calibration, "modelopt-max", python=python)


def test_an_unknown_recipe_is_told_with_those_there_are(tower: ModelProto, calibration: Calibration) -> None:
    with pytest.raises(ValueError, match="modelopt-max, modelopt-entropy, modelopt-max-spared, got 'fast'"):
        quantise(tower, calibration, "fast")
