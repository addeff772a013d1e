"""The least and largest value of each channel on real inputs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from onnx import ModelProto

from export.errors import PrecisionFailed
from export.precision.calibration import Calibration
from export.precision.running import answering, run_all
from export.reference import Array, Floats, token_mask


@dataclass(frozen=True)
class Extremes:
    """Over all inputs and places.

    Args:
        low: ``(channels,)``.
        high: ``(channels,)``.
    """

    low: Floats
    high: Floats


def extremes(model: ModelProto, names: Sequence[str], calibration: Calibration) -> dict[str, Extremes]:
    """Extremes of values whose last axis is their channels; padding of texts is left out, since nothing looks at it.

    Args:
        model: The graph.
        names: Float values of it.
        calibration: Real inputs.

    Raises:
        PrecisionFailed: The graph cannot be run on them, or answers with values that are not finite.
        BadSource: ONNX Runtime cannot load the graph.
    """
    if not names:
        return {}
    found: dict[str, Extremes] = {}
    for batch, values in run_all(answering(model, names), names, calibration):
        for name, value in zip(names, values, strict=True):
            found[name] = _wider(found.get(name), _rows(value, batch), name)
    return found


def _rows(value: Floats, batch: Mapping[str, Array]) -> Floats:
    """``(places, channels)`` without padding."""
    ids = batch.get("INPUT_IDS")
    if ids is None or value.shape[:2] != ids.shape:
        return value.reshape(-1, value.shape[-1])
    rows: Floats = value[token_mask(batch["LENGTHS"], ids.shape[1]).astype(bool)]
    return rows


def _wider(before: Extremes | None, rows: Floats, name: str) -> Extremes:
    low, high = rows.min(axis=0), rows.max(axis=0)
    if not (np.isfinite(low).all() and np.isfinite(high).all()):
        raise PrecisionFailed(f"value {name!r} is not finite on calibration inputs")
    if before is None:
        return Extremes(low, high)
    return Extremes(np.minimum(before.low, low), np.maximum(before.high, high))
