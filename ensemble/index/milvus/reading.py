"""Searches in a Milvus, as retrieval asks for them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ensemble.errors import InvalidInput
from ensemble.index.columns import Column
from ensemble.index.engine import Hits
from ensemble.index.milvus.connection import Connection
from ensemble.index.milvus.filters import compiled
from ensemble.index.milvus.schema import METRIC, STRONG, packed

_FIELDS = ["slot", "id", "document"]


class MilvusReading:
    """What is asked within one request.

    Milvus has no state that stays: a search sees everything up to ``seq``, and perhaps some of what comes after it.
    What was found is remembered here, so that ids and documents are those of the search; the slots of hits number it.

    Args:
        connection: To Milvus.
        collection: Of the products.
        seq: The last journal entry that the collection is known to hold.
        columns: What filters may ask for.
    """

    def __init__(self, connection: Connection, collection: str, seq: int, columns: Mapping[str, Column]) -> None:
        self._connection, self._collection, self._columns = connection, collection, columns
        self.seq = seq
        self._found: list[tuple[str, bytes]] = []

    def passing(self, text: bytes) -> str:
        """A filter as an expression of Milvus; an empty one is passed by all.

        Raises:
            InvalidInput: It is not a filter over these columns.
        """
        return compiled(text, self._columns)

    def boost(self, text: bytes) -> None:
        """Nothing: Milvus finds the products of the highest inner product alone.

        Raises:
            InvalidInput: A business score is wanted.
        """
        if text:
            raise InvalidInput(
                "RANK",
                "this server searches in Milvus, which cannot add a score of columns to the similarity inside its "
                "index; leave RANK empty, or ask a server with a CPU or GPU engine",
            )

    def search(
        self,
        queries: Any,
        counts: Sequence[int],
        passing: Sequence[str],
        boosts: Sequence[None] | None = None,
    ) -> list[Hits]:
        """Search a batch: one call for all queries of the same filter.

        Args:
            queries: ``(batch, row_dim)`` float32.
            counts: How many hits each query wants.
            passing: For each an expression of ``passing``.
            boosts: None, or one None a query.

        Returns:
            For each its hits, best first, ties in the order in which the rows came. Which of several equally good
            products are left out where there are too many, Milvus chooses.

        Raises:
            InvalidInput: More hits are wanted than Milvus gives.
            MilvusAway: Milvus does not answer.
        """
        rows = np.asarray(queries, np.float32)
        hits: dict[int, Hits] = {}
        for expression in dict.fromkeys(passing):
            places = [place for place, asked in enumerate(passing) if asked == expression]
            answers = self._search(rows[places], max(counts[place] for place in places), expression)
            for place, answer in zip(places, answers, strict=True):
                hits[place] = self._hits(answer, counts[place])
        return [hits[place] for place in range(len(rows))]

    def ids(self, hits: Hits) -> list[str]:
        """The products that were found."""
        return [self._found[slot][0] for slot in hits.slots.tolist()]

    def documents(self, hits: Hits) -> list[bytes]:
        """The same as UTF-8 JSON."""
        return [self._found[slot][1] for slot in hits.slots.tolist()]

    def _search(self, rows: NDArray[np.float32], most: int, expression: str) -> list[list[dict[str, Any]]]:
        options = self._connection.options
        if most > options.most_hits:
            raise InvalidInput("K", f"{most:,}; Milvus gives at most {options.most_hits:,} hits")
        if most < 1:
            return [[] for _ in rows]
        answers: list[list[dict[str, Any]]] = self._connection.call(
            "search",
            self._collection,
            data=[packed(row, options) for row in rows],
            filter=expression,
            limit=most,
            output_fields=_FIELDS,
            search_params={"metric_type": METRIC, "params": options.searching(most)},
            consistency_level=STRONG,
        )
        return answers

    def _hits(self, answer: Sequence[Mapping[str, Any]], count: int) -> Hits:
        order = sorted((-hit["distance"], hit["entity"]["slot"], place) for place, hit in enumerate(answer))[:count]
        first = len(self._found)
        for _, _, place in order:
            entity = answer[place]["entity"]
            self._found.append((entity["id"], entity["document"].encode()))
        scores = np.array([-distance for distance, _, _ in order], np.float32)
        return Hits(np.arange(first, len(self._found), dtype=np.int64), scores)
