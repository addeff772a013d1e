"""Runs the worker with the interpreter of ModelOpt's own environment."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from export.errors import ModelOptFailed

WORKER = Path(__file__).with_name("worker.py")
# Where `make modelopt` puts it.
PYTHON = Path(__file__).parents[3] / ".venv-modelopt" / "bin" / "python"
LINES_SHOWN = 12


def run_worker(request: Mapping[str, Any], folder: Path, *, python: Path, timeout: float) -> dict[str, Any]:
    """Send one request and wait for its answer.

    Args:
        request: See ``worker.py``; ``answer`` is added.
        folder: Where request and answer are written.
        python: Interpreter of the environment.
        timeout: In seconds.

    Raises:
        ModelOptFailed: There is no such interpreter, or the worker fails (its last lines are quoted), takes too long,
            or ends without an answer.
    """
    if not python.is_file():
        raise ModelOptFailed(
            f"NVIDIA ModelOpt is missing: there is no {python}; `make modelopt` builds its environment"
        )
    answer, order = folder / "answer.json", folder / "request.json"
    order.write_text(json.dumps({**request, "answer": str(answer)}))
    try:
        # Isolated, so that neither PYTHONPATH nor this folder's names reach the other environment.
        done = subprocess.run(
            [str(python), "-I", str(WORKER), str(order)],
            check=False,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=timeout,
        )
    except subprocess.TimeoutExpired as error:
        raise ModelOptFailed(f"ModelOpt took longer than {timeout:g} s and was stopped") from error
    except OSError as error:
        raise ModelOptFailed(f"ModelOpt's interpreter {python} cannot be started: {error}") from error
    if done.returncode != 0 or not answer.is_file():
        raise ModelOptFailed(f"ModelOpt failed with exit status {done.returncode}:\n{_last_lines(done)}")
    parsed: dict[str, Any] = json.loads(answer.read_text())
    return parsed


def _last_lines(done: subprocess.CompletedProcess[str]) -> str:
    lines = [line for line in f"{done.stdout}\n{done.stderr}".splitlines() if line.strip()]
    return "\n".join(f"  {line}" for line in lines[-LINES_SHOWN:]) or "  it said nothing"
