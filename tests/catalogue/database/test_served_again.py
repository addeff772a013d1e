"""What the database takes, the server takes: products are embedded, and upserted again, as they are stored."""

from __future__ import annotations

from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalogue import Catalogue, Columns, Product
from catalogue.database import Database, Entry
from catalogue.database.checking import document_of
from catalogue.errors import BadRows
from catalogue.rows import product as product_of
from ensemble.product import parse_products
from ensemble.product_checks import check_id
from tests.catalogue.making import catalogue

TEXT = st.text(st.one_of(st.sampled_from("ab />\x00\ud800\u2028é"), st.characters()), max_size=8)
NUMBER = st.one_of(st.integers(-(2**65), 2**65), st.floats())
VALUE = st.one_of(TEXT, NUMBER, st.booleans())
NAME = st.one_of(st.sampled_from(["", " ", "color"]), TEXT)
MADE = st.builds(
    Product,
    id=TEXT.filter(bool),
    title=TEXT.filter(str.strip),
    category=TEXT,
    price=st.one_of(st.none(), st.floats(0, allow_infinity=False)),
    image=st.one_of(st.none(), TEXT),
    attributes=st.dictionaries(NAME, VALUE, max_size=3),
)
CELLS = st.fixed_dictionaries(
    {"id": VALUE, "title": TEXT},
    optional={
        "category": st.one_of(TEXT, st.lists(TEXT, max_size=3)),
        "price": VALUE,
        "available": VALUE,
        "image": VALUE,
        "attributes": st.dictionaries(NAME, st.one_of(VALUE, st.none()), max_size=3),
    },
)
NUMBERS = count()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("served-again")


def check(database: Database) -> None:
    for stored in database.products():
        (parsed,) = parse_products([document_of(stored.product).encode()])
        check_id("id", parsed["id"])
        assert isinstance(product_of(0, parsed, Columns()), Product)


def distinct(products: list[Product]) -> Catalogue:
    return catalogue(*{product.id: product for product in products}.values())


@settings(max_examples=60, deadline=None, derandomize=True)
@given(made=st.lists(MADE, max_size=6), cells=st.lists(CELLS, max_size=6))
def test_what_is_kept_is_what_the_server_takes(folder: Path, made: list[Product], cells: list[Any]) -> None:
    rows = [product_of(number, one, Columns()) for number, one in enumerate(cells)]
    products = [*made, *(row for row in rows if isinstance(row, Product))]
    url = f"sqlite:///{folder / str(next(NUMBERS))}"
    with Database.open(f"{url}-upserted.sqlite", create=True) as upserted:
        upserted.upsert([Entry(product) for product in products])
        check(upserted)
    with Database.open(f"{url}-loaded.sqlite", create=True) as loaded:
        for product in products:
            with suppress(BadRows):
                loaded.load(distinct([product]), "/shop/c.jsonl")
        check(loaded)
