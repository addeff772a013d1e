"""The products that a request is about: with weights and times, the newest first, each once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ensemble.errors import InvalidInput
from ensemble.tasks.names import AHEAD_S

Doubles = NDArray[np.float64]
History = tuple[tuple[str, ...], Doubles, Doubles | None]


def history_of(
    names: Sequence[str], weights: NDArray[Any] | None, times: NDArray[Any] | None, now_s: float, most: int
) -> History:
    """Put a history in order.

    Args:
        names: Product ids; empty ones pad.
        weights: One for each, pads included; None for equal ones.
        times: Unix seconds, one for each; None where ``names`` are in order already, the newest first.
        now_s: The same of now.
        most: How many count, the newest.

    Returns:
        The ids, the newest first, each once; their weights, where one stands several times the sum; the seconds since
        each was looked at last, or None without times.

    Raises:
        InvalidInput: Lengths differ, a time lies ahead, or of those that count a weight is not finite or none above 0.
    """
    for name, values in (("WEIGHTS", weights), ("TIMES", times)):
        if values is not None and len(values) != len(names):
            raise InvalidInput(name, f"{len(values)} values for {len(names)} products; one each is needed")
    places = [place for place, name in enumerate(names) if name]
    if times is not None:
        _check_times(times[places], now_s)
        places.sort(key=lambda place: -int(times[place]))
    sums: dict[str, float] = {}
    for place in places:
        sums[names[place]] = sums.get(names[place], 0.0) + (1.0 if weights is None else float(weights[place]))
    ids = tuple(sums)[:most]
    totals = np.array([sums[name] for name in ids], np.float64)
    _check_weights(totals, cut=len(ids) < len(sums))
    if times is None:
        return ids, totals, None
    newest = {names[place]: int(times[place]) for place in reversed(places)}
    ages = np.array([max(0.0, now_s - newest[name]) for name in ids], np.float64)
    return ids, totals, ages


def _check_times(times: NDArray[Any], now_s: float) -> None:
    for time in times.tolist():
        if time < 0:
            raise InvalidInput("TIMES", f"{time}; unix seconds of at least 0 are needed")
        if time > now_s + AHEAD_S:
            raise InvalidInput("TIMES", f"{time} lies {time - now_s:,.0f} s ahead of now; at most {AHEAD_S} is allowed")


def _check_weights(weights: Doubles, *, cut: bool) -> None:
    if not len(weights):
        return
    shown = [float(f"{weight:.6g}") for weight in weights[:10].tolist()]
    told = f"{shown}{' and more' if len(weights) > len(shown) else ''}"
    told += f" of the newest {len(weights)} products" if cut else ""
    if not np.isfinite(weights).all():
        raise InvalidInput("WEIGHTS", f"{told} is not finite; finite numbers are needed")
    if not (weights > 0).any():
        what = "all are zero" if not weights.any() else "none is above 0"
        raise InvalidInput("WEIGHTS", f"{told}: {what}; at least one weight above 0 is needed")
