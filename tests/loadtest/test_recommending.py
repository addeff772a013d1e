from __future__ import annotations

import json

from loadtest.traffic.kinds import KINDS
from loadtest.traffic.recommending import LONGEST, SPAN_S
from loadtest.traffic.requests import Traffic
from tests.loadtest.conftest import RECOMMENDING


def test_recommendations_know_their_task_and_what_they_are_about(recommending: Traffic) -> None:
    made = {(asked := recommending.make(number)).kind: asked for number in range(len(recommending))}
    assert set(made) == RECOMMENDING
    for name, task in (
        ("similar", "similar"),
        ("complement", "complement"),
        ("inspire", "inspire"),
        ("new", "similar"),
    ):
        rows = made[f"recommend_{name}"].rows
        assert [(row.task, row.k) for row in rows] == [(task, 4)] * 2
    assert all(row.filter for row in made["recommend_filtered"].rows)
    assert {asked.call.model for asked in made.values()} == {"recommend", "recommend_product"}
    for name in ("similar", "filtered", "complement", "inspire"):
        call, rows = made[f"recommend_{name}"].call, made[f"recommend_{name}"].rows
        sent = next(tensor.data for tensor in call.inputs if tensor.name == "PRODUCT_ID")
        assert [{one.decode() for one in row} - {""} for row in sent] == [set(row.unwanted) for row in rows]


def test_a_history_is_of_different_products_of_the_last_days(recommending: Traffic) -> None:
    kind, now = KINDS["recommend_inspire"], recommending.material.now
    lengths = set()
    for number in range(40):
        asked = kind.make(recommending.material, [number], 5)
        tensors = {tensor.name: tensor.data[0].tolist() for tensor in asked.call.inputs}
        times, ids = tensors["TIMES"], tensors["PRODUCT_ID"]
        assert len(set(ids)) == len(ids) == len(times) <= LONGEST
        assert times[0] == now
        assert times == sorted(times, reverse=True)
        assert times[-1] > now - SPAN_S
        lengths.add(len(ids))
    assert len(lengths) > 5


def test_a_new_product_is_like_one_of_the_shop_and_has_a_picture_of_its_own(recommending: Traffic) -> None:
    kind = KINDS["recommend_new"]
    pictures, titles_ = set(), set()
    for number in range(30):
        tensors = {one.name: one.data[0, 0] for one in kind.make(recommending.material, [number], 5).call.inputs}
        pictures.add(tensors["IMAGE"])
        titles_.add(json.loads(tensors["PRODUCT"])["title"])
    assert len(pictures) == len(titles_) == 30
