"""A release's retrieval over a Milvus that another process feeds."""

from __future__ import annotations

from pathlib import Path

from ensemble.index.milvus import MilvusIndex, MilvusOptions
from ensemble.index.milvus.opening import OpeningSource, one_process
from ensemble.index.snapshot import catalogue_of
from ensemble.retrieval import Retrieval
from ensemble.settings import SpaceSettings, read


def open_milvus_retrieval(folder: Path, options: MilvusOptions) -> tuple[Retrieval, OpeningSource]:
    """Search the collection of a release's space; nothing is mapped into this process's memory.

    Where Milvus does not answer, or nobody has filled it, requests are unavailable until it does.

    Args:
        folder: ``settings.json`` and ``index/`` of the release; of the latter only what it says of its catalogue.
        options: Where the Milvus is.

    Returns:
        The retrieval, and its source, which is to be stopped in the end.

    Raises:
        DamagedRelease: A file of the release is missing or altered, or the collection is of another catalogue.
        MilvusRefused: Milvus answers with an error, or another process has its file open.
        ModuleNotFoundError: pymilvus is not installed.
    """
    space = read(folder / "settings.json", "space", SpaceSettings)
    catalogue_id = catalogue_of(folder / "index")

    def opened() -> MilvusIndex:
        with one_process(options):
            return MilvusIndex.open(options, space.space_id, space.row_dim, catalogue_id=catalogue_id)

    source = OpeningSource(opened)
    try:
        source.start()
    except ModuleNotFoundError as error:
        told = f"the package {error.name} is not installed: install it with `pip install 'tandem[milvus]'`"
        raise ModuleNotFoundError(told, name=error.name) from error
    return Retrieval(source, space), source
