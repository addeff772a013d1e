"""The kernel that runs filters: every comparison and every operator, held to the masks of main memory."""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import product
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.ensemble.gpu.living import check, living
from tests.ensemble.test_masks import start

prices = st.one_of(
    st.floats(),
    st.integers(-3, 3),
    st.sampled_from([np.nan, np.inf, -np.inf, -0.0, 5e-324, 1.7976931348623157e308, 2.0**53 + 2]),
)
bounds = prices.filter(lambda number: bool(np.isfinite(number)))
leaves = st.one_of(
    st.builds(lambda low, high: {"range": ["price", low, high]}, st.none() | bounds, st.none() | bounds),
    st.builds(lambda number: {"eq": ["price", number]}, bounds),
    st.builds(lambda several: {"in": ["price", several]}, st.lists(bounds, max_size=9)),
)


@settings(deadline=None, max_examples=15)
@given(values=st.lists(prices, min_size=1, max_size=12), several=st.lists(leaves, min_size=1, max_size=3))
def test_numbers_compare_as_in_main_memory(values: list[float], several: list[dict[str, Any]]) -> None:
    index, terms = living(start())
    everyone = np.arange(len(index.slots))
    index.slots.stored["price"].put(everyone, np.resize(np.array(values, np.float64), len(everyone)))
    terms.changed(everyone)
    among = sorted({one for one in values if np.isfinite(one)})
    texts = [*several, {"in": ["price", among]}, *({"eq": ["price", one]} for one in among[:2])]
    check(index, terms, *(json.dumps(text).encode() for text in texts))


def test_lists_of_any_length_are_searched_to_their_ends() -> None:
    index, terms = living(start())
    everyone = np.arange(len(index.slots))
    index.slots.stored["price"].put(everyone, everyone / 2)
    terms.changed(everyone)
    texts = [
        json.dumps({"in": ["price", list(range(first, last))]}).encode() for first in (-1, 3) for last in range(20)
    ]
    check(index, terms, *texts)


def right_leaning(parts: Sequence[dict[str, Any]], operators: Sequence[str]) -> dict[str, Any]:
    """Nested to the right, so that the values of all parts but the last wait on the stack."""
    first, *rest = parts
    return {operators[0]: [first, right_leaning(rest, operators[1:])]} if rest else first


def test_values_that_wait_on_the_stack_stay_as_they_are() -> None:
    """Every operator over every combination of what four comparisons say: one bit of a product's price each."""
    index, terms = living(start())
    everyone = np.arange(len(index.slots))
    index.slots.stored["price"].put(everyone, (everyone % 16).astype(np.float64))
    terms.changed(everyone)
    bits: list[dict[str, Any]] = [
        {"in": ["price", [number for number in range(16) if number >> bit & 1]]} for bit in range(4)
    ]
    negated: list[dict[str, Any]] = [bits[0], {"not": bits[1]}, bits[2], {"not": bits[3]}]
    texts = [right_leaning(parts, names) for names in product(["and", "or"], repeat=3) for parts in (bits, negated)]
    texts.append(right_leaning(bits * 4, ["or", "and", "and", "or", "and"] * 3))
    check(index, terms, *(json.dumps(text).encode() for text in texts))
