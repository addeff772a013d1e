"""Where a release's products come from: a file that becomes the store's own catalogue, or a database as it is."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Protocol

from catalogue import Catalogue, Columns, Product
from catalogue.database import Database, Embedded, Kind, Space, Stored
from export.checking import Advance, CheckedCatalogue, Limits, check_catalogue
from export.embedding import Rows
from export.pictures import StoredPictures
from export.reading import read_checked

OWN = "catalogue.sqlite"
SCHEMES = ("sqlite:", "postgresql:", "postgresql+")
UPLOADED = "uploaded:"
DEPOSIT_ROWS = 1_000

Kinds = Mapping[str, Kind]
Start = Callable[[int], Advance]


@dataclass(frozen=True)
class State:
    """A state of the catalogue.

    Args:
        seq: Its last change.
        catalogue_id: The database that knows it.
        database: URL of that database, without its password.
    """

    seq: int
    catalogue_id: str
    database: str


class Origin(Protocol):
    """Gives the products at the beginning of a release, and the state that its index is of at the end."""

    @property
    def location(self) -> str:
        """Where products come from, without a password."""

    @property
    def kinds(self) -> Kinds | None:
        """Kind of every attribute, once read; None where the products themselves tell."""

    def read(self, columns: Columns, limits: Limits, *, skip_bad_rows: bool, start: Start) -> CheckedCatalogue:
        """All products, checked.

        Raises:
            CatalogueError: They cannot be read, or some are bad; lists every problem.
            BadSource: No product has a field that is to make its text.
        """

    def settled(self, checked: CheckedCatalogue, space: Space, rows: Rows) -> AbstractContextManager[State]:
        """Have the database hold the products and their rows; whatever tells their state is written within.

        Raises:
            CatalogueError: The database cannot be reached or written.
        """


@contextmanager
def origin_of(catalogue: str, store: Path) -> Iterator[Origin]:
    """Of a file, of a database by its URL, or of the store's own database where neither is given.

    Args:
        catalogue: Path or URL; empty for the store's own database.
        store: The store.

    Raises:
        CatalogueError: The database is missing or cannot be reached.
    """
    own = f"sqlite:///{(store / OWN).resolve()}"
    if catalogue and not catalogue.startswith(SCHEMES):
        yield FileOrigin(catalogue, own)
        return
    with Database.open(catalogue or own) as database, TemporaryDirectory(prefix="tandem-pictures-") as kept:
        yield DatabaseOrigin(database, Path(kept))


class FileOrigin:
    """A file, which the store's own catalogue is made equal to once the release is whole.

    Args:
        location: JSONL, CSV, TSV or Parquet; a path or a URL of fsspec.
        own: URL of the store's database; it is made where there is none.
    """

    kinds: Kinds | None = None

    def __init__(self, location: str, own: str) -> None:
        self.location, self._own = location, own

    def read(self, columns: Columns, limits: Limits, *, skip_bad_rows: bool, start: Start) -> CheckedCatalogue:
        """See ``Origin.read``."""
        return read_checked(self.location, columns, limits, skip_bad_rows=skip_bad_rows, start=start)

    @contextmanager
    def settled(self, checked: CheckedCatalogue, space: Space, rows: Rows) -> Iterator[State]:
        """See ``Origin.settled``: committed when the block is left, and as it was where that raises."""
        with (
            Database.open(self._own, create=True) as database,
            database.replacing(checked.catalogue, space, rows, pictures=self.location) as replaced,
        ):
            yield State(replaced.seq, database.catalogue_id, database.url_shown)


class DatabaseOrigin:
    """A database, which goes on changing while the release is made: the release is of the state that was read.

    Args:
        database: It stays open as long as the release is made.
        kept: A folder for the pictures that came with products.
    """

    kinds: Kinds | None = None

    def __init__(self, database: Database, kept: Path) -> None:
        self._database, self._kept = database, kept
        self._stored: Mapping[str, Stored] = {}
        self._seq = 0

    @property
    def location(self) -> str:
        """Its URL without the password."""
        return self._database.url_shown

    def read(self, columns: Columns, limits: Limits, *, skip_bad_rows: bool, start: Start) -> CheckedCatalogue:
        """See ``Origin.read``; a database needs no mapping of columns."""
        with self._database.reading() as snapshot:
            self._seq, self.kinds = snapshot.seq, snapshot.kinds
            self._stored = {stored.product.id: stored for stored in snapshot.products()}
        named = {name: _readable(stored) for name, stored in self._stored.items()}
        shown = {product.image: self._stored[name] for name, product in named.items() if product.image}
        pictures = StoredPictures(self._database, shown, limits[1].max_bytes, self._kept)
        whole = Catalogue(self.location, tuple(named.values()), tuple(range(1, len(named) + 1)))
        checked = check_catalogue(whole, pictures, limits, skip_bad_rows=skip_bad_rows, start=start)
        renamed = {name: stored.product.image for name, stored in self._stored.items() if stored.picture is not None}
        return replace(checked, images=renamed)

    @contextmanager
    def settled(self, checked: CheckedCatalogue, space: Space, rows: Rows) -> Iterator[State]:
        """See ``Origin.settled``: rows of products that changed meanwhile are left out, to be embedded when served."""
        database = self._database
        database.register(space)
        contents = [self._stored[product.id].content for product in checked.catalogue.products]
        made = [
            Embedded(product.id, content, row)
            for product, content, row in zip(checked.catalogue.products, contents, rows, strict=True)
        ]
        for first in range(0, len(made), DEPOSIT_ROWS):
            database.deposit(space.space_id, made[first : first + DEPOSIT_ROWS], seq=self._seq)
        yield State(self._seq, database.catalogue_id, database.url_shown)


def _readable(stored: Stored) -> Product:
    """The product, with a name for the picture that came with it."""
    if stored.picture is None:
        return stored.product
    return replace(stored.product, image=f"{UPLOADED}{stored.picture}")
