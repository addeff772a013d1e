"""What a report tells."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from loadtest.arrivals.measured import Measured
from loadtest.knee import Knee
from loadtest.metrics.steps import StepOverTime
from loadtest.slo import Verdict


@dataclass(frozen=True)
class Report:
    """A load.

    Args:
        title: What was done.
        measured: What it came to; of a search for the knee, at the highest rate that was carried.
        verdicts: On what was promised; empty where nothing was.
        steps: What each of the server's steps took, by its own metrics.
        environment: Date, machine, versions, what was sent.
        notes: What a reader must know besides, in sentences.
        knee: Where one was searched for.
    """

    title: str
    measured: Measured
    verdicts: tuple[Verdict, ...] = ()
    steps: tuple[StepOverTime, ...] = ()
    environment: Mapping[str, str] | None = None
    notes: tuple[str, ...] = ()
    knee: Knee | None = None

    @property
    def kept(self) -> bool:
        """Whether all promises were kept."""
        return all(verdict.kept for verdict in self.verdicts)

    def to_dict(self) -> dict[str, Any]:
        """Everything, ready for JSON."""
        steps = {
            step.name: {"mean_ms": step.whole.mean_ms, "queue_ms": step.whole.queue_ms, "batch": step.whole.batch}
            for step in self.steps
        }
        told = {
            "format": 1, "title": self.title, **self.measured.to_dict(),
            "slo": [asdict(verdict) for verdict in self.verdicts], "kept": self.kept if self.verdicts else None,
            "steps": steps, "environment": dict(self.environment or {}), "notes": self.notes,
            "knee": None if self.knee is None else asdict(self.knee),
        }  # fmt: skip
        finite: dict[str, Any] = _finite(told)
        return finite


def _finite(value: Any) -> Any:
    """The same without NaN, which JSON does not have."""
    if isinstance(value, dict):
        return {name: _finite(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(one) for one in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
