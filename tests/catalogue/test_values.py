from __future__ import annotations

import datetime
import decimal
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalogue import Product, values
from catalogue.product import MAX_ID_CHARS


@pytest.mark.parametrize(
    ("value", "path"),
    [
        ("Kitchen/Mugs", "Kitchen/Mugs"),
        (" Kitchen > Mugs ", "Kitchen/Mugs"),
        ("Home / Garden > Tools", "Home - Garden/Tools"),
        (["Fruit", "Citrus/Other", ""], "Fruit/Citrus-Other"),
        (["A > B", "C"], "A - B/C"),
        ("/Kitchen//Mugs/", "Kitchen/Mugs"),
        ([], ""),
    ],
)
def test_category(value: Any, path: str) -> None:
    assert values.category(value) == path


@given(st.lists(st.text("abc /", min_size=1).filter(lambda level: level.strip()), max_size=4))
def test_a_category_from_levels_has_as_many_levels(levels: list[str]) -> None:
    path = values.category(levels)
    assert len(path.split("/")) == len(levels) if levels else path == ""


@given(st.one_of(st.text("ab />-", max_size=12), st.lists(st.text("ab />-", max_size=6), max_size=4)))
def test_a_category_is_the_same_when_it_is_read_again(value: Any) -> None:
    path = values.category(value)
    assert values.category(path) == path
    assert ">" not in path


@pytest.mark.parametrize(
    ("value", "flag"),
    [(True, True), ("Yes", True), (1, True), ("0", False), ("false", False), (0, False), (" TRUE ", True)],
)
def test_flag(value: Any, flag: bool) -> None:
    assert values.flag(value) is flag


@pytest.mark.parametrize("value", ["", "2", 2, 0.5, None, [], "on"])
def test_flag_refuses(value: Any) -> None:
    with pytest.raises(values.Refused):
        values.flag(value)


@pytest.mark.parametrize("value", ["1,5", "nan", "inf", True, [], 10**400, "1e999"])
def test_number_refuses(value: Any) -> None:
    with pytest.raises(values.Refused):
        values.number(value)


@pytest.mark.parametrize(
    ("value", "read"),
    [
        (decimal.Decimal("1.5"), 1.5),
        (decimal.Decimal("7"), 7),
        (3, 3),
        (3.0, 3.0),
        (True, True),
        ("red", "red"),
        (datetime.date(2026, 1, 2), "2026-01-02"),
    ],
)
def test_attribute_takes_a_value_as_the_file_has_it(value: Any, read: Any) -> None:
    got = values.attribute(value)
    assert (got, type(got)) == (read, type(read))


@pytest.mark.parametrize(
    ("value", "kind", "read"),
    [
        ("42", "number", 42),
        (" 42 ", "number", 42),
        ("42.0", "number", 42.0),
        ("1e3", "number", 1000.0),
        (42, "number", 42),
        (42, "text", "42"),
        (42.0, "text", "42"),
        (True, "text", "true"),
        ("True", "text", "True"),
    ],
)
def test_a_typed_attribute_stays_whole_where_the_file_has_it_whole(value: Any, kind: Any, read: Any) -> None:
    got = values.attribute(value, kind)
    assert (got, type(got)) == (read, type(read))


@pytest.mark.parametrize("value", [None, math.nan, "", "  "])
def test_missing(value: Any) -> None:
    assert values.missing(value)


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"id": ""}, "`id`"),
        ({"id": "x" * (MAX_ID_CHARS + 1)}, "`id`"),
        ({"title": " "}, "`title`"),
        ({"price": -0.01}, "`price`"),
        ({"price": math.inf}, "`price`"),
        ({"attributes": {"category": "x"}}, "`attributes`"),
    ],
)
def test_a_product_refuses_what_no_row_may_have(fields: dict[str, Any], named: str) -> None:
    with pytest.raises(ValueError, match=named):
        Product(**{"id": "1", "title": "Mug"} | fields)


def test_a_product_does_not_share_its_attributes() -> None:
    attributes: dict[str, Any] = {"color": "red"}
    product = Product("1", "Mug", attributes=attributes)
    attributes["color"] = "blue"
    product.as_dict()["attributes"]["color"] = "green"
    assert product.attributes["color"] == "red"
