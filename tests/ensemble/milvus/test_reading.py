from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from ensemble.errors import InvalidInput
from ensemble.index.milvus import MilvusIndex
from ensemble.index.milvus.options import MOST_HITS
from tests.ensemble.journal_twin import SPACE, TwinCatalogue, TwinIndex
from tests.ensemble.test_index import product, row, shop

Holding = Callable[[TwinCatalogue], MilvusIndex]
RED = {"eq": ["color", "red"]}


def test_each_query_has_its_filter_and_its_count(holding: Holding) -> None:
    catalogue = shop(12)
    index, twin = holding(catalogue), TwinIndex(catalogue)
    queries = np.stack([row(seed).astype(np.float32) for seed in (70, 71, 72, 73)])
    red = b'{"eq": ["color", "red"]}'
    with index.reading() as state:
        passing = [state.passing(text) for text in (red, b"", red, b'{"not": {"range": ["price", null, null]}}')]
        hits = state.search(queries, [2, 20, 100, 5], passing, [None] * 4)
        ids = [state.ids(hit) for hit in hits]
        documents = state.documents(hits[0])
    expected = [
        twin.search(catalogue.head, queries[0], 2, RED),
        twin.search(catalogue.head, queries[1], 20),
        twin.search(catalogue.head, queries[2], 100, RED),
        [],
    ]
    assert ids == expected
    assert [document.decode() for document in documents] == [
        change.document.decode()
        for name in expected[0]
        for change in catalogue.changes(0).changes
        if change.id == name and change.document is not None
    ]
    for hit in hits:
        assert (hit.slots.dtype.name, hit.scores.dtype.name) == ("int64", "float32")
        assert (np.diff(hit.scores) <= 0).all()


def test_scores_are_inner_products(holding: Holding) -> None:
    catalogue = shop(5)
    index = holding(catalogue)
    query = row(70).astype(np.float32)
    with index.reading() as state:
        (hits,) = state.search(query[None], [5], [""])
        held = [catalogue.now[name].row for name in state.ids(hits)]
    expected = [np.dot(one.astype(np.float32), query) for one in held if one is not None]
    np.testing.assert_allclose(hits.scores, expected, rtol=1e-5)


def test_ties_are_in_the_order_of_slots(holding: Holding) -> None:
    catalogue = TwinCatalogue()
    for name in "dbcae":
        catalogue.upsert(product(name), row(1))
    index = holding(catalogue)
    with index.reading() as state:
        (hits,) = state.search(row(1).astype(np.float32)[None], [5], [""])
        assert state.ids(hits) == list("dbcae")


def test_an_empty_collection_finds_nothing(holding: Holding) -> None:
    index = holding(TwinCatalogue())
    (hits,) = index.search(np.ones((1, SPACE.row_dim), np.float32), [5])
    assert len(hits.slots) == len(hits.scores) == 0


def test_a_business_score_is_refused(holding: Holding) -> None:
    with holding(shop()).reading() as state:
        state.boost(b"")
        with pytest.raises(InvalidInput, match="RANK: this server searches in Milvus, which cannot add a score"):
            state.boost(b"similarity - 0.01 * price")


def test_more_hits_than_milvus_gives_are_refused(holding: Holding) -> None:
    with (
        holding(shop()).reading() as state,
        pytest.raises(InvalidInput, match="K: 16,385; Milvus gives at most 16,384"),
    ):
        state.search(np.ones((1, SPACE.row_dim), np.float32), [MOST_HITS + 1], [""])
