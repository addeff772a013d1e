"""The catalogue's database as a served model has it: it may be away for a while without the model being reloaded."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from catalogue.database import Database, Patience, Space
from catalogue.errors import BadEntry, DatabaseMissing, DatabaseUnavailable, DatabaseUnusable, WriteFailed
from ensemble.errors import Unavailable
from ensemble.variables import CATALOGUE

log = logging.getLogger(__name__)

# A caller waits for some seconds: it is told in time, and tries again.
PATIENCE = Patience(lock_s=3.0, connect_s=3, answer_s=4.0)
_AWAY = (DatabaseMissing, DatabaseUnavailable, WriteFailed)
_ABSENT = (
    f"{CATALOGUE} is not set, so that this server has no catalogue to write to; "
    "start it with `python -m deploy serve --catalogue URL`"
)


class Connection:
    """Opens the database when it is first needed, and again after it failed.

    Args:
        url: Its address; empty where there is none.
        space: What the release's towers make, to be known to the database; None where that does not matter.
        catalogue_id: The catalogue that the release follows; None for the first that is found.
    """

    def __init__(self, url: str, space: Space | None = None, catalogue_id: str | None = None) -> None:
        self.url, self.space = url, space
        self._database: Database | None = None
        self._catalogue_id = catalogue_id

    @contextmanager
    def database(self) -> Iterator[Database]:
        """The open database, for one write.

        Raises:
            Unavailable: There is none, it cannot be reached, or it cannot be written.
        """
        try:
            yield self._opened()
        except _AWAY as error:
            # It may come back as another file, which does not know the space.
            self.close()
            raise Unavailable(f"{CATALOGUE}: {error}") from error
        except DatabaseUnusable as error:
            self.close()
            raise _unusable(error) from error

    def register(self, database: Database) -> None:
        """Let the database know the space.

        Raises:
            Unavailable: It knows it otherwise.
        """
        try:
            if self.space is not None:
                database.register(self.space)
        except BadEntry as error:
            raise _unusable(error) from error

    def try_now(self) -> None:
        """Open it already; where that fails, the log tells, and so does every write until it is mended."""
        try:
            with self.database():
                pass
        except Unavailable as error:
            log.warning("writes are refused until this is mended: %s", error)

    def close(self) -> None:
        """Close the connections; the next write opens them again."""
        database, self._database = self._database, None
        if database is not None:
            database.close()

    def _opened(self) -> Database:
        if not self.url:
            raise Unavailable(_ABSENT)
        if self._database is None:
            database = Database.open(self.url, patience=PATIENCE)
            try:
                self._check_same(database)
                self.register(database)
            except BaseException:
                database.close()
                raise
            self._database = database
        return self._database

    def _check_same(self, database: Database) -> None:
        """Refuse another catalogue at the same address: the index would never see what is written there."""
        known = self._catalogue_id = self._catalogue_id or database.catalogue_id
        if known != database.catalogue_id:
            raise DatabaseUnusable(
                f"{database.url_shown}: is catalogue {database.catalogue_id}; this release follows {known}"
            )


def _unusable(error: Exception) -> Unavailable:
    """What does not pass by itself; clients know it by its first words, and do not ask again."""
    return Unavailable(
        f"{CATALOGUE} cannot be used: {error}; nothing was written. Bring the release's catalogue back, or make a new "
        "release of this one"
    )
