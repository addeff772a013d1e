"""A writer, the keeper and a follower are killed again and again: nothing acknowledged is lost, no answer is wrong.

The parts run in processes forked from one that has no threads; ``tests.living.rounds`` is that one.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.postgres import Postgres

PROJECT = Path(__file__).parents[2]
TIMEOUT_S = 600
ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}


def crash(folder: Path, seed: int, rounds: int, *catalogue: str) -> None:
    """Live some rounds; raises with what did not hold, and with the command that repeats it."""
    command = [sys.executable, "-m", "tests.living.rounds", str(folder), str(seed), str(rounds), *catalogue]
    environment = {**os.environ, **ONE_THREAD}
    done = subprocess.run(
        command, check=False, capture_output=True, text=True, cwd=PROJECT, env=environment, timeout=TIMEOUT_S
    )
    assert done.returncode == 0, f"seed {seed}: {' '.join(command)}\n{done.stderr[-4_000:]}"
    print(f"seed {seed}: {done.stdout}")  # noqa: T201 -- shown with -s


def test_a_few_crashes(tmp_path: Path) -> None:
    crash(tmp_path, seed=2, rounds=4)


@pytest.mark.slow
@pytest.mark.parametrize("seed", [3, 4])
def test_many_crashes(tmp_path: Path, seed: int) -> None:
    crash(tmp_path, seed, rounds=20)


@pytest.mark.slow
def test_many_crashes_over_postgresql(postgres: Postgres, tmp_path: Path) -> None:
    with postgres.database() as url:
        crash(tmp_path, 5, 20, url)
