"""The collection of the products: one entity a product that has a row."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from ensemble.index.milvus.connection import Connection
from ensemble.index.milvus.filters import keys_in, slots_in
from ensemble.index.milvus.parts import parts_of
from ensemble.index.milvus.schema import STRONG
from ensemble.index.milvus.tokens import key_of


class Products:
    """Reads and writes entities.

    Args:
        connection: To their Milvus.
        name: Of the collection.
    """

    def __init__(self, connection: Connection, name: str) -> None:
        self._connection, self._name = connection, name

    def count(self) -> int:
        """How many there are; Milvus looks at all of them."""
        found = self._query("", ["count(*)"], timeout_s=self._connection.options.slow_timeout_s)
        return int(found[0]["count(*)"])

    def held(self, ids: Iterable[str]) -> set[str]:
        """Which of some products are there."""
        found: set[str] = set()
        for part in parts_of(ids):
            found.update(entity["id"] for entity in self._query(keys_in([key_of(name) for name in part]), ["id"]))
        return found

    def between(self, first: int, end: int) -> list[dict[str, Any]]:
        """Those of slots from ``first`` up to before ``end``, with their rows, in the order of their slots."""
        found = self._query(slots_in(first, end), ["slot", "id", "vector", "document"])
        return sorted(found, key=lambda entity: int(entity["slot"]))

    def put(self, entities: Sequence[dict[str, Any]], *, partial: bool = False) -> None:
        """Add or replace some; only the fields that are given where ``partial``."""
        for part in parts_of(entities):
            self._connection.call("upsert", self._name, part, partial_update=partial)

    def drop(self, ids: Iterable[str]) -> None:
        """Remove some."""
        for part in parts_of(ids):
            self._delete(keys_in([key_of(name) for name in part]))

    def drop_between(self, first: int, end: int) -> None:
        """Remove those of slots from ``first`` up to before ``end``."""
        self._delete(slots_in(first, end), timeout_s=self._connection.options.slow_timeout_s)

    def flush(self) -> None:
        """Have everything written so far indexed soon."""
        self._connection.call("flush", self._name, timeout_s=self._connection.options.slow_timeout_s)

    def _delete(self, expression: str, timeout_s: float | None = None) -> None:
        self._connection.call("delete", self._name, filter=expression, timeout_s=timeout_s)

    def _query(self, expression: str, fields: list[str], timeout_s: float | None = None) -> list[dict[str, Any]]:
        more: dict[str, Any] = {"output_fields": fields, "consistency_level": STRONG, "timeout_s": timeout_s}
        return list(self._connection.call("query", self._name, filter=expression, **more))
