"""On what, against what, and with what a load was made."""

from __future__ import annotations

import os
import platform
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from loadtest.arrivals.measured import Measured
from loadtest.traffic.mix import Mix

PACKAGES = ("tritonclient", "grpcio", "numpy")


def environment(url: str, mix: Mix, measured: Measured) -> dict[str, str]:
    """Facts for the report."""
    started = datetime.fromtimestamp(measured.started, UTC)
    parts = ", ".join(f"{part.kind} {part.weight:g} (Zipf {part.zipf:g} of {part.distinct})" for part in mix.parts)
    return {
        "date": f"{started:%Y-%m-%d %H:%M:%S} UTC",
        "server": url,
        "traffic": parts,
        "writes": f"{mix.writes_per_s:g} a second" if mix.writes_per_s else "none",
        "generator": f"{measured.processes} processes, {measured.generator_cpu_ms:.2f} ms of processor time a request",
        "machine": f"{_processor()}, {os.cpu_count()} cores, {platform.system()} {platform.release()}",
        "versions": ", ".join([f"Python {platform.python_version()}", *map(_version, PACKAGES)]),
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
    except OSError:
        lines = []
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(named, platform.machine())


def _version(package: str) -> str:
    try:
        return f"{package} {version(package)}"
    except PackageNotFoundError:
        return f"{package} unknown"
