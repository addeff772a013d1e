"""The compiled filter is held to a plain reading of the expression, product by product."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ensemble.errors import InvalidInput
from ensemble.index import IndexBuilder, parse_filter
from ensemble.index.columns import ONE_BY_ONE, Column, Stored
from ensemble.index.filter_size import MAX_LEAVES, MAX_OPERATORS, MAX_VALUES
from tests import tiny
from tests.ensemble.journal_twin import SPACE, Product, passes

PRODUCTS = [
    product | {"attributes": {k: v for k, v in product["attributes"].items() if k != "color" or n % 4}}
    for n, product in enumerate(tiny.products())
]
PRODUCTS[1]["attributes"]["color"] = " XL "


def columns_of(products: Sequence[Product]) -> Mapping[str, Column]:
    builder = IndexBuilder(SPACE)
    builder.add(products, np.ones((len(products), SPACE.row_dim), np.float32))
    return builder.build().columns


def words_of(columns: Mapping[str, Column], name: str) -> list[str]:
    column = columns[name]
    assert isinstance(column, Stored)
    return list(column.words.since(0))


COLUMNS = columns_of(PRODUCTS)


words = st.sampled_from(["red", "green", "blue", "purple", " red\t", "XL", " XL "])
prices = st.one_of(st.none(), st.integers(0, 50), st.floats(0, 50))
leaves = st.one_of(
    st.builds(lambda word: {"eq": ["color", word]}, words),
    st.builds(lambda flag: {"eq": ["available", flag]}, st.booleans()),
    st.builds(lambda number: {"eq": ["number", number]}, st.integers(0, 45)),
    st.builds(lambda several: {"in": ["color", several]}, st.lists(words, max_size=3)),
    st.builds(lambda several: {"in": ["new", several]}, st.lists(st.booleans(), max_size=2)),
    st.builds(lambda low, high: {"range": ["price", low, high]}, prices, prices),
    st.builds(lambda path: {"under": ["category", path]}, st.sampled_from(["Home", "Home/Lamps", "Hom", "Sport"])),
)
expressions = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.builds(lambda parts: {"and": parts}, st.lists(inner, min_size=1, max_size=3)),
        st.builds(lambda parts: {"or": parts}, st.lists(inner, min_size=1, max_size=3)),
        st.builds(lambda part: {"not": part}, inner),
    ),
    max_leaves=6,
)


@given(expressions)
def test_equals_the_twin(expression: dict[str, Any]) -> None:
    compiled = parse_filter(json.dumps(expression), COLUMNS)
    assert compiled is not None
    assert compiled.mask(COLUMNS).tolist() == [passes(product, expression) for product in PRODUCTS]


def test_empty_is_no_filter() -> None:
    assert parse_filter("", COLUMNS) is None


def test_mixed_types_become_words() -> None:
    columns = columns_of([{"id": "a", "attributes": {"size": 42}}, {"id": "b", "attributes": {"size": "XL"}}])
    assert words_of(columns, "size") == ["42", "XL"]


def test_numbers_and_flags_read_as_words_without_python_in_them() -> None:
    values = [42, 42.0, 4.5, True, "XL"]
    columns = columns_of([{"id": str(n), "attributes": {"size": value}} for n, value in enumerate(values)])
    assert sorted(words_of(columns, "size")) == ["4.5", "42", "XL", "true"]


def test_missing_price_is_in_no_range() -> None:
    mask = parse_filter('{"range": ["price", null, null]}', COLUMNS)
    assert mask is not None
    assert mask.mask(COLUMNS).tolist() == [product["price"] is not None for product in PRODUCTS]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "FILTER: not JSON"),
        ("[]", "FILTER: an object with one of eq, in, range, under, and, or, not is needed, got []"),
        ("{}", "FILTER: an object with one of"),
        ('{"eq": ["price", 1], "in": []}', "FILTER: an object with one of"),
        ('{"equals": ["price", 1]}', "FILTER: unknown operator 'equals'; allowed are eq, in,"),
        (
            '{"eq": ["colour", "red"]}',
            'FILTER.eq: unknown field "colour"; this catalogue has available, category, color',
        ),
        ('{"eq": ["price"]}', "FILTER.eq: [field, value] is needed"),
        ('{"eq": ["price", "10"]}', "FILTER.eq: 'price' is compared with a finite number, got \"10\""),
        ('{"eq": ["price", true]}', "FILTER.eq: 'price' is compared with a finite number, got true"),
        ('{"eq": ["price", NaN]}', "FILTER.eq: 'price' is compared with a finite number, got NaN"),
        ('{"eq": ["price", 1' + "0" * 400 + "]}", "FILTER.eq: 'price' is compared with a finite number"),
        ('{"eq": ["available", 1]}', "FILTER.eq: 'available' is compared with true or false, got 1"),
        ('{"in": ["color", "red"]}', "FILTER.in: a list of values is needed"),
        ('{"range": ["color", 1, 2]}', "FILTER.range: 'color' is not a number; those that are: number, price"),
        ('{"range": ["price", 1]}', "FILTER.range: [field, low, high] is needed"),
        ('{"under": ["color", "red"]}', 'FILTER.under: ["category", "A/B"] is needed'),
        ('{"and": []}', "FILTER.and: a list of at least one expression is needed"),
        ('{"and": [{"eq": ["price", 1]}, {"not": {"eq": [3, 1]}}]}', "FILTER.and[1].not.eq: unknown field 3"),
        ('{"not":' * 40 + '{"eq": ["price", 1]}' + "}" * 40, "FILTER.not.not"),
        ('{"not":' * 100 + '{"eq": ["price", 1]}' + "}" * 100, "FILTER" + ".not" * 16 + ": nested deeper than 16"),
        ('{"not":' * 9_000, "FILTER: not JSON: maximum recursion depth exceeded"),
        ('{"eq": ["price", ' + "[" * 500 + "]" * 500 + "]}", "FILTER.eq: 'price' is compared with a finite number"),
        ("[" * 100_000, "FILTER: 100,000 bytes"),
    ],
)
def test_refuses(text: str, message: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        parse_filter(text, COLUMNS)
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize("text", ['{"eq": ["color", " XL "]}', '{"in": ["color", ["XL "]]}', '{"eq": ["color", "XL"]}'])
def test_words_are_compared_without_spaces_around_them(text: str) -> None:
    compiled = parse_filter(text, COLUMNS)
    assert compiled is not None
    assert np.flatnonzero(compiled.mask(COLUMNS)).tolist() == [1]


def test_ids_are_compared_as_they_are() -> None:
    columns = columns_of([{"id": " a "}, {"id": "a"}])
    compiled = parse_filter('{"eq": ["id", " a "]}', columns)
    assert compiled is not None
    assert compiled.mask(columns).tolist() == [True, False]


LEAF = '{"range":["price",1,2]}'


def any_of(*parts: str) -> str:
    return '{"or":[' + ",".join(parts) + "]}"


def values_in(count: int) -> str:
    return '{"in":["price",[' + ",".join(map(str, range(count))) + "]]}"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            any_of(*[LEAF] * (MAX_LEAVES + 1)),
            "FILTER.or[256].range: 257 comparisons up to here; at most 256 are allowed",
        ),
        (any_of(any_of(*[LEAF] * MAX_LEAVES), LEAF), "FILTER.or[1].range: 257 comparisons up to here; at most 256"),
        (
            any_of(*['{"not":' * 14 + LEAF + "}" * 14] * 100),
            "FILTER.or[68]" + ".not" * 4 + ": 1,025 operators up to here; at most 1,024 are allowed",
        ),
        (values_in(MAX_VALUES + 1), "FILTER.in: 1,001 values in lists up to here; at most 1,000 are allowed"),
        (any_of(values_in(600), values_in(401)), "FILTER.or[1].in: 1,001 values in lists up to here; at most 1,000"),
    ],
)
def test_refuses_what_would_take_long(text: str, message: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        parse_filter(text, COLUMNS)
    assert str(caught.value).startswith(message)


def test_the_largest_are_taken() -> None:
    assert MAX_OPERATORS >= 2 * MAX_LEAVES
    for text in (any_of(*[f'{{"not":{LEAF}}}'] * MAX_LEAVES), values_in(MAX_VALUES)):
        compiled = parse_filter(text, COLUMNS)
        assert compiled is not None
        assert compiled.mask(COLUMNS).tolist() == [passes(product, json.loads(text)) for product in PRODUCTS]


@pytest.mark.parametrize("count", [0, 1, ONE_BY_ONE, ONE_BY_ONE + 1, 500])
def test_long_lists_of_numbers(count: int) -> None:
    prices = [None, 0, 1.5, 47, 48, 49, 499, 500, 1e300, -1]
    columns = columns_of([{"id": str(place), "price": price} for place, price in enumerate(prices)])
    compiled = parse_filter(values_in(count), columns)
    assert compiled is not None
    assert compiled.mask(columns).tolist() == [price in range(count) for price in prices]


def test_masks_are_boolean() -> None:
    compiled = parse_filter('{"in": ["price", []]}', COLUMNS)
    assert compiled is not None
    assert compiled.mask(COLUMNS).dtype == np.bool_
