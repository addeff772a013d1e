"""The living index: searched by many threads while one keeps it up with the catalogue."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ensemble.index.changes import Changes
from ensemble.index.choice import CPU, EngineChoice
from ensemble.index.engine import Engine, Hits
from ensemble.index.engines import open_engine
from ensemble.index.lock import SharedLock
from ensemble.index.preparing import prepare
from ensemble.index.slots import Slots, Update
from ensemble.index.snapshot import header_of, load, save
from ensemble.index.stepping import SteppingDown
from ensemble.index.terms import HostTerms, Terms

NOTHING = b""
# An engine may need 50 us a row: searches wait for no more than some milliseconds.
ROWS_AT_ONCE = 64


@dataclass(frozen=True)
class Reading:
    """One state of an index: it does not change as long as ``Index.reading`` is open.

    Args:
        slots: Its arrays.
        engine: What searches them.
        terms: Its filters and business scores.
    """

    slots: Slots
    engine: Engine
    terms: Terms

    @property
    def seq(self) -> int:
        """Last journal entry in this state."""
        return self.slots.seq

    def passing(self, text: bytes) -> Any:
        """See ``Terms.passing``."""
        return self.terms.passing(text)

    def boost(self, text: bytes) -> Any:
        """See ``Terms.boost``."""
        return self.terms.boost(text)

    def search(
        self, queries: Any, counts: Sequence[int], passing: Sequence[Any], boosts: Sequence[Any] | None = None
    ) -> list[Hits]:
        """See ``Engine.search``."""
        return self.engine.search(queries, counts, passing, boosts)

    def ids(self, hits: Hits) -> list[str]:
        """The products that were found."""
        return self.slots.ids(hits.slots)

    def documents(self, hits: Hits) -> list[bytes]:
        """The same as UTF-8 JSON."""
        return [self.slots.document(slot) for slot in hits.slots.tolist()]


class Index:
    """Slots, the engine over them, and what it understands requests by, with changes applied between searches.

    ``is_broken`` tells that a change failed halfway, as for want of memory: what is there is searched on, but an engine
    cannot unlearn rows, so that no more changes are taken and the index must be opened anew.

    Args:
        slots: The arrays; the index alone changes them from now on.
        engine: Of these slots.
        terms: What ``engine`` takes; None for the terms of engines in main memory.
    """

    def __init__(self, slots: Slots, engine: Engine, terms: Terms | None = None) -> None:
        self.slots, self.engine = slots, engine
        self.terms = HostTerms(slots) if terms is None else terms
        self.choice = CPU
        self.is_broken = False
        self._shared = SharedLock()
        self._writing = threading.Lock()

    @classmethod
    def open(cls, folder: Path, *, space_id: str | None = None, engine: EngineChoice = CPU) -> Index:
        """Map a snapshot.

        Args:
            folder: Where it was saved.
            space_id: The space that queries will be of; None for any.
            engine: What searches it.

        Raises:
            DamagedRelease: A file is missing or altered, or the snapshot is of another space or format; names the file.
            GpuError: A GPU is wanted, and cannot be had.
        """
        slots = load(folder, space_id=space_id)
        index = cls(slots, *open_engine(slots, folder, engine, header_of(folder)["engine"]))
        index.choice = engine
        return index

    @property
    def seq(self) -> int:
        """Last journal entry that has been applied."""
        return self.slots.seq

    @property
    def space_id(self) -> str:
        """The space that the rows are of."""
        return self.slots.space_id

    @property
    def catalogue_id(self) -> str:
        """The catalogue that the products are of; empty for one that is in no database."""
        return self.slots.catalogue_id

    @property
    def on_gpu(self) -> bool:
        """Whether a GPU searches it."""
        return isinstance(self.engine, SteppingDown) and self.engine.on_gpu

    @property
    def choice_again(self) -> EngineChoice:
        """What a newer snapshot is to be searched by in place of this one.

        A GPU that has no room for both is no reason to move to main memory: this one stays in use.
        """
        if self.on_gpu:
            return self.choice if self.choice.on_gpu else replace(self.choice, name="gpu")
        return CPU if self.choice.name == "auto" or self.choice.on_gpu else self.choice

    @property
    def live(self) -> int:
        """Slots that a search may find."""
        return int(np.count_nonzero(self.slots.valid))

    @property
    def dead(self) -> int:
        """Slots that no search finds any more, and that the next snapshot leaves out."""
        return len(self.slots.valid) - self.live

    @property
    def unembedded(self) -> int:
        """Products that have no row yet, and so cannot be found."""
        return len(self.slots.unembedded)

    def apply(self, changes: Changes) -> None:
        """Bring the index to another state of the catalogue, which searches see whole or not at all.

        Changes that end at or before ``seq`` are ignored.

        Raises:
            ChangesRefused: A product's document, row or value cannot be taken; names it. None of them was applied.
            RuntimeError: The index is broken.
        """
        with self._writing:
            if changes.seq <= self.seq:
                return
            if self.is_broken:
                raise RuntimeError(f"an update after {self.seq} failed halfway; the index must be opened anew")
            update = prepare(self.slots, changes)
            try:
                self._take(update)
            except BaseException:
                self.is_broken = True
                raise

    def _take(self, update: Update) -> None:
        self._teach(len(update.rows))
        retyped = update.columns.keys() & self.slots.stored.keys()
        with self._shared.writing():
            self.terms.changed(self.slots.flip(update))
            if retyped:
                self.terms.forget()

    def _teach(self, count: int) -> None:
        """Let the engine learn staged rows, some at a time: searches go on in between, and cannot find them yet."""
        for start in range(0, count, ROWS_AT_ONCE):
            with self._shared.writing():
                first = len(self.slots)
                self.slots.extend(min(ROWS_AT_ONCE, count - start))
                self.engine.added(first)

    @contextmanager
    def reading(self) -> Iterator[Reading]:
        """One state for all that is asked within; a thread must not open a second one meanwhile."""
        with self._shared.reading():
            yield Reading(self.slots, self.engine, self.terms)

    def search(
        self,
        queries: NDArray[np.float32],
        counts: Sequence[int],
        filters: Sequence[bytes] | None = None,
        ranks: Sequence[bytes] | None = None,
    ) -> list[Hits]:
        """Search a batch in one state.

        Args:
            queries: ``(batch, row_dim)`` float32.
            counts: How many hits each query wants.
            filters: A filter for each; None for none.
            ranks: A business score for each, of which the queries hold the factor already; None for none.

        Raises:
            InvalidInput: A filter or a business score cannot be compiled.
        """
        texts = [NOTHING] * len(queries) if filters is None else filters
        scores = [NOTHING] * len(queries) if ranks is None else ranks
        with self.reading() as state:
            passing = [state.passing(text) for text in texts]
            return state.search(queries, counts, passing, [state.boost(text) for text in scores])

    def save(self, folder: Path) -> dict[str, str]:
        """Write a snapshot without dead slots. Searches go on meanwhile; changes wait.

        Returns:
            SHA-256 of each file, by name.
        """
        with self._writing:
            return save(self.slots, folder)
