"""Where each tower stands: quality, latency and size, and whether any other beats it in all three."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from export.compare.evaluation import Quality
from export.compare.metrics import METRICS
from export.compare.pareto import front


@dataclass(frozen=True)
class Standing:
    """One towers file, asked queries of one kind.

    Args:
        towers: Its name.
        kind: ``text`` or ``image``; latency and size are those of the tower that takes such queries.
        quality: Means by metric.
        standard_error: Of each mean, by metric.
        queries: How many there were.
        ms_b1: Median milliseconds of a run of one input, one thread.
        ms_b32: The same for a batch of 32.
        bytes: Of the graph.
    """

    towers: str
    kind: str
    quality: Mapping[str, float]
    standard_error: Mapping[str, float]
    queries: int
    ms_b1: float
    ms_b32: float
    bytes: int

    def __post_init__(self) -> None:
        if tuple(self.quality) != METRICS:
            raise ValueError(f"`quality` must have {', '.join(METRICS)}, got {', '.join(self.quality)}")

    @classmethod
    def of(cls, towers: str, kind: str, found: Quality, milliseconds: Mapping[int, float], graph: Path) -> Standing:
        """Put together what was measured.

        Args:
            towers: Name of the towers file.
            kind: Kind of the queries.
            found: Their quality.
            milliseconds: By batch.
            graph: The ONNX file.
        """
        return cls(
            towers=towers,
            kind=kind,
            quality={name: round(value, 4) for name, value in found.means.items()},
            standard_error={name: round(value, 4) for name, value in found.errors.items()},
            queries=found.queries,
            ms_b1=round(milliseconds[1], 3),
            ms_b32=round(milliseconds[32], 3),
            bytes=graph.stat().st_size,
        )


def on_front(standings: Sequence[Standing], metric: str) -> list[bool]:
    """Which standings no other one beats in ``metric``, milliseconds of one input, and bytes; each kind on its own.

    Raises:
        ValueError: There is no such metric.
    """
    if metric not in METRICS:
        raise ValueError(f"`metric` must be one of {', '.join(METRICS)}, got {metric!r}")
    marked = [False] * len(standings)
    for kind in {standing.kind for standing in standings}:
        places = [place for place, standing in enumerate(standings) if standing.kind == kind]
        chosen = [standings[place] for place in places]
        costs = np.array([[-one.quality[metric], one.ms_b1, one.bytes] for one in chosen])
        for place, mark in zip(places, front(costs).tolist(), strict=True):
            marked[place] = mark
    return marked


def write_json(path: Path, standings: Sequence[Standing], metric: str, facts: Mapping[str, object]) -> None:
    """Write the standings with their mark, and what else is known of the run."""
    rows = [
        asdict(standing) | {"on_front": mark}
        for standing, mark in zip(standings, on_front(standings, metric), strict=True)
    ]
    content = {"front_by": [metric, "ms_b1", "bytes"], "standings": rows, **facts}
    path.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", "utf-8")
