"""The command as a whole, in a process of its own whose kernels are interpreted; and one in which our engine errs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ISSUE = {
    "engine", "n", "dim", "dtype", "batch", "pass_rate", "ms", "roofline_fraction", "recall_at_10", "memory_gb",
}  # fmt: skip
COMMON = ("--dim", "32", "--batch", "1", "--rounds", "1", "--interpret")
# Our engine, but each answer is one beside the right one.
WRONG = """
from benchmarks.gpu.__main__ import app
from benchmarks.gpu.systems.tandem import Tandem

found = Tandem._found
Tandem._found = lambda self, *given: (found(self, *given) + 1) % len(self.shop)
app()
"""


def run(*command: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    return subprocess.run(
        [sys.executable, *command], capture_output=True, text=True, env=environment, timeout=900, check=False
    )


def figures(path: Path) -> dict[str, Any]:
    made: dict[str, Any] = json.loads(path.read_text())
    return made


@pytest.mark.slow
def test_both_of_our_engines_are_right_beside_others(tmp_path: Path) -> None:
    out = tmp_path / "gpu.json"
    systems = ("tandem-fp16", "tandem-int8", "torch-fp16-fp32", "faiss-gpu-flat", "cuvs-brute-force", "cuvs-cagra")
    named = [word for name in systems for word in ("--system", name)]
    rates = ("--pass-rate", "1", "--pass-rate", "0.1")
    ended = run("-m", "benchmarks.gpu", "--n", "2000", *rates, *COMMON, *named, "--out", str(out))
    assert ended.returncode == 0, ended.stdout + ended.stderr
    made = figures(out)
    assert made["interpreted"]
    assert made["passed"]
    assert all(row.keys() >= ISSUE for row in made["rows"])
    assert {row["engine"] for row in made["rows"]} == {*systems[:3], "tandem-fp16-updates"}
    assert {row["engine"] for row in made["skipped"]} == {*systems[3:]}
    assert {(row["pass_rate"], row["ranked"]) for row in made["rows"] if row["engine"] == "tandem-fp16"} == {
        (1.0, False), (1.0, True), (0.1, False),
    }  # fmt: skip
    assert all(row["recall_at_10"] == 1.0 for row in made["rows"])


@pytest.mark.slow
def test_an_engine_that_errs_ends_the_command_with_1(tmp_path: Path) -> None:
    out = tmp_path / "gpu.json"
    named = ("--n", "512", "--pass-rate", "1", "--system", "tandem-fp16", "--out", str(out))
    ended = run("-c", WRONG, *named, *COMMON)
    assert ended.returncode == 1, ended.stdout + ended.stderr
    assert "failed: tandem-fp16, 512 x 32, batch 1, 100%: recall" in ended.stdout
    assert not figures(out)["passed"]
