"""Kernels compile for GPUs that are not here, without spills; the interpreter is off in the processes that do it."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from typer.testing import CliRunner

from ensemble.index.gpu.compiling import app


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    clean = {name: value for name, value in os.environ.items() if name != "TRITON_INTERPRET"}
    command = [sys.executable, "-W", "error", "-m", "ensemble.index.gpu.compiling", *arguments]
    return subprocess.run(command, env=clean, capture_output=True, text=True, timeout=600, check=False)


def rows_of(output: str) -> list[list[str]]:
    """The cells of a printed table."""
    return [[cell.strip() for cell in line.split("│")[1:-1]] for line in output.splitlines() if line.startswith("│")]


def test_nothing_is_spilled_in_the_scan_of_16_queries() -> None:
    done = run("--dim", "256", "--only", "scan dim 256, float16, 128 x 16")
    assert done.returncode == 0, done.stderr
    rows = rows_of(done.stdout)
    assert [row[2] for row in rows] == ["sm_80", "sm_90"] * 2
    for kernel, _, arch, registers, spilled, shared, at_a_time, cores, widest, narrowest in rows:
        assert kernel == "scan"
        assert 0 < int(registers) <= 255
        assert spilled == "0"
        assert 0 < int(shared.replace(",", "")) <= 227 * 1024
        assert cores == ("wgmma" if arch == "sm_90" else "mma")
        assert widest == narrowest == "128 bits"
        assert int(at_a_time) >= 4


@pytest.mark.slow
@pytest.mark.parametrize("dim", [256, 1_024])
def test_all_kernels_as_they_are_first_tried(dim: int) -> None:
    done = run("--dim", str(dim))
    assert done.returncode == 0, done.stdout + done.stderr
    assert {row[0] for row in rows_of(done.stdout)} == {"passing", "conclude", "prepare", "rescore", "scan"}


@pytest.mark.parametrize("arguments", [["--dim", "100"], ["--arch", "75"]])
def test_what_is_not_allowed_is_said(arguments: list[str]) -> None:
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 2
    assert f"{arguments[1]} is not allowed. --dim: multiples of 32; --arch: 80, 90" in done.stderr


def test_the_interpreter_compiles_nothing() -> None:
    done = CliRunner().invoke(app)
    assert done.exit_code == 2
    assert "TRITON_INTERPRET is set" in done.stderr
