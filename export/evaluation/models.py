"""What answers questions: a baseline, or the recommender."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from export.evaluation.baselines.scorers import Scorer
from export.evaluation.choosing import Chooser, Scores, filled
from export.evaluation.questions import Question, Request
from export.evaluation.shop import Shop

Codes = NDArray[np.int64]
Bools = NDArray[np.bool_]
# Complementary categories of a category, the first to be asked first.
Targets = Callable[[str], Sequence[str]]
AT_ONCE = 256


class Model(Protocol):
    """One row of the table."""

    @property
    def name(self) -> str:
        """What the table calls it."""

    def answer(self, questions: Sequence[Question]) -> Codes:
        """``(questions, DEPTH)`` places of products, best first, filled up with ``NONE``."""


class Arrangement(Protocol):
    """Which products a baseline may choose from, and in which order it takes them."""

    def __call__(self, question: Question, scores: Scores, chooser: Chooser) -> Codes:
        """Places of products, best first."""


@dataclass(frozen=True)
class Baseline:
    """Scores, put in order by the rules that all models share.

    Args:
        name: What the table calls it.
        scorer: What it knows.
        arranged: Which products it may choose from.
        chooser: The rules.
    """

    name: str
    scorer: Scorer
    arranged: Arrangement
    chooser: Chooser

    def answer(self, questions: Sequence[Question]) -> Codes:
        """See ``Model.answer``."""
        once = {question.request: question for question in questions}
        asked, lists = list(once.values()), dict[Request, Codes]()
        for start in range(0, len(asked), AT_ONCE):
            part = asked[start : start + AT_ONCE]
            scores = self.scorer.scores([question.products for question in part])
            for one, row in zip(part, scores, strict=True):
                lists[one.request] = self.arranged(one, row, self.chooser)
        return filled([lists[question.request] for question in questions])


def anywhere(question: Question, scores: Scores, chooser: Chooser) -> Codes:
    """The best of the whole catalogue."""
    return chooser.best(scores, chooser.allowed(question))


def own_categories(question: Question, scores: Scores, chooser: Chooser) -> Codes:
    """The best of the categories that are asked about."""
    category = chooser.shop.category
    return chooser.best(scores, chooser.allowed(question) & np.isin(category, category[question.products]))


def other_categories(question: Question, scores: Scores, chooser: Chooser) -> Codes:
    """The best of all other categories."""
    category = chooser.shop.category
    return chooser.best(scores, chooser.allowed(question) & ~np.isin(category, category[question.products]))


@dataclass(frozen=True)
class TargetCategories:
    """The best of each complementary category, in turn: those that the recommender asks.

    Args:
        targets: Complementary categories.
        members: ``(products,)`` by category: its products and those of the categories below it.
    """

    targets: Targets
    members: Mapping[str, Bools]

    @classmethod
    def of(cls, shop: Shop, targets: Targets) -> TargetCategories:
        """For all categories of a catalogue and the ones above them."""
        names = np.array(shop.categories)
        nodes = {
            "/".join(name.split("/")[:depth])
            for name in set(shop.categories)
            for depth in range(1, name.count("/") + 2)
        }
        members = {node: (names == node) | np.char.startswith(names, f"{node}/") for node in nodes}
        return cls(targets, members)

    def __call__(self, question: Question, scores: Scores, chooser: Chooser) -> Codes:
        """See ``Arrangement``."""
        category = chooser.shop.categories[question.asked]
        groups = [self.members[name] for name in self.targets(category) if name in self.members]
        return chooser.taking_turns(scores, chooser.allowed(question), groups)
