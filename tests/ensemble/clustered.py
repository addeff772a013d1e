"""Rows that lie in clusters, and slots of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ensemble.index import IndexBuilder, Slots, load
from ensemble.index.preparing import prepare
from ensemble.settings import SpaceSettings
from tests.ensemble.journal_twin import Change, Changes

DIM = 32
Floats = NDArray[np.float32]


def clustered(count: int, seed: int) -> Floats:
    """Unit rows in clusters of many sizes; every tenth is nearly the one before, as variants of a product are."""
    rng = np.random.default_rng(seed)
    centres = np.random.default_rng(0).normal(size=(60, DIM))
    rows = centres[np.minimum(rng.geometric(0.05, count), 60) - 1] + 0.7 * rng.normal(size=(count, DIM))
    rows[1::10] = rows[::10][: len(rows[1::10])] + 0.01 * rng.normal(size=rows[1::10].shape)
    unit: Floats = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)
    return unit


def snapshot(folder: Path, rows: Floats) -> Slots:
    half = rows.shape[1] // 2
    builder = IndexBuilder(SpaceSettings("space-a", half, rows.shape[1] - half))
    builder.add([{"id": f"P{number}"} for number in range(len(rows))], rows)
    builder.save(folder)
    return load(folder)


def append(slots: Slots, rows: Floats) -> None:
    made = [
        Change(f"N{slots.seq}-{n}", f'{{"id": "N{slots.seq}-{n}"}}'.encode(), row)
        for n, row in enumerate(rows.astype(np.float16))
    ]
    slots.flip(prepare(slots, Changes(slots.seq + 1, made)))
