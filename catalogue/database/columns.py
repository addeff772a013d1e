"""The columns of the catalogue's attributes, as a batch of writes finds and extends them."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import Connection, delete

from catalogue.database.kinds import Kind, misfits, new_kinds
from catalogue.database.reading import kinds_of_columns
from catalogue.database.schema import columns
from catalogue.database.statements import put
from catalogue.errors import BadEntry, shown
from catalogue.product import Attribute


class Columns:
    """The kinds that a transaction finds, and those that its entries add.

    Args:
        connection: In a write transaction.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._kinds = kinds_of_columns(connection)
        self._new: dict[str, Kind] = {}

    def take(self, product_id: str, attributes: Mapping[str, Attribute]) -> None:
        """Add the columns of a product's attributes.

        Raises:
            BadEntry: Values are of another kind than their column; none is added then.
        """
        problems = misfits(attributes, self._kinds)
        if problems:
            raise BadEntry(f"product {shown(product_id)}", problems)
        new = new_kinds(attributes, self._kinds)
        self._kinds |= new
        self._new |= new

    def write(self) -> None:
        """Write the columns that were added."""
        put(self._connection, columns, [{"name": name, "kind": kind} for name, kind in self._new.items()])


def replace_columns(connection: Connection, kinds: Mapping[str, Kind]) -> None:
    """Make the columns those of ``kinds`` alone."""
    if kinds == kinds_of_columns(connection):
        return
    connection.execute(delete(columns))
    put(connection, columns, [{"name": name, "kind": kind} for name, kind in kinds.items()])
