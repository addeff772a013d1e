"""What an engine takes in memory, in a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from benchmarks.retrieval.shop import Shop
from benchmarks.retrieval.systems import system

ASKED = 200
SMALL = 1_000


@dataclass(frozen=True)
class Loaded:
    """One engine in a fresh process.

    Args:
        memory_mb: Resident after loading and queries less before, every mapped page of the vectors included.
        load_s: From the files to the first answer, what is compiled or checked meanwhile included.
    """

    memory_mb: float
    load_s: float


def loaded(name: str, count: int, folder: Path) -> Loaded:
    """Measure in a fresh process."""
    command = [sys.executable, "-m", "benchmarks.retrieval.memory", name, str(count), str(folder)]
    answer = subprocess.run(command, check=True, capture_output=True, text=True)
    return Loaded(**json.loads(answer.stdout.splitlines()[-1]))


def resident_mb() -> float:
    """Of this process, mapped files included."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096 / 1e6


def _measured(name: str, count: int, folder: Path) -> Loaded:
    # The queries, and a shop small enough that its vectors do not count.
    whole = Shop.open(SMALL)
    rows = np.empty((count, whole.rows.shape[1]), np.float16)
    shop = Shop(rows, whole.queries, whole.held_out, np.zeros(count, np.int64))
    searched = system(name, shop, folder)
    searched.load_libraries()
    before = resident_mb()
    start = time.perf_counter()
    searched.open()
    search = searched.search(1.0, searched.settings[len(searched.settings) // 2])
    search(shop.queries[0])
    load_s = time.perf_counter() - start
    for query in shop.queries[:ASKED]:
        search(query)
    searched.touch()
    return Loaded(round(resident_mb() - before, 1), round(load_s, 3))


if __name__ == "__main__":
    sys.stdout.write(json.dumps(asdict(_measured(sys.argv[1], int(sys.argv[2]), Path(sys.argv[3])))) + "\n")
