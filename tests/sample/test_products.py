"""The shop is the same for the same seed, and its titles tell what is to be seen."""

from __future__ import annotations

import doctest

import numpy as np
import pytest

from sample import palette, titles
from sample.errors import SampleInputError
from sample.kinds import DEPARTMENTS, KINDS
from sample.palette import COLOURS, contrast, partners
from sample.products import shop
from sample.titles import paraphrase, short_query


def test_the_same_seed_gives_the_same_shop() -> None:
    one, other = (list(shop(120, seed=3)) for _ in range(2))
    assert [p.row() for p in one] == [p.row() for p in other]
    assert [p.form for p in one] == [p.form for p in other]
    assert [p.title for p in shop(120, seed=4)] != [p.title for p in one]


def test_titles_and_ids_are_unique_and_every_kind_is_sold() -> None:
    products = list(shop(1000, seed=7))
    assert len({p.title for p in products}) == len({p.id for p in products}) == 1000
    assert {p.kind.noun for p in products} == {kind.noun for kind in KINDS}
    assert {p.kind.category[0] for p in products} == set(DEPARTMENTS)


def test_a_longer_shop_begins_with_the_shorter_one() -> None:
    assert [p.title for p in shop(60, seed=7)] == [p.title for p in shop(90, seed=7)][:60]


def test_the_title_names_both_colours_and_the_pattern() -> None:
    for product in shop(200, seed=5):
        title = product.title.lower()
        assert product.words.colour in title
        assert product.words.accent in title
        assert product.words.pattern == "plain" or product.words.pattern in title


@pytest.mark.parametrize("count", [0, -1, 100_001])
def test_a_shop_of_no_products_is_refused(count: int) -> None:
    with pytest.raises(SampleInputError, match=rf"products: got {count}, allowed are 1 to 100000"):
        next(shop(count, seed=7))


@pytest.mark.parametrize("colour", sorted(COLOURS))
def test_second_colours_stand_out(colour: str) -> None:
    chosen = partners(colour)
    assert len(chosen) >= 3
    assert colour not in chosen
    assert min(contrast(COLOURS[colour], COLOURS[name]) for name in chosen) >= 120


def test_paraphrases_keep_the_colours_but_not_the_title() -> None:
    rng = np.random.default_rng(0)
    for product in shop(100, seed=9):
        text = paraphrase(product.words, rng)
        assert product.words.colour in text
        assert product.words.accent in text
        assert text.lower() != product.title.lower()
        assert short_query(product.words).startswith(product.words.colour)


@pytest.mark.parametrize("module", [palette, titles], ids=lambda module: module.__name__)
def test_docstring_examples_hold(module: object) -> None:
    failed, tried = doctest.testmod(module)  # type: ignore[arg-type]
    assert tried > 0
    assert failed == 0
