"""Recommendations of a real server, over a catalogue that changes."""

from __future__ import annotations

import json
import os
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from tritonclient.utils import InferenceServerException

from deploy.server import Server
from deploy.stubs import stubs_of
from ensemble.tasks import Recommender
from ensemble.waiting import GLANCE_EVERY_S
from tests import tiny
from tests.deploy.conftest import wait_for
from tests.deploy.measured.conftest import samples_of, total
from tests.deploy.recommending.conftest import Caller, expected

TASKS = ("similar", "complement", "inspire")
NEW = {"id": "N1", "title": "large blue lamp ball", "category": "Kitchen/Mugs", "price": 9.5, "available": True}
PICTURE = tiny.picture(tiny.COLOURS["blue"], 3)


@pytest.mark.parametrize("protocol", ["grpc", "http"])
@pytest.mark.parametrize("task", TASKS)
def test_the_server_answers_as_the_recommender_does_alone(
    server: Server, recommender: Recommender, protocol: str, task: str
) -> None:
    asked: tuple[dict[str, Any], ...] = (
        {},
        {"K": 3, "SEEN": ["P004", "P012"], "FILTER": '{"range": ["price", 10, 60]}'},
        {"DIVERSITY": 0.4, "PER_CATEGORY": 3},
    )
    with Caller(getattr(server, f"{protocol}_url")) as caller:
        for ids in (("P004",), ("P013", "P001", "P022")):
            for settings in asked:
                told = caller.recommend(*ids, TASK=task, **settings)
                right = expected(recommender, *ids, TASK=task, **settings)
                assert told.ids == right.found.ids[0]
                assert told.rules == right.rules[0]
                assert told.reason == right.reasons[0]
                np.testing.assert_allclose(told.scores, right.found.hits[0].scores, atol=1e-5)
                assert [product["id"] for product in told.products] == told.ids
                assert (told.release, not set(told.ids) & set(ids)) == (2, True)


def test_lists_of_any_length_are_answered_at_once_each_as_alone(server: Server, recommender: Recommender) -> None:
    names = [f"P{number:03}" for number in range(40)]
    lists = [tuple(names[start : start + 1 + start % 4]) for start in range(12)]
    with ThreadPoolExecutor(4) as pool:
        told = list(pool.map(lambda ids: _alone(server, ids), lists))
    assert told == [expected(recommender, *ids, K=5).found.ids[0] for ids in lists]


def _alone(server: Server, ids: tuple[str, ...]) -> list[str]:
    with Caller(server.grpc_url) as caller:
        return caller.recommend(*ids, K=5).ids


def test_a_product_is_recommended_once_its_upsert_is_acknowledged(caller: Caller) -> None:
    sister = {**NEW, "id": "N2", "title": "small blue lamp", "price": 30}
    cold = {"PRODUCT": _json(NEW), "IMAGE": PICTURE}
    foretold = {task: caller.told("recommend_product", {**cold, "TASK": task, "K": 8}) for task in TASKS}
    seq = caller.write("upsert_product", **cold)
    for task, before in foretold.items():
        after = caller.recommend("N1", TASK=task, K=8, MIN_SEQ=seq)
        assert after.seq >= seq
        assert (after.ids, after.rules) == (before.ids, before.rules)
        np.testing.assert_allclose(after.scores, before.scores, atol=0.01)
    seq = caller.write("upsert_product", PRODUCT=_json(sister), IMAGE=PICTURE)
    beside = caller.told("recommend_product", {**cold, "K": 74, "MIN_SEQ": seq})
    assert "N2" in beside.ids
    assert "N1" not in beside.ids, "it is the product itself"
    for name in ("N1", "N2"):
        seq = caller.write("delete_product", PRODUCT_ID=name)
    assert not {"N1", "N2"} & set(caller.told("recommend_product", {**cold, "K": 72, "MIN_SEQ": seq}).ids)
    with pytest.raises(InferenceServerException, match="N1"):
        caller.recommend("N1")


def test_a_product_can_be_asked_about_without_saying_how_fresh(caller: Caller) -> None:
    for _ in range(5):
        with pytest.raises(InferenceServerException, match="'N3'"):
            caller.recommend("N3")
        time.sleep(GLANCE_EVERY_S)
        caller.write("upsert_product", PRODUCT=_json({**NEW, "id": "N3"}), IMAGE=b"")
        assert len(caller.recommend("N3", K=4).ids) == 4
        caller.recommend("P001", MIN_SEQ=caller.write("delete_product", PRODUCT_ID="N3"))


def test_a_new_price_moves_the_vector_and_new_stock_only_what_filters_see(caller: Caller, server: Server) -> None:
    before = caller.recommend("P010", K=20)
    seq = caller.write("patch_product", PATCH='{"id": "P010", "available": false}')
    same = caller.recommend("P010", K=20, MIN_SEQ=seq)
    assert (same.ids, same.scores) == (before.ids, before.scores)
    in_stock = caller.recommend(before.ids[0], K=70, FILTER='{"eq": ["available", true]}', MIN_SEQ=seq)
    assert "P010" not in in_stock.ids
    seq = caller.write("patch_product", PATCH='{"id": "P010", "price": 900}')
    moved = caller.recommend("P010", K=20, MIN_SEQ=seq)
    assert np.abs(np.array(moved.scores) - before.scores).max() > 0.001
    caller.write("patch_product", PATCH='{"id": "P010", "price": 12.0, "available": true}')


def test_callers_mistakes_are_told(caller: Caller) -> None:
    for settings, told in (
        ({"TASK": "surprise"}, "similar, complement, inspire"),
        ({"K": 0}, "K: 0"),
        ({"FILTER": "{"}, "FILTER"),
        ({"DIVERSITY": 2.0}, "DIVERSITY"),
    ):
        with pytest.raises(InferenceServerException, match=told):
            caller.recommend("P001", **settings)
    with pytest.raises(InferenceServerException, match="'nobody'"):
        caller.recommend("nobody")
    nothing = caller.recommend("P001", FILTER='{"range": ["price", 100000, null]}')
    assert nothing.ids == []
    assert nothing.reason


def test_what_is_too_much_is_refused_at_the_entrance(server: Server) -> None:
    with ThreadPoolExecutor(100) as pool:
        answers = list(pool.map(lambda number: _asked(server, number), range(300)))
    refused = [answer for answer in answers if answer.startswith("in ensemble 'recommend', overloaded: ")]
    assert set(answers) - set(refused) == {"10"}
    assert 0 < len(refused) < 300
    wait_for(lambda: total(server.metrics_url, "tandem_refused_total", model="admission") == len(refused), 10)
    wait_for(lambda: total(server.metrics_url, "tandem_in_flight", model="admission") == 0, 10)


def _asked(server: Server, number: int) -> str:
    with Caller(server.grpc_url) as caller:
        try:
            return str(len(caller.recommend(f"P{number % 70:03}", TASK=TASKS[number % 3]).ids))
        except InferenceServerException as error:
            return str(error.message())


def test_rows_are_counted_by_profile_result_and_rule(server: Server, caller: Caller) -> None:
    def count(name: str, **labels: str) -> float:
        return total(server.metrics_url, name, model="recommender", release="2", **labels)

    caller.recommend("P001", TASK="inspire", K=7)
    for _ in range(3):
        caller.recommend("P001", TASK="inspire", FILTER='{"range": ["price", 100000, null]}')
        with pytest.raises(InferenceServerException):
            caller.recommend("P001", TASK="surprise")
    wait_for(lambda: count("tandem_recommendations_total", profile="inspire", result="none") == 3, 10)
    assert count("tandem_recommendations_total", profile="unknown", result="refused") >= 3
    assert count("tandem_recommendations_total", profile="inspire", result="full") >= 1
    assert count("tandem_recommended_total", profile="inspire", rule="inspire") >= 7
    assert count("tandem_recommended_total", profile="complement", rule="popular") == 0
    (live,) = samples_of(server.metrics_url, "tandem_index_live_rows", model="recommender", release="2")
    assert live.value >= 72


def test_a_recommender_that_dies_comes_back_with_what_was_written_meanwhile(server: Server, caller: Caller) -> None:
    seq = caller.write("upsert_product", PRODUCT=_json({**NEW, "id": "N4"}), IMAGE=PICTURE)
    (pid,) = _recommenders(server)
    os.kill(pid, signal.SIGKILL)
    deadline = time.monotonic() + 60
    while True:
        try:
            told = caller.recommend("N4", MIN_SEQ=seq)
            break
        except InferenceServerException:
            assert time.monotonic() < deadline, "it did not come back"
            time.sleep(0.05)
    assert told.seq >= seq
    assert len(told.ids) == 10
    assert _recommenders(server) != {pid}
    caller.write("delete_product", PRODUCT_ID="N4")


def _recommenders(server: Server) -> set[int]:
    """Processes of the release that serves; the one before it is loaded, too, some time after the start."""
    return {each.pid for each in stubs_of(server.pid) if (each.model, each.version) == ("recommender", 2)}


def _json(product: dict[str, Any]) -> str:
    return json.dumps(product)
