"""The twin itself, by answers that can be worked out by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tests.living.twin import Answer, Change, Document, Found, Twin, check, passes


def product(name: str, price: float | None = 5.0) -> Document:
    return {"id": name, "title": name, "category": "Kitchen/Mugs", "price": price, "available": True, "attributes": {}}


CHANGES = [
    Change(1, "a", product("a"), np.array([1.0, 0.0])),
    Change(2, "b", product("b"), np.array([0.8, 0.6])),
    Change(3, "a", product("a", 7.0)),
    Change(4, "b", None),
]
AT_2 = Answer(2, np.array([1.0, 0.0]), 10, None, (Found("a", 1.0, product("a")), Found("b", 0.8, product("b"))))


def test_an_answer_is_held_to_the_state_that_it_reports() -> None:
    after_patch = replace(AT_2, seq=3, found=(Found("a", 1.0, product("a", 7.0)), AT_2.found[1]))
    after_delete = replace(after_patch, seq=9, found=after_patch.found[:1])
    assert check(reversed(CHANGES), [after_delete, AT_2, after_patch], Twin()) == 3


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        (replace(AT_2, seq=3), "a was found as"),
        (replace(AT_2, seq=1), "b was found as .* and is not in the catalogue"),
        (replace(AT_2, found=AT_2.found[:1]), "1 products were found, 1 of them distinct, and 2 are there"),
        (replace(AT_2, found=AT_2.found[:1] * 2), "2 products were found, 1 of them distinct, and 2 are there"),
        (replace(AT_2, found=AT_2.found[::-1]), "scores are not descending"),
        (replace(AT_2, k=1, found=AT_2.found[1:]), "a with score 1.0 was not found"),
        (replace(AT_2, found=(AT_2.found[0], Found("b", 0.79, product("b")))), "b has score 0.79"),
        (replace(AT_2, filter={"eq": ["price", 6.0]}), "a was found as .* and is"),
    ],
)
def test_each_kind_of_wrong_answer_is_told(wrong: Answer, told: str) -> None:
    with pytest.raises(AssertionError, match=told):
        check(CHANGES, [wrong], Twin())


def test_filters_by_their_rules() -> None:
    there = product("a") | {"attributes": {"color": "red", "new": False, "number": 0.0}}
    missing = product("b", None)
    for expression, expected in (
        ({"eq": ["price", 5.0]}, (True, False)),
        ({"range": ["price", None, 5.0]}, (True, False)),
        ({"not": {"range": ["price", 6.0, None]}}, (True, True)),
        ({"in": ["color", ["red", "blue"]]}, (True, False)),
        ({"eq": ["new", False]}, (True, False)),
        ({"eq": ["number", 0.0]}, (True, False)),
        ({"under": ["category", "Kitchen"]}, (True, True)),
        ({"under": ["category", "Kit"]}, (False, False)),
        ({"and": [{"eq": ["available", True]}, {"or": [{"eq": ["color", "red"]}, {"eq": ["id", "b"]}]}]}, (True, True)),
    ):
        assert (passes(expression, there), passes(expression, missing)) == expected, expression
