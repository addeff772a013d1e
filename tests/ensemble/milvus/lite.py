"""A Milvus in a file: milvus-lite, over which the engine is held to the twin of the other engines."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from ensemble.index import Index
from ensemble.index.milvus import MilvusIndex, MilvusOptions
from ensemble.settings import SpaceSettings
from tests.ensemble.journal_twin import CATALOGUE, SPACE, TwinCatalogue


def options_in(folder: Path, **more: Any) -> MilvusOptions:
    return MilvusOptions(str(folder / "milvus.db"), **more)


def milvus_index(folder: Path, space: SpaceSettings = SPACE, catalogue_id: str = CATALOGUE, **more: Any) -> MilvusIndex:
    """An index in a file of this folder; empty where the file was not there."""
    return MilvusIndex.create(options_in(folder, **more), space.space_id, space.row_dim, catalogue_id=catalogue_id)


def milvus_of(index: Index, folder: Path, **more: Any) -> MilvusIndex:
    """The same products in a Milvus: by the way of a snapshot, as any index gets there."""
    index.save(folder / "snapshot")
    space = SpaceSettings(index.space_id, index.slots.row_dim, 0)
    made = milvus_index(folder, space, index.catalogue_id, **more)
    made.fill(folder / "snapshot")
    return made


def reset(index: MilvusIndex, catalogue: TwinCatalogue) -> None:
    """Have it hold a catalogue as it is now, and nothing else."""
    everything = catalogue.changes(0)
    index.replace(everything.changes, seq=everything.seq, kinds=everything.kinds)


def found(index: MilvusIndex, text: str = "", seed: int = 99, count: int = 1_000) -> list[str]:
    """Ids of the best products for a query row of random numbers."""
    with index.reading() as state:
        (hits,) = state.search(query(seed, index.state.row_dim)[None], [count], [state.passing(text.encode())])
        return state.ids(hits)


def query(seed: int, dim: int) -> Any:
    return np.random.default_rng(seed).normal(size=dim).astype(np.float16).astype(np.float32)
