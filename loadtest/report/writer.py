"""Writes a report: the page, and the JSON beside it."""

from __future__ import annotations

import json
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined

from loadtest.report.chart import draw, legend
from loadtest.report.charts import charts
from loadtest.report.values import Report


def write_report(path: Path, report: Report) -> Path:
    """Write the page and the JSON file, each whole or not at all.

    Args:
        path: ``report.html``; the JSON gets the same name with ``.json``.
        report: What they tell.

    Returns:
        The JSON file.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_suffix(".json")
    _write(beside, json.dumps(report.to_dict(), indent=2, allow_nan=False) + "\n")
    _write(path, render(report))
    return beside


def render(report: Report) -> str:
    """The page as HTML; every text in it is escaped."""
    environment = Environment(
        loader=PackageLoader("loadtest.report", ""),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["figure"] = figure
    drawn = [(chart.title, legend(chart), draw(chart)) for chart in charts(report)]
    return environment.get_template("report.html.j2").render(report=report, measured=report.measured, charts=drawn)


def figure(value: float | None, digits: int = 1) -> str:
    """A number for people; a dash where there is none."""
    return "–" if value is None or value != value else f"{value:,.{digits}f}"  # noqa: PLR0124 - NaN


def _write(path: Path, text: str) -> None:
    whole = path.with_name(path.name + ".part")
    whole.write_text(text, "utf-8")
    whole.replace(path)
