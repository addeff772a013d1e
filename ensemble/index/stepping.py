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
from ensemble.index.gpu.releasing import release
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


@dataclass(frozen=True)
class Place:
    """Where searches run. One value, so that nobody sees the engine of one place beside the terms of another.

    Args:
        engine: What searches.
        terms: What it understands requests by.
        on_gpu: Whether both are of the GPU.
    """

    engine: Engine
    terms: Terms
    on_gpu: bool


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
        self._place, self._step_down = Place(engine, terms, on_gpu=True), step_down
        self._lock = threading.Lock()

    @property
    def on_gpu(self) -> bool:
        """Whether the GPU works still."""
        return self._place.on_gpu

    def search(
        self, queries: Any, counts: Sequence[int], passing: Sequence[Said], boosts: Sequence[Said | None] | None = None
    ) -> list[Hits]:
        """See ``Engine.search``."""
        given = [None] * len(passing) if boosts is None else boosts
        place = self._place
        if place.on_gpu:
            try:
                return _search(place, queries, counts, passing, given)
            except GpuError as error:
                place = self._below(place, error)
            # Not within `except`: until its end the error holds what was made on the GPU.
            release()
        return _search(place, _rescued(queries), counts, passing, given)

    def added(self, first: int) -> None:
        """See ``Engine.added``."""
        self._told(lambda place: place.engine.added(first))

    def passing(self, text: bytes) -> Said:
        """See ``Terms.passing``."""
        return self._said(text, lambda terms: terms.passing(text))

    def boost(self, text: bytes) -> Said | None:
        """See ``Terms.boost``."""
        return self._said(text, lambda terms: terms.boost(text)) if text else None

    def changed(self, slots: Numbers) -> None:
        """See ``Terms.changed``."""
        self._told(lambda place: place.terms.changed(slots))

    def forget(self) -> None:
        """See ``Terms.forget``."""
        self._told(lambda place: place.terms.forget())

    def texts(self) -> list[bytes]:
        """See ``Terms.texts``."""
        return self._place.terms.texts()

    def scores(self) -> list[bytes]:
        """See ``Terms.scores``."""
        return self._place.terms.scores()

    def _said(self, text: bytes, ask: Callable[[Terms], Any]) -> Said:
        place = self._place
        try:
            return Said(text, place.terms, ask(place.terms))
        except GpuError as error:
            place = self._below(place, error)
        release()
        return Said(text, place.terms, ask(place.terms))

    def _told(self, tell: Callable[[Place], None]) -> None:
        """Tell engine or terms of a change; those of main memory are opened over slots that hold it already."""
        place = self._place
        try:
            tell(place)
        except GpuError as error:
            place = self._below(place, error)
        else:
            return
        release()

    def _below(self, failed: Place, error: GpuError) -> Place:
        """Where searches run instead; opened by the first who asks."""
        with self._lock:
            if self._place is not failed:
                return self._place
            log.error(
                "the GPU failed and is not used any more: %s; searches go on in main memory, slower. "
                "Load the model again to try the GPU again",
                str(error),
            )
            self._place = Place(*self._step_down(), on_gpu=False)
            return self._place


def _search(
    place: Place, queries: Any, counts: Sequence[int], passing: Sequence[Said], boosts: Sequence[Said | None]
) -> list[Hits]:
    """Search in one place, whose terms may not be those that made the meanings."""
    terms = place.terms
    meant = [one.meaning if one.maker is terms else terms.passing(one.text) for one in passing]
    added = [None if one is None else one.meaning if one.maker is terms else terms.boost(one.text) for one in boosts]
    return place.engine.search(queries, counts, meant, added)


def _rescued(queries: Rows) -> NDArray[np.float32]:
    """Queries for an engine of main memory; those that lay on the GPU alone may be lost with it."""
    try:
        rows = to_host(queries)
    except RuntimeError as error:
        raise DeviceLost(f"the queries lay on the GPU, which failed: {error}; ask again") from error
    if not np.isfinite(rows).all():
        raise InvalidInput("TEXT_VECTOR, IMAGE_VECTOR", "hold a value that is not finite")
    return rows
