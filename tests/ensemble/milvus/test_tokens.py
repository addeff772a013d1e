from __future__ import annotations

import sys
from typing import Any

import pytest

from ensemble.index.milvus.tokens import LENGTH, Tokens, present, token, under


def terms(**attributes: Any) -> set[str]:
    return set(Tokens.of({"id": "a", "attributes": attributes}).terms)


def test_a_token_is_hexadecimal_digits_whatever_it_stands_for() -> None:
    words = ["red", "", '"', "\\", "'; drop", "ünï", "\ud800", "x" * 10_000]
    tokens = {token("color", word) for word in words} | {present("color"), under("color")}
    assert len(tokens) == len(words) + 2
    assert all(len(one) == LENGTH and set(one) <= set("0123456789abcdef") for one in tokens)


def test_field_and_value_cannot_be_taken_for_another_pair() -> None:
    assert token("a=b", "c") != token("a", "b=c")
    assert token("a", "b") != present("a") != under("a")


def test_what_is_missing_has_no_token() -> None:
    bare = {present("available"), token("available", "true")}
    assert terms(color=None) == bare
    assert set(Tokens.of({"id": "a", "category": "", "price": None, "attributes": None}).terms) == bare
    assert set(Tokens.of({"id": "a", "available": None}).terms) == set()


def test_an_attribute_named_like_a_field_does_not_count() -> None:
    tokens = Tokens.of({"id": "a", "attributes": {"price": 3, "id": "b"}})
    assert present("price") not in tokens.terms
    assert tokens.price == 0.0


@pytest.mark.parametrize(
    ("value", "same"), [(" XL ", "XL"), (42, 42.0), (42, "42"), (True, "true"), (-0.0, 0), (1e22, 10**22), (4.5, "4.5")]
)
def test_values_that_are_equal_for_a_column_share_a_token(value: Any, same: Any) -> None:
    assert token("size", same) in terms(size=value)


def test_whole_numbers_beyond_a_float_are_equal_as_numbers_and_differ_as_words() -> None:
    large = 2**53
    assert token("n", large) in terms(n=large + 1)
    assert token("n", str(large + 1)) in terms(n=large + 1)
    assert token("n", str(large + 1)) not in terms(n=large)
    assert token("n", str(large)) not in terms(n=large + 1)


def test_numbers_that_json_does_not_have_stay_beyond_every_bound() -> None:
    tokens = Tokens.of({"id": "a", "price": 10**400, "attributes": {"n": -(10**400), "m": 2}})
    assert tokens.price == sys.float_info.max
    assert tokens.numbers == {present("n"): -sys.float_info.max, present("m"): 2.0}


@pytest.mark.parametrize(
    ("category", "paths"),
    [
        ("Home/Lamps/Desk", ["Home", "Home/Lamps", "Home/Lamps/Desk"]),
        ("Home", ["Home"]),
        (" A/B ", ["A", "A/B"]),
        ("A//B", ["A", "A/", "A//B"]),
        ("A_%/\\", ["A_%", "A_%/\\"]),
    ],
)
def test_a_category_lies_under_each_of_its_beginnings(category: str, paths: list[str]) -> None:
    found = set(Tokens.of({"id": "a", "category": category}).terms)
    own = {present("available"), token("available", "true"), present("category"), token("category", category.strip())}
    assert found - own == {under(path) for path in paths}
