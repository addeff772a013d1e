"""Builds what the CPU engine needs beside a snapshot."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path

from ensemble.index.ann.structure import INDEX, LISTS, SPREADS, Floats
from ensemble.index.ann.threads import threads as in_threads
from ensemble.index.ann.training import train
from ensemble.index.ann.tuned import SETTINGS, Tuned
from ensemble.index.ann.tuning import tune
from ensemble.index.slots import Slots

FILES = (INDEX, SPREADS, LISTS, SETTINGS)


@dataclass(frozen=True)
class Built:
    """What was built.

    Args:
        lists: How many.
        tuned: How far searches look.
        seconds: How long it took.
    """

    lists: int
    tuned: Tuned
    seconds: float


def build(
    slots: Slots, folder: Path, *, queries: Floats | None = None, seed: int = 0, threads: int | None = None
) -> Built:
    """Make the lists of a snapshot, tune them, and write ``FILES``.

    Args:
        slots: Compact: all of them in ``base``.
        folder: Of the snapshot.
        queries: ``(queries, row_dim)`` float32 like those that will be asked; made up where None are given.
        seed: Of all that is drawn; the same slots and seed give the same files.
        threads: How many to build with; as many as there are cores by default.

    Raises:
        ValueError: There are too few rows, or a value is not finite.
    """
    start = time.perf_counter()
    with in_threads(threads or os.cpu_count() or 1):
        structure = train(slots.base, seed)
    tuned = tune(slots, structure, queries, seed)
    structure.save(folder)
    tuned.save(folder)
    return Built(structure.list_count, tuned, time.perf_counter() - start)
