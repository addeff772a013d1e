from __future__ import annotations

import threading
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from ensemble.errors import ChangesRefused, InvalidInput
from ensemble.index import ExactEngine, Index, IndexBuilder, Passing, Slots
from ensemble.index.exact import KEPT_ROWS
from ensemble.settings import SpaceSettings
from tests.ensemble.journal_twin import NO_ROW, SPACE, Change, Changes, TwinCatalogue, TwinIndex, index_of

EVERYTHING = 1_000


def slots_of(vectors: NDArray[np.float32]) -> Slots:
    builder = IndexBuilder(SpaceSettings("space-a", 1, vectors.shape[1] - 1))
    builder.add([{"id": f"P{n}", "attributes": {}} for n in range(len(vectors))], vectors)
    return builder.build()


def all_of(slots: Slots) -> Passing:
    return Passing.of(slots.valid)


def by_hand(slots: Slots, query: NDArray[np.float32], count: int, mask: NDArray[np.bool_]) -> list[int]:
    rows = slots.rows(np.arange(len(slots)))
    scores = [(-float(row.astype(np.float64) @ query), slot) for slot, row in enumerate(rows)]
    return [slot for _, slot in sorted(pair for pair in scores if mask[pair[1]])[:count]]


@settings(deadline=None)
@given(
    seed=st.integers(0, 1000),
    rows=st.integers(1, 60),
    count=st.integers(1, 70),
    share=st.sampled_from([0.0, 0.05, 0.5, 1.0]),
)
def test_exact_engine_finds_what_sorting_finds(seed: int, rows: int, count: int, share: float) -> None:
    rng = np.random.default_rng(seed)
    vectors = rng.integers(-2, 3, (rows, 4)).astype(np.float32)  # small integers: exact in float16, and many ties
    slots = slots_of(vectors)
    queries = rng.normal(size=(3, 4)).astype(np.float32)
    masks = [rng.random(rows) < 0.9, rng.random(rows) < share, np.ones(rows, np.bool_)]
    found = ExactEngine(slots).search(queries, [count] * 3, [Passing.of(mask) for mask in masks])
    for query, mask, hits in zip(queries, masks, found, strict=True):
        assert hits.slots.tolist() == by_hand(slots, query, count, mask)
        np.testing.assert_allclose(hits.scores, slots.rows(hits.slots) @ query, atol=1e-5)


def test_an_answer_does_not_depend_on_its_batch() -> None:
    rng = np.random.default_rng(5)
    vectors = np.repeat(rng.normal(size=(200, 64)), 3, axis=0).astype(np.float32)  # every row three times: ties
    slots = slots_of(vectors)
    engine, passing = ExactEngine(slots), all_of(slots)
    queries = rng.normal(size=(33, 64)).astype(np.float32)
    together = engine.search(queries, [10] * 33, [passing] * 33)
    for number, query in enumerate(queries):
        (alone,) = engine.search(query[None], [10], [passing])
        assert alone.slots.tolist() == together[number].slots.tolist()
        assert alone.scores.tolist() == together[number].scores.tolist()


def test_more_rows_than_are_kept_as_float32_are_searched_alike() -> None:
    rng = np.random.default_rng(7)
    slots = slots_of(rng.normal(size=(KEPT_ROWS + 100, 4)).astype(np.float32))
    few = Passing.of(rng.random(len(slots)) < 0.01)
    query = rng.normal(size=4).astype(np.float32)
    wide, narrow = ExactEngine(slots).search(np.stack([query, query]), [5, 5], [all_of(slots), few])
    assert wide.slots.tolist() == by_hand(slots, query, 5, slots.valid)
    assert narrow.slots.tolist() == by_hand(slots, query, 5, np.isin(np.arange(len(slots)), few.slots))


def test_a_query_that_ties_everywhere_gives_the_first_slots() -> None:
    slots = slots_of(np.random.default_rng(6).normal(size=(3_000, 8)).astype(np.float32))
    (hits,) = ExactEngine(slots).search(np.zeros((1, 8), np.float32), [5], [all_of(slots)])
    assert hits.slots.tolist() == [0, 1, 2, 3, 4]


def test_empty_index_finds_nothing() -> None:
    slots = slots_of(np.empty((0, 4), np.float32))
    (hits,) = ExactEngine(slots).search(np.ones((1, 4), np.float32), [5], [all_of(slots)])
    assert hits.slots.tolist() == []


def test_builder_refuses_wrong_shapes_and_values() -> None:
    builder = IndexBuilder(SPACE)
    with pytest.raises(ValueError, match=r"rows of shape \(1, 6\) expected, got \(1, 5\)"):
        builder.add([{"id": "a"}], np.ones((1, 5), np.float32))
    for bad in (np.nan, np.inf, 1e6):  # the last is beyond float16
        with pytest.raises(ValueError, match="product 'a' holds a value that is not finite"):
            builder.add([{"id": "a"}], np.full((1, 6), bad, np.float32))
    with pytest.raises(ChangesRefused, match="product 'b': 'size' is a number in this catalogue, got 'XL'"):
        IndexBuilder(SPACE, {"size": "number"}).add(
            [{"id": "a", "attributes": {"size": 4}}, {"id": "b", "attributes": {"size": "XL"}}],
            np.ones((2, 6), np.float32),
        )


def row(seed: int) -> NDArray[np.float16]:
    return np.random.default_rng(seed).normal(size=SPACE.row_dim).astype(np.float16)


def product(name: str, **more: Any) -> dict[str, Any]:
    return {"id": name, "title": name, "price": 1.0, "available": True, "attributes": {}} | more


def shop(count: int = 6) -> TwinCatalogue:
    catalogue = TwinCatalogue()
    for number in range(count):
        catalogue.upsert(product(f"P{number}", attributes={"color": ["red", "blue"][number % 2]}), row(number))
    return catalogue


def found(index: Index, text: str = "", seed: int = 99) -> list[str]:
    (hits,) = index.search(row(seed).astype(np.float32)[None], [EVERYTHING], [text.encode()])
    return index.slots.ids(hits.slots)


def expected(catalogue: TwinCatalogue, seed: int = 99, seq: int | None = None) -> list[str]:
    at = catalogue.head if seq is None else seq
    return TwinIndex(catalogue).search(at, row(seed).astype(np.float32), EVERYTHING)


def test_changes_are_applied_to_one_state() -> None:
    catalogue = shop()
    index = index_of(catalogue)
    catalogue.upsert(product("P1", title="moved"), row(50))
    catalogue.upsert(product("new"), row(51))
    catalogue.patch("P2", price=7.5)
    catalogue.delete("P3")
    catalogue.upsert(product("later"))
    index.apply(catalogue.changes(index.seq))
    assert found(index) == expected(catalogue)
    assert (index.seq, index.live, index.dead, index.unembedded) == (catalogue.head, 6, 2, 1)
    assert found(index, '{"range": ["price", 7, 8]}') == ["P2"]
    (slot,) = index.slots.find(["P2"]).tolist()
    assert slot == 2  # a patch stays where it is
    assert index.slots.product(slot)["price"] == 7.5
    catalogue.embed("later", row(52))
    index.apply(catalogue.changes(index.seq))
    assert index.unembedded == 0
    assert found(index) == expected(catalogue)


def test_old_changes_are_ignored() -> None:
    catalogue = shop()
    index = index_of(catalogue)
    index.apply(Changes(index.seq, [Change("P1", None, None)], catalogue.kinds))
    index.apply(Changes(index.seq - 1, [Change("P1", None, None)], catalogue.kinds))
    assert found(index) == expected(catalogue)
    assert index.seq == catalogue.head


def test_a_product_made_again_without_a_row_is_not_found_by_its_old_one() -> None:
    catalogue = shop()
    index = index_of(catalogue)
    catalogue.delete("P1")
    catalogue.upsert(product("P1"))
    changes = catalogue.changes(index.seq)
    assert changes.changes[0].row is NO_ROW
    index.apply(changes)
    assert found(index) == expected(catalogue)
    assert index.unembedded == 1


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (Change("bad", b"{", row(1)), "product 'bad': its document is not JSON"),
        (Change("bad", b'{"id": "other"}', row(1)), "product 'bad': its document is not an object with this `id`"),
        (Change("bad", b'{"id": "bad"}', row(1)[:5]), r"product 'bad': a row of shape \[5\]; this space has \[6\]"),
        (Change("bad", b'{"id": "bad"}', row(1) * np.float16(np.nan)), "product 'bad': its row holds a value that is"),
        (Change("bad", b'{"id": "bad", "price": "cheap"}', row(1)), "product 'bad': 'price' is a number"),
        (Change("bad", b'{"id": "bad", "attributes": {"size": 1}}', row(1)), "product 'bad': no kind is known of its"),
        (Change("P0", None, None), "sequence number 99: a product is in the changes twice"),
    ],
)
def test_changes_that_do_not_fit_leave_everything_as_it_was(change: Change, message: str) -> None:
    catalogue = shop()
    index = index_of(catalogue)
    good = [Change("P0", None, None), Change("P9", b'{"id": "P9", "attributes": {"color": "pink"}}', row(3))]
    with pytest.raises(ChangesRefused, match=message):
        index.apply(Changes(99, [*good, change], catalogue.kinds))
    assert found(index) == expected(catalogue)
    assert (index.seq, index.live, index.dead) == (6, 6, 0)
    index.apply(Changes(99, good, catalogue.kinds))
    assert found(index, '{"eq": ["color", "pink"]}') == ["P9"]
    assert "P0" not in found(index)


def test_columns_come_and_widen() -> None:
    catalogue = shop()
    index = index_of(catalogue)
    with pytest.raises(InvalidInput, match='unknown field "size"'):
        found(index, '{"eq": ["size", 42]}')
    catalogue.upsert(product("P1", attributes={"size": 42}), row(60))
    index.apply(catalogue.changes(index.seq))
    assert found(index, '{"eq": ["size", 42]}') == ["P1"]
    catalogue.upsert(product("P2", attributes={"size": "XL"}))
    index.apply(catalogue.changes(index.seq))
    with pytest.raises(InvalidInput, match="'size' is compared with a string, got 42"):
        found(index, '{"eq": ["size", 42]}')
    assert found(index, '{"in": ["size", ["42", "XL"]]}') == [
        name for name in expected(catalogue) if name in ("P1", "P2")
    ]


@pytest.mark.parametrize("rows_at_once", [1, 64])
def test_searches_see_a_change_whole_or_not_at_all(monkeypatch: pytest.MonkeyPatch, rows_at_once: int) -> None:
    """Each change moves two products and patches two others; no search may find a part of it."""
    monkeypatch.setattr("ensemble.index.index.ROWS_AT_ONCE", rows_at_once)
    catalogue = TwinCatalogue()
    for name in "abcd":
        catalogue.upsert(product(name, price=0.0), row(1))
    index = index_of(catalogue)
    stop, seen = threading.Event(), set()

    def searching() -> None:
        while not stop.is_set():
            with index.reading() as state:
                (hits,) = state.search(row(1).astype(np.float32)[None], [10], [state.passing(b"")])
                prices = {state.slots.product(slot)["price"] for slot in hits.slots.tolist()}
                (named,) = state.search(
                    row(1).astype(np.float32)[None], [10], [state.passing(b'{"in": ["id", ["a", "b", "c", "d"]]}')]
                )
                seen.add((len(hits.slots), len(named.slots), len(prices)))

    threads = [threading.Thread(target=searching) for _ in range(2)]
    for thread in threads:
        thread.start()
    for number in range(1, 301):
        made = [Change(name, _priced(name, number), row(number) if name in "ab" else None) for name in "abcd"]
        index.apply(Changes(catalogue.head + number, made))
    stop.set()
    for thread in threads:
        thread.join()
    assert seen == {(4, 4, 1)}
    assert index.dead == 600


def test_an_update_that_failed_halfway_is_not_built_upon() -> None:
    catalogue = shop()
    index = index_of(catalogue)

    class Full(ExactEngine):
        def added(self, first: int) -> None:
            super().added(first)
            if first:
                raise MemoryError("no room")

    index.engine = Full(index.slots)
    catalogue.upsert(product("P1"), row(7))
    for error in (MemoryError, RuntimeError):
        with pytest.raises(error, match=r"no room|an update after 6 failed halfway; the index must be opened anew"):
            index.apply(catalogue.changes(index.seq))
    assert index.is_broken
    assert found(index) == expected(catalogue, seq=6)


@pytest.mark.parametrize("what", ["replace", "patch", "delete", "delete one"])
def test_an_attribute_may_narrow_where_all_that_did_not_fit_it_changes(what: str) -> None:
    """Also a product that goes, or moves, in the same changes: what it was does not matter any more."""
    catalogue = shop()
    for name in ("P1", "P2", "P3"):
        catalogue.upsert(product(name, attributes={"size": "XL" if name != "P3" else 3}), row(int(name[1])))
    index = index_of(catalogue)
    assert found(index, '{"eq": ["size", "XL"]}')
    moved = row(30) if what in ("replace", "delete one") else None
    catalogue.upsert(product("P1", attributes={"size": 42}), moved)
    if what.startswith("delete"):
        catalogue.delete("P2")
    else:
        catalogue.upsert(product("P2", attributes={"size": 7}), moved)
    catalogue.kinds["size"] = "number"
    index.apply(catalogue.changes(index.seq))
    assert found(index) == expected(catalogue)
    assert found(index, '{"eq": ["size", 42]}') == ["P1"]
    assert found(index, '{"eq": ["size", 3]}') == ["P3"]
    assert found(index, '{"eq": ["size", 7]}') == ([] if what.startswith("delete") else ["P2"])


def test_an_attribute_does_not_narrow_over_a_product_that_stays() -> None:
    catalogue = shop()
    for name in ("P1", "P2"):
        catalogue.upsert(product(name, attributes={"size": "XL"}), row(1))
    index = index_of(catalogue)
    catalogue.upsert(product("P1", attributes={"size": 42}))
    catalogue.kinds["size"] = "number"
    with pytest.raises(ChangesRefused, match="product 'P2': 'size' is a number in this catalogue, got 'XL'"):
        index.apply(catalogue.changes(index.seq))
    assert found(index, '{"eq": ["size", "XL"]}') == [name for name in expected(catalogue) if name in ("P1", "P2")]


def test_products_without_a_row_are_noted_where_they_are_kept() -> None:
    """They may be as many as products, and searches wait meanwhile."""
    catalogue = shop()
    index = index_of(catalogue)
    kept = index.slots.unembedded
    for name in ("Q1", "Q2"):
        catalogue.upsert(product(name))
    index.apply(catalogue.changes(index.seq))
    assert kept == {"Q1", "Q2"}
    catalogue.embed("Q1", row(3))
    index.apply(catalogue.changes(index.seq))
    assert index.slots.unembedded is kept
    assert kept == {"Q2"}


def _priced(name: str, price: float) -> bytes:
    return f'{{"id": "{name}", "price": {price}, "attributes": {{}}}}'.encode()


def test_slots_of_unequal_length_are_a_mistake() -> None:
    with pytest.raises(ValueError, match=r"arrays of 2 slots expected, got \{'ids': 0, 'documents': 0\}"):
        Slots("space-a", "", 0, np.ones((2, 4), np.float16))
