"""Questions of baskets that can be counted by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from export.errors import TooLittle
from export.evaluation.baskets import Baskets
from export.evaluation.questions import (
    COMPLEMENT,
    INSPIRE,
    SIMILAR,
    TASKS,
    Question,
    customers,
    of_views,
    questions,
)
from export.evaluation.shop import ALL, COLD, HEAD, TAIL, Shop
from tests.export.evaluation import small


def drawn(folder: Path, task: str, part: str = ALL, **options: int) -> list[Question]:
    return drawn_of(small.shop(folder), task, part, **options)


def drawn_of(shop: Shop, task: str, part: str = ALL, **options: int) -> list[Question]:
    return questions(shop, **options)[task].get(part, [])


def test_slices_are_of_training_baskets(tmp_path: Path) -> None:
    shop = small.shop(tmp_path)
    assert shop.counts.tolist() == [2, 1, 3, 1, 3, 1, 1, 1, 0]
    # Of 13 purchases the head makes up the half: those of products 2, 4 and 0.
    members = {part: np.flatnonzero(mask).tolist() for part, mask in shop.slices.items()}
    assert (members[HEAD], members[COLD]) == ([0, 2, 4], [8])
    assert members[TAIL] == [1, 3, 5, 6, 7]


def test_baskets_are_in_order_of_time(tmp_path: Path) -> None:
    shop = small.shop(tmp_path)
    baskets = Baskets.of(shop.split.after, shop)
    assert [items.tolist() for items in baskets.items] == [[0, 3, 5, 6], [4, 8], [2, 8], [0, 1]]
    assert baskets.times_s.tolist() == [1_000, 1_100, 1_200, 1_300]
    assert baskets.users == ("ann", "cid", "cid", "")


def test_similar_is_of_the_same_category_without_variants(tmp_path: Path) -> None:
    # Only basket e has two mugs; those of basket h are one mug in two colours.
    (question,) = drawn(tmp_path, SIMILAR)
    assert (question.asked, question.targets.tolist()) in [(0, [3]), (3, [0])]


def test_complement_is_of_other_categories(tmp_path: Path) -> None:
    first, second, third = drawn(tmp_path, COMPLEMENT)
    others = {0: [5, 6], 3: [5, 6], 5: [0, 3, 6], 6: [0, 3, 5]}
    assert first.targets.tolist() == others[first.asked]
    assert {second.asked, *second.targets.tolist()} == {4, 8}
    assert {third.asked, *third.targets.tolist()} == {2, 8}
    assert [one.asked for one in drawn(tmp_path, COMPLEMENT, COLD)] == [8, 8]


def test_inspire_asks_with_the_past_for_what_is_new(tmp_path: Path) -> None:
    first, second = drawn(tmp_path, INSPIRE)
    # Ann had 0, 2, 4 at 100 and 2, 4, 7 at 400: her newest stand first, each once.
    assert first.asked in {2, 4, 7}
    assert sorted(first.products.tolist()) == [0, 2, 4, 7]
    assert first.times_s.tolist() == [400, 400, 400, 100]
    assert first.targets.tolist() == [3, 5, 6]
    # Cid is first known by a basket of the test; what he bought again is not new.
    assert (sorted(second.products.tolist()), second.targets.tolist(), second.time_s) == ([4, 8], [2], 1_200)


def test_a_history_is_cut_and_the_rest_is_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("export.evaluation.questions.HISTORY", 3)
    first = drawn(tmp_path, INSPIRE)[0]
    assert sorted(first.products.tolist()) == [2, 4, 7]
    assert first.seen.tolist() == [0]
    assert first.targets.tolist() == [3, 5, 6]


def test_draws_are_seeded_and_bounded(tmp_path: Path) -> None:
    one, again = drawn(tmp_path, COMPLEMENT, seed=3), drawn(tmp_path, COMPLEMENT, seed=3)
    assert [question.asked for question in one] == [question.asked for question in again]
    assert len(drawn(tmp_path, COMPLEMENT, most=2)) == 2


def test_large_baskets_are_not_asked_about(tmp_path: Path) -> None:
    trader = ("t", "", 1_400, (2, 3, 4, 5, 6, 7, 8))
    counts = [
        len(questions(small.shop(tmp_path, (*small.BEFORE, *small.AFTER, trader)), most_items=most)[COMPLEMENT][ALL])
        for most in (6, 7)
    ]
    assert counts == [3, 4]


def test_a_test_without_pairs_is_too_little(tmp_path: Path) -> None:
    with pytest.raises(TooLittle, match="similar: no basket"):
        questions(small.shop(tmp_path, (*small.BEFORE, ("e", "ann", 1_000, (4,)))))


def test_where_visits_are_known_similar_goes_by_them(tmp_path: Path) -> None:
    shop = small.shop(tmp_path, visits=small.VISITS)
    (question,) = questions(shop)[SIMILAR][ALL]
    assert {question.asked, *question.targets.tolist()} == {2, 3}
    assert [of_views(shop, task) for task in TASKS] == [True, False, False]


def test_visits_of_one_side_ask_nothing(tmp_path: Path) -> None:
    # What could be learned of views is then not what is asked about, or the other way round.
    for visits in (small.VISITS[:2], small.VISITS[2:]):
        shop = small.shop(tmp_path, visits=visits)
        (question,) = questions(shop)[SIMILAR][ALL]
        assert {question.asked, *question.targets.tolist()} == {0, 3}
        assert not of_views(shop, SIMILAR)


def test_questions_of_inspire_know_their_customer(tmp_path: Path) -> None:
    again = ("i", "cid", 1_500, (3, 5))
    asked = drawn_of(small.shop(tmp_path, (*small.BEFORE, *small.AFTER, again)), INSPIRE)
    assert [question.customer for question in asked] == ["ann", "cid", "cid"]
    assert customers(asked).tolist() == [0, 1, 1]
    baskets = drawn_of(small.shop(tmp_path), COMPLEMENT)
    assert customers(baskets).tolist() == [0, 1, 2]
