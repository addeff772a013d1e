"""The request benchmark runs whole, in small."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.slow
def test_the_request_benchmark_writes_its_figures(store: Path, sample: Path) -> None:
    command = [sys.executable, "-m", "benchmarks.request", "--store", str(store), "--sample", str(sample)]
    subprocess.run([*command, "--rounds", "1", "--seconds", "0.5"], check=True, capture_output=True)
    figures = json.loads((store / "bench" / "request.json").read_text())
    for kind in ("text", "image"):
        assert {"in_process_p50_ms", "fastapi_p50_ms", "served_p50_ms"} <= figures[kind]["c1"].keys()
        for concurrency in ("c8", "c32"):
            assert figures[kind][concurrency]["fastapi_rps"] > 0
            assert figures[kind][concurrency]["served_rps"] > 0
