"""Writes to the collections of a space, each of them only while it is one's turn."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import replace
from functools import partial as bound
from typing import Any

from ensemble.index.milvus.entities import Work
from ensemble.index.milvus.errors import MilvusAway
from ensemble.index.milvus.parts import parts_of
from ensemble.index.milvus.products import Products
from ensemble.index.milvus.state import State, States
from ensemble.index.milvus.turn import Turn

log = logging.getLogger(__name__)

# So long a fill waits where Milvus is away, one and a half minutes in all: to begin again would take hours.
PATIENT_S = (1.0, 2.0, 4.0, 8.0, 15.0, 30.0, 30.0)
# Slots whose products one call removes.
SLOTS_AT_ONCE = 10_000


class Writer:
    """Writes some entities at a time.

    Each write may be done twice, since it says what is and not what changes. So it is tried again where Milvus was
    away for a moment. One that is under way when another process takes over cannot be called back.

    Args:
        products: The collection of the products.
        states: The one beside it.
        turn: Is asked before every write.
        pauses_s: Before each further try, in seconds.
    """

    def __init__(self, products: Products, states: States, turn: Turn, pauses_s: Sequence[float] = ()) -> None:
        self._products, self._states, self._turn, self._pauses_s = products, states, turn, pauses_s

    def do(self, work: Work) -> None:
        """Bring products to another state.

        Raises:
            MilvusAway: Milvus does not answer: some of it is done, and all of it is to be done again.
            AnotherFeeder: It is another one's turn.
            Stopped: The process was asked to end.
        """
        self.put(work.whole)
        self.put(work.partial, partial=True)
        for part in parts_of(work.gone):
            self._do(bound(self._products.drop, part))
        waiting = self._states.unembedded()
        changed = {*work.gone, *(entity["id"] for entity in work.whole)}
        self.note_unembedded(work.unembedded - waiting, (waiting & changed) - work.unembedded)

    def put(self, entities: Iterable[dict[str, Any]], *, partial: bool = False) -> None:
        """Add or replace entities; see ``Products.put``. Raises as ``do``."""
        for part in parts_of(entities):
            self._do(bound(self._products.put, part, partial=partial))

    def drop_between(self, first: int, end: int) -> None:
        """Remove the products of slots from ``first`` up to before ``end``. Raises as ``do``."""
        for start in range(first, end, SLOTS_AT_ONCE):
            self._do(bound(self._products.drop_between, start, min(start + SLOTS_AT_ONCE, end)))

    def note_unembedded(self, more: Collection[str], less: Collection[str]) -> None:
        """Note products that have no row, and others that have one, or are gone. Raises as ``do``."""
        for part in parts_of(sorted(more)):
            self._do(bound(self._states.note, part))
        for part in parts_of(sorted(less)):
            self._do(bound(self._states.unnote, part))

    def write(self, state: State) -> State:
        """Replace the state; returns it with the name of who wrote it. Raises as ``do``."""
        mine = replace(state, holder=self._turn.holder)
        self._do(bound(self._states.write, mine))
        return mine

    def _do(self, write: Callable[[], None]) -> None:
        for pause_s in self._pauses_s:
            try:
                self._turn.check()
                write()
            except MilvusAway as error:
                log.warning("a write is tried again in %d s: %s", pause_s, error)
                self._turn.pause(pause_s)
            else:
                return
        self._turn.check()
        write()
