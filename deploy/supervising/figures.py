"""The figures that a release was let through with."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ensemble.release import Manifest

# Of the candidate that was chosen for a tower; the manifest has more.
SHOWN = ("recall_at_10", "recall_at_100", "cosine_mean", "cosine_p01", "latency_ms_b1", "latency_ms_b32", "bytes")
_DIFFERENCES = {"text": "text_max_abs_diff", "vision": "image_max_abs_diff"}


@dataclass(frozen=True)
class GateFigure:
    """One figure.

    Args:
        tower: ``text`` or ``vision``.
        name: As the manifest has it; ``max_abs_diff`` is that of the served graph from its source.
        value: In the unit of its name.
    """

    tower: str
    name: str
    value: float


def gate_figures(manifest: Manifest) -> Iterator[GateFigure]:
    """What the manifest knows of both towers; a release that nobody judged has differences alone."""
    for tower, name in _DIFFERENCES.items():
        if name in manifest.figures:
            yield GateFigure(tower, "max_abs_diff", float(manifest.figures[name]))
    for tower, decision in manifest.towers.items():
        chosen = _chosen(decision)
        for name in SHOWN:
            value = chosen.get(name)
            if isinstance(value, int | float):
                yield GateFigure(tower, name, float(value))


def _chosen(decision: Mapping[str, Any]) -> Mapping[str, Any]:
    wanted = decision.get("chosen"), decision.get("recipe")
    candidates: list[Mapping[str, Any]] = decision.get("candidates", [])
    return next((one for one in candidates if (one.get("precision"), one.get("recipe")) == wanted), {})
