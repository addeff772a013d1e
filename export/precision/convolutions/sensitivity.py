"""Which convolutions are worth their time in FP32."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import numpy as np
from onnx import ModelProto

from export.precision.calibration import Calibration
from export.precision.convolutions.layers import convolutions, layers_of
from export.precision.convolutions.ranges import Measured
from export.precision.convolutions.rounding import constants
from export.precision.halves.view import view_of
from export.reference import Array, Floats
from export.runtime import session_of

# Share of the work of all convolutions that may stay FP32.
SHARE = 0.2
# Inputs that layers are ranked on, a run of the graph for each layer.
RANKED = 8
# To turn a number into a code or back takes as long as so many multiply-adds in FP32 (AVX2: 0.35 and 0.035 ns).
CONVERSION = 10


class Quantisable(Protocol):
    """A graph that can be made with some of its convolutions in FP32."""

    @property
    def graph(self) -> ModelProto:
        """The FP32 graph."""

    @property
    def measured(self) -> Mapping[str, Measured]:
        """Its values."""

    def quantised(self, spared: list[str]) -> ModelProto:
        """The graph with these convolutions in FP32 and all others in 8 bits."""


def to_spare(study: Quantisable, calibration: Calibration, *, share: float = SHARE) -> list[str]:
    """Names of the convolutions to leave in FP32, the most worthwhile first.

    Each works in 8 bits alone once: to spare it is worth the error that this makes, for the work that it costs. (With
    all others in 8 bits too, what one of them changes drowns in how their roundings fall.)

    Args:
        study: The graph.
        calibration: Real inputs; the first few are used.
        share: Of the work of all convolutions, what may stay FP32.
    """
    inputs = few(calibration)
    truth = _answers(study.graph, inputs)
    work = work_of(study)
    worth = {
        name: error(study.quantised([one for one in work if one != name]), inputs, truth) / work[name] for name in work
    }
    left, found = share * sum(work.values()), []
    for name in sorted(work, key=lambda one: -worth[one]):
        if work[name] <= left:
            found.append(name)
            left -= work[name]
    return found


def work_of(study: Quantisable) -> dict[str, float]:
    """Multiply-adds of each convolution for one input, and what the way to FP32 and back costs."""
    view = view_of(study.graph)
    layers = layers_of(view)
    found: dict[str, float] = {}
    for name in convolutions(view):
        read, made = (study.measured[one] for one in (layers[name].inputs[0], layers[name].output))
        weights, _ = constants(view, layers[name].node)
        found[name] = weights.size * made.places + CONVERSION * (read.size + made.size)
    return found


def few(calibration: Calibration) -> dict[str, Array]:
    """The first inputs in one batch."""
    names = calibration.batches[0]
    batches = calibration.batches
    return {name: np.concatenate([batch[name] for batch in batches[:RANKED]])[:RANKED] for name in names}


def error(graph: ModelProto, inputs: Mapping[str, Array], truth: Floats) -> float:
    """1 less the mean cosine of a graph's answers to the true ones."""
    answers = _answers(graph, inputs)
    sizes = np.linalg.norm(answers, axis=1) * np.linalg.norm(truth, axis=1)
    return float(1 - ((answers * truth).sum(axis=1) / np.maximum(sizes, 1e-12)).mean())


def _answers(graph: ModelProto, inputs: Mapping[str, Array]) -> Floats:
    session = session_of(graph, source="the graph whose layers are ranked")
    answers: Floats = session.run(None, dict(inputs))[0]
    return answers
