"""A catalogue file with its vectors into the database, for a release."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from catalogue.database.checking import check_row
from catalogue.database.depositing import Deposit, Made
from catalogue.database.embedding import found_space
from catalogue.database.loading import Advance, Loaded, Loading, Part
from catalogue.database.transactions import Transactions
from catalogue.database.values import Space
from catalogue.errors import BadEntry
from catalogue.reading import Catalogue


@dataclass(frozen=True)
class Replaced:
    """A database that is about to be equal to a catalogue file.

    Args:
        seq: The last sequence number that it will have once this is committed.
        loaded: What the file changed.
    """

    seq: int
    loaded: Loaded


@contextmanager
def replacing(
    transactions: Transactions,
    catalogue: Catalogue,
    space: Space | str,
    rows: NDArray[Any],
    location: str,
    advance: Advance,
) -> Iterator[Replaced]:
    """Make a database equal to a catalogue file that has been embedded, in one transaction.

    Leaving the context commits; an exception rolls back. Other writers wait meanwhile.

    Args:
        transactions: The database.
        catalogue: All products of the file.
        space: The space that they were embedded in, which is registered with this; or the id of one that is.
        rows: ``(products, row_dim)`` float16 or float32, finite.
        location: The catalogue file, beside which the paths of pictures start.
        advance: Told how many products have been looked at.

    Raises:
        BadRows: Products that cannot be kept; see ``refused_rows``.
        BadEntry: The rows do not fit, or the space is registered with other dimensions.
        DatabaseError: Nothing was written.
    """
    with transactions.writing() as writing:
        found = found_space(writing.connection, space)
        expected = (len(catalogue.products), found.row_dim)
        if rows.shape != expected:
            problem = f"shape {rows.shape}; allowed: {expected}, a row a product"
            raise BadEntry(f"rows of {catalogue.location}", [problem])
        deposit = Deposit(writing, found, writing.before)
        loading = Loading(writing, catalogue)
        for part in loading.parts():
            deposit.write(_made(part, rows, found))
            advance(len(part.ids))
        loaded = loading.finish(location, replace=True)
        yield Replaced(loaded.seq, loaded)


def _made(part: Part, rows: NDArray[Any], space: Space) -> list[Made]:
    """The rows of some products; the journal tells of those whose product has changed by the product's number."""
    own = rows[part.start : part.start + len(part.ids)]
    fields = zip(part.ids, part.contents, part.changed, _kept(part, own, space), strict=True)
    return [Made(name, content, row.tobytes(), content if changed else None) for name, content, changed, row in fields]


def _kept(part: Part, rows: NDArray[Any], space: Space) -> NDArray[np.float16]:
    """Rows as they are kept, ``(products, row_dim)`` float16, little-endian."""
    with np.errstate(over="ignore"):
        kept = rows.astype("<f2")
    if rows.dtype.kind != "f" or not np.isfinite(kept).all() or not kept.any(axis=1).all():
        return np.stack([check_row(product_id, row, space) for product_id, row in zip(part.ids, rows, strict=True)])
    return kept
