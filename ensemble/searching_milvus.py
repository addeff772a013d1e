"""A release's retrieval over a Milvus that another process feeds."""

from __future__ import annotations

from pathlib import Path

from ensemble.index.milvus import MilvusIndex, MilvusOptions, MilvusSource
from ensemble.index.snapshot import catalogue_of
from ensemble.retrieval import Retrieval
from ensemble.settings import SpaceSettings, read


def open_milvus_retrieval(folder: Path, options: MilvusOptions) -> Retrieval:
    """Search the collection of a release's space; nothing is mapped into this process's memory.

    Args:
        folder: ``settings.json`` and ``index/`` of the release; of the latter only what it says of its catalogue.
        options: Where the Milvus is.

    Returns:
        The retrieval; its ``source`` is a ``MilvusSource``, which is to be stopped in the end.

    Raises:
        DamagedRelease: A file of the release is missing or altered, or the collection is of another catalogue.
        MilvusAway: Milvus does not answer.
        MilvusEmpty: Nobody has filled the collection.
    """
    space = read(folder / "settings.json", "space", SpaceSettings)
    index = MilvusIndex.open(options, space.space_id, space.row_dim, catalogue_id=catalogue_of(folder / "index"))
    source = MilvusSource(index)
    source.start()
    return Retrieval(source, space)
