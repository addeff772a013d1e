"""How large values become on real inputs, and the 8-bit steps that fit them best."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from onnx import ModelProto

from export.errors import PrecisionFailed
from export.precision.calibration import Calibration
from export.precision.running import answering, run_all
from export.reference import Array, Floats

LEVELS = 255
# Values kept of each tensor to choose its range by; enough for one in a thousand to be seen 50 times.
KEPT = 50_000
# Shares of the measured range that are tried.
SHARES = tuple(np.linspace(1.0, 0.4, 25))


@dataclass(frozen=True)
class Steps:
    """Affine 8-bit codes: a value is ``scale * (code - zero)``.

    Args:
        scale: One step.
        zero: The code of 0.
    """

    scale: float
    zero: int


@dataclass(frozen=True)
class Measured:
    """What a tensor held on real inputs.

    Args:
        low: ``(channels,)`` least value of each channel.
        high: ``(channels,)`` largest value of each channel.
        means: ``(channels,)`` mean of each channel.
        sample: ``(channels, kept)`` some of the values.
        places: Values of one channel for one input.
    """

    low: Floats
    high: Floats
    means: Floats
    sample: Floats
    places: int

    @property
    def size(self) -> int:
        """Numbers for one input."""
        return self.places * len(self.means)


def measure(model: ModelProto, names: Sequence[str], calibration: Calibration) -> dict[str, Measured]:
    """Measure values of a graph on all batches.

    Args:
        model: FP32; left as it is.
        names: Of the values, ``(batch, channels, ...)`` each.
        calibration: Real inputs.

    Raises:
        PrecisionFailed: The graph cannot be run on them, or answers with values that are not finite.
        BadSource: ONNX Runtime cannot load the graph.
    """
    each = max(1, KEPT // len(calibration.batches))
    parts: dict[str, list[Measured]] = {name: [] for name in names}
    for _, values in run_all(answering(model, names), names, calibration):
        for name, value in zip(names, values, strict=True):
            parts[name].append(_measured(name, value, each))
    rows = [len(next(iter(batch.values()))) for batch in calibration.batches]
    return {name: _joined(found, rows) for name, found in parts.items()}


def steps_between(low: float, high: float) -> Steps:
    """The finest codes that reach from ``low`` to ``high``, with 0 among them."""
    low, high = min(low, 0.0), max(high, 0.0)
    scale = max((high - low) / LEVELS, float(np.finfo(np.float32).tiny) * 2**24)
    return Steps(float(np.float32(scale)), int(np.clip(round(-low / scale), 0, LEVELS)))


def best_steps(measured: Measured) -> Steps:
    """The codes with the least squared error on the sample: the ends of the range may be cut off for finer steps."""
    low, high = float(measured.low.min()), float(measured.high.max())
    tried = [steps_between(low * share, high * share) for share in SHARES]
    return min(tried, key=lambda steps: _error(measured.sample, steps))


def _error(sample: Floats, steps: Steps) -> float:
    codes = np.clip(np.round(sample / steps.scale) + steps.zero, 0, LEVELS)
    return float(np.square((codes - steps.zero) * steps.scale - sample).mean())


def _measured(name: str, value: Array, keep: int) -> Measured:
    channels = value.swapaxes(0, 1).reshape(value.shape[1], -1)
    if not np.isfinite(channels).all():
        raise PrecisionFailed(f"value {name!r} is not finite on calibration inputs")
    # An odd stride walks through all columns of a picture, whose width is even.
    stride = max(1, channels.size // keep) | 1
    sample = channels[:, ::stride].copy()
    places = channels.shape[1] // len(value)
    return Measured(channels.min(axis=1), channels.max(axis=1), channels.mean(axis=1), sample, places)


def _joined(parts: Sequence[Measured], rows: Sequence[int]) -> Measured:
    return Measured(
        np.min([part.low for part in parts], axis=0),
        np.max([part.high for part in parts], axis=0),
        np.average([part.means for part in parts], axis=0, weights=rows).astype(np.float32),
        np.concatenate([part.sample for part in parts], axis=1),
        max(part.places for part in parts),
    )
