"""The journal, as an index follows it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection

from catalogue.database.changes import changes_of, everything_of
from catalogue.database.faults import told
from catalogue.database.making import check
from catalogue.database.nudge import Nudge
from catalogue.database.reading import head_of
from catalogue.database.transactions import Transactions
from catalogue.database.values import Changes, Everything
from catalogue.database.waiting import waiter_of
from catalogue.errors import DatabaseError, DatabaseUnusable


class Journal:
    """The ordered changes of one catalogue, as one space sees them.

    Nothing is connected before the first call. After an error the next call connects anew. ``wait`` belongs to one
    thread; ``nudge`` may be called from any.

    Args:
        url: The database.
        space_id: Whose rows are wanted.
        catalogue_id: The catalogue that is followed; another one at this address is refused. None takes any.
        all_rows: Whether ``changes`` gives the row of every product that changed, also where only its document did.

    Raises:
        DatabaseUnusable: The address is not allowed.
    """

    def __init__(self, url: str, space_id: str, catalogue_id: str | None = None, *, all_rows: bool = False) -> None:
        self.space_id, self.catalogue_id = space_id, catalogue_id
        self._all_rows = all_rows
        self._transactions = Transactions(url)
        self.url_shown = self._transactions.address
        self._waiter = waiter_of(self._transactions.url)
        self._nudge = Nudge()
        self._checked = False

    def changes(self, after: int) -> Changes:
        """What changed after a sequence number; nothing, with ``seq == after``, where nothing did.

        Raises:
            JournalTrimmed: The journal does not reach back so far: begin with ``everything``.
            DatabaseError: The catalogue cannot be reached, or is another one.
        """
        with self._reading() as connection:
            return changes_of(connection, self.space_id, after, self.url_shown, all_rows=self._all_rows)

    @contextmanager
    def everything(self) -> Iterator[Everything]:
        """The whole catalogue in one state, to be read while the context is open.

        Raises:
            DatabaseError: The catalogue cannot be reached, or is another one.
        """
        with self._reading() as connection:
            yield everything_of(connection, self.space_id)

    def head(self) -> int:
        """The last sequence number.

        Raises:
            DatabaseError: The catalogue cannot be reached, or is another one.
        """
        with self._transactions.reading() as connection:
            self._check(connection)
            return head_of(connection)

    def wait(self, timeout_s: float) -> None:
        """Return as soon as there may be something new since ``changes``, at the latest after ``timeout_s``.

        Where the catalogue cannot be reached it waits for as long; it is ``changes`` that tells.
        """
        try:
            with told(self.url_shown):
                self._waiter.wait(self._nudge, timeout_s)
        except DatabaseError:
            self._waiter.close()
            self._nudge.wait(timeout_s)

    def nudge(self) -> None:
        """Let a ``wait`` in another thread return at once."""
        self._nudge.give()

    def close(self) -> None:
        """Close the connections; no thread may be waiting any more."""
        self._waiter.close()
        self._transactions.close()
        self._nudge.close()

    @contextmanager
    def _reading(self) -> Iterator[Connection]:
        try:
            with told(self.url_shown):
                self._waiter.look()
            with self._transactions.reading() as connection:
                self._check(connection)
                yield connection
        except DatabaseError:
            # Who fails here may never come to ``wait``, which would find out that its own connection is lost too.
            self._waiter.close()
            self._checked = False
            raise

    def _check(self, connection: Connection) -> None:
        if self._checked:
            return
        found = check(connection, self.url_shown)
        if self.catalogue_id not in (None, found):
            raise DatabaseUnusable(f"{self.url_shown}: is catalogue {found}; {self.catalogue_id} is followed")
        self._checked = True
