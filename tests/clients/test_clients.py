"""Both clients over both protocols, against a real Triton."""

from __future__ import annotations

import hashlib
import itertools
import json
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from clients import (
    NO_RETRIES,
    BadInput,
    BadSetting,
    BadUrl,
    Client,
    ClientClosed,
    NotServed,
    Query,
    QueueFull,
    RetryPolicy,
    ServerFault,
    TandemError,
    Timeout,
    Unavailable,
)
from clients.tensors import Call

Connect = Callable[..., Client]
KEYS = itertools.count()


@pytest.fixture
def client(connect: Connect, url: str) -> Iterator[Client]:
    with connect(url, timeout_s=10, retries=NO_RETRIES) as made:
        yield made


def sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def test_what_is_sent_arrives_byte_for_byte(client: Client) -> None:
    image, told = bytes(range(256)) * 20_000 + b"\0\0", {"range": ["price", None, 20]}
    rank = "similarity - 0.1 * prix_€"
    answer = client.search(text="tasse à café", image=image, weights=(0.5, -2), k=1, filter=told, rank=rank)
    attributes = answer.results[0].attributes
    assert attributes["TEXT"] == sha("tasse à café".encode())
    assert attributes["IMAGE"] == sha(image)
    assert attributes["WEIGHTS"] == [0.5, -2.0]
    assert attributes["FILTER"] == sha(json.dumps(told).encode())
    assert attributes["RANK"] == sha(rank.encode())


def test_an_answer_has_its_release_and_its_products_in_order(client: Client, tmp_path: Path) -> None:
    (tmp_path / "photo.jpg").write_bytes(b"photo")
    for answer in (client.search(text=b"\xff\xfe", k=3), client.search(image=tmp_path / "photo.jpg", k=3)):
        assert (answer.release, answer.seq) == (7, 2**40)
        assert [result.id for result in answer.results] == ["p0", "p1", "p2"]
        assert [result.score for result in answer.results] == [1.0, 0.875, 0.75]
        assert [result.price for result in answer.results] == [4.5, 5.5, 6.5]


def test_many_queries_are_answered_by_one_request_in_order(client: Client) -> None:
    texts = [f"mug {number}" for number in range(9)]
    answers = client.search_many([Query(text, k=number % 3 + 1) for number, text in enumerate(texts)])
    assert [len(answer.results) for answer in answers] == [1, 2, 3] * 3
    assert [answer.results[0].attributes["TEXT"] for answer in answers] == [sha(text.encode()) for text in texts]


def test_vectors_come_as_float32(client: Client) -> None:
    assert client.embed_texts(["ab", b"abcd"]).tolist() == [[2, 3, 4, 5], [4, 5, 6, 7]]
    assert client.embed_images([b"abc"]).shape == (1, 4)
    assert client.embed_text("ab").dtype == np.float32
    assert client.embed_text("ab").shape == client.embed_image(b"abc").shape == client.embed_product({}).shape == (4,)
    assert client.embed_products([({}, None), ({}, b"1234")]).tolist() == [[2, 3, 4, 5], [6, 7, 8, 9]]


@pytest.mark.parametrize(
    ("text", "kind", "message"),
    [
        ("refuse", BadInput, "TEXT: refused; give something else"),
        ("raise", ServerFault, "raised by the model"),
        ("fail INTERNAL", ServerFault, "TEXT: failed"),
        ("fail NOT_FOUND", NotServed, "TEXT: failed"),
        ("fail UNAVAILABLE", Unavailable, "TEXT: failed"),
    ],
)
def test_every_failure_has_its_error(client: Client, text: str, kind: type[TandemError], message: str) -> None:
    with pytest.raises(TandemError) as caught:
        client.search(text=text)
    assert type(caught.value) is kind
    assert message in str(caught.value)
    assert "in ensemble" not in str(caught.value)


def test_the_server_s_own_checks_come_as_bad_input(client: Client) -> None:
    with pytest.raises(BadInput, match="batch-size must be <= 64"):
        client.embed_texts(["a"] * 65)


def test_a_model_that_is_not_there_is_not_served(endpoints: object, url: str) -> None:
    with Client(url) as client, pytest.raises(NotServed, match="nosuch"):
        client.run(Call("nosuch", (), lambda _: None))


def test_a_late_answer_is_a_timeout_and_is_not_taken_for_the_next_one(connect: Connect, url: str) -> None:
    with connect(url, timeout_s=0.3) as client:
        started = time.monotonic()
        with pytest.raises(Timeout, match=r"no answer from .*//127.0.0.1:\d+ within 0.3 s"):
            client.search(text="sleep 0.6", k=1)
        assert time.monotonic() - started < 0.55
        time.sleep(0.5)
        assert client.search(text="next", k=1).results[0].attributes["TEXT"] == sha(b"next")


def test_what_may_pass_is_tried_again_and_what_cannot_is_not(connect: Connect, url: str) -> None:
    with connect(url, retries=RetryPolicy(tries=3, first_pause_s=0.01)) as client:
        assert client.search(text=f"flaky UNAVAILABLE {next(KEYS)}").results
        with pytest.raises(BadInput):
            client.search(text=f"flaky INVALID_ARG {next(KEYS)}")
    with connect(url, retries=RetryPolicy(tries=2, first_pause_s=0.01)) as client, pytest.raises(Unavailable):
        client.search(text=f"flaky UNAVAILABLE {next(KEYS)}")


def test_the_deadline_covers_all_tries(connect: Connect, url: str) -> None:
    with connect(url, timeout_s=0.4, retries=RetryPolicy(tries=10_000, longest_pause_s=0.1)) as client:
        started = time.monotonic()
        with pytest.raises((Unavailable, Timeout)):
            client.search(text="fail UNAVAILABLE")
        assert time.monotonic() - started < 0.6


def test_a_full_queue_refuses_at_once_and_a_retry_gets_through(url: str) -> None:
    def ask(client: Client) -> str:
        try:
            return str(client.embed_image(b"sleep 0.2").shape)
        except QueueFull as error:
            return str(error)

    with Client(url, retries=NO_RETRIES) as client, ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(ask, [client] * 6))
    assert set(answers) == {"(4,)", "Exceeds maximum queue size"}
    patient = RetryPolicy(tries=1000, first_pause_s=0.1, longest_pause_s=0.2, refused_share=1000.0)
    with Client(url, retries=patient) as client, ThreadPoolExecutor(4) as pool:
        assert set(pool.map(ask, [client] * 4)) == {"(4,)"}


def test_threads_share_a_client(url: str) -> None:
    texts = [f"text {number}" for number in range(200)]
    with Client(url) as client, ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda text: client.search(text=text, k=1), texts))
    assert [answer.results[0].attributes["TEXT"] for answer in answers] == [sha(text.encode()) for text in texts]


def test_ready_and_closed(connect: Connect, url: str) -> None:
    with connect(url) as client:
        assert client.ready()
        client.close()
        client.close()
        for ask in (lambda: client.search(text="a"), client.ready):
            with pytest.raises(ClientClosed, match="was closed"):
                ask()


@pytest.mark.parametrize(
    ("settings", "kind"),
    [({"url": "localhost:1"}, BadUrl), ({"timeout_s": 0}, BadSetting), ({"timeout_s": float("nan")}, BadSetting)],
)
def test_settings_are_checked_before_anything_is_sent(
    connect: Connect, settings: dict[str, object], kind: type[BadSetting]
) -> None:
    with pytest.raises(kind):
        connect(**({"url": "grpc://localhost:1"} | settings))
