"""Baselines on baskets that can be counted by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from export.evaluation.baselines.als import of_baskets, of_customers
from export.evaluation.baselines.scorers import Popular, Together, Vectors, basket_matrix
from export.evaluation.baselines.table import FROZEN, IN_CATEGORY, Baselines
from export.evaluation.choosing import NEVER, Chooser, Scores
from export.evaluation.metrics import NONE
from export.evaluation.questions import COMPLEMENT, SIMILAR, TASKS, Question
from tests.export.evaluation import small

EMPTY = np.zeros(0, np.int64)


def about(*products: int, seen: tuple[int, ...] = ()) -> Question:
    return Question(np.array(products), EMPTY, np.array(seen, np.int64), np.array([3]), small.SPLIT)


def answers(folder: Path, task: str, name: str, question: Question) -> list[int]:
    known = {model.name: model for model in Baselines(small.shop(folder), lambda _: ["Food/Drink", "Kitchen"]).of(task)}
    listed = known[name].answer([question])[0]
    kept: list[int] = listed[listed != NONE].tolist()
    return kept


def scores_of(baselines: Baselines, task: str, name: str, question: Question) -> Scores:
    known = {model.name: model for model in baselines.of(task)}
    scores: Scores = known[name].scorer.scores([question.products])[0]
    return scores


def test_co_occurrence_counts_baskets(tmp_path: Path) -> None:
    scores = Together.counted(basket_matrix(small.shop(tmp_path))).scores([np.array([2]), np.array([2, 5])])
    assert scores[0].tolist() == [2, NEVER, NEVER, NEVER, 3, NEVER, 1, 1, NEVER]
    # Product 5 was bought once, with 1 and 3; sums of both.
    assert scores[1].tolist() == [2, 1, NEVER, 1, 3, NEVER, 1, 1, NEVER]


def test_cosine_shrinks_what_few_baskets_say(tmp_path: Path) -> None:
    scores = Together.cosine(basket_matrix(small.shop(tmp_path)), shrinkage=1.0).scores([np.array([2])])[0]
    assert scores[[0, 4, 6]].tolist() == pytest.approx([2 / (6**0.5 + 1), 3 / (3 + 1), 1 / (3**0.5 + 1)])


def test_popularity_never_recommends_what_was_not_sold(tmp_path: Path) -> None:
    assert Popular(small.shop(tmp_path).counts).scores([np.array([0])])[0].tolist() == [2, 1, 3, 1, 3, 1, 1, 1, NEVER]


def test_als_finds_what_is_bought_together(tmp_path: Path) -> None:
    groups = ((0, 2, 4), (3, 5, 6))
    before = tuple((f"b{at}", f"u{at}", at, groups[at % 2]) for at in range(20))
    shop = small.shop(tmp_path, (*before, *small.AFTER))
    baskets, customers = of_baskets(basket_matrix(shop)), of_customers(shop)
    for scorer in (baskets, customers):
        scores = scorer.scores([np.array([0]), np.array([8])])
        assert min(scores[0, [2, 4]]) > max(scores[0, [3, 5, 6]])
        assert (scores[0, [1, 7, 8]] == NEVER).all()
        assert (scores[1] == NEVER).all()


def test_vectors_take_the_mean_of_what_is_asked() -> None:
    vectors = np.array([[1, 0], [0, 1], [0.8, 0.6], [0, 0]], np.float32)
    scores = Vectors(vectors).scores([np.array([0]), np.array([0, 1]), np.array([3])])
    assert scores[0].tolist() == pytest.approx([1, 0, 0.8, NEVER])
    assert scores[1].tolist() == pytest.approx([1, 1, 1.4, NEVER])
    assert (scores[2] == NEVER).all()


def test_no_variants_nothing_seen_and_one_of_a_family(tmp_path: Path) -> None:
    chooser = Chooser(small.shop(tmp_path))
    scores = np.arange(9, dtype=np.float32)
    assert chooser.best(scores, chooser.allowed(about(0))).tolist() == [8, 7, 6, 5, 4, 3, 2]
    assert chooser.best(scores, chooser.allowed(about(4, seen=(8, 2)))).tolist() == [7, 6, 5, 3, 1]


def test_categories_take_turns(tmp_path: Path) -> None:
    chooser = Chooser(small.shop(tmp_path))
    scores = np.arange(9, dtype=np.float32)
    drinks, mugs = chooser.shop.category == chooser.shop.category[4], chooser.shop.category == chooser.shop.category[2]
    listed = chooser.taking_turns(scores, chooser.allowed(about(2)), [drinks, mugs])
    assert listed.tolist() == [5, 3, 4, 1]


def test_popularity_looks_into_the_categories_that_are_asked(tmp_path: Path) -> None:
    assert answers(tmp_path, SIMILAR, IN_CATEGORY, about(0)) == [2, 3]
    # "Kitchen" stands for all below it; its mugs and cutlery take turns with the drinks.
    assert answers(tmp_path, COMPLEMENT, IN_CATEGORY, about(8)) == [4, 2, 5, 0, 3, 6, 7]
    assert answers(tmp_path, COMPLEMENT, "popularity", about(0))[:2] == [4, 5]


def test_baselines_learn_from_what_the_questions_are_made_of(tmp_path: Path) -> None:
    shop = small.shop(tmp_path, visits=small.VISITS)
    # Products 2 and 3 were viewed together and never bought together; 2 and 4 were bought together alone.
    of = Baselines(shop, lambda _: [])
    for name in ("item-knn", "item-knn-cosine", "als"):
        scores = {task: scores_of(of, task, name, about(2)) for task in (SIMILAR, COMPLEMENT)}
        assert scores[SIMILAR][3] > NEVER, name
        assert scores[SIMILAR][4] == NEVER, name
        assert scores[COMPLEMENT][4] > NEVER, name
    assert scores_of(of, COMPLEMENT, "item-knn", about(2))[3] == NEVER
    assert scores_of(of, SIMILAR, "popularity", about(2))[[2, 3, 7]].tolist() == [2, 2, 1]
    assert scores_of(of, COMPLEMENT, "popularity", about(2))[[2, 3, 7]].tolist() == [3, 1, 1]


def test_every_task_has_its_baselines(tmp_path: Path) -> None:
    shop = small.shop(tmp_path)
    for task in TASKS:
        names = [model.name for model in Baselines(shop, lambda _: []).of(task)]
        assert {"popularity", IN_CATEGORY, "item-knn", "item-knn-cosine", "als", FROZEN} <= set(names)
        assert len(set(names)) == len(names)
