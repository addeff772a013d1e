"""An index of product vectors that follows a catalogue: what is encoded, what moves, and what stays where it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from ensemble.encoded_journal import AT_ONCE, EncodedJournal
from ensemble.errors import ChangesRefused
from ensemble.index import ExactEngine, Index, Slots
from tests.ensemble.followed import product, row, shop
from tests.ensemble.journal_twin import Changes, TwinCatalogue, TwinJournal

DIM = 4


@dataclass
class PricedTower:
    """Three numbers of the row, and the price."""

    dim: int = DIM
    batches: list[int] = field(default_factory=list)

    def encode(self, rows: NDArray[np.float32], products: Sequence[Mapping[str, Any]]) -> NDArray[np.float32]:
        self.batches.append(len(products))
        prices = np.array([[one.get("price") or 0.0] for one in products], np.float32)
        mixed = np.concatenate([rows[:, : DIM - 1], prices], axis=1)
        vectors: NDArray[np.float32] = mixed / np.linalg.norm(mixed, axis=1, keepdims=True)
        return vectors


class AllRows(TwinJournal):
    """A journal that gives the row of every product that changed."""

    def changes(self, after: int) -> Changes:
        told = super().changes(after)
        now = self.catalogue.now
        changes = [
            replace(one, row=now[one.id].row) if one.id in now and now[one.id].row is not None else one
            for one in told.changes
        ]
        return replace(told, changes=changes, all_rows=True)


def followed(catalogue: TwinCatalogue) -> tuple[Index, EncodedJournal, PricedTower]:
    """An index that holds all of a catalogue, its journal and the tower."""
    slots, tower = Slots.empty("products", DIM, catalogue_id=catalogue.catalogue_id), PricedTower()
    index, journal = Index(slots, ExactEngine(slots)), EncodedJournal(AllRows(catalogue), tower)
    index.apply(journal.changes(0))
    return index, journal, tower


def vector_of(index: Index, name: str) -> NDArray[np.float16]:
    vector: NDArray[np.float16] = index.slots.rows(index.slots.find([name]))[0]
    return vector


def test_every_product_with_a_row_has_the_vector_of_the_tower() -> None:
    catalogue = shop(5)
    catalogue.upsert(product(7, price=3.0))
    index, journal, tower = followed(catalogue)
    assert index.live == 5
    assert index.slots.unembedded == {"P7"}
    held = catalogue.now["P2"]
    assert held.row is not None
    expected = tower.encode(held.row[None].astype(np.float32), [held.product])[0].astype(np.float16)
    np.testing.assert_array_equal(vector_of(index, "P2"), expected)
    catalogue.embed("P7", row(7))
    index.apply(journal.changes(index.seq))
    assert index.live == 6
    assert index.unembedded == 0


def test_a_price_moves_the_vector_and_stock_does_not() -> None:
    catalogue = shop(5)
    index, journal, _ = followed(catalogue)
    before, slot = vector_of(index, "P1"), index.slots.find(["P1"])[0]
    catalogue.patch("P1", available=False)
    index.apply(journal.changes(index.seq))
    assert (index.dead, index.slots.find(["P1"])[0]) == (0, slot)
    assert index.slots.product(slot)["available"] is False
    with index.reading() as state:
        assert state.passing(b'{"eq": ["available", true]}').count == 4
    catalogue.patch("P1", price=9.0)
    index.apply(journal.changes(index.seq))
    assert index.dead == 1
    moved = index.slots.find(["P1"])[0]
    assert moved != slot
    assert (vector_of(index, "P1") != before).any()
    assert index.slots.product(moved)["price"] == 9.0


def test_what_is_gone_is_gone() -> None:
    catalogue = shop(5)
    index, journal, _ = followed(catalogue)
    catalogue.delete("P3")
    index.apply(journal.changes(index.seq))
    assert index.slots.find(["P3"])[0] == -1
    assert (index.live, index.seq) == (4, catalogue.head)


def test_it_is_encoded_some_at_a_time_in_the_order_of_the_journal() -> None:
    catalogue = shop(2 * AT_ONCE + 3)
    index, _, tower = followed(catalogue)
    assert tower.batches == [AT_ONCE, AT_ONCE, 3]
    assert [index.slots.ids_by_slot[slot] for slot in range(5)] == ["P0", "P1", "P2", "P3", "P4"]


class Picky(PricedTower):
    """A tower that cannot take one product."""

    def encode(self, rows: NDArray[np.float32], products: Sequence[Mapping[str, Any]]) -> NDArray[np.float32]:
        if any(one["id"] == "P3" for one in products):
            raise ValueError("no such brand")
        return super().encode(rows, products)


def test_a_product_that_cannot_be_encoded_is_named() -> None:
    journal = EncodedJournal(AllRows(shop(5)), Picky())
    with pytest.raises(ChangesRefused, match="product 'P3': the product tower cannot encode it: no such brand"):
        journal.changes(0)


def test_the_journal_under_it_is_what_is_waited_for_and_closed() -> None:
    catalogue = shop(2)
    inner = TwinJournal(catalogue)
    journal = EncodedJournal(inner, PricedTower())
    journal.changes(0)
    assert (journal.head(), journal.catalogue_id) == (2, "catalogue-a")
    journal.nudge()
    journal.wait(20.0)
    journal.close()
    assert inner.closed
