"""``python -m deploy feed``: brings a Milvus up to date, in place of each server its own index."""

from __future__ import annotations

import logging
import os
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer
from rich.console import Console
from rich.logging import RichHandler
from rich.text import Text

from deploy.errors import CannotStart, DeployError
from deploy.events import logger
from deploy.living import Living, find_living
from deploy.signals import stop_on_signals
from ensemble.variables import CATALOGUE, MILVUS, MILVUS_COLLECTION

if TYPE_CHECKING:
    from ensemble.index.milvus import MilvusIndex, MilvusOptions


def feed_here(  # noqa: PLR0913 -- an option each
    *,
    milvus: Annotated[
        str, typer.Option(help="http://host:19530; its token is read from TANDEM_MILVUS_TOKEN.", envvar=MILVUS)
    ],
    store: Annotated[Path, typer.Option(help="Folder that `python -m export release` wrote.")] = Path("var"),
    catalogue: Annotated[
        str | None,
        typer.Option(help="Database that is followed.", envvar=CATALOGUE, show_default="the store's own"),
    ] = None,
    collection: Annotated[
        str, typer.Option(help="How the names of the collections begin.", envvar=MILVUS_COLLECTION)
    ] = "tandem",
    index: Annotated[str, typer.Option(help="FLAT, HNSW, IVF_FLAT, GPU_CAGRA, ...; counts at first.")] = "FLAT",
    index_params: Annotated[str, typer.Option(help='Of the index, as JSON, such as {"M": 32}.')] = "{}",
    rows: Annotated[str, typer.Option(help="float32, or float16 on a cluster; counts at first.")] = "float32",
    timeout: Annotated[float, typer.Option(help="Longest time of a call to Milvus, in seconds.")] = 5.0,
    once: Annotated[bool, typer.Option("--once", help="Bring it up to date, and end.")] = False,
    save: Annotated[
        Path | None, typer.Option(help="Then write a snapshot here, which every engine opens; implies --once.")
    ] = None,
) -> None:
    """Fill a Milvus with the newest release, and apply the catalogue's journal to it; one process a collection."""
    handler = RichHandler(console=Console(stderr=True), show_path=False, show_level=False)
    logging.basicConfig(level=logging.INFO, format="%(message)s", handlers=[handler])
    try:
        from catalogue.errors import CatalogueError
        from ensemble.errors import EnsembleError
        from ensemble.index.milvus.options import MilvusOptions, parameters

        options = MilvusOptions.asked(
            os.environ, uri=milvus, collection=collection, index_type=index, rows=rows, timeout_s=timeout,
            index_params=parameters(index_params, "--index-params"),
        )  # fmt: skip
    except (ModuleNotFoundError, ValueError) as error:
        _fail(error)
    try:
        _run(options, store, find_living(store, catalogue), once=once or save is not None, save=save)
    except (ModuleNotFoundError, CatalogueError, DeployError, EnsembleError, OSError) as error:
        _fail(error)


def _run(options: MilvusOptions, store: Path, living: Living | None, *, once: bool, save: Path | None) -> None:
    from catalogue.database import Journal
    from deploy.feed import Feed
    from deploy.store import find_newest
    from ensemble.index.milvus import MilvusIndex
    from ensemble.index.milvus.opening import one_process
    from ensemble.index.snapshot import header_of
    from ensemble.settings import SpaceSettings, read

    if living is None:
        raise CannotStart(f"{store} has no catalogue of its own: name one with --catalogue")
    release = find_newest(store)
    folder = release.models / "retrieve" / str(release.number)
    space = read(folder / "settings.json", "space", SpaceSettings)
    catalogue_id = header_of(folder / "index")["catalogue_id"]
    with one_process(options):
        index = MilvusIndex.create(options, space.space_id, space.row_dim, catalogue_id=catalogue_id)
    journal = Journal(living.catalogue, space.space_id, catalogue_id)
    snapshots = living.snapshots / f"{release.number:04d}"
    feed = Feed(index, journal, partial(_fill, snapshots=snapshots, own=folder / "index"))
    logger.info("feeding %s with release %d", options.shown, release.number)
    stop_on_signals(feed.stop)
    try:
        finished = feed.run(once=once)
        if save is not None and finished:
            index.save(save)
            logger.info("snapshot of %s at %s", save, f"{index.seq:,}")
    finally:
        journal.close()
        index.close()


def _fill(index: MilvusIndex, *, snapshots: Path, own: Path) -> None:
    """Begin with the newest snapshot that is whole."""
    from ensemble.index import Snapshots
    from ensemble.index.choice import EngineChoice
    from ensemble.index.milvus.filling import take

    kept = Snapshots(snapshots, own)
    # Opening checks it; nobody searches it here.
    newest = kept.newest(index.space_id, catalogue_id=index.catalogue_id, engine=EngineChoice("exact"))
    take(index, newest.slots)


def _fail(error: Any) -> NoReturn:
    told = str(error)
    if isinstance(error, ModuleNotFoundError):
        told = f"the package {error.name} is not installed: install it with `pip install 'tandem[milvus,index]'`"
    Console(stderr=True).print(Text.assemble(("error: ", "bold red"), told), soft_wrap=True)
    sys.exit(1)
