"""Panels, as Grafana's JSON has them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

Shape = Literal["timeseries", "stat", "bargauge", "table"]

SOURCE = {"type": "prometheus", "uid": "${source}"}
_WIDTH, _ACROSS = 24, 3
_HEIGHT = 8


@dataclass(frozen=True)
class Panel:
    """A question that is answered by a graph.

    Args:
        title: The question in a few words.
        queries: PromQL by the legend of what it gives.
        unit: As Grafana knows it; such as ``s``, ``percentunit``, ``reqps``.
        text: What a reader has to know of it.
        shape: How it is drawn.
    """

    title: str
    queries: Mapping[str, str]
    unit: str = "short"
    text: str = ""
    shape: Shape = "timeseries"

    def as_dict(self, number: int, place: Mapping[str, int]) -> dict[str, Any]:
        """For Grafana."""
        return {
            "id": number,
            "type": self.shape,
            "title": self.title,
            "description": self.text,
            "datasource": SOURCE,
            "gridPos": dict(place),
            "fieldConfig": {"defaults": {"unit": self.unit}, "overrides": []},
            "targets": [
                {"refId": chr(ord("A") + at), "expr": expression, "legendFormat": legend, "datasource": SOURCE}
                for at, (legend, expression) in enumerate(self.queries.items())
            ],
        }


@dataclass(frozen=True)
class Row:
    """Panels with something in common.

    Args:
        title: What.
        panels: Three beside each other.
    """

    title: str
    panels: Sequence[Panel] = field(default_factory=tuple)


def laid_out(rows: Sequence[Row]) -> Iterator[dict[str, Any]]:
    """All rows and panels, each with its number and its place."""
    number, top = 1, 0
    for row in rows:
        yield {
            "id": number,
            "type": "row",
            "title": row.title,
            "collapsed": False,
            "panels": [],
            "gridPos": {"h": 1, "w": _WIDTH, "x": 0, "y": top},
        }
        number, top = number + 1, top + 1
        for at, panel in enumerate(row.panels):
            width = _WIDTH // _ACROSS
            down, right = divmod(at, _ACROSS)
            place = {"h": _HEIGHT, "w": width, "x": right * width, "y": top + down * _HEIGHT}
            yield panel.as_dict(number, place)
            number += 1
        top += -(-len(row.panels) // _ACROSS) * _HEIGHT
