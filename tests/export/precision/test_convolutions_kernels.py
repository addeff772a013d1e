"""8-bit convolutions on weights and pixels that kernels are wrong on: nothing may be cut off on the way."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from onnx import ModelProto, TensorProto, helper, numpy_helper

from export.precision.convolutions.ranges import Measured, best_steps, steps_between
from export.precision.convolutions.recipe import quantise_convolutions
from export.precision.convolutions.weights import LARGEST_BIAS, pairs, quantise
from tests.export.precision import pictures as small


def made_of(graph: ModelProto) -> ModelProto:
    made = quantise_convolutions(graph, small.calibration())
    assert made is not None
    return made


@pytest.mark.parametrize("byte", [0, 1, 127, 254, 255])
@pytest.mark.parametrize("outputs", [8, 16, 24, 33])
@pytest.mark.parametrize("normalisation", [small.EQUAL, small.IMAGENET])
def test_bright_pictures_on_weights_of_one_sign_are_not_cut_off(
    byte: int, outputs: int, normalisation: tuple[Any, Any]
) -> None:
    weights = (
        np.random.default_rng(3).uniform(0.9, 1.0, (outputs, 3, 3, 3))
        * np.where(np.arange(outputs) % 2, 1, -1)[:, None, None, None]
    )
    made = made_of(small.stem(weights, normalisation, 1))
    pixels = np.full((2, 16, 16, 3), byte, np.uint8)
    pixels[1, ::2] = 255 - byte
    step = next(numpy_helper.to_array(one) for one in made.graph.initializer if one.name == "IMAGE_VECTOR/step")
    # Products are exact in both, so they differ in how halves are rounded at most.
    np.testing.assert_allclose(
        small.answers(made, pixels), small.answers(made, pixels, optimised=False), rtol=0, atol=1.01 * float(step)
    )


@pytest.mark.parametrize("shape", [(16, 3, 3, 3), (8, 4, 1, 1), (5, 7, 1, 1), (6, 2, 5, 5)])
def test_neighbours_of_one_sign_fit_16_bits(shape: tuple[int, ...]) -> None:
    generator = np.random.default_rng(5)
    for weights in (generator.normal(size=shape), np.ones(shape), generator.standard_cauchy(shape)):
        codes = quantise(weights.astype(np.float32), np.zeros(shape[0], np.float32), 0.1).codes
        both = pairs(codes.astype(np.int32))
        assert 255 * np.maximum(both, 0).sum(axis=2).max() < 2**15
        assert 255 * np.minimum(both, 0).sum(axis=2).min() >= -(2**15)


def test_depthwise_weights_keep_all_their_bits() -> None:
    weights = np.ones((4, 1, 3, 3), np.float32)
    assert (quantise(weights, np.zeros(4, np.float32), 0.1, depthwise=True).codes == 127).all()


def test_a_plain_convolution_over_one_channel_is_limited_like_any_other() -> None:
    weights = np.ones((4, 1, 3, 3), np.float32)
    assert (quantise(weights, np.zeros(4, np.float32), 0.1).codes <= 64).all()


def test_the_bias_of_a_dead_channel_fits() -> None:
    weights = np.zeros((2, 4, 1, 1), np.float32)
    weights[1] = 1e-12
    found = quantise(weights, np.array([5.0, -5.0], np.float32), 0.01)
    assert np.abs(found.bias).max() <= LARGEST_BIAS
    np.testing.assert_allclose(found.bias * found.scales.astype(np.float64) * 0.01, [5.0, -5.0], rtol=1e-6)


def test_all_zero_weights_without_a_bias_stay_zero() -> None:
    found = quantise(np.zeros((2, 4, 1, 1), np.float32), np.zeros(2, np.float32), 0.01)
    assert not found.codes.any()
    assert not found.bias.any()
    assert (found.scales > 0).all()


@pytest.mark.parametrize("padding", [0, 1, 2])
@pytest.mark.parametrize("normalisation", [small.EQUAL, small.IMAGENET, ((0.02, 0.01, 0.03), (0.5, 0.0, -4.0))])
def test_bytes_are_read_as_normalised_pixels_up_to_the_border(padding: int, normalisation: tuple[Any, Any]) -> None:
    weights = np.random.default_rng(4).normal(size=(16, 3, 3 + 2, 3 + 2))
    graph = small.stem(weights, normalisation, padding)
    made = made_of(graph)
    assert "Cast" not in [node.op_type for node in made.graph.node]
    pixels = small.pictures(8)
    ours, truth = small.answers(made, pixels), small.answers(graph, pixels)
    off = np.abs(ours - truth)
    assert off.mean() < 0.013 * truth.std()
    assert off[:, :, [0, -1]].mean() < 1.25 * off[:, :, 4:-4, 4:-4].mean()


def test_a_picture_that_others_read_too_is_normalised_as_before() -> None:
    graph = small.stem(np.ones((16, 3, 3, 3)), small.EQUAL, 1)
    (node,) = (node for node in graph.graph.node if node.op_type == "Transpose")
    graph.graph.node.add(op_type="Identity", input=node.output, output=["also"])
    graph.graph.output.append(helper.make_tensor_value_info("also", TensorProto.FLOAT, ["batch", 3, 16, 16]))
    assert "Cast" in [node.op_type for node in made_of(graph).graph.node]


def test_steps_reach_both_ends_and_hold_zero() -> None:
    steps = steps_between(-1.0, 3.0)
    assert steps.scale * (0 - steps.zero) == pytest.approx(-1.0, abs=steps.scale)
    assert steps.scale * (255 - steps.zero) == pytest.approx(3.0, abs=steps.scale)
    assert steps_between(0.5, 6.0).zero == 0
    assert steps_between(-2.0, -1.0).zero == 255


def test_a_lonely_outlier_is_cut_off_and_a_crowded_end_is_not() -> None:
    values = np.random.default_rng(6).normal(size=(1, 200_000)).astype(np.float32)
    crowded = best_steps(Measured(values.min(axis=1), values.max(axis=1), values.mean(axis=1), values, 1))
    values[0, 0] = 1000.0
    lonely = best_steps(Measured(values.min(axis=1), values.max(axis=1), values.mean(axis=1), values, 1))
    assert lonely.scale < 1000 / 255
    assert crowded.scale * 255 > 5
