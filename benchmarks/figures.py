"""Where benchmarks leave their figures: ``var/bench/NAME.json``, beside the table that they print."""

from __future__ import annotations

import json
import os
import platform
from datetime import UTC, datetime
from pathlib import Path
from typing import Any


def write_figures(store: Path, name: str, figures: dict[str, Any]) -> Path:
    """Write one benchmark's figures with the machine and the date; returns the path."""
    path = store / "bench" / f"{name}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(figures | {"measured": measured()}, indent=2) + "\n")
    return path


def measured() -> dict[str, Any]:
    """When and on what."""
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "processor": processor(),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
    }


def processor() -> str:
    """The processor's name as Linux tells it."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), platform.machine())
