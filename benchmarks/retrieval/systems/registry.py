"""All engines by name."""

from __future__ import annotations

from pathlib import Path

from benchmarks.retrieval.shop import Shop
from benchmarks.retrieval.systems.base import System
from benchmarks.retrieval.systems.faiss_systems import Flat, Hnsw, IvfFp16, IvfPqRefined, IvfSq8
from benchmarks.retrieval.systems.qdrant_system import QdrantEdge
from benchmarks.retrieval.systems.tandem import Tandem
from benchmarks.retrieval.systems.usearch_system import Usearch

SYSTEMS: dict[str, type[System]] = {
    each.name: each for each in (Tandem, Hnsw, IvfSq8, IvfFp16, IvfPqRefined, Flat, Usearch, QdrantEdge)
}


def system(name: str, shop: Shop, folder: Path) -> System:
    """An engine over a shop, with its own folder below the benchmark's."""
    place = folder / str(len(shop)) / name
    place.mkdir(parents=True, exist_ok=True)
    return SYSTEMS[name](shop, place)
