"""Recall against a definition written out a product at a time."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from export.errors import BadEvaluation
from export.gate.neighbours import EPSILON, MIN_PRODUCTS, Places, measurable, recall, require_telling
from export.reference import Floats

# A tenth apart, or the same: no similarity lies at the threshold itself.
LEVELS = st.integers(-10, 10).map(lambda level: level / 10)


@st.composite
def tables(draw: st.DrawFn) -> tuple[Floats, Floats, Places, int]:
    """Similarities with many ties, by FP32 and by a candidate; own products; k."""
    queries, products = draw(st.integers(1, 4)), draw(st.integers(3, 9))
    row = st.lists(LEVELS, min_size=products, max_size=products)
    truth, found = (np.array(draw(st.lists(row, min_size=queries, max_size=queries)), np.float32) for _ in range(2))
    own = draw(st.lists(st.integers(-1, products - 1), min_size=queries, max_size=queries))
    return truth, found, np.array(own), draw(st.integers(1, products - 2))


def one_by_one(truth: Floats, found: Floats, own: int, k: int) -> float:
    others = [place for place in range(len(truth)) if place != own]
    kth = sorted((float(truth[place]) for place in others), reverse=True)[k - 1]
    nearest = sorted(others, key=lambda place: (-float(found[place]), place))[:k]
    return sum(float(truth[place]) >= kth - EPSILON for place in nearest) / k


@given(tables())
def test_recall_is_its_definition(table: tuple[Floats, Floats, Places, int]) -> None:
    truth, found, own, k = table
    expected = [one_by_one(*row, k) for row in zip(truth, found, own, strict=True)]
    assert recall(truth, found, own, k) == pytest.approx(expected)


@given(tables())
def test_the_same_similarities_miss_nothing(table: tuple[Floats, Floats, Places, int]) -> None:
    truth, _, own, k = table
    assert (recall(truth, truth, own, k) == 1).all()


@given(tables(), st.randoms(use_true_random=False))
def test_which_of_equal_products_is_found_does_not_matter(
    table: tuple[Floats, Floats, Places, int], random: object
) -> None:
    """A candidate that ranks as FP32 does, and breaks ties by chance."""
    truth, _, own, k = table
    noise = np.array([[random.random() for _ in row] for row in truth], np.float32)  # type: ignore[attr-defined]
    assert (recall(truth, truth + noise / 100, own, k) == 1).all()


def test_what_is_nearly_as_near_counts_and_what_is_not_does_not() -> None:
    truth = np.array([[0.9, 0.5, 0.4995, 0.498]], np.float32)
    for place, expected in ((1, 1.0), (2, 1.0), (3, 0.5)):
        found = np.zeros((1, 4), np.float32)
        found[0, [0, place]] = 1
        assert recall(truth, found, np.array([-1]), 2)[0] == expected


def test_finding_oneself_proves_nothing() -> None:
    truth = np.array([[1.0, 0.8, 0.1, 0.1]], np.float32)
    blind = np.array([[1.0, 0.0, 0.2, 0.1]], np.float32)
    assert recall(truth, blind, np.array([-1]), 1) == 1
    assert recall(truth, blind, np.array([0]), 1) == 0


def test_similarities_that_are_not_numbers_have_no_recall() -> None:
    truth = np.array([[0.9, 0.5, 0.1]], np.float32)
    assert np.isnan(recall(truth, np.array([[0.9, np.nan, 0.1]], np.float32), np.array([-1]), 1)).all()


@pytest.mark.parametrize(
    ("k", "others", "looked_at"), [(10, 80, 10), (100, 80, 40), (10, 12, 6), (100, 1999, 100), (10, 7, 3)]
)
def test_at_most_half_of_the_products_are_looked_at(k: int, others: int, looked_at: int) -> None:
    assert measurable(k, others) == looked_at


def test_too_few_products_are_refused() -> None:
    with pytest.raises(BadEvaluation, match=f"recall needs {MIN_PRODUCTS}"):
        measurable(10, MIN_PRODUCTS - 2)


def test_a_catalogue_in_which_any_ranking_passes_is_refused() -> None:
    rng = np.random.default_rng(0)
    own = np.array([-1] * 20)
    require_telling(rng.uniform(-1, 1, (20, 40)).astype(np.float32), own, 10)
    with pytest.raises(BadEvaluation, match="any ranking would pass"):
        require_telling(np.full((20, 40), 0.7, np.float32), own, 10)
