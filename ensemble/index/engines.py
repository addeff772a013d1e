"""Which engine searches an index."""

from __future__ import annotations

import logging
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from ensemble.index.choice import EngineChoice
from ensemble.index.engine import Engine
from ensemble.index.exact import ExactEngine
from ensemble.index.gpu.errors import GpuError, NoGpu
from ensemble.index.gpu.releasing import release
from ensemble.index.slots import Slots
from ensemble.index.stepping import SteppingDown
from ensemble.index.terms import HostTerms, Terms

log = logging.getLogger(__name__)

EXACT = "exact"
ANN = "ann"
# From so many rows on, lists of near rows are worth what they take; below, a look at every row is about as fast.
ANN_FROM_ROWS = 50_000


def open_engine(slots: Slots, folder: Path, choice: EngineChoice, written: str) -> tuple[Engine, Terms]:
    """The engine of a snapshot, and what it understands requests by.

    Args:
        slots: Of the snapshot.
        folder: Where it lies.
        choice: Which engine is wanted.
        written: The one that the snapshot was written for, as ``write_engine`` told.

    Raises:
        DamagedRelease: A file of the engine cannot be read.
        GpuError: A GPU is wanted, and cannot be had.
    """
    if choice.name == "auto" or choice.on_gpu:
        try:
            return _on_gpu(slots, folder, choice, written)
        except Exception as error:
            # Whatever keeps `auto` from the GPU, main memory can do it too.
            if choice.on_gpu:
                raise
            level = logging.INFO if isinstance(error, NoGpu) else logging.WARNING
            unexpected = not isinstance(error, GpuError)
            log.log(level, "%s: searched in main memory: %s", folder, error, exc_info=unexpected)
        # Not within `except`: until its end the error holds what was made on the GPU.
        release()
    return _in_memory(slots, folder, choice.name, written), HostTerms(slots)


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


def _on_gpu(slots: Slots, folder: Path, choice: EngineChoice, written: str) -> tuple[Engine, Terms]:
    from ensemble.index.gpu.opening import open_on_gpu

    engine, terms = open_on_gpu(slots, choice)
    down = SteppingDown(engine, terms, partial(_stepped_down, slots, folder, written))
    return down, down


def _stepped_down(slots: Slots, folder: Path, written: str) -> tuple[Engine, Terms]:
    """The engine of main memory, for slots that may have grown since, and a folder that may be gone."""
    try:
        engine = _in_memory(slots, folder, "cpu", written)
    except Exception:
        log.exception("%s: the lists cannot be opened any more: searched row by row, which is slow", folder)
        engine = ExactEngine(slots)
    return engine, HostTerms(slots)


def _in_memory(slots: Slots, folder: Path, name: str, written: str) -> Engine:
    if name == EXACT or (name != ANN and written == EXACT):
        return ExactEngine(slots)
    try:
        from ensemble.index.ann import LEAST_ROWS, AnnEngine, build
    except ModuleNotFoundError as error:
        if name == ANN:
            raise
        log.warning("%s: searched row by row, which is slow: %s", folder, error)
        return ExactEngine(slots)
    if written == ANN:
        return AnnEngine.open(slots, folder)
    if len(slots) < LEAST_ROWS:
        return ExactEngine(slots)
    with TemporaryDirectory(prefix="tandem-") as made:
        build(slots, Path(made))
        return AnnEngine.open(slots, Path(made))
