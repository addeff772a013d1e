"""Small graphs in which FP16 goes wrong, and how to run them."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from onnx import ModelProto, numpy_helper, parser

from export.precision.calibration import Calibration
from export.reference import Array, Floats
from export.runtime import session_of

WIDTH = 32
HEADER = '<ir_version: 8, opset_import: ["" : 18]>\n'
# Decomposed as old exporters do: the squares of values of 400 are beyond FP16.
LAYER_NORM = """
tower (float[batch, tokens, 32] STATES) => (float[batch, tokens, 32] VECTOR)
<float eps = {0.00001}, float two = {2.0}, int64[1] last = {-1}>
{
    wide = MatMul (STATES, weight)
    mean = ReduceMean (wide, last)
    off = Sub (wide, mean)
    square = Pow (off, two)
    variance = ReduceMean (square, last)
    safe = Add (variance, eps)
    deviation = Sqrt (safe)
    normal = Div (off, deviation)
    VECTOR = MatMul (normal, weight)
}
"""
# A mean over 300 tokens of 300 each: the sum is 90 000.
POOLING = """
tower (float[batch, tokens, 32] STATES) => (float[batch, 32] VECTOR)
<int64[1] middle = {1}, int64[1] last = {-1}, float least = {0.000001}>
{
    wide = MatMul (STATES, weight)
    pooled = ReduceMean <keepdims = 0> (wide, middle)
    square = Mul (pooled, pooled)
    total = ReduceSum <keepdims = 1> (square, last)
    norm = Sqrt (total)
    bound = Max (norm, least)
    VECTOR = Div (pooled, bound)
}
"""
MASK = """
tower (float[batch, tokens, 32] STATES, int32[batch, 1] LENGTHS) => (float[batch, tokens, 32] VECTOR)
<int64[1] middle = {1}, int64 zero = {0}, int64 one = {1}, float whole = {1.0}, float lowest = {-3.4e38}>
{
    shape = Shape <start = 1, end = 2> (STATES)
    tokens_ = Squeeze (shape)
    places = Range (zero, tokens_, one)
    lengths = Cast <to = 7> (LENGTHS)
    real = Less (places, lengths)
    mask = Cast <to = 1> (real)
    padding = Sub (whole, mask)
    added = Mul (padding, lowest)
    row = Unsqueeze (added, middle)
    turned = Transpose <perm = [0, 2, 1]> (STATES)
    scores = MatMul (STATES, turned)
    masked = Add (scores, row)
    weights = Softmax <axis = -1> (masked)
    VECTOR = MatMul (weights, STATES)
}
"""


def graph(text: str, **weights: Array) -> ModelProto:
    """A parsed graph with these weights, and a ``weight`` of ``(32, 32)``, close to the identity."""
    model = parser.parse_model(HEADER + text)
    near = np.eye(WIDTH) + 0.01 * np.random.default_rng(3).normal(size=(WIDTH, WIDTH))
    for name, values in ({"weight": near} | weights).items():
        model.graph.initializer.append(numpy_helper.from_array(values.astype(np.float32), name))
    return model


def states(batch: int, tokens: int, *, mean: float = 0, spread: float = 1) -> NDArray[np.float32]:
    """``(batch, tokens, 32)``."""
    drawn = np.random.default_rng(4).normal(mean, spread, (batch, tokens, WIDTH))
    return drawn.astype(np.float32)


def calibration(**inputs: Array) -> Calibration:
    return Calibration([inputs])


def run(model: ModelProto, inputs: Mapping[str, Array]) -> Floats:
    answer: Floats = session_of(model, source="test").run(None, dict(inputs))[0]
    return answer


def worst_cosine(ours: Floats, theirs: Floats) -> float:
    ours, theirs = ours.reshape(-1, ours.shape[-1]), theirs.reshape(-1, theirs.shape[-1])
    lengths = np.linalg.norm(ours, axis=1) * np.linalg.norm(theirs, axis=1)
    return float(((ours * theirs).sum(axis=1) / lengths).min())
