"""The catalogue's database: the truth about products and their vectors."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from numpy.typing import NDArray

from catalogue.database import embedding, making, patching, upserting
from catalogue.database.depositing import deposit
from catalogue.database.kinds import Kind
from catalogue.database.loading import Advance, Loaded, PictureRows, load, unwatched
from catalogue.database.patience import PATIENT, Patience
from catalogue.database.pictures import bytes_of, location_of
from catalogue.database.reading import Reading, head_of, registered
from catalogue.database.replacing import Replaced, replacing
from catalogue.database.transactions import Transactions
from catalogue.database.values import Deleted, Embedded, Entry, Patch, Space, Stored
from catalogue.errors import CatalogueError
from catalogue.pictures import Pictures
from catalogue.reading import Catalogue


class Database:
    """One catalogue on SQLite or PostgreSQL. Its methods may be called from many threads at once.

    What a write returns is durable. A call that raises has written nothing, except that a connection which is lost
    during a commit leaves open what became of it; the error says so then.

    Args:
        transactions: Of a database that has been checked.
        catalogue_id: Made with the database.
    """

    def __init__(self, transactions: Transactions, catalogue_id: str) -> None:
        self._transactions = transactions
        self.catalogue_id = catalogue_id
        self.url_shown = transactions.address

    @classmethod
    def open(cls, url: str, *, create: bool = False, patience: Patience = PATIENT) -> Database:
        """Open a database.

        Args:
            url: ``sqlite:///FILE`` or ``postgresql+psycopg://...``.
            create: Make the tables, and SQLite's file, where there are none.
            patience: How long it is waited for.

        Raises:
            DatabaseMissing: There is none, and ``create`` is off; or no folder or server's database to make it in.
            DatabaseUnusable: The address is not allowed, or what is there is no catalogue of this version.
            DatabaseUnavailable: It cannot be reached.
        """
        transactions = Transactions(url, patience)
        try:
            if create:
                making.make(transactions)
            return cls(transactions, making.identify(transactions))
        except BaseException:
            transactions.close()
            raise

    def __enter__(self) -> Database:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._transactions.close()

    def upsert(self, entries: Sequence[Entry], *, whole: bool = False) -> list[int | CatalogueError]:
        """Write products, all that can be written in one transaction.

        Args:
            entries: What to write.
            whole: Write nothing where one is refused.

        Returns:
            For each entry its sequence number, or why it is not written.

        Raises:
            DatabaseError: Nothing was written.
        """
        return upserting.upsert(self._transactions, entries, whole=whole)

    def patch(self, patches: Sequence[Patch], *, whole: bool = False) -> list[int | CatalogueError]:
        """Change prices, availability and attributes, all that can be changed in one transaction.

        Args:
            patches: What to change.
            whole: Change nothing where one is refused.

        Returns:
            For each patch its sequence number, or why it is not made.

        Raises:
            DatabaseError: Nothing was written.
        """
        return patching.patch(self._transactions, patches, whole=whole)

    def delete(self, ids: Sequence[str]) -> list[Deleted]:
        """Remove products with their vectors, in one transaction.

        Raises:
            BadEntry: An id that no product can have; nothing was written.
            DatabaseError: Nothing was written.
        """
        return patching.remove(self._transactions, ids)

    def register(self, space: Space) -> None:
        """Add a space that vectors may be of; one that is there is left as it is.

        Raises:
            BadEntry: It is there with other dimensions or text fields.
        """
        with self._transactions.reading() as connection:  # most often it is there, and need not wait for a writer
            if registered(connection).get(space.space_id) == space:
                return
        with self._transactions.writing() as writing:
            embedding.register(writing.connection, space)

    def forget(self, space_id: str) -> bool:
        """Remove a space with all its vectors; whether it was there."""
        with self._transactions.writing() as writing:
            return embedding.forget(writing.connection, space_id)

    def embed(self, space_id: str, rows: Sequence[Embedded]) -> list[int | None]:
        """Write rows that were made from stored products, in one transaction.

        Returns:
            For each its sequence number; None where the product has changed since, or is gone.

        Raises:
            BadEntry: The space is not registered, or a row is not one of it; nothing was written.
            DatabaseError: Nothing was written.
        """
        return embedding.embed(self._transactions, space_id, rows)

    def deposit(self, space_id: str, rows: Sequence[Embedded], *, seq: int) -> list[bool]:
        """Write the rows of an index that was made from the state at ``seq``, which therefore need not be told to it.

        Where the space was registered before ``seq``, other indexes may follow it: rows that differ from what is there
        are told by the journal like those of ``embed``.

        Returns:
            For each whether the product is still the one that the row was made from.

        Raises:
            BadEntry: The space is not registered, or a row is not one of it; nothing was written.
            DatabaseError: Nothing was written.
        """
        return deposit(self._transactions, space_id, rows, seq)

    def replacing(
        self,
        catalogue: Catalogue,
        space: Space | str,
        rows: NDArray[Any],
        pictures: str,
        *,
        advance: Advance = unwatched,
    ) -> AbstractContextManager[Replaced]:
        """Make the database equal to a catalogue file with its rows; see ``replacing.replacing``."""
        return replacing(self._transactions, catalogue, space, rows, pictures, advance)

    def load(
        self,
        catalogue: Catalogue,
        pictures: str,
        *,
        replace: bool = False,
        came: PictureRows = (),
        advance: Advance = unwatched,
    ) -> Loaded:
        """Write the products of a catalogue file; see ``loading.load``."""
        return load(self._transactions, catalogue, pictures, replace=replace, came=came, advance=advance)

    def trim(self, before: int) -> int:
        """Forget journal entries up to a number; returns up to which they are forgotten now."""
        with self._transactions.writing() as writing:
            return writing.trim(before)

    @contextmanager
    def reading(self) -> Iterator[Reading]:
        """One state of the whole database.

        Raises:
            DatabaseError: It cannot be read.
        """
        with self._transactions.reading() as connection:
            yield Reading(connection)

    def head(self) -> int:
        """The last sequence number."""
        with self._transactions.reading() as connection:
            return head_of(connection)

    def kinds(self) -> dict[str, Kind]:
        """The kind of every attribute."""
        with self.reading() as reading:
            return dict(reading.kinds)

    def spaces(self) -> dict[str, Space]:
        """The spaces that vectors may be of."""
        with self.reading() as reading:
            return dict(reading.spaces)

    def stored(self, ids: Iterable[str]) -> list[Stored]:
        """The products of these ids, in their order; those that are not there are left out."""
        with self.reading() as reading:
            return reading.stored(ids)

    def products(self) -> Iterator[Stored]:
        """All products of one state, streamed in the order of their contents."""
        with self.reading() as reading:
            yield from reading.products()

    def unembedded(self, space_id: str, limit: int, *, after: int = 0) -> list[Stored]:
        """Products that have no row of their present content in a space, the oldest first.

        See ``Reading.unembedded``.
        """
        with self.reading() as reading:
            return reading.unembedded(space_id, limit, after=after)

    def picture(self, stored: Stored, max_bytes: int) -> bytes | None:
        """A product's picture: the one that came with it, else the one that it names in the catalogue file's folder.

        Args:
            stored: The product.
            max_bytes: Larger ones are cut off after one byte more, so that who decodes them sees it.

        Returns:
            Its encoded bytes; None where it has none, or names one while no catalogue file was ever loaded.

        Raises:
            UnreadablePicture: It is missing, cannot be read, or lies outside the folder.
        """
        image, key = stored.product.image, stored.picture
        with self._transactions.reading() as connection:
            if key is not None:
                data = bytes_of(connection, key)
                return None if data is None else data[: max_bytes + 1]
            location = location_of(connection) if image else None
        return None if not image or location is None else Pictures(location, max_bytes=max_bytes).read(image)
