"""Each convolution's weights and bias in integers, on the steps of what it reads."""

from __future__ import annotations

import numpy as np
from onnx import NodeProto

from export.precision.convolutions.layers import Layer
from export.precision.convolutions.pixels import Pixels
from export.precision.convolutions.ranges import Measured, Steps
from export.precision.convolutions.weights import Weights, in_steps, quantise
from export.precision.halves.view import View
from export.reference import Floats


def rounded(view: View, layer: Layer, steps: Steps, measured: Measured, pixels: Pixels | None) -> Weights:
    """Weights of a convolution, with a bias that answers for what rounding them changes on average.

    The remedy of Nagel et al. 2019 (arXiv:1906.04721, section 4.2), with measured means: a channel whose weights were
    rounded up on the whole answers too much by the mean of its inputs times the sum of the differences.

    Args:
        view: The FP32 graph.
        layer: A convolution.
        steps: Of what it reads.
        measured: What it reads.
        pixels: How it reads bytes, if it does.
    """
    weights, bias = constants(view, layer.node)
    means = measured.means
    if pixels is not None:
        weights, bias = pixels.fold(weights, bias)
        means = pixels.means(means)
    depthwise = weights.shape[1] == 1 and len(means) > 1
    found = quantise(weights, bias, steps.scale, depthwise=depthwise)
    corrected = bias + _shift(weights - found.values, means)
    return Weights(found.codes, found.scales, in_steps(corrected, found.scales, steps.scale))


def constants(view: View, node: NodeProto) -> tuple[Floats, Floats]:
    """``(outputs, inputs / groups, ...)`` weights and ``(outputs,)`` bias of a ``Conv``."""
    weights = view.constants[node.input[1]]
    has_bias = len(node.input) > 2 and node.input[2]
    return weights, view.constants[node.input[2]] if has_bias else np.zeros(len(weights), np.float32)


def _shift(differences: Floats, means: Floats) -> Floats:
    """``(outputs,)``: what differences of the weights make on average, with ``(inputs,)`` means of the inputs."""
    outputs, width = differences.shape[:2]
    groups = len(means) // width
    sums = differences.sum(axis=tuple(range(2, differences.ndim))).reshape(groups, -1, width)
    shift: Floats = np.einsum("goi,gi->go", sums, means.reshape(groups, width)).reshape(outputs)
    return shift.astype(np.float32)
