"""Graphs with 8-bit convolutions: what they answer, and which kernels run them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from onnx import ModelProto

from export.errors import PrecisionFailed
from export.precision.calibration import Calibration
from export.precision.convolutions.layers import convolutions
from export.precision.convolutions.recipe import RECIPES, Study, quantise_convolutions, study
from export.precision.convolutions.sensitivity import to_spare, work_of
from export.precision.halves.view import view_of
from tests import tiny
from tests.export.precision import pictures as small


@pytest.fixture(scope="module")
def graph() -> ModelProto:
    return small.tower()


@pytest.fixture(scope="module")
def found(graph: ModelProto) -> Study:
    made = study(graph, small.calibration())
    assert made is not None
    return made


def test_answers_are_those_of_the_fp32_graph(graph: ModelProto, found: Study) -> None:
    pixels = small.pictures(32)
    assert small.cosines(small.answers(found.quantised(), pixels), small.answers(graph, pixels)).min() > 0.995


def test_the_graph_that_came_is_left_alone_and_its_surface_is_kept(graph: ModelProto, found: Study) -> None:
    before = graph.SerializeToString()
    made = found.quantised()
    assert graph.SerializeToString() == before
    assert [one.SerializeToString() for one in made.graph.output] == [
        one.SerializeToString() for one in graph.graph.output
    ]
    assert made.graph.input[0].name == "PIXELS"


def test_codes_stay_codes_from_the_pixels_to_the_last_convolution(found: Study, tmp_path: Path) -> None:
    ran = small.kernels(found.quantised(), tmp_path)
    assert ran.count("QLinearConv") == len(small.SHAPES)
    assert ran.count("QLinearAdd") == 2
    assert ran.count("DequantizeLinear") == 1
    assert not {"QuantizeLinear", "Conv", "FusedConv", "Relu", "Clip", "Cast", "Mul", "Add"} & set(ran)


def test_a_picture_is_answered_the_same_alone_and_among_others(found: Study) -> None:
    made, pixels = found.quantised(), small.pictures(8)
    alone = np.concatenate([small.answers(made, pixels[at : at + 1]) for at in range(len(pixels))])
    np.testing.assert_array_equal(small.answers(made, pixels), alone)


def test_ranges_follow_the_calibration_inputs(graph: ModelProto, found: Study) -> None:
    grey = Calibration([{"PIXELS": np.full((8, 16, 16, 3), 127, np.uint8)}])
    other = quantise_convolutions(graph, grey)
    assert other is not None
    pixels = small.pictures(32)
    truth = small.answers(graph, pixels)
    ours, theirs = (small.cosines(small.answers(one, pixels), truth).mean() for one in (found.quantised(), other))
    assert theirs < ours - 0.01


@pytest.mark.parametrize("spared", [0, 1, 2, 3, 4, 5])
def test_spared_convolutions_are_not_rounded_by_the_runtime(graph: ModelProto, found: Study, spared: int) -> None:
    made = found.quantised([convolutions(view_of(graph))[spared]])
    pixels = small.pictures(16)
    ours = small.answers(made, pixels)
    assert small.cosines(ours, small.answers(made, pixels, optimised=False)).min() > 0.9995
    assert small.cosines(ours, small.answers(graph, pixels)).min() > 0.995


def test_with_all_convolutions_spared_the_answers_are_exact(graph: ModelProto, found: Study) -> None:
    pixels = small.pictures(8)
    np.testing.assert_allclose(
        small.answers(found.quantised(convolutions(view_of(graph))), pixels),
        small.answers(graph, pixels),
        rtol=1e-4,
        atol=1e-5,
    )


def test_what_is_spared_stays_within_its_share_of_the_work(found: Study) -> None:
    work = work_of(found)
    names = to_spare(found, small.calibration(), share=0.5)
    assert names
    assert sum(work[name] for name in names) <= 0.5 * sum(work.values())
    assert to_spare(found, small.calibration(), share=0.0) == []


@pytest.mark.parametrize("name", sorted(RECIPES))
def test_recipes_answer_nothing_where_there_are_no_convolutions(name: str) -> None:
    assert RECIPES[name](tiny.vision_tower(), small.calibration()) is None


@pytest.mark.parametrize("name", sorted(RECIPES))
def test_recipes_are_faithful(name: str, graph: ModelProto) -> None:
    made = RECIPES[name](graph, small.calibration())
    assert made is not None
    pixels = small.pictures(16)
    assert small.cosines(small.answers(made, pixels), small.answers(graph, pixels)).min() > 0.995


def test_an_old_opset_is_refused() -> None:
    graph = small.tower()
    graph.opset_import[0].version = 13
    with pytest.raises(PrecisionFailed, match="opset 13"):
        study(graph, small.calibration())


def test_calibration_inputs_of_another_size_are_refused(graph: ModelProto) -> None:
    wrong = Calibration([{"PIXELS": np.zeros((1, 8, 8, 3), np.uint8)}])
    with pytest.raises(PrecisionFailed, match=r"PIXELS \(1, 8, 8, 3\)"):
        study(graph, wrong)
