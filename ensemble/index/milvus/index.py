"""The index of one space in a Milvus: brought up to date by one process, searched by many."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from ensemble.index.changes import Change, Changes
from ensemble.index.columns import Kind
from ensemble.index.engine import Hits
from ensemble.index.milvus.bringing import apply, replace_all
from ensemble.index.milvus.connection import Connection
from ensemble.index.milvus.errors import MilvusEmpty
from ensemble.index.milvus.filters import columns_of
from ensemble.index.milvus.options import MilvusOptions
from ensemble.index.milvus.products import Products
from ensemble.index.milvus.reading import MilvusReading
from ensemble.index.milvus.schema import Names, create, load, made_as
from ensemble.index.milvus.state import State, States, checked
from ensemble.index.milvus.turn import Alone, Turn


class MilvusIndex:
    """Products of one catalogue with their rows of one space.

    Nothing is lost with it: the catalogue's journal has every change, and ``seq`` tells where to go on. It is written
    after the products, so that changes that were cut off halfway are applied again, which changes nothing. ``end`` is
    written before them, so that no slot is given twice, whatever was cut off.

    Args:
        connection: To Milvus.
        names: Of the collections.
        state: As far as they are filled.

    Attributes:
        turn: Is asked before each write, whether it may be made.
    """

    def __init__(self, connection: Connection, names: Names, state: State) -> None:
        self.connection, self.names = connection, names
        connection.options = replace(connection.options, **made_as(connection, names))
        self.products, self.states = Products(connection, names.products), States(connection, names.state)
        self._state, self._columns = state, columns_of(state.kinds)
        self.turn: Turn = Alone()
        self._writing, self._knowing = threading.Lock(), threading.Lock()

    @classmethod
    def create(cls, options: MilvusOptions, space_id: str, row_dim: int, *, catalogue_id: str = "") -> MilvusIndex:
        """Open the collections of a space, and make them where they are not there.

        Args:
            options: Where, and how they are made.
            space_id: The space that the rows are of.
            row_dim: Length of a row.
            catalogue_id: The catalogue that the products are of.

        Raises:
            MilvusAway: Milvus does not answer.
            MilvusRefused: It does not take the collections, or is too old.
            WrongCollection: They hold another catalogue, or rows of another length.
        """
        connection, names = Connection(options), Names.of(options, space_id)
        create(connection, names, row_dim)
        wanted = State(space_id, row_dim, catalogue_id)
        held = States(connection, names.state).read()
        return cls(connection, names, wanted if held is None else checked(held, wanted, options))

    @classmethod
    def open(
        cls, options: MilvusOptions, space_id: str, row_dim: int, *, catalogue_id: str | None = None
    ) -> MilvusIndex:
        """Open collections that a feeder has filled.

        Args:
            options: Where they are.
            space_id: The space that queries will be of.
            row_dim: Length of a row.
            catalogue_id: The catalogue that is wanted; None for any.

        Raises:
            MilvusAway: Milvus does not answer.
            MilvusEmpty: Nobody has filled them.
            WrongCollection: They hold another catalogue, or rows of another length.
        """
        connection, names = Connection(options), Names.of(options, space_id)
        held = None
        if connection.call("has_collection", names.state):
            load(connection, names)
            held = States(connection, names.state).read()
        if held is None or not held.filled:
            raise _empty(options, space_id)
        wanted = State(space_id, row_dim, held.catalogue_id if catalogue_id is None else catalogue_id)
        return cls(connection, names, checked(held, wanted, options))

    @property
    def state(self) -> State:
        """As far as the collections are known to be filled."""
        return self._state

    @property
    def seq(self) -> int:
        """The last journal entry that they are known to hold."""
        return self._state.seq

    @property
    def space_id(self) -> str:
        """The space that the rows are of."""
        return self._state.space_id

    @property
    def catalogue_id(self) -> str:
        """The catalogue that the products are of."""
        return self._state.catalogue_id

    @property
    def on_gpu(self) -> bool:
        """Whether it takes queries that lie on a GPU: no, Milvus is on another machine."""
        return False

    @property
    def is_filled(self) -> bool:
        """Whether they were ever filled to the end."""
        held = self.states.read()
        return held is not None and held.filled

    @property
    def live(self) -> int:
        """Products that a search may find."""
        return self.products.count()

    def refresh(self) -> int:
        """Look how far the feeder has come; returns ``seq``.

        Raises:
            MilvusAway: Milvus does not answer.
            MilvusEmpty: The collections are not filled.
        """
        with self._knowing:  # or an older state, read by another thread, would come after a newer one
            held = self._held()
            self.known(held)
        if not held.filled:
            raise _empty(self.connection.options, self.space_id)
        return held.seq

    def settle(self) -> bool:
        """Look whether another process wrote since this one did, and if so go back to what both had done.

        Returns:
            Whether it was so: what comes after ``seq`` has to be applied again.

        Raises:
            MilvusAway: Milvus does not answer.
            MilvusEmpty: The collections are empty.
        """
        with self._knowing:
            held, mine = self._held(), self._state
            if held == mine:
                return False
            first, end = min(held.first, mine.first), max(held.end, mine.end)
            self.known(replace(held, seq=min(held.seq, mine.seq), first=first, end=end))
        return True

    @contextmanager
    def reading(self) -> Iterator[MilvusReading]:
        """What is asked within one request."""
        yield MilvusReading(self.connection, self.names.products, self._state.seq, self._columns)

    def search(self, queries: Any, counts: Sequence[int], filters: Sequence[bytes] | None = None) -> list[Hits]:
        """Search a batch; see ``MilvusReading.search``.

        Raises:
            InvalidInput: A filter cannot be compiled.
        """
        with self.reading() as state:
            texts = [b""] * len(queries) if filters is None else filters
            return state.search(queries, counts, [state.passing(text) for text in texts])

    def apply(self, changes: Changes) -> None:
        """Bring the collections to another state of the catalogue, product by product.

        Changes that end at or before ``seq`` are ignored. Searches meanwhile may see a part of them.

        Raises:
            ChangesRefused: A product's document, row or value cannot be taken; names it. None of them was applied.
            MilvusAway: Milvus does not answer: they may be applied in part, and have to be applied again.
        """
        with self._writing:
            if changes.seq > self.seq:
                apply(self, changes)

    def replace(self, changes: Iterable[Change], *, seq: int, kinds: Mapping[str, Kind]) -> None:
        """Take a whole catalogue in place of what the collections hold; searches go on meanwhile.

        Args:
            changes: Every product, each once; in the order in which rows get their slots.
            seq: The journal's last entry in them.
            kinds: The kind of every attribute.

        Raises:
            ChangesRefused: As ``apply`` does; some of the products before it are in the collection then.
            MilvusAway: Milvus does not answer for longer than a minute: it has to be done again. What was searchable
                stays so.
        """
        with self._writing:
            replace_all(self, changes, seq, kinds)

    def save(self, folder: Path) -> dict[str, str]:
        """Write a snapshot that any other engine opens; see ``filling.save``."""
        from ensemble.index.milvus.filling import save

        return save(self, folder)

    def fill(self, folder: Path) -> None:
        """Take a snapshot in place of what the collections hold; see ``filling.fill``."""
        from ensemble.index.milvus.filling import fill

        fill(self, folder)

    def close(self) -> None:
        """Close the connection."""
        self.connection.close()

    def known(self, state: State) -> None:
        """Go on from a state that was written or read."""
        if dict(state.kinds) != dict(self._state.kinds):
            self._columns = columns_of(state.kinds)
        self._state = state

    def _held(self) -> State:
        held = self.states.read()
        if held is None:
            raise _empty(self.connection.options, self.space_id)
        if held != self._state:
            self.states.forget()
        return checked(held, self._state, self.connection.options)


def _empty(options: MilvusOptions, space_id: str) -> MilvusEmpty:
    return MilvusEmpty(
        f"{options.shown}: holds no products of space {space_id[:12]}, or not all of them yet; fill it with "
        "`python -m deploy feed --milvus URI`"
    )
