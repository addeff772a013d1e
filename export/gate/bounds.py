"""What each precision is asked for where ``towers.toml`` does not say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, replace
from types import MappingProxyType

from export.gate.values import Bounds
from export.precision.candidates import PRECISIONS

# FP32 is bounded too: it goes through the served preprocessing, which the reference does not share.
DEFAULT_BOUNDS: Mapping[str, Bounds] = MappingProxyType(
    {
        "fp32": Bounds(cosine_min=0.9999, recall_at_10=0.999),
        "fp16": Bounds(cosine_min=0.999, recall_at_10=0.995),
        "int8": Bounds(cosine_p01=0.98, recall_at_10=0.97),
    }
)


def bounds_for(precision: str, asked: Mapping[str, float] | None = None) -> Bounds:
    """The bounds of a precision.

    Args:
        precision: One of ``PRECISIONS``.
        asked: By name, those that go before the default.

    Raises:
        ValueError: The precision or a name is not known, or a bound is out of its range.
    """
    if precision not in DEFAULT_BOUNDS:
        raise ValueError(f"`precision` must be one of {', '.join(PRECISIONS)}, got {precision!r}")
    known = [one.name for one in fields(Bounds)]
    unknown = sorted(set(asked or {}) - set(known))
    if unknown:
        raise ValueError(f"`{unknown[0]}` is no bound; allowed: {', '.join(known)}")
    return replace(DEFAULT_BOUNDS[precision], **(asked or {}))
