"""Writes as the server's models make them, on a real database."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from catalogue.database import Database, Entry
from catalogue.serving import Connection, Writer
from catalogue.serving.operations import Operation, deletions, patches
from ensemble.errors import InvalidInput
from ensemble.serving import Tensors
from tests.catalogue.served import RELEASE, SPACE, UNIT, bytes_of, ids, mug, request, told


def test_a_product_is_written_with_its_picture_and_its_row(commit: Writer[Entry, int], url: str) -> None:
    whole = mug("P1", category="Kitchen/Mugs", price=4.5, available=False, attributes={"colour": "red"})
    (answer,) = commit.answer([request(whole, image=b"jpeg", row=(*UNIT, 1, 0))])
    assert told(answer) == {"PRODUCT_ID": [b"P1"], "SEQ": [1], "RELEASE": [RELEASE]}
    assert isinstance(answer, Mapping)
    assert [value.shape for value in answer.values()] == [(1, 1)] * 3
    with Database.open(url) as database:
        (stored,) = database.stored(["P1"])
        assert stored.product.as_dict() == {**whole, "image": None}
        assert database.picture(stored, 100) == b"jpeg"
        assert database.unembedded(SPACE.space_id, 10) == []


def test_requests_are_committed_together_and_refused_alone(commit: Writer[Entry, int], url: str) -> None:
    answers = commit.answer([
        request(mug("P1", attributes={"size": 1})),
        request(mug("P2", price=float("nan"))),
        request(mug("P3"), mug("P4")),
        request(mug("P5"), mug("P6"), mug("P7", attributes={"size": "large"})),
        request(mug("P8", attributes={"size": True})),
        request(mug("P9")),
    ])  # fmt: skip
    assert told(answers[0])["SEQ"] == [1]
    assert told(answers[1]) == "InvalidInput PRODUCT.price: NaN; a finite number of at least 0 is needed"
    assert told(answers[2])["PRODUCT_ID"] == [b"P3", b"P4"]
    assert told(answers[3]).startswith(
        "InvalidInput PRODUCT[2]: product 'P7': attributes.size = 'large'; allowed: a num"
    )
    assert told(answers[4]).startswith("InvalidInput PRODUCT: product 'P8': attributes.size = True; allowed: a number")
    assert told(answers[5])["SEQ"] == [2]
    assert sorted(told(answers[2])["SEQ"]) == [3, 4]
    assert ids(url) == ["P1", "P3", "P4", "P9"]


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (request({"title": "Mug"}), "PRODUCT.id: 0 characters; 1 to 256 are allowed"),
        (request(mug(" ")), "PRODUCT.id: 0 characters; 1 to 256 are allowed"),
        (request(mug("P", title=" ")), "PRODUCT.title: empty; give at least one character"),
        (request(mug("P", note=1)), 'PRODUCT: unknown field "note"; allowed: id, title'),
        (request(mug("P", attributes={"a": "x" * 10_000_000})), "PRODUCT: 10,000,0"),
        (request(mug("P", image="../../etc/passwd")), "IMAGE: empty, though PRODUCT.image names '../../etc/passwd'"),
        (request(mug("P"), row=(np.nan, 0, 0, 0)), "ROW: holds a value that is not finite"),
        (request(mug("P"), row=(*UNIT, np.inf, 0)), "ROW: holds a value that is not finite"),
        (request(mug("P"), row=(*UNIT, 0)), "ROW: 3 numbers; this release's space has 4"),
        (request(mug("P"), row=(3, 4, 0, 0)), "ROW: its text half has length 5; 1, or 0 for none, is needed"),
        (request(mug("P"), row=(*UNIT, 0, 1e38)), "ROW: its image half has length 1e+38; 1, or 0 for none, is needed"),
        (request(mug("P"), row=(0, 0, 0, 0)), "PRODUCT: product 'P': vector of space ssssssssssss...: only zeros"),
        (
            request(mug("P"), SPACE_ID=bytes_of([b"t" * 64])),
            f"SPACE_ID: {b't' * 64!r}; the space of this release is sss",
        ),
    ],
)
def test_what_cannot_be_written_is_refused_by_name(
    commit: Writer[Entry, int], url: str, bad: Tensors, message: str
) -> None:
    first, refused, last = commit.answer([request(mug("A")), bad, request(mug("Z"), SPACE_ID=bytes_of([b"s" * 64]))])
    assert isinstance(refused, InvalidInput)
    assert str(refused).startswith(message)
    assert told(first)["SEQ"] + told(last)["SEQ"] == [1, 2]
    assert ids(url) == ["A", "Z"]


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        ([mug("A"), mug("")], "PRODUCT.id[1]: 0 characters"),
        ([mug("A"), {"title": "B"}], "PRODUCT.id[1]: 0 characters"),
        ([mug("A"), mug("B", image="b.png")], "IMAGE[1]: empty, though"),
    ],
)
def test_the_row_is_named_and_nothing_of_its_request_is_written(
    commit: Writer[Entry, int], url: str, bad: list[Any], message: str
) -> None:
    (refused,) = commit.answer([request(*bad)])
    assert told(refused).startswith(f"InvalidInput {message}")
    assert ids(url) == []


def test_patches_and_deletions(commit: Writer[Entry, int], connection: Connection, url: str) -> None:
    commit.answer([request(mug("P1", price=4.5, attributes={"colour": "red", "material": "clay"}))])
    patch, delete = Writer(connection, patches()), Writer(connection, deletions())
    answers = patch.answer([
        {"PATCH": bytes_of([{"id": "P1", "price": 5, "attributes": {"colour": None, "new": True}}])},
        {"PATCH": bytes_of([{"id": "P1", "available": False}, {"id": "P2", "available": False}])},
        {"PATCH": bytes_of([{"id": "P1", "attributes": {"material": "tin"}}])},
        {"PATCH": bytes_of([{"id": "P1", "price": None}, {"id": "P1", "price": 6}])},
    ])  # fmt: skip
    assert told(answers[0]) == {"PRODUCT_ID": [b"P1"], "SEQ": [2]}
    assert told(answers[1]).startswith("InvalidInput PATCH[1]: patch of product 'P2': there is no such product")
    assert "attributes.material is part of the text that vectors are made of" in told(answers[2])
    assert told(answers[3]) == {"PRODUCT_ID": [b"P1", b"P1"], "SEQ": [3, 4]}
    with Database.open(url) as database:
        (stored,) = database.stored(["P1"])
        product = stored.product
    assert (product.price, product.available, dict(product.attributes)) == (6, True, {"material": "clay", "new": True})
    (answer,) = delete.answer([{"PRODUCT_ID": bytes_of([b"P1", b"P2", b"P1"])}])
    assert told(answer) == {"SEQ": [5, 5, 5], "FOUND": [True, False, False]}
    assert ids(url) == []


@pytest.mark.parametrize(
    ("operation", "inputs", "message"),
    [
        (patches(), {"PATCH": bytes_of([b"{"])}, "PATCH: not JSON"),
        (patches(), {"PATCH": bytes_of([{"price": 1}])}, "PATCH.id: 0 characters"),
        (
            patches(),
            {"PATCH": bytes_of([{"id": "a"}])},
            "PATCH: changes nothing; give at least one of price, available",
        ),
        (
            patches(),
            {"PATCH": bytes_of([{"id": "a", "title": "b"}])},
            'PATCH: unknown field "title"; allowed: id, price',
        ),
        (patches(), {"PATCH": bytes_of([{"id": "a", "price": float("inf")}])}, "PATCH.price: Infinity; a finite"),
        (patches(), {"PATCH": bytes_of([{"id": "a", "attributes": {"b": []}}])}, "PATCH.attributes.b: []; a string"),
        (patches(), {"PATCH": bytes_of([{"id": "a", "available": None}])}, "PATCH: patch of product 'a': available"),
        (deletions(), {"PRODUCT_ID": bytes_of([b"a", b""])}, "PRODUCT_ID[1]: 0 characters; 1 to 256 are allowed"),
        (deletions(), {"PRODUCT_ID": bytes_of([b"\xff"])}, "PRODUCT_ID: not UTF-8: invalid start byte at byte 0"),
        (deletions(), {"PRODUCT_ID": bytes_of([b"a\0b"])}, "PRODUCT_ID: holds a NUL character"),
    ],
)
def test_mistakes_in_patches_and_deletions(
    connection: Connection, operation: Operation[Any, Any], inputs: Tensors, message: str
) -> None:
    (answer,) = Writer(connection, operation).answer([inputs])
    assert isinstance(answer, InvalidInput)
    assert str(answer).startswith(message)
