"""Transactions: one state to read, one write at a time.

A write takes the row of ``head`` first and holds it until it is committed. So writes are committed in the order of
their numbers, a write that is rolled back gives its numbers back, and every check is made against the very state that
the write is applied to: a reader never sees number n + 1 before n. Nothing else is locked, so no two writes can wait
for each other in a circle.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, Engine, RootTransaction, Text, bindparam, delete, func, insert, select, update
from sqlalchemy.exc import DBAPIError

from catalogue.database.address import parse, shown
from catalogue.database.faults import told
from catalogue.database.opening import begin_reading, begin_writing, engine_of
from catalogue.database.patience import PATIENT, Patience
from catalogue.database.schema import CHANNEL, head, journal
from catalogue.database.values import JournalKind
from catalogue.errors import DatabaseUnavailable

# Of every write. Made once: to make one anew takes longer than to run it.
_LOCK = select(head.c.seq).with_for_update()
_NOTE = insert(journal)
_NUMBER = update(head)
_NOTIFY = select(func.pg_notify(CHANNEL, bindparam("seq", type_=Text)))


class Writing:
    """One write transaction.

    Args:
        connection: In a transaction.
    """

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.seq: int = connection.execute(_LOCK).scalar_one()
        self.before = self._numbered = self.seq
        self._at = datetime.datetime.now(datetime.UTC).isoformat(timespec="milliseconds")
        self._entries: list[dict[str, object]] = []

    def note(self, product_id: str, kind: JournalKind, space_id: str | None = None) -> int:
        """Give a change its number in the journal.

        Args:
            product_id: What changed.
            kind: How.
            space_id: The space, where only one is concerned.
        """
        self.seq += 1
        entry = {"seq": self.seq, "product_id": product_id, "kind": kind, "space_id": space_id, "at": self._at}
        self._entries.append(entry)
        return self.seq

    def forget(self) -> None:
        """Take back all numbers, where nothing was written for them yet."""
        self.seq, self._entries = self._numbered, []

    def flush(self) -> None:
        """Write what has been noted; a long transaction does so now and then."""
        if self._entries:
            self.connection.execute(_NOTE, self._entries)
            self._entries = []

    def trim(self, before: int) -> int:
        """Forget journal entries up to a number; up to which number they are forgotten now."""
        trimmed: int = self.connection.execute(select(head.c.trimmed)).scalar_one()
        trimmed = max(trimmed, min(before, self.before))
        self.connection.execute(delete(journal).where(journal.c.seq <= trimmed))
        self.connection.execute(update(head).values(trimmed=trimmed))
        return trimmed

    def number(self) -> None:
        """Write the journal and the head; the last statements of the transaction."""
        if self.seq == self._numbered:
            return
        self.flush()
        self._numbered = self.seq
        self.connection.execute(_NUMBER, {"seq": self.seq})
        if self.connection.dialect.name == "postgresql":
            self.connection.execute(_NOTIFY, {"seq": str(self.seq)})


class Transactions:
    """A database, one transaction at a time and thread.

    Args:
        url: Its address.
        patience: How long it is waited for.

    Raises:
        DatabaseUnusable: The address is not allowed.
    """

    def __init__(self, url: str, patience: Patience = PATIENT) -> None:
        self._patience = patience
        self.url = parse(url)
        self.address = shown(self.url)
        self.engine: Engine = engine_of(self.url, patience)

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Read one state of the whole database, however long it takes.

        Raises:
            DatabaseError: It cannot be read.
        """
        with told(self.address), self.engine.connect() as connection, begin_reading(connection).begin():
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Writing]:
        """Write; on leaving, everything is durable, or an error is raised and nothing is written.

        Raises:
            DatabaseError: It cannot be written.
        """
        with told(self.address), self.engine.connect() as connection:
            transaction = begin_writing(connection).begin()
            try:
                writing = Writing(connection)
                yield writing
                writing.number()
                self._patience.check()
            except BaseException:
                transaction.rollback()
                raise
            self._commit(transaction)

    def close(self) -> None:
        """Close the connections."""
        self.engine.dispose()

    def _commit(self, transaction: RootTransaction) -> None:
        try:
            transaction.commit()
        except DBAPIError as error:
            if error.connection_invalidated:
                raise DatabaseUnavailable(
                    f"{self.address}: the connection was lost during a commit, so that it is not known whether this was"
                    " written; to write it again does no harm"
                ) from error
            raise
