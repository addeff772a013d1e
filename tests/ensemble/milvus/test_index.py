from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ensemble.errors import ChangesRefused, InvalidInput
from ensemble.index import Index
from ensemble.index.columns import Kind
from ensemble.index.milvus import AnotherFeeder, MilvusAway, MilvusEmpty, MilvusIndex, WrongCollection
from ensemble.index.milvus.parts import AT_ONCE
from ensemble.index.milvus.schema import MAX_TEXT_BYTES
from ensemble.index.milvus.state import State
from ensemble.index.milvus.turn import Alone
from ensemble.settings import SpaceSettings
from tests.ensemble.journal_twin import NO_ROW, SPACE, Change, Changes, TwinCatalogue, index_of
from tests.ensemble.milvus.lite import found, milvus_index, milvus_of, options_in
from tests.ensemble.test_index import expected, product, row, shop

Holding = Callable[[TwinCatalogue], MilvusIndex]


def test_changes_are_applied(holding: Holding) -> None:
    catalogue = shop()
    index = holding(catalogue)
    assert found(index) == expected(catalogue)
    catalogue.upsert(product("P1", title="moved"), row(50))
    catalogue.upsert(product("new"), row(51))
    catalogue.patch("P2", price=7.5)
    catalogue.delete("P3")
    catalogue.upsert(product("later"))
    index.apply(catalogue.changes(index.seq))
    assert found(index) == expected(catalogue)
    assert (index.seq, index.live, index.states.unembedded()) == (catalogue.head, 6, frozenset({"later"}))
    assert found(index, '{"range": ["price", 7, 8]}') == ["P2"]
    catalogue.embed("later", row(52))
    index.apply(catalogue.changes(index.seq))
    assert index.states.unembedded() == frozenset()
    assert found(index) == expected(catalogue)


def test_a_patch_keeps_the_row_and_the_slot_and_replaces_the_rest(holding: Holding) -> None:
    catalogue = shop()
    index = holding(catalogue)
    (before,) = [entity for entity in index.products.between(0, index.state.end) if entity["id"] == "P2"]
    catalogue.upsert(product("P2", price=None, available=False, attributes={"size": 4}))
    index.apply(catalogue.changes(index.seq))
    (after,) = [entity for entity in index.products.between(0, index.state.end) if entity["id"] == "P2"]
    assert (after["slot"], after["vector"]) == (before["slot"], before["vector"])
    assert json.loads(after["document"])["attributes"] == {"size": 4}
    assert found(index, '{"range": ["size", 4, 4]}') == ["P2"]
    assert "P2" not in found(index, '{"eq": ["color", "red"]}')
    assert "P2" not in found(index, '{"range": ["price", null, null]}')
    assert found(index, '{"eq": ["available", false]}') == ["P2"]


def test_old_changes_are_ignored(holding: Holding) -> None:
    catalogue = shop()
    index = holding(catalogue)
    index.apply(Changes(index.seq, [Change("P1", None, None)], catalogue.kinds))
    assert found(index) == expected(catalogue)


def test_a_product_made_again_without_a_row_is_not_found_by_its_old_one(holding: Holding) -> None:
    catalogue = shop()
    index = holding(catalogue)
    catalogue.delete("P1")
    catalogue.upsert(product("P1"))
    index.apply(catalogue.changes(index.seq))
    assert "P1" not in found(index)
    assert index.states.unembedded() == {"P1"}


def test_changes_that_were_cut_off_are_applied_again(holding: Holding, monkeypatch: pytest.MonkeyPatch) -> None:
    """As by a feeder that was killed after the products were written, and before the sequence number was."""
    catalogue = shop()
    index = holding(catalogue)
    seq = index.seq
    catalogue.upsert(product("P1"), row(50))
    catalogue.upsert(product("new"), row(51))
    catalogue.upsert(product("brief"), row(52))
    with interrupted(index, monkeypatch):
        index.apply(catalogue.changes(seq))
    assert index.refresh() == seq
    catalogue.delete("brief")
    catalogue.upsert(product("P5"), row(53))
    index.apply(catalogue.changes(seq))
    assert found(index) == expected(catalogue)
    slots = [entity["slot"] for entity in index.products.between(0, index.state.end)]
    assert len(slots) == len(set(slots)) == index.live


def test_a_replacement_that_was_cut_off_leaves_nothing(holding: Holding, monkeypatch: pytest.MonkeyPatch) -> None:
    index = holding(shop())
    other = TwinCatalogue()
    other.upsert(product("ghost"), row(1))
    with interrupted(index, monkeypatch):
        index.replace(other.changes(0).changes, seq=1, kinds={})
    again = holding(shop(3))
    assert found(again) == expected(shop(3))


def some(count: int, start: int = 0) -> list[Change]:
    return [
        Change(f"Q{number:05}", json.dumps({"id": f"Q{number:05}"}).encode(), row(number))
        for number in range(start, start + count)
    ]


def test_a_hiccup_does_not_end_a_fill(holding: Holding, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ensemble.index.milvus.bringing.PATIENT_S", (0.0, 0.0))
    index = holding(shop())
    away = [False, True, True, False]
    put = index.products.put

    def flaky(entities: Any, *, partial: bool = False) -> None:
        if away and away.pop(0):
            raise MilvusAway("for a moment")
        put(entities, partial=partial)

    monkeypatch.setattr(index.products, "put", flaky)
    index.replace(iter(some(AT_ONCE + 1)), seq=1, kinds={})
    assert (index.live, index.seq) == (AT_ONCE + 1, 1)


def test_a_fill_that_is_begun_again_takes_nothing_away_meanwhile(
    holding: Holding, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ensemble.index.milvus.bringing.PATIENT_S", ())
    index = holding(TwinCatalogue())
    index.replace(iter(some(2 * AT_ONCE)), seq=1, kinds={})
    put, left = index.products.put, [1]

    def away(entities: Any, *, partial: bool = False) -> None:
        if not left:
            raise MilvusAway("for long")
        left.pop()
        put(entities, partial=partial)

    for allowed in ([1], []):
        left[:] = allowed
        with monkeypatch.context() as broken:
            broken.setattr(index.products, "put", away)
            with pytest.raises(MilvusAway):
                index.replace(iter(some(2 * AT_ONCE)), seq=2, kinds={})
        assert index.live == 2 * AT_ONCE
    index.refresh()  # as another process would find it
    index.replace(iter(some(AT_ONCE)), seq=3, kinds={})
    assert index.live == AT_ONCE
    assert len(index.products.between(index.state.first, index.state.end)) == AT_ONCE


def test_a_first_fill_that_was_cut_off_is_not_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    index = milvus_index(tmp_path)
    with interrupted(index, monkeypatch):
        index.replace(iter(some(3)), seq=1, kinds={})
    assert (index.live, index.is_filled) == (3, False)
    with pytest.raises(MilvusEmpty):
        MilvusIndex.open(index.connection.options, SPACE.space_id, SPACE.row_dim)
    index.close()


def test_none_is_written_before_all_are_checked(holding: Holding) -> None:
    index = holding(shop())
    bad = Change("bad", b"{", row(1))
    with pytest.raises(ChangesRefused, match="product 'bad'"):
        index.apply(Changes(99, [*some(AT_ONCE + 1), bad], {}))
    assert found(index) == expected(shop())
    assert index.refresh() == shop().head


def test_more_attributes_than_one_text_holds(holding: Holding) -> None:
    index = holding(shop())
    kinds: dict[str, Kind] = {f"attribute {number:05}": "number" for number in range(5_000)}
    document = json.dumps({"id": "P1", "attributes": {"attribute 04999": 7}}).encode()
    index.apply(Changes(99, [Change("P1", document, row(1))], kinds))
    reader = MilvusIndex.open(index.connection.options, SPACE.space_id, SPACE.row_dim)
    assert reader.state.kinds == kinds
    assert found(reader, '{"eq": ["attribute 04999", 7]}') == ["P1"]
    index.apply(Changes(100, [Change("P1", None, None)], {}))
    assert reader.refresh() == 100
    assert reader.state.kinds == {}
    reader.close()


def test_an_attribute_with_an_endless_name_is_refused_before_anything_is_written(holding: Holding) -> None:
    index = holding(shop())
    with pytest.raises(ChangesRefused, match="is too long"):
        index.replace(iter(some(3)), seq=99, kinds={"x" * MAX_TEXT_BYTES: "word"})
    assert found(index) == expected(shop())


def test_what_another_process_wrote_is_gone_over_again(holding: Holding) -> None:
    catalogue = shop()
    index = holding(catalogue)
    assert not index.settle()
    before = index.state
    catalogue.upsert(product("P1", title="moved"), row(50))
    index.apply(catalogue.changes(index.seq))
    index.states.write(replace(before, holder="one that stalled"))
    assert index.settle()
    assert (index.seq, index.state.end) == (before.seq, before.end + 1)
    index.apply(catalogue.changes(index.seq))
    assert not index.settle()
    assert found(index) == expected(catalogue)


class Taken(Alone):
    """As of a process that another one takes over from, after some writes."""

    def __init__(self, writes: int) -> None:
        self.left = writes

    def check(self) -> None:
        if not self.left:
            raise AnotherFeeder("taken")
        self.left -= 1


@pytest.mark.parametrize("writes", range(5))
def test_nothing_is_written_out_of_turn(holding: Holding, writes: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """A product, a deletion, one without a row: each write comes after a look at whose turn it is."""
    catalogue = shop()
    index = holding(catalogue)
    catalogue.upsert(product("new"), row(51))
    catalogue.delete("P3")
    catalogue.upsert(product("later"))
    index.turn = Taken(writes)
    calls: list[str] = []
    call = index.connection.call

    def counted(name: str, *given: Any, **more: Any) -> Any:
        calls.extend([name] if name in ("upsert", "delete") else [])
        return call(name, *given, **more)

    monkeypatch.setattr(index.connection, "call", counted)
    with pytest.raises(AnotherFeeder):
        index.apply(catalogue.changes(index.seq))
    assert len(calls) == writes
    index.turn = Alone()
    index.apply(catalogue.changes(index.seq))
    assert found(index) == expected(catalogue)


@contextmanager
def interrupted(index: MilvusIndex, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A feeder that is killed when it comes to write the sequence number."""
    write, seq = index.states.write, index.seq

    def killed(state: State) -> None:
        if state.seq != seq:
            raise KeyboardInterrupt
        write(state)

    with monkeypatch.context() as changed:
        changed.setattr(index.states, "write", killed)
        try:
            yield
        except KeyboardInterrupt:
            return
    pytest.fail("no state was to be written")


def test_many_products_without_a_row_are_remembered(holding: Holding, tmp_path: Path) -> None:
    catalogue = shop(2)
    names = {f"N{number:04}" for number in range(AT_ONCE + 100)}
    index = holding(catalogue)
    waiting = [Change(name, json.dumps({"id": name}).encode(), NO_ROW) for name in sorted(names)]
    index.apply(Changes(index.seq + 1, waiting, catalogue.kinds))
    index.save(tmp_path)
    assert index.states.unembedded() == names
    assert Index.open(tmp_path).unembedded == len(names)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (Change("bad", b"{", row(1)), "product 'bad': its document is not JSON"),
        (Change("bad", b'{"id": "other"}', row(1)), "product 'bad': its document is not an object with this `id`"),
        (Change("bad", b'{"id": "bad"}', row(1)[:5]), r"product 'bad': a row of shape \[5\]; this space has \[6\]"),
        (Change("bad", b'{"id": "bad"}', row(1) * np.float16(np.nan)), "product 'bad': its row holds a value that is"),
        (Change("bad", b'{"id": "bad", "price": "cheap"}', row(1)), "product 'bad': 'price' is a number"),
        (Change("P2", b'{"id": "P2", "price": "cheap"}', None), "product 'P2': 'price' is a number"),
        (Change("bad", b'{"id": "bad", "attributes": {"size": 1}}', row(1)), "product 'bad': no kind is known of its"),
        (Change("P0", None, None), "a product is in the changes twice"),
    ],
)
def test_changes_that_do_not_fit_leave_everything_as_it_was(holding: Holding, change: Change, message: str) -> None:
    catalogue = shop()
    index = holding(catalogue)
    good = [Change("P0", None, None), Change("P9", b'{"id": "P9"}', row(3))]
    with pytest.raises(ChangesRefused, match=message):
        index.apply(Changes(99, [*good, change], catalogue.kinds))
    assert found(index) == expected(catalogue)
    assert index.refresh() == catalogue.head


def test_columns_come_and_widen_without_a_product_being_written_again(holding: Holding) -> None:
    catalogue = shop()
    index = holding(catalogue)
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


def test_the_longest_document_is_kept_without_its_spaces(holding: Holding) -> None:
    catalogue = shop(1)
    index = holding(catalogue)
    bare = len(json.dumps({"id": "long", "title": ""}))
    catalogue.upsert({"id": "long", "title": "x" * (MAX_TEXT_BYTES + 1 - bare)}, row(2))
    index.apply(catalogue.changes(index.seq))
    with index.reading() as state:
        (hits,) = state.search(row(2).astype(np.float32)[None], [1], [state.passing(b'{"eq": ["id", "long"]}')])
        (document,) = state.documents(hits)
    assert len(document) < MAX_TEXT_BYTES
    assert json.loads(document) == catalogue.now["long"].product


def test_a_snapshot_fills_it_and_it_is_left_by_a_snapshot(tmp_path: Path) -> None:
    catalogue = shop()
    index = milvus_of(index_of(catalogue), tmp_path)
    catalogue.upsert(product("P1", title="moved"), row(50))
    catalogue.delete("P2")
    catalogue.upsert(product("later"))
    index.apply(catalogue.changes(index.seq))
    index.save(tmp_path / "left")
    index.close()
    left = Index.open(tmp_path / "left", space_id=SPACE.space_id)
    (hits,) = left.search(row(99).astype(np.float32)[None], [100])
    assert left.slots.ids(hits.slots) == expected(catalogue)
    assert (left.seq, left.live, left.unembedded) == (catalogue.head, 5, 1)
    assert left.catalogue_id == catalogue.catalogue_id
    catalogue.patch("P4", price=3.0)
    left.apply(catalogue.changes(left.seq))
    assert left.slots.product(int(left.slots.find(["P4"])[0]))["price"] == 3.0


def test_it_is_opened_by_others_once_it_is_filled(tmp_path: Path) -> None:
    options = options_in(tmp_path)
    with pytest.raises(MilvusEmpty, match="holds no products of space space-a, or not all"):
        MilvusIndex.open(options, SPACE.space_id, SPACE.row_dim)
    index = milvus_index(tmp_path)
    with pytest.raises(MilvusEmpty):
        MilvusIndex.open(options, SPACE.space_id, SPACE.row_dim)
    catalogue = shop()
    index.apply(catalogue.changes(0))
    reader = MilvusIndex.open(options, SPACE.space_id, SPACE.row_dim, catalogue_id=catalogue.catalogue_id)
    assert found(reader) == expected(catalogue)
    catalogue.patch("P1", attributes={"size": 5})
    index.apply(catalogue.changes(index.seq))
    assert reader.refresh() == catalogue.head
    assert found(reader, '{"eq": ["size", 5]}') == ["P1"]
    for wanted, message in (
        ({"catalogue_id": "catalogue-b"}, "`catalogue_id` 'catalogue-a', and 'catalogue-b' is wanted"),
        ({"row_dim": 7}, "`row_dim` 6, and 7 is wanted"),
    ):
        with pytest.raises(WrongCollection, match=message):
            MilvusIndex.open(options, SPACE.space_id, **({"row_dim": 6} | wanted))
    other = milvus_index(tmp_path, SpaceSettings("space-b", 2, 2))
    assert (other.seq, other.is_filled) == (0, False)  # each space has collections of its own
    other.close()


@pytest.mark.parametrize(
    ("index_type", "parameters"), [("HNSW", {"M": 8, "efConstruction": 64}), ("IVF_FLAT", {"nlist": 4})]
)
def test_an_index_of_another_kind_is_searched_as_it_was_made(
    tmp_path: Path, index_type: str, parameters: dict[str, int]
) -> None:
    catalogue = shop(60)
    index = milvus_index(tmp_path, index_type=index_type, index_params=parameters)
    index.apply(catalogue.changes(0))
    reader = MilvusIndex.open(options_in(tmp_path), SPACE.space_id, SPACE.row_dim)
    reader.products.flush()
    assert reader.connection.options.index_type == index_type
    assert found(reader) == expected(catalogue)
    index.close()
