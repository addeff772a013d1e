"""From the GPU down to main memory when the GPU fails: slower, and nothing is lost."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from ensemble.arrays import Rows, to_host
from ensemble.errors import InvalidInput
from ensemble.index.columns import Numbers
from ensemble.index.engine import Engine, Hits
from ensemble.index.gpu.errors import DeviceLost, GpuError
from ensemble.index.terms import Terms

log = logging.getLogger(__name__)

Result = TypeVar("Result")


@dataclass(frozen=True)
class Said:
    """What a request said, with what one engine made of it.

    Args:
        text: The request's words.
        maker: The terms that ``meaning`` is of.
        meaning: For the engine beside them.
    """

    text: bytes
    maker: Terms
    meaning: Any


class SteppingDown:
    """Engine and terms in one: those of the GPU as long as it works, then those of main memory, for good.

    The rows, the columns and the documents are in main memory all the time: what is on the GPU is a copy. A search, or
    a change, that the GPU failed at is done again in main memory. The GPU is tried again when the index is opened
    anew.

    Args:
        engine: Of the GPU.
        terms: Of the GPU.
        step_down: Opens engine and terms of main memory, over the slots as they are then.
    """

    def __init__(self, engine: Engine, terms: Terms, step_down: Callable[[], tuple[Engine, Terms]]) -> None:
        self._engine, self._terms, self._step_down = engine, terms, step_down
        self._lock = threading.Lock()
        self.on_gpu = True

    def search(
        self, queries: Any, counts: Sequence[int], passing: Sequence[Said], boosts: Sequence[Said | None] | None = None
    ) -> list[Hits]:
        """See ``Engine.search``."""
        given = [None] * len(passing) if boosts is None else boosts
        engine, terms = self._engine, self._terms
        if not self.on_gpu:
            return _search(engine, terms, _rescued(queries), counts, passing, given)
        try:
            return _search(engine, terms, queries, counts, passing, given)
        except GpuError as error:
            self._down_from(engine, error)
            return _search(self._engine, self._terms, _rescued(queries), counts, passing, given)

    def added(self, first: int) -> None:
        """See ``Engine.added``."""
        self._told(lambda: self._engine.added(first))

    def passing(self, text: bytes) -> Said:
        """See ``Terms.passing``."""
        return self._said(text, lambda terms: terms.passing(text))

    def boost(self, text: bytes) -> Said | None:
        """See ``Terms.boost``."""
        return self._said(text, lambda terms: terms.boost(text)) if text else None

    def changed(self, slots: Numbers) -> None:
        """See ``Terms.changed``."""
        self._told(lambda: self._terms.changed(slots))

    def forget(self) -> None:
        """See ``Terms.forget``."""
        self._told(self._terms.forget)

    def texts(self) -> list[bytes]:
        """See ``Terms.texts``."""
        return self._terms.texts()

    def _said(self, text: bytes, ask: Callable[[Terms], Any]) -> Said:
        engine, terms = self._engine, self._terms
        try:
            return Said(text, terms, ask(terms))
        except GpuError as error:
            self._down_from(engine, error)
            return Said(text, self._terms, ask(self._terms))

    def _told(self, tell: Callable[[], None]) -> None:
        """Tell engine or terms of a change; those of main memory are opened over slots that hold it already."""
        engine = self._engine
        try:
            tell()
        except GpuError as error:
            self._down_from(engine, error)

    def _down_from(self, failed: Engine, error: GpuError) -> None:
        with self._lock:
            if self._engine is not failed:
                return
            log.error(
                "the GPU failed and is not used any more: %s; searches go on in main memory, slower. "
                "Load the model again to try the GPU again",
                error,
            )
            self._engine, self._terms = self._step_down()
            self.on_gpu = False


def _search(
    engine: Engine,
    terms: Terms,
    queries: Any,
    counts: Sequence[int],
    passing: Sequence[Said],
    boosts: Sequence[Said | None],
) -> list[Hits]:
    """Search with one engine, whose terms may not be those that made the meanings."""
    meant = [one.meaning if one.maker is terms else terms.passing(one.text) for one in passing]
    added = [None if one is None else one.meaning if one.maker is terms else terms.boost(one.text) for one in boosts]
    return engine.search(queries, counts, meant, added)


def _rescued(queries: Rows) -> NDArray[np.float32]:
    """Queries for an engine of main memory; those that lay on the GPU alone may be lost with it."""
    try:
        rows = to_host(queries)
    except RuntimeError as error:
        raise DeviceLost(f"the queries lay on the GPU, which failed: {error}; ask again") from error
    if not np.isfinite(rows).all():
        raise InvalidInput("TEXT_VECTOR, IMAGE_VECTOR", "hold a value that is not finite")
    return rows
