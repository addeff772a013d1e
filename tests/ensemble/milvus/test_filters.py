"""Expressions of Milvus are held to the masks of the other engines, over one collection of awkward products."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ensemble.errors import InvalidInput
from ensemble.index import Slots, parse_filter
from ensemble.index.filter_size import MAX_LEAVES, MAX_VALUES
from ensemble.index.milvus import MilvusIndex
from ensemble.index.milvus.filters import columns_of, compiled
from tests.ensemble.journal_twin import SPACE, TwinCatalogue
from tests.ensemble.milvus.lite import reset

WORDS = ["red", "XL", ' "quoted" ', "it's", "back\\slash", "100%", "a_b", "ünï", "", "true", "42", "{x}", "] or (1==1"]
NUMBERS = [None, 0, -0.0, 7, 7.5, 42.0, -3, 1e300, 2**53 + 1, 10**400]
CATEGORIES = [None, "", "Home", "Home/Lamps", "Home_/Lamps", "Home%", "Hom", "A//B", 'Q"/x', "  "]
IDS = ["plain", "with space", 'q"uote', "it's", "back\\slash", "per%cent_", "ünï", "] or slot >= 0 or key in ["]


def products() -> list[dict[str, Any]]:
    ids = IDS + [f"P{number:03}" for number in range(112)]
    made = []
    for number, name in enumerate(ids):
        product: dict[str, Any] = {"id": name, "category": CATEGORIES[number % 10], "price": NUMBERS[number % 9]}
        attributes = {
            "color": [*WORDS, None][number % 14],
            "size": NUMBERS[number * 7 % 10],
            "new": [True, False, None][number % 3],
            'o"dd\\ name': WORDS[number % 3],
            "mixed": [42, 42.0, True, "XL", None, " 42 "][number % 6],
        }
        product["attributes"] = {key: value for key, value in attributes.items() if number % 11}
        if number % 4:
            product["available"] = bool(number % 2)
        made.append(product)
    return made


def catalogue() -> TwinCatalogue:
    made = TwinCatalogue()
    for number, product in enumerate(products()):
        made.upsert(product, np.full(SPACE.row_dim, number))
    return made


CATALOGUE = catalogue()
SLOTS: Slots = CATALOGUE.index().build()


@pytest.fixture(scope="module")
def index(shared: MilvusIndex) -> MilvusIndex:
    reset(shared, CATALOGUE)
    return shared


def agree(index: MilvusIndex, text: str) -> None:
    parsed = parse_filter(text, SLOTS.columns)
    assert parsed is not None
    expected = np.flatnonzero(parsed.mask(SLOTS.columns)).tolist()
    with index.reading() as state:
        (hits,) = state.search(np.zeros((1, SPACE.row_dim)), [len(SLOTS)], [state.passing(text.encode())])
        assert state.ids(hits) == SLOTS.ids(np.array(expected, np.int64))  # all scores are 0: ties, by slot


words = st.sampled_from([*WORDS, " XL ", "other"])
numbers = st.sampled_from([number for number in NUMBERS[:-1] if number is not None] + [8, -1e300, 5e-324])
bounds = st.one_of(st.none(), numbers)
leaves = st.one_of(
    st.builds(lambda word: {"eq": ["color", word]}, words),
    st.builds(lambda word: {"eq": ['o"dd\\ name', word]}, words),
    st.builds(lambda word: {"eq": ["mixed", word]}, words),
    st.builds(lambda several: {"in": ["color", several]}, st.lists(words, max_size=3)),
    st.builds(lambda number: {"eq": ["size", number]}, numbers),
    st.builds(lambda several: {"in": ["price", several]}, st.lists(numbers, max_size=3)),
    st.builds(lambda flag: {"eq": ["new", flag]}, st.booleans()),
    st.builds(lambda several: {"in": ["available", several]}, st.lists(st.booleans(), max_size=2)),
    st.builds(lambda low, high: {"range": ["price", low, high]}, bounds, bounds),
    st.builds(lambda low, high: {"range": ["size", low, high]}, bounds, bounds),
    st.builds(lambda name: {"eq": ["id", name]}, st.sampled_from([*IDS, "none", "\ud800"])),
    st.builds(lambda several: {"in": ["id", several]}, st.lists(st.sampled_from([*IDS, "P001"]), max_size=4)),
    st.builds(
        lambda path: {"under": ["category", path]},
        st.sampled_from(["Home", "/Home/", "Home/Lamps", "Hom", "Hom_", "Home%", "%", "A/", "A", 'Q"', "  "]),
    ),
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


@settings(max_examples=80, deadline=None, derandomize=True)
@given(expressions)
def test_equals_the_masks(index: MilvusIndex, expression: dict[str, Any]) -> None:
    agree(index, json.dumps(expression))


MISSING: list[Callable[[str], str]] = [
    lambda field: f'{{"eq": ["{field}", 7]}}',
    lambda field: f'{{"in": ["{field}", [7, 42]]}}',
    lambda field: f'{{"range": ["{field}", null, null]}}',
    lambda field: f'{{"range": ["{field}", null, 7.5]}}',
]


@pytest.mark.parametrize("field", ["price", "size"])
@pytest.mark.parametrize("leaf", MISSING)
def test_what_is_missing_passes_nothing_but_a_not(index: MilvusIndex, field: str, leaf: Callable[[str], str]) -> None:
    agree(index, leaf(field))
    agree(index, f'{{"not": {leaf(field)}}}')
    agree(index, f'{{"not": {{"not": {leaf(field)}}}}}')


def test_the_largest_are_taken(index: MilvusIndex) -> None:
    agree(index, json.dumps({"or": [{"not": {"range": ["size", 1, 2]}}] * MAX_LEAVES}))
    agree(index, json.dumps({"in": ["color", [f"word {number}" for number in range(MAX_VALUES - 1)] + ["red"]]}))
    agree(index, '{"not":' * 15 + '{"eq": ["color", "red"]}' + "}" * 15)


COLUMNS = columns_of({"color": "word", "size": "number"})


def test_no_text_of_a_caller_is_in_an_expression() -> None:
    text = json.dumps({"or": [{"eq": ["color", word]} for word in WORDS] + [{"in": ["id", IDS]}]}).encode()
    expression = compiled(text, COLUMNS)
    left = expression
    for known in ("array_contains", "terms", "key in", "or"):
        left = left.replace(known, "")
    assert set(left) <= set('0123456789abcdef"(), []')


@pytest.mark.parametrize(
    ("text", "expression"),
    [
        (b"", ""),
        (b'{"in": ["color", []]}', "slot < 0"),
        (b'{"in": ["id", []]}', "slot < 0"),
        (b'{"not": {"in": ["id", []]}}', "not (slot < 0)"),
    ],
)
def test_what_passes_all_or_nothing(text: bytes, expression: str) -> None:
    assert compiled(text, COLUMNS) == expression


def test_refuses_as_every_index_does() -> None:
    with pytest.raises(InvalidInput, match='unknown field "colour"; this catalogue has available, category, color, id'):
        compiled(b'{"eq": ["colour", "red"]}', COLUMNS)
