"""What is written is found by the next search."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from catalogue.database import Database
from clients import BadInput, Behind, Client, Deleted, Patch
from tests.end_to_end.living.conftest import Served
from tests.end_to_end.living.products import PHOTO, only, product
from tests.patient import PATIENT

PRODUCTS = 40


def test_what_is_upserted_is_found_by_the_next_search(client: Client) -> None:
    made = product(title="large large red", price=7.5, attributes={"color": "pink", "number": 3, "new": True})
    written = client.upsert(made, PHOTO)
    for asked in ({"text": "large large red. New, Balls"}, {"image": PHOTO}):
        answer = client.search(**asked, k=1, min_seq=written.seq, filter={"under": ["category", "New"]})
        assert answer.seq >= written.seq
        found = answer.results[0]
        assert (found.id, found.title, found.price) == (made["id"], made["title"], 7.5)
        assert found.score == pytest.approx(1.0, abs=2e-3)
        assert dict(found.attributes) == made["attributes"]
    client.delete(made["id"])


def test_an_upsert_takes_the_place_of_what_was_there(client: Client) -> None:
    made = product(price=1, attributes={"color": "pink"})
    client.upsert(made, PHOTO)
    written = client.upsert({**made, "title": "green chair", "price": None, "attributes": {}})
    (found,) = client.search(text="green chair. New, Balls", filter=only(made["id"]), min_seq=written.seq).results
    assert (found.title, found.price, dict(found.attributes)) == ("green chair", None, {})
    assert found.score == pytest.approx(1.0, abs=2e-3)
    (found,) = client.search(image=PHOTO, filter=only(made["id"]), min_seq=written.seq).results
    assert found.score == 0.0  # the picture went with the product that had it


def test_a_patch_is_seen_by_filters_and_leaves_the_vectors(client: Client) -> None:
    made = product(price=5, attributes={"color": "pink"})
    first = client.upsert(made, PHOTO)
    (before,) = client.search(image=PHOTO, filter=only(made["id"]), min_seq=first.seq).results
    patched = client.patch(made["id"], price=99.5, available=False, attributes={"color": None, "number": 8})
    dear = {"and": [{"range": ["price", 99, 100]}, {"eq": ["available", False]}, {"eq": ["number", 8]}]}
    (after,) = client.search(image=PHOTO, filter=dear, min_seq=patched.seq).results
    assert (after.id, after.price, after.available, dict(after.attributes)) == (made["id"], 99.5, False, {"number": 8})
    assert after.score == before.score
    cheap = client.search(image=PHOTO, filter={"range": ["price", 5, 5]}, min_seq=patched.seq)
    assert made["id"] not in [found.id for found in cheap.results]
    client.delete(made["id"])


def test_what_is_deleted_is_gone(client: Client) -> None:
    made = product()
    written = client.upsert(made)
    deleted = client.delete(made["id"])
    assert deleted == Deleted(found=True, seq=written.seq + 1)
    assert client.search(text="ball", filter=only(made["id"]), min_seq=deleted.seq).results == ()
    assert not client.delete(made["id"]).found
    with pytest.raises(BadInput, match="there is no such product"):
        client.patch(made["id"], price=1)


def test_many_rows_are_written_whole_or_not_at_all(client: Client) -> None:
    many = [product(price=number) for number in range(5)]
    with pytest.raises(BadInput, match=r"^PRODUCT.price\[3\]: -1; a finite number"):
        client.upsert_many([(each, None) for each in [*many[:3], {**many[3], "price": -1}]])
    with pytest.raises(BadInput, match=r"^PRODUCT\[2\]: .*attributes.number = 'many'; allowed: a number"):
        client.upsert_many([(each, None) for each in [*many[:2], {**many[2], "attributes": {"number": "many"}}]])
    assert [client.delete(each["id"]).found for each in many] == [False] * 5
    written = client.upsert_many([(each, PHOTO) for each in many])
    assert [each.id for each in written] == [each["id"] for each in many]
    with pytest.raises(BadInput, match=r"^PATCH\[1\]: .*there is no such product"):
        client.patch_many([Patch(many[0]["id"], price=50), Patch("nothing", price=50)])
    (found,) = client.search(text="ball", filter=only(many[0]["id"]), min_seq=written[-1].seq).results
    assert found.price == 0
    assert [each.found for each in client.delete_many([*(each["id"] for each in many), "nothing"])] == [True] * 5 + [
        False
    ]


def test_many_writers_at_once_get_numbers_of_their_own(served: Served) -> None:
    server, url = served.server, served.url
    many = [product(price=number) for number in range(96)]
    with Client(server.grpc_url, timeout_s=60, retries=PATIENT) as client, ThreadPoolExecutor(16) as pool:
        before = client.delete("nothing").seq
        written = list(pool.map(lambda each: client.upsert(each, PHOTO), many))
        assert sorted(each.seq for each in written) == list(range(before + 1, before + 97))
        answer = client.search(image=PHOTO, k=1000, min_seq=before + 96, filter={"under": ["category", "New"]})
        assert {each["id"] for each in many} <= {found.id for found in answer.results}
        with Database.open(url) as database:  # acknowledged is durable
            assert len(database.stored(each["id"] for each in many)) == 96
        client.delete_many([each["id"] for each in many[:64]])
        client.delete_many([each["id"] for each in many[64:]])


def test_a_state_that_is_not_there_yet_is_told(client: Client) -> None:
    head = client.delete("nothing").seq
    assert client.search(text="red mug", min_seq=head).seq >= head
    with pytest.raises(Behind, match=r"^MIN_SEQ"):
        client.search(text="red mug", min_seq=head + 1_000_000)
    with pytest.raises(BadInput, match=r"^MIN_SEQ"):
        client.search(text="red mug", min_seq=-1)


def test_the_shop_is_as_it_was(client: Client) -> None:
    answer = client.search(text="red mug", k=1000)
    left = [client.delete(found.id) for found in answer.results if found.id.startswith("N")]
    assert len(answer.results) - len(left) == PRODUCTS
