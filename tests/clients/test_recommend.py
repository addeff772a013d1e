"""Recommendations by both clients over both protocols, against a real Triton."""

from __future__ import annotations

import inspect
import itertools
import json
from collections.abc import Callable, Iterator

import pytest

from clients import NO_RETRIES, BadInput, Behind, Client, Recommend, RetryPolicy, Unavailable
from tests.clients.conftest import Scripted
from tests.clients.test_canary import INSIDE, OUTSIDE, PUBLIC, TRIAL, trial

Connect = Callable[..., Client]
KEYS = itertools.count()
__all__ = ["trial"]


@pytest.fixture
def client(connect: Connect, url: str) -> Iterator[Client]:
    with connect(url, timeout_s=10, retries=NO_RETRIES) as made:
        yield made


def test_what_is_asked_arrives(client: Client) -> None:
    answer = client.recommend(
        products=("M1", ("ä", -0.5)), times=(20, 10), task="complement", k=2, filter={"eq": ["available", True]},
        seen=("s1", "s2", "s3"), categories="Kitchen/Teas", nearest=5, skip=1, diversity=0.25, per_category=2,
        per_brand=1, min_seq=9,
    )  # fmt: skip
    assert answer.hits[0].attributes == {
        "PRODUCT_ID": ["M1", "ä".encode().decode("latin-1")], "WEIGHTS": [1.0, -0.5], "TIMES": [20, 10],
        "TASK": ["complement"], "K": [2], "FILTER": ['{"eq": ["available", true]}'], "SEEN": ["s1", "s2", "s3"],
        "CATEGORY": ["Kitchen/Teas"], "NEAREST": [5], "SKIP": [1], "DIVERSITY": [0.25], "PER_CATEGORY": [2],
        "PER_BRAND": [1], "MIN_SEQ": [9],
    }  # fmt: skip


def test_an_answer_has_its_rules_in_order_and_its_reason(client: Client) -> None:
    answer = client.recommend("M1", task="complement", k=3)
    assert (answer.release, answer.seq, answer.reason) == (PUBLIC, 2**40, "")
    assert [(hit.id, hit.rule, hit.score) for hit in answer.hits] == [
        ("r0", "complement:Kitchen/Teas", 0.5),
        ("r1", "complement:Kitchen/Teas", 0.625),
        ("r2", "complement:Kitchen/Teas", 0.75),
    ]
    few = client.recommend("few", k=3)
    assert (len(few.hits), few.reason) == (1, "no other product passes the filter")
    assert client.recommend("empty").hits == ()


def test_a_new_product_is_asked_about_with_its_picture(client: Client) -> None:
    image = bytes(range(256))
    answer = client.recommend(product={"title": "Mug", "price": 3.5}, image=image, task="inspire", k=1)
    assert answer.hits[0].rule == "inspire:17"
    assert answer.hits[0].attributes["IMAGE"] == [image.decode("latin-1")]
    told = answer.hits[0].attributes["PRODUCT"]
    assert isinstance(told, list)
    assert json.loads(told[0]) == {"title": "Mug", "price": 3.5}


def test_many_questions_are_answered_by_one_request_in_order(client: Client) -> None:
    asked = [Recommend(("a",) * (number % 3 + 1), k=number + 1) for number in range(9)]
    answers = client.recommend_many(asked)
    assert [len(answer.hits) for answer in answers] == list(range(1, 10))
    assert [answer.hits[0].attributes["PRODUCT_ID"] for answer in answers] == [
        ["a", "", ""], ["a", "a", ""], ["a", "a", "a"],
    ] * 3  # fmt: skip


def test_failures_are_those_of_searches(connect: Connect, url: str, client: Client) -> None:
    with pytest.raises(BadInput, match="PRODUCT_ID: 'refuse' is not in the catalogue"):
        client.recommend("refuse")
    with pytest.raises(Behind):
        client.recommend("M1", min_seq=2**41)
    with pytest.raises(Unavailable):
        client.recommend(f"flaky {next(KEYS)}")
    with connect(url, retries=RetryPolicy(tries=3, first_pause_s=0.01)) as patient:
        assert patient.recommend(f"flaky {next(KEYS)}").hits


def test_a_key_in_the_share_is_answered_by_the_release_on_trial(client: Client, trial: Scripted) -> None:
    assert [client.recommend("M1", key=key).release for key in (INSIDE, OUTSIDE, None)] == [TRIAL, PUBLIC, PUBLIC]
    answers = client.recommend_many([Recommend("M1", k=row + 1, key=key) for row, key in enumerate((OUTSIDE, INSIDE))])
    assert [(answer.release, len(answer.hits)) for answer in answers] == [(PUBLIC, 1), (TRIAL, 2)]
    new = client.recommend(product={"title": "Mug"}, key=INSIDE)
    assert new.release == PUBLIC, "this ensemble is not on trial"


def test_help_tells_the_fields_of_a_question() -> None:
    assert list(inspect.signature(Client.recommend).parameters)[:4] == ["self", "products", "times", "task"]
    with pytest.raises(TypeError, match="wieght"):
        Client("grpc://localhost:9").recommend("M1", wieght=3)  # type: ignore[call-arg]
