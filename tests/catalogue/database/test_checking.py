"""What is checked before a database is asked: each mistake names the field, what came and what is allowed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from catalogue import Product
from catalogue.database import Patch, check_id, parse_patch, parse_product
from catalogue.database.checking import (
    MAX_DOCUMENT_BYTES,
    MAX_PICTURE_BYTES,
    check_picture,
    check_row,
    checked,
    document_of,
)
from catalogue.database.patches import checked_patch, patched
from catalogue.database.reading import product_of
from catalogue.errors import BadEntry
from tests.catalogue.making import SPACE, row


def told(check: Callable[[], object]) -> str:
    """Why something is refused."""
    with pytest.raises(BadEntry) as caught:
        check()
    assert str(caught.value).encode("utf-8")
    assert len(str(caught.value)) < 500
    return str(caught.value)


def bent(place: int, value: float) -> Any:
    made = row(1).astype(np.float32)
    made[place] = value
    return made


@pytest.mark.parametrize(
    ("made", "said"),
    [
        (bent(1, np.nan), "nan at 1; allowed: finite values"),
        (bent(4, -np.inf), "-inf at 4; allowed: finite values"),
        (bent(0, 1e6), "1e+06; allowed: magnitudes up to 65504"),
        (row(1)[:4], "shape (4,); allowed: (5,)"),
        (row(1)[:0], "shape (0,); allowed: (5,)"),
        (row(1)[None], "shape (1, 5); allowed: (5,)"),
        (np.zeros(5, np.float32), "only zeros"),
        (np.full(5, 1e-9, np.float32), "only zeros"),
        (np.ones(5, np.int64), "allowed: an array of floats"),
        ([1.0, 2.0], "allowed: an array of floats"),
    ],
)
def test_a_row_that_is_none(made: Any, said: str) -> None:
    refused = told(lambda: check_row("a", made, SPACE))
    assert said in refused
    assert "product 'a': vector of space space-one" in refused


@pytest.mark.parametrize(
    ("made", "said"),
    [
        (Product("a", "Mug", attributes={"text": "x" * 10_000_000}), "attributes.text; allowed: 65,536 in all"),
        (Product("a", "Mug", attributes={"n" * 10_000_000: 1}), "allowed: 65,536 in all"),
        (Product("a", "Mug" * 30_000), "in title; allowed: 65,536 in all"),
        (Product("a", "Mug\x00"), "title holds a NUL character"),
        (Product("a", "Mug", attributes={"c\x00": 1}), r"attributes.c\x00 holds a NUL character"),
        (Product("a\x00", "Mug"), "id holds a NUL character"),
        (Product("a", "Mug\ud800"), "title = 'Mug\\ud800'; allowed: valid UTF-8"),
        (
            Product("a", "Mug", attributes={"n": 2**63}),
            "attributes.n = 9223372036854775808; allowed: finite numbers, and whole ones",
        ),
        (Product("a", "Mug", attributes={"n": 10**400}), "attributes.n"),
        (Product("a", "Mug", attributes={"n": float("inf")}), "attributes.n = inf; allowed: a finite number"),
        (Product("a", "Mug", attributes={"n": [1]}), "attributes.n = [1]; allowed: a string, a number or a flag"),  # type: ignore[dict-item]
        (Product("a", "Mug", attributes={"": 1}), "attributes = ''; allowed: a name that is not empty"),
        (Product(" a", "Mug"), "id = ' a'; allowed: no white space at its ends"),
        (Product("a", "Mug", image=7), "image = 7; allowed: a string"),  # type: ignore[arg-type]
    ],
)
def test_a_product_that_cannot_be_kept(made: Product, said: str) -> None:
    assert said in told(lambda: document_of(checked(made)))


def test_the_largest_product_is_kept() -> None:
    frame = len(document_of(Product("a", "Mug", attributes={"text": ""})))
    kept = Product("a", "Mug", attributes={"text": "ä" * ((MAX_DOCUMENT_BYTES - frame) // 2)})
    assert len(document_of(kept).encode()) >= MAX_DOCUMENT_BYTES - 1
    larger = Product("a", "Mug", attributes={"text": kept.attributes["text"] + "ää"})  # type: ignore[operator]
    assert f"in attributes.text; allowed: {MAX_DOCUMENT_BYTES:,} in all" in told(lambda: document_of(larger))


def test_text_that_only_looks_like_a_nul_is_kept() -> None:
    made = Product("a", r"back\u0000slash", attributes={"n": -(2**63)})
    assert product_of(document_of(made)) == made


def test_a_picture_that_is_none() -> None:
    assert "allowed: its encoded bytes" in told(lambda: check_picture("a", "a.png"))
    large = told(lambda: check_picture("a", bytes(MAX_PICTURE_BYTES + 1)))
    assert "picture of 67,108,865 bytes; allowed: at most 67,108,864" in large


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"title": "New"}, "title = 'New'; allowed: price, available and attributes; use upsert for anything else"),
        ({}, "nothing to change; allowed: at least one of price, available, attributes"),
        ({"price": -1}, "price = -1; allowed: a number of at least 0"),
        ({"price": "cheap", "available": None}, "; also available = None; allowed: true or false"),
        ({"attributes": ["x"]}, "attributes = ['x']; allowed: an object of name and value"),
        ({"attributes": {"a": [1]}}, "allowed: a string, a number or a flag, or null, for a"),
        ({"attributes": {"title": "x"}}, "attributes.title; allowed: a name that is not empty and that no field of"),
        ({"attributes": {" ": None}}, "attributes. ; allowed: a name that is not empty and that no field of a product"),
        ({"attributes": {"text": "x" * 10_000_000}}, "allowed: 65,536 in all"),
        ({"attributes": {"text": "x\x00"}}, "attributes.text holds a NUL character"),
    ],
)
def test_a_patch_that_is_not_allowed(changes: dict[str, Any], said: str) -> None:
    assert said in told(lambda: patched(Product("a", "Mug"), checked_patch(Patch("a", changes))))


@pytest.mark.parametrize("bad", ["", " a", "a\x00", "\ud800", "x" * 257, 7, None])
def test_an_id_that_no_product_can_have(bad: Any) -> None:
    assert told(lambda: check_id(bad)).startswith("product: id = ")


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"{", "allowed: one JSON object"),
        ("[1]", "[1]; allowed: one JSON object"),
        (b"\xff\xfe{", "allowed: one JSON object"),
        ('{"id": "a", "price": NaN}', "NaN is no JSON"),
        ("[" * 100_000, "allowed: one JSON object"),
        ('{"id": "a", "title": "Mug", "colour": "red"}', "colour = 'red'; allowed: the fields id, title"),
        ('{"title": ""}', "id = None; allowed: a column 'id'"),
    ],
)
def test_json_that_is_no_product(data: str | bytes, said: str) -> None:
    assert said in told(lambda: parse_product(data))


def test_json_products_and_patches() -> None:
    assert parse_product(b'{"id": 7, "title": " Mug", "price": "4.5"}') == Product("7", "Mug", price=4.5)
    patch = parse_patch('{"id": "a", "price": 3, "attributes": {"size": null}}')
    assert (patch.id, dict(patch.changes)) == ("a", {"price": 3.0, "attributes": {"size": None}})
    with pytest.raises(BadEntry, match="patch: id is missing"):
        parse_patch('{"price": 3}')
