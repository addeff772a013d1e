"""Statements that both databases know, each in its own dialect."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any, TypeVar

from sqlalchemy import BindParameter, Connection, Executable, Table, bindparam
from sqlalchemy.dialects import postgresql, sqlite

# Below the bound on variables a statement of both databases, and large enough that round trips do not count.
CHUNK = 1_000

# What `in_` of a statement that is made once takes in the place of the ids.
IDS: BindParameter[Any] = bindparam("ids", expanding=True)

T = TypeVar("T")


def chunks(values: Sequence[T], size: int = CHUNK) -> Iterator[Sequence[T]]:
    """Some values at a time."""
    return (values[start : start + size] for start in range(0, len(values), size))


def put(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert rows; one whose key is there replaces what is there. No key may come twice."""
    if rows:
        connection.execute(_replacing(table, connection.dialect.name), rows)


def put_missing(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert rows; one whose key is there is left as it is."""
    if rows:
        make = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
        connection.execute(make(table).on_conflict_do_nothing(), rows)


@cache
def _replacing(table: Table, dialect: str) -> Executable:
    statement = (sqlite.insert if dialect == "sqlite" else postgresql.insert)(table)
    keys = [column.name for column in table.primary_key]
    others = {column.name: statement.excluded[column.name] for column in table.c if column.name not in keys}
    return statement.on_conflict_do_update(index_elements=keys, set_=others)
