"""Puts the figures of a run into docs/results: ``gpu.json``, and the marked part of ``gpu.md``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from benchmarks.gpu.tables import markdown

BEGIN, END = "<!-- of the last run -->", "<!-- end -->"
FIGURES, DOCUMENT = "gpu.json", "gpu.md"


def write_document(folder: Path, figures: dict[str, Any]) -> Path:
    """Write both files; all of the document but its marked part stays.

    Args:
        folder: Where the document is.
        figures: Of the run.

    Raises:
        ValueError: The document is not there, or has no marked part.
    """
    path = folder / DOCUMENT
    text = path.read_text("utf-8") if path.is_file() else ""
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"{path}: has no part between {BEGIN!r} and {END!r}, so the figures cannot be put there")
    path.write_text(f"{before}{BEGIN}\n{part(figures)}{END}{after}", "utf-8")
    (folder / FIGURES).write_text(json.dumps(figures, indent=2) + "\n", "utf-8")
    return path


def part(figures: dict[str, Any]) -> str:
    """The marked part: heading, what was measured on, verdict, tables."""
    date, bandwidth = figures["measured"]["date"][:10], figures["bandwidth_gb_s"]
    verdict = "Every assertion held." if figures["passed"] else "**Assertions failed; see the tables.**"
    storms = [row for row in figures["rows"] if "patches_a_second" in row]
    rows = [row for row in figures["rows"] if "patches_a_second" not in row]
    return (
        f"# Exact search on the GPU\n\nMeasured on {date} on one {figures['device']}: memory copies at "
        f"{bandwidth['copy']:,.0f} GB/s (read and written) and is read at {bandwidth['read']:,.0f} GB/s. {verdict}\n\n"
        f"{markdown(rows, storms, figures['skipped'])}\n"
    )
