"""What business scores add while an index changes, held to a plain reading of each product at each sequence number."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ensemble.errors import InvalidInput
from ensemble.index import Index
from ensemble.index import boosts as business_scores
from ensemble.index.boosts import ENTRY_BYTES, Boost, Boosts
from ensemble.index.choice import EngineChoice, EngineName
from ensemble.index.kept import LEAST_LOGGED
from ensemble.index.rank import Rank, factor_of
from ensemble.index.terms import HostTerms
from ensemble.query import MOST_RANKS, Asked
from tests import tiny
from tests.ensemble.journal_twin import Product, TwinCatalogue, index_of
from tests.ensemble.test_masks import seeds, start, started, step, steps

__all__ = ["started"]


def of(product: Product, name: str) -> float:
    value = product.get(name, True) if name == "available" else product.get(name)
    value = (product.get("attributes") or {}).get(name) if value is None else value
    return math.nan if value is None else float(value)


SCORES: dict[str, Callable[[Product], float]] = {
    "similarity + price": lambda product: of(product, "price"),
    "2 * similarity - 0.25 * price + available": lambda p: of(p, "available") - 0.25 * of(p, "price"),
    "similarity + fill(new, -1) / 2": lambda p: (-1 if math.isnan(of(p, "new")) else of(p, "new")) / 2,
    "0.5 * similarity + 1 / size": lambda p: 1 / of(p, "size") if of(p, "size") else math.inf,
    "similarity + 7": lambda _: 7,
    "3 * similarity": lambda _: 0,
}


def expected(index: Index, text: str) -> Boost:
    """Of each valid slot; those of others are nobody's business."""
    told = [SCORES[text](index.slots.product(slot)) for slot in np.flatnonzero(index.slots.valid)]
    boost = np.array(told, np.float32)
    return np.where(np.isfinite(boost), boost, np.float32(0))


def boost_of(index: Index, text: str) -> Boost:
    boost = index.terms.boost(text.encode())
    given: Boost = np.zeros(len(index.slots), np.float32) if boost is None else boost
    assert given.dtype == np.float32
    return given[index.slots.valid]


@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(history=st.lists(steps, max_size=30), seed=seeds)
def test_every_state_adds_what_its_products_say(started: Path, history: list[tuple[Any, ...]], seed: int) -> None:
    rng = np.random.default_rng(seed)
    catalogue = start()
    index = Index.open(started, engine=EngineChoice("exact"))
    for action in [*history, ("apply",)]:
        step(catalogue, index, rng, action)
        for text in SCORES:
            np.testing.assert_array_equal(boost_of(index, text), expected(index, text))


@pytest.mark.parametrize("engine", ["exact", "ann"])
@settings(deadline=None, max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(history=st.lists(steps, max_size=20), seed=seeds)
def test_every_state_is_ranked_by_the_business_score(
    started: Path, engine: EngineName, history: list[tuple[Any, ...]], seed: int
) -> None:
    rng = np.random.default_rng(seed)
    catalogue = start()
    index = Index.open(started, engine=EngineChoice(engine))
    for action in [*history, ("apply",)]:
        step(catalogue, index, rng, action)
        texts = [*SCORES, ""]
        queries = rng.normal(size=(len(texts), 6)).astype(np.float32)
        queries *= np.array([factor_of(text) for text in texts], np.float32)[:, None]
        found = index.search(queries, [5] * len(texts), None, [text.encode() for text in texts])
        valid = np.flatnonzero(index.slots.valid)
        rows = index.slots.rows(valid).astype(np.float64)
        for query, text, hits in zip(queries, texts, found, strict=True):
            scores = (rows * query).sum(axis=1) + (expected(index, text) if text else 0)
            order = np.argsort(-scores, kind="stable")[:5]
            assert hits.slots.tolist() == valid[order].tolist()
            np.testing.assert_allclose(hits.scores, scores[order], rtol=1e-6, atol=1e-6)


def shop(count: int = 40) -> tuple[TwinCatalogue, Index]:
    catalogue = TwinCatalogue()
    for number in range(count):
        catalogue.upsert({"id": f"P{number}", "title": "x", "price": float(number)}, np.ones(6))
    return catalogue, index_of(catalogue)


def kept(index: Index, text: bytes) -> Boost:
    boost = index.terms.boost(text)
    assert isinstance(boost, np.ndarray)
    return boost


def test_a_boost_is_brought_up_to_date_in_its_place() -> None:
    catalogue, index = shop()
    before = kept(index, b"similarity + price")
    assert kept(index, b"similarity + price") is before
    catalogue.patch("P3", price=99.0)
    index.apply(catalogue.changes(index.seq))
    after = kept(index, b"similarity + price")
    assert np.shares_memory(before, after)
    assert after[[2, 3, 4]].tolist() == [2, 99, 4]


def test_too_many_changes_make_a_boost_anew() -> None:
    _, index = shop(8)
    index.terms.boost(b"similarity + price")
    index.slots.stored["price"].values[:] = 5
    for _ in range(3):  # the log forgets the first of these
        index.terms.changed(np.zeros(LEAST_LOGGED, np.int64))
    assert kept(index, b"similarity + price").tolist() == [5] * 8


def test_a_column_that_becomes_words_is_no_number_any_more() -> None:
    catalogue, index = shop(3)
    catalogue.upsert({"id": "P0", "title": "x", "attributes": {"size": 3}})
    index.apply(catalogue.changes(index.seq))
    assert kept(index, b"similarity + size").tolist() == [3, 0, 0]
    catalogue.upsert({"id": "P1", "title": "x", "attributes": {"size": "XL"}})
    index.apply(catalogue.changes(index.seq))
    with pytest.raises(InvalidInput, match=r"RANK: 'size' is no number; this catalogue has available, price$"):
        index.terms.boost(b"similarity + size")


def test_memory_is_bounded_and_the_least_used_score_goes() -> None:
    _, index = shop()
    boosts = Boosts(index.slots, kept_bytes=3 * (ENTRY_BYTES + 40 * 4 + 40))
    texts = [f"similarity + price * {number}".encode() for number in range(2, 5)]
    for text in [*texts, texts[0], b"similarity + 9"]:
        assert boosts.boost(text) is not None
    assert boosts.texts() == [texts[2], texts[0], b"similarity + 9"]
    assert boosts._used == sum(map(boosts._size, boosts._entries.values()))


def test_products_are_scored_some_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(business_scores, "SLOTS_AT_ONCE", 16)
    asked: list[int] = []
    real = Rank.boost

    def watched(rank: Rank, values: dict[str, Any]) -> Any:
        asked.extend(map(len, values.values()))
        return real(rank, values)

    monkeypatch.setattr(Rank, "boost", watched)
    _, index = shop(40)
    assert kept(index, b"similarity + price").tolist() == list(range(40))
    assert asked == [16, 16, 8]
    assert kept(index, b"similarity + 7").tolist() == [7] * 40


def test_nobody_waits_for_the_score_of_another(monkeypatch: pytest.MonkeyPatch) -> None:
    _, index = shop()
    quick, slow = b"similarity + price", b"similarity - price"
    before = kept(index, quick)
    begun, go_on = threading.Event(), threading.Event()
    real = Rank.boost

    def held(rank: Rank, values: dict[str, Any]) -> Any:
        begun.set()
        assert go_on.wait(10)
        return real(rank, values)

    monkeypatch.setattr(Rank, "boost", held)
    with ThreadPoolExecutor(3) as pool:
        computed = [pool.submit(kept, index, slow) for _ in range(2)]
        assert begun.wait(10)
        try:
            assert pool.submit(kept, index, quick).result(10) is before
        finally:
            go_on.set()
        one, other = (waited.result(10) for waited in computed)
    assert one is other
    assert isinstance(index.terms, HostTerms)
    assert index.terms.boosts._used == 2 * (ENTRY_BYTES + len(quick) + before.nbytes)


def test_a_score_that_cannot_be_brought_up_to_date_is_made_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    catalogue, index = shop()
    scores = Boosts(index.slots)
    scores.boost(b"similarity + price")
    catalogue.patch("P3", price=99.0)
    index.apply(catalogue.changes(index.seq))
    scores.changed(np.array([3]))

    def full(_: Boosts, *given: Any) -> None:
        raise MemoryError("no room")

    with monkeypatch.context() as broken:
        broken.setattr(Boosts, "_updated", full)
        for _ in range(3):
            scores.changed(np.array([3]))
            with suppress(MemoryError):
                scores.boost(b"similarity + price")
            assert scores._used == sum(map(scores._size, scores._entries.values()))
    boost = scores.boost(b"similarity + price")
    assert boost is not None
    assert boost[[2, 3, 4]].tolist() == [2, 99, 4]


def test_a_request_has_few_different_scores() -> None:
    texts = [f"similarity - {number} * price".encode() for number in range(1, MOST_RANKS + 2)]
    for ranks, is_refused in ((texts, True), ([*texts[1:], texts[1], b""], False)):
        batch = len(ranks)
        request = {"TEXT_VECTOR": np.ones((batch, tiny.SPACE.text_dim), np.float32), "RANK": np.array(ranks, object)}
        if is_refused:
            with pytest.raises(InvalidInput, match=r"^RANK: 9 different ones in a request; at most 8 are allowed$"):
                Asked.of(request, tiny.SPACE)
        else:
            assert Asked.of(request, tiny.SPACE).ranks == ranks


def test_refusals_and_what_adds_nothing_are_not_kept() -> None:
    _, index = shop(3)
    boosts = Boosts(index.slots)
    assert boosts.boost(b"") is None
    assert boosts.boost(b"2 * similarity") is None
    with pytest.raises(InvalidInput):
        boosts.boost(b"similarity + cost")
    assert boosts.texts() == []
