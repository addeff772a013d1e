"""Small convolutional towers with what goes wrong in 8 bits, and how to run them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime as ort
from numpy.typing import NDArray
from onnx import ModelProto, numpy_helper, parser

from export.precision.calibration import Calibration
from export.reference import Floats

SIDE = 16
HEADER = '<ir_version: 8, opset_import: ["" : 17]>\n'
# A stem, a block of three with a residual sum (its middle depthwise), a pooling, a block with ReLU after the sum.
TOWER = """
tower (uint8[batch, 16, 16, 3] PIXELS) => (float[batch, 24] IMAGE_VECTOR)
<float low = {0.0}, float high = {6.0}>
{
    real = Cast <to = 1> (PIXELS)
    scaled = Mul (real, scale)
    normal = Add (scaled, shift)
    planes = Transpose <perm = [0, 3, 1, 2]> (normal)
    stem = Conv <pads = [1, 1, 1, 1], strides = [2, 2]> (planes, w0, b0)
    a0 = Clip (stem, low, high)
    wide = Conv (a0, w1, b1)
    a1 = Clip (wide, low, high)
    deep = Conv <pads = [1, 1, 1, 1], group = 32> (a1, w2, b2)
    a2 = Clip (deep, low, high)
    back = Conv (a2, w3, b3)
    sum = Add (a0, back)
    pooled = MaxPool <kernel_shape = [2, 2], strides = [2, 2]> (sum)
    next = Conv <pads = [1, 1, 1, 1]> (pooled, w4, b4)
    a3 = Relu (next)
    both = Add (pooled, a3)
    a4 = Relu (both)
    last = Conv (a4, w5)
    a5 = Relu (last)
    mean = GlobalAveragePool (a5)
    IMAGE_VECTOR = Flatten (mean)
}
"""
SHAPES = ((16, 3, 3, 3), (32, 16, 1, 1), (32, 1, 3, 3), (16, 32, 1, 1), (16, 16, 3, 3), (24, 16, 1, 1))
LAYERS = 9  # six convolutions, two sums, one pooling
EQUAL = ((1 / 127.5,) * 3, (-1.0,) * 3)
IMAGENET = (
    tuple(1 / 255 / s for s in (0.229, 0.224, 0.225)),
    tuple(-m / s for m, s in zip((0.485, 0.456, 0.406), (0.229, 0.224, 0.225), strict=True)),
)


def tower(normalisation: tuple[Any, Any] = EQUAL, seed: int = 0) -> ModelProto:
    """The tower with random weights; one channel of the widest layer is dead but for its bias."""
    generator = np.random.default_rng(seed)
    model = parser.parse_model(HEADER + TOWER)
    for at, shape in enumerate(SHAPES):
        weights = generator.normal(size=shape) * np.sqrt(2 / np.prod(shape[1:]))
        bias = generator.normal(size=shape[0]) * 0.2
        if at == 1:
            weights[3], bias[3] = 0, 2.5
        _store(model, f"w{at}", weights)
        if at < 5:
            _store(model, f"b{at}", bias)
    _store(model, "scale", np.array(normalisation[0]))
    _store(model, "shift", np.array(normalisation[1]))
    return model


def stem(weights: NDArray[Any], normalisation: tuple[Any, Any], padding: int) -> ModelProto:
    """One convolution on pixels."""
    model = parser.parse_model(
        HEADER
        + f"""
        stem (uint8[batch, 16, 16, 3] PIXELS) => (float[batch, outputs, height, width] IMAGE_VECTOR)
        {{
            real = Cast <to = 1> (PIXELS)
            scaled = Mul (real, scale)
            normal = Add (scaled, shift)
            planes = Transpose <perm = [0, 3, 1, 2]> (normal)
            IMAGE_VECTOR = Conv <pads = [{padding}, {padding}, {padding}, {padding}]> (planes, w)
        }}
        """
    )
    _store(model, "w", weights)
    _store(model, "scale", np.array(normalisation[0]))
    _store(model, "shift", np.array(normalisation[1]))
    return model


def pictures(rows: int, seed: int = 1) -> NDArray[np.uint8]:
    """``(rows, 16, 16, 3)`` smooth pictures of all brightnesses."""
    generator = np.random.default_rng(seed)
    coarse = generator.integers(0, 256, (rows, 4, 4, 3))
    noise = generator.integers(-12, 13, (rows, SIDE, SIDE, 3))
    return np.clip(coarse.repeat(4, axis=1).repeat(4, axis=2) + noise, 0, 255).astype(np.uint8)


def calibration(rows: int = 32) -> Calibration:
    """Other pictures of the same kind, eight a batch."""
    taken = pictures(rows, seed=2)
    return Calibration([{"PIXELS": taken[at : at + 8]} for at in range(0, rows, 8)])


def answers(model: ModelProto, pixels: NDArray[np.uint8], *, optimised: bool = True) -> Floats:
    """What a graph answers, with all of ONNX Runtime's optimisations or with none."""
    options = ort.SessionOptions()
    options.log_severity_level = 3
    level = ort.GraphOptimizationLevel
    options.graph_optimization_level = level.ORT_ENABLE_ALL if optimised else level.ORT_DISABLE_ALL
    session = ort.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    found: Floats = session.run(None, {"PIXELS": pixels})[0]
    return found


def kernels(model: ModelProto, folder: Path) -> list[str]:
    """The operators that ONNX Runtime makes of a graph."""
    options = ort.SessionOptions()
    options.log_severity_level = 3
    options.optimized_model_filepath = str(folder / "optimised.onnx")
    ort.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    return [node.op_type for node in onnx.load(options.optimized_model_filepath).graph.node]


def cosines(ours: Floats, theirs: Floats) -> Floats:
    """``(rows,)``."""
    ours, theirs = ours.reshape(len(ours), -1), theirs.reshape(len(theirs), -1)
    found: Floats = (ours * theirs).sum(axis=1) / np.linalg.norm(ours, axis=1) / np.linalg.norm(theirs, axis=1)
    return found


def _store(model: ModelProto, name: str, values: NDArray[Any]) -> None:
    model.graph.initializer.append(numpy_helper.from_array(values.astype(np.float32), name))
