"""Which engine searches an index."""

from __future__ import annotations

import logging
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

from ensemble.index.engine import Engine
from ensemble.index.exact import ExactEngine
from ensemble.index.slots import Slots

log = logging.getLogger(__name__)

EngineName = Literal["auto", "exact", "ann"]

EXACT = "exact"
ANN = "ann"
# From so many rows on, lists of near rows are worth what they take; below, a look at every row is about as fast.
ANN_FROM_ROWS = 50_000


def open_engine(slots: Slots, folder: Path, name: EngineName, written: str) -> Engine:
    """The engine of a snapshot.

    Args:
        slots: Of the snapshot.
        folder: Where it lies.
        name: Which engine is wanted; ``auto`` for the one that it was written for.
        written: The one that it was written for, as ``write_engine`` told.

    Raises:
        DamagedRelease: A file of the engine cannot be read.
    """
    if name == EXACT or (name == "auto" and written == EXACT):
        return ExactEngine(slots)
    try:
        from ensemble.index.ann import AnnEngine, build
    except ModuleNotFoundError as error:
        if name == ANN:
            raise
        log.warning("%s: searched row by row, which is slow: %s", folder, error)
        return ExactEngine(slots)
    if written == ANN:
        return AnnEngine.open(slots, folder)
    with TemporaryDirectory(prefix="tandem-") as made:
        build(slots, Path(made))
        return AnnEngine.open(slots, Path(made))


def write_engine(slots: Slots, folder: Path) -> tuple[str, tuple[str, ...]]:
    """Build what an engine needs beside the slots of a snapshot.

    Args:
        slots: As they were just written: all of them in their base.
        folder: Of the snapshot.

    Returns:
        The engine that the snapshot is for, and the names of the files that were written for it.
    """
    if len(slots) < ANN_FROM_ROWS:
        return EXACT, ()
    try:
        from ensemble.index.ann import FILES, build
    except ModuleNotFoundError as error:
        log.warning("%s: written without lists, so that searches will be slow: %s", folder, error)
        return EXACT, ()
    build(slots, folder)
    return ANN, tuple(FILES)
