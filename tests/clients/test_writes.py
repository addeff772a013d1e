"""Writes as values and tensors, and both clients over both protocols against a real Triton."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from clients import (
    NO_RETRIES,
    BadInput,
    Behind,
    Client,
    Deleted,
    Patch,
    Query,
    RetryPolicy,
    TandemError,
    Unavailable,
    Written,
    writes,
)
from clients.errors import ServerFault
from clients.tensors import Array, Call

FIRST = 2**40  # of ``scripted_writer``, which only Triton can import

Connect = Callable[..., Client]
KEYS = itertools.count()


class Outputs(dict[str, Array]):
    def as_numpy(self, name: str) -> Array | None:
        return self.get(name)


def inputs(call: Call[Any]) -> dict[str, list[list[Any]]]:
    return {tensor.name: tensor.data.tolist() for tensor in call.inputs}


@pytest.fixture
def client(connect: Connect, url: str) -> Iterator[Client]:
    with connect(url, timeout_s=10, retries=NO_RETRIES) as made:
        yield made


def test_products_travel_as_json_with_their_pictures(tmp_path: Path) -> None:
    (tmp_path / "photo.jpg").write_bytes(b"jpeg\0")
    call = writes.upsert([({"id": "a", "title": "Tasse"}, tmp_path / "photo.jpg"), ({"id": "b"}, None)])
    assert call.model == "upsert_product"
    assert inputs(call) == {
        "PRODUCT": [[b'{"id": "a", "title": "Tasse"}'], [b'{"id": "b"}']],
        "IMAGE": [[b"jpeg\0"], [b""]],
    }


def test_letters_of_other_alphabets_are_not_made_longer() -> None:
    ((sent,),) = inputs(writes.upsert([({"id": "a", "title": "Чашка" * 6_000, "note": "\ud800"}, None)]))["PRODUCT"]
    assert len(sent) < 61_000
    assert json.loads(sent)["title"] == "Чашка" * 6_000
    assert json.loads(sent)["note"] == "\ud800", "which the server refuses in its own words"


def test_a_patch_tells_only_what_it_changes() -> None:
    patches = [
        Patch("a", price=9.5),
        Patch("b", price=None, available=False),
        Patch("c", attributes={"colour": "red", "size": None}),
    ]
    call = writes.patch(patches)
    assert call.model == "patch_product"
    assert [json.loads(row[0]) for row in inputs(call)["PATCH"]] == [
        {"id": "a", "price": 9.5},
        {"id": "b", "price": None, "available": False},
        {"id": "c", "attributes": {"colour": "red", "size": None}},
    ]
    with pytest.raises(BadInput, match="PATCH: changes nothing; give a price, available or attributes"):
        Patch("a")


def test_ids_travel_as_they_are() -> None:
    call = writes.delete(["a", "é"])
    assert (call.model, inputs(call)) == ("delete_product", {"PRODUCT_ID": [[b"a"], ["é".encode()]]})


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: writes.upsert([]), "PRODUCT: no rows"),
        (lambda: writes.patch([]), "PATCH: no rows"),
        (lambda: writes.delete([]), "PRODUCT_ID: no rows"),
        (lambda: writes.upsert([({"id": object()}, None)]), "PRODUCT: cannot be written as JSON"),
        (lambda: writes.patch([Patch("a", attributes={"b": b""})]), "PATCH: cannot be written as JSON"),  # type: ignore[dict-item]
        (lambda: writes.upsert([({"id": "a"}, Path("nowhere.jpg"))]), "IMAGE: cannot read 'nowhere.jpg'"),
    ],
)
def test_what_cannot_be_sent_is_refused_here(make: Callable[[], object], message: str) -> None:
    with pytest.raises(BadInput, match=message):
        make()


def test_an_answer_that_is_none_is_the_server_s_fault() -> None:
    with pytest.raises(ServerFault, match="the answer has no SEQ"):
        writes.read_written(Outputs(PRODUCT_ID=np.array([[b"a"]], object)))
    with pytest.raises(ServerFault, match="not UTF-8"):
        writes.read_written(Outputs(PRODUCT_ID=np.array([[b"\xff"]], object), SEQ=np.array([[1]])))


def test_every_write_tells_its_place_in_the_journal(client: Client) -> None:
    assert client.upsert({"id": "Pé", "title": "Tasse"}, b"jpeg") == Written("Pé", FIRST)
    assert client.upsert_many([({"id": "P1"}, None), ({"id": "P2"}, b"")]) == [
        Written("P1", FIRST),
        Written("P2", FIRST + 1),
    ]
    assert client.patch("P1", price=9.5, attributes={"colour": None}) == Written("P1", FIRST)
    assert client.patch_many([Patch("P1", price=None), Patch("P2", available=True)])[1] == Written("P2", FIRST + 1)
    assert client.delete("P1") == Deleted(found=True, seq=FIRST)
    assert client.delete_many(["P1", "Q"]) == [Deleted(found=True, seq=FIRST), Deleted(found=False, seq=FIRST + 1)]


@pytest.mark.parametrize(
    ("product_id", "kind", "message"),
    [
        ("refuse", BadInput, "[0]: refused; give something else"),
        ("away", Unavailable, "TANDEM_CATALOGUE: away; nothing was written"),
    ],
)
def test_a_refusal_has_its_error(client: Client, product_id: str, kind: type[TandemError], message: str) -> None:
    for write in (
        lambda: client.upsert({"id": product_id}),
        lambda: client.patch(product_id, price=1),
        lambda: client.delete(product_id),
    ):
        with pytest.raises(TandemError) as caught:
            write()
        assert type(caught.value) is kind
        assert message in str(caught.value)


def test_a_catalogue_that_was_away_is_written_to_again(connect: Connect, url: str) -> None:
    with connect(url, retries=RetryPolicy(tries=3, first_pause_s=0.01)) as client:
        product_id = f"flaky {next(KEYS)}"
        assert client.upsert({"id": product_id}) == Written(product_id, FIRST)
    with connect(url, retries=RetryPolicy(tries=2, first_pause_s=0.01)) as client, pytest.raises(Unavailable):
        client.delete(f"flaky {next(KEYS)}")


def test_a_search_asks_for_what_was_written_and_is_told_when_it_is_not_known_yet(client: Client) -> None:
    assert client.search(text="mug", min_seq=FIRST).seq == FIRST
    with pytest.raises(Behind, match=rf"MIN_SEQ: {FIRST + 1}; this index is at {FIRST}"):
        client.search(text="mug", min_seq=FIRST + 1)
    with pytest.raises(Behind):
        client.search_many([Query(image=b"jpeg"), Query(image=b"jpeg", min_seq=FIRST + 1)])
