"""Products that are new: in the journal, or given in full."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from ensemble import waiting
from ensemble.errors import Behind, InvalidInput
from ensemble.index import Follower
from ensemble.tasks import Recommended, Recommender
from ensemble.waiting import GLANCE_S
from tests.ensemble.journal_twin import TwinCatalogue, TwinJournal
from tests.ensemble.journal_twin import index_of as living_index
from tests.ensemble.tasks.shops import (
    NOW_S,
    RECOMMEND,
    answer,
    catalogue,
    recommender,
    request,
    shop_of,
    texts,
)


def living() -> tuple[TwinCatalogue, Follower, Recommender]:
    """A catalogue of vectors, a recommender that follows it, and what it follows by."""
    products, vectors = catalogue(60, 3)
    moving = TwinCatalogue(RECOMMEND.space)
    for product, vector in zip(products, vectors, strict=True):
        moving.upsert(product, vector)
    follower = Follower(living_index(moving), TwinJournal(moving), look_s=30)
    return moving, follower, Recommender(shop_of(products, vectors), follower, clock=lambda: NOW_S)


@pytest.mark.parametrize("task", ["similar", "complement", "inspire"])
def test_a_product_is_recommendable_once_its_upsert_is_acknowledged(task: str) -> None:
    moving, follower, asked = living()
    follower.start()
    try:
        product = {"id": "NEW", "title": "new", "category": "Kitchen/Teas", "attributes": {}}
        seq = moving.upsert(product, moving.now["P1"].row)
        one = answer(asked, "P1", task=task, k=30, min_seq=seq, category=["Kitchen/Teas"], nearest=12, skip=0)
        assert "NEW" not in one.found.ids[0]  # its vector is the same: it is a variant
        deleted = moving.delete("P1")
        two = answer(asked, "P0", task=task, k=30, min_seq=deleted, category=["Kitchen/Teas"], nearest=12, skip=0)
        assert "P1" not in two.found.ids[0]
        assert answer(asked, "NEW", task=task, min_seq=deleted).found.ids[0]
    finally:
        follower.stop()


def test_an_unknown_product_is_looked_for_in_the_journal_once() -> None:
    moving, follower, asked = living()
    follower.start()
    try:
        moving.upsert({"id": "NEW", "title": "new", "attributes": {}}, moving.now["P1"].row)
        assert answer(asked, "NEW").found.ids[0]
    finally:
        follower.stop()


def test_what_is_behind_is_told_to_those_who_asked_for_it() -> None:
    _, follower, patient = living()
    asked = Recommender(patient.shop, follower, clock=lambda: NOW_S, max_wait_s=0.01)
    behind, good = asked.answer([request("P1", min_seq=99), request("P1")])
    assert isinstance(behind, Behind)
    assert str(behind).startswith("MIN_SEQ: 99 is wanted, this replica has applied 60 after ")
    assert isinstance(good, Recommended)
    follower.stop()


def test_one_that_was_looked_for_in_vain_is_found_once_it_is_written(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting, "GLANCE_EVERY_S", 0)
    moving, follower, asked = living()
    follower.start()
    try:
        for number in range(5):
            (refused,) = asked.answer([request(f"NEW{number}")])
            assert isinstance(refused, InvalidInput)
            moving.upsert({"id": f"NEW{number}", "title": "new", "attributes": {}}, moving.now["P1"].row)
            assert answer(asked, f"NEW{number}").found.ids[0]
    finally:
        follower.stop()


def test_a_journal_that_stands_still_is_not_waited_for_at_once_again(monkeypatch: pytest.MonkeyPatch) -> None:
    _, follower, asked = living()
    waits = list[float]()

    def look(timeout_s: float) -> bool:
        waits.append(timeout_s)
        return False

    monkeypatch.setattr(follower, "look", look)
    for _ in range(3):
        (refused,) = asked.answer([request("X1")])
        assert isinstance(refused, InvalidInput)
    assert waits == [GLANCE_S]


def looks_of(follower: Follower, monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The looks into a journal that is read in time, as they come."""
    looks = list[float]()

    def look(timeout_s: float) -> bool:
        looks.append(timeout_s)
        return True

    monkeypatch.setattr(follower, "look", look)
    return looks


def test_looks_into_the_journal_do_not_follow_one_another_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    _, follower, asked = living()
    looks = looks_of(follower, monkeypatch)
    monkeypatch.setattr(waiting, "GLANCE_EVERY_S", 60)
    for _ in range(3):
        asked.answer([request("X1")])
    assert looks == [GLANCE_S]


def test_a_deleted_product_beside_a_known_one_is_not_looked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    _, follower, asked = living()
    looks = looks_of(follower, monkeypatch)
    assert answer(asked, "P1", "GONE").found.ids[0]
    assert looks == []
    (refused,) = asked.answer([request("P1", "GONE", weights=[-1, 1])])
    assert isinstance(refused, InvalidInput)
    assert looks == [GLANCE_S]


def newcomer(product: str, row: Sequence[float]) -> dict[str, Any]:
    return {"ROW": np.array([row], np.float32), "PRODUCT": texts(product)}


def test_a_product_that_is_not_in_the_catalogue_is_recommended_for() -> None:
    products, vectors = catalogue(120, 3)
    asked = recommender()
    row = [*vectors[7].tolist(), 0, 0, 0, 0]
    known = answer(asked, "P7", k=5, task="complement", category=["Sport"])
    (found,) = asked.answer(
        [newcomer('{"title": "new", "category": "Kitchen/Mugs"}', row) | request(k=5, task="complement")]
    )
    assert isinstance(found, Recommended)
    assert set(found.rules[0]) == {"complement:Sport", "complement:Home/Lamps", "complement:Kitchen/Teas"}
    (chosen,) = asked.answer([newcomer('{"title": "new"}', row) | request(k=5, task="complement", category=["Sport"])])
    assert isinstance(chosen, Recommended)
    assert {*chosen.found.ids[0]} <= {*known.found.ids[0], "P7"}
    assert products[7]["id"] == "P7"


def test_a_new_product_with_a_known_id_or_family_meets_neither_itself_nor_its_variants() -> None:
    products, vectors = catalogue(120, 3)
    tasks = '[a]\ntask = "similar"\nvariants_by = "family"'
    asked = recommender(tasks=tasks)
    row = [*vectors[8].tolist(), 0, 0, 0, 0]
    family = products[10]["attributes"]["family"]
    given = newcomer(f'{{"id": "P8", "title": "new", "attributes": {{"family": "{family}"}}}}', row)
    (found,) = asked.answer([given | request(k=120, task="a")])
    assert isinstance(found, Recommended)
    left_out = {"P8", *(one["id"] for one in products if one["attributes"]["family"] == family)}
    assert not left_out & set(found.found.ids[0])
    numbered = newcomer('{"title": "new", "attributes": {"size": 2}}', row)
    by_size = recommender(tasks='[a]\ntask = "similar"\nvariants_by = "size"')
    (sized,) = by_size.answer([numbered | request(k=120, task="a")])
    assert isinstance(sized, Recommended)
    assert len(sized.found.ids[0]) == 2  # the other two sizes, once each
    assert sized.reasons[0].endswith("as nothing else passes the filter and the profile's rules")
