"""A model asked the questions of a slice, and what its answers are worth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from export.evaluation.bootstrap import SEED, Bootstrap, Codes, Interval, plain
from export.evaluation.metrics import NONE, Relevance, coverage, diversity, novelty, quality
from export.evaluation.models import Model
from export.evaluation.questions import Question, customers
from export.evaluation.shop import Shop

Values = NDArray[np.float64]

RECALL, NDCG, MRR, HIT, DIVERSITY, NOVELTY = "recall@10", "ndcg@10", "mrr", "hit@10", "diversity", "novelty"
# What counts as right beside the very product: a variant of it, or anything of its category.
FAMILY_RECALL, FAMILY_NDCG, CATEGORY_RECALL = "family_recall@10", "family_ndcg@10", "category_recall@10"


@dataclass(frozen=True)
class Measured:
    """A model in a slice of a task.

    Args:
        task: Of the questions.
        slice: Of the questions.
        model: Name of the model.
        questions: How many there were.
        answered: Share of the questions that got a product at all.
        coverage: Share of the catalogue that stands among the first ten of any answer.
        figures: Each metric's mean, with its interval.
        values: ``(questions,)`` each, for comparisons with another model on the same questions.
        groups: ``(questions,)`` number of each question's customer; these are resampled as a whole.
    """

    task: str
    slice: str
    model: str
    questions: int
    answered: float
    coverage: float
    figures: Mapping[str, Interval]
    values: Mapping[str, Values] = field(repr=False)
    groups: Codes = field(repr=False)

    def draws(self, resamples: int, seed: int = SEED) -> Bootstrap:
        """Resamples of the questions; the same for every model that was asked them."""
        return Bootstrap(self.groups, resamples, seed)

    def row(self) -> dict[str, Any]:
        """As plain JSON; what is not a number is null."""
        recall = self.figures[RECALL]
        ends = {"recall_at_10_low": plain(recall.low), "recall_at_10_high": plain(recall.high)}
        means = {name.replace("@", "_at_"): plain(one.value) for name, one in self.figures.items()}
        known = {"task": self.task, "model": self.model, "slice": self.slice}
        counts = {"questions": self.questions, "answered": plain(self.answered), "coverage": plain(self.coverage)}
        return known | means | ends | counts


@dataclass(frozen=True)
class Judge:
    """Asks models, and holds their answers against what was bought.

    Args:
        shop: The catalogue and its events.
        baskets: Training baskets, of which novelty tells how few hold a product.
        resamples: Of the bootstrap.
    """

    shop: Shop
    baskets: int
    resamples: int

    def measured(self, task: str, part: str, model: Model, questions: Sequence[Question]) -> Measured:
        """Ask one model all questions of a slice."""
        lists = model.answer(questions)
        values = self._values(lists, [question.targets for question in questions])
        groups = customers(questions)
        draws = Bootstrap(groups, self.resamples)
        return Measured(
            task,
            part,
            model.name,
            len(questions),
            float((lists[:, 0] != NONE).mean()),
            coverage(lists, len(self.shop)),
            {name: draws.mean(each) for name, each in values.items()},
            values,
            groups,
        )

    def _values(self, lists: NDArray[np.int64], targets: Sequence[NDArray[np.int64]]) -> dict[str, Values]:
        strict = quality(lists, targets, Relevance.strict(len(self.shop)))
        family = quality(lists, targets, Relevance.by(self.shop.families))
        category = quality(lists, targets, Relevance.by(self.shop.categories))
        return strict | {
            FAMILY_RECALL: family[RECALL],
            FAMILY_NDCG: family[NDCG],
            CATEGORY_RECALL: category[RECALL],
            DIVERSITY: diversity(lists, self.shop.texts),
            NOVELTY: novelty(lists, self.shop.counts, self.baskets),
        }
