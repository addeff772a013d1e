"""Writes the requests of a batch in one transaction, each request as a whole or not at all."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from itertools import chain, islice
from typing import Generic, TypeVar

from catalogue.database import Database
from catalogue.errors import CatalogueError, NotWritten, UnknownSpace
from catalogue.serving.connection import Connection
from catalogue.serving.operations import Operation
from ensemble.errors import InvalidInput, Unavailable
from ensemble.serving import Tensors

log = logging.getLogger(__name__)

T = TypeVar("T")
R = TypeVar("R")
Answer = Tensors | Exception


class Writer(Generic[T, R]):
    """Writes to the catalogue; what it answers is durable.

    Args:
        connection: To the database.
        operation: The kind of writes.
    """

    def __init__(self, connection: Connection, operation: Operation[T, R]) -> None:
        self._connection, self._operation = connection, operation

    def answer(self, requests: Sequence[Tensors]) -> list[Answer]:
        """Write what some requests ask for, together.

        Returns:
            For each request its outputs, ``(batch, 1)`` each, or why nothing of it was written.
        """
        parsed = [self._parsed(inputs) for inputs in requests]
        groups = {place: items for place, items in enumerate(parsed) if not isinstance(items, Exception)}
        # Requests of one row share a transaction. One of several rows has its own, to be written whole or not at all.
        singles = [place for place, items in groups.items() if len(items) == 1]
        several = [[place] for place, items in groups.items() if len(items) != 1]
        answers = self._in_turn([[groups[place] for place in places] for places in (singles, *several)])
        written = dict(zip(chain(singles, *several), answers, strict=True))
        return [items if isinstance(items, Exception) else written[place] for place, items in enumerate(parsed)]

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def _parsed(self, inputs: Tensors) -> list[T] | Exception:
        try:
            return self._operation.parse(inputs)
        except Exception as error:
            return error

    def _in_turn(self, transactions: Sequence[Sequence[list[T]]]) -> list[Answer]:
        """One transaction after the other; once the database is away, those that are left do not wait for it again."""
        answers: list[Answer] = []
        for groups in transactions:
            away = next((answer for answer in answers if isinstance(answer, Unavailable)), None)
            answers += self._written(groups) if away is None else [away] * len(groups)
        return answers

    def _written(self, groups: Sequence[list[T]]) -> list[Answer]:
        if not groups:
            return []
        try:
            with self._connection.database() as database:
                results = self._results(database, list(chain(*groups)), whole=len(groups) == 1)
        except Unavailable as error:
            return [error] * len(groups)
        except Exception as error:
            if len(groups) == 1:
                return [error]
            log.exception("%d requests could not be written together; each is tried alone", len(groups))
            return self._in_turn([[group] for group in groups])
        left = iter(results)
        return [self._told(group, list(islice(left, len(group)))) for group in groups]

    def _results(self, database: Database, items: Sequence[T], *, whole: bool) -> Sequence[R | CatalogueError]:
        results = self._operation.write(database, items, whole=whole)
        if any(isinstance(result, UnknownSpace) for result in results):
            # `catalogue forget` came between. All items are of this space, so that none of them was written.
            self._connection.register(database)
            results = self._operation.write(database, items, whole=whole)
        return results

    def _told(self, items: Sequence[T], results: Sequence[R | CatalogueError]) -> Answer:
        for row, result in enumerate(results):
            if isinstance(result, CatalogueError) and not isinstance(result, NotWritten):
                return InvalidInput(self._operation.name, str(result)).at(row, of=len(results))
        return self._operation.answer(items, [result for result in results if not isinstance(result, CatalogueError)])
