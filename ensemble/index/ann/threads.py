"""How many threads FAISS works with; it counts them for each thread that calls it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import faiss


@contextmanager
def threads(count: int) -> Iterator[None]:
    """Let FAISS work with so many where this thread calls it."""
    before = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(count)
    try:
        yield
    finally:
        faiss.omp_set_num_threads(before)
