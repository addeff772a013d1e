"""A small shop in memory, and what an index of it finds."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ensemble.index import Index
from tests.ensemble.journal_twin import TwinCatalogue, TwinIndex

QUERY = np.linspace(-1, 1, 6).astype(np.float32)
LOOK_S = 0.01
PATIENCE_S = 20.0


def row(seed: int) -> NDArray[np.float32]:
    return np.random.default_rng(seed).normal(size=6).astype(np.float32)


def product(number: int, **more: Any) -> dict[str, Any]:
    return {"id": f"P{number}", "title": "x", "attributes": {"color": "red"}} | more


def shop(count: int = 5) -> TwinCatalogue:
    catalogue = TwinCatalogue()
    for number in range(count):
        catalogue.upsert(product(number), row(number))
    return catalogue


def found(index: Index) -> tuple[int, list[str]]:
    with index.reading() as state:
        (hits,) = state.search(QUERY[None], [1_000], [state.passing(b"")])
        return state.seq, state.slots.ids(hits.slots)


def is_right(index: Index, catalogue: TwinCatalogue) -> bool:
    seq, names = found(index)
    return names == TwinIndex(catalogue).search(seq, QUERY, 1_000)


def wait_for(condition: Callable[[], bool]) -> None:
    done = threading.Event()
    for _ in range(int(PATIENCE_S / 0.01)):
        if condition():
            return
        done.wait(0.01)
    raise TimeoutError
