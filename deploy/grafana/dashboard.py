"""What the dashboard shows."""

from __future__ import annotations

import json
from typing import Any

from deploy.grafana.panels import Panel, laid_out
from deploy.grafana.serving import INDEX, LATENCY, QUEUES, RESULTS, TRAFFIC
from deploy.grafana.watching import DRIFT, MACHINE, RELEASES

UID = "tandem"
ROWS = (TRAFFIC, LATENCY, QUEUES, INDEX, RESULTS, RELEASES, DRIFT, MACHINE)


def dashboard() -> dict[str, Any]:
    """As Grafana imports it."""
    return {
        "uid": UID,
        "title": "Tandem",
        "description": "Text and photo search for a shop: requests, releases, index, drift.",
        "tags": ["tandem", "triton"],
        "schemaVersion": 39,
        "version": 1,
        "editable": True,
        "timezone": "browser",
        "refresh": "30s",
        "time": {"from": "now-3h", "to": "now"},
        "templating": {
            "list": [{"name": "source", "label": "Prometheus", "type": "datasource", "query": "prometheus"}]
        },
        "annotations": {"list": [_switches()]},
        "panels": list(laid_out(ROWS)),
    }


def text_of(content: dict[str, Any]) -> str:
    """The same as a file."""
    return json.dumps(content, indent=1) + "\n"


def expressions() -> dict[str, str]:
    """Every query by row, panel and legend."""
    found = {
        f"{row.title} / {panel.title} / {legend}": query
        for row in ROWS
        for panel in row.panels
        for legend, query in panel.queries.items()
    }
    return found | {"annotation": str(_switches()["expr"])}


def panels() -> list[Panel]:
    """All of them."""
    return [panel for row in ROWS for panel in row.panels]


def _switches() -> dict[str, Any]:
    return {
        "name": "switches",
        "datasource": {"type": "prometheus", "uid": "${source}"},
        "enable": True,
        "iconColor": "blue",
        "expr": 'sum by (action) (increase(tandem_switches_total{outcome="done"}[1m]) > 0)',
        "titleFormat": "{{action}}",
    }
