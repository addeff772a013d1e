"""Which baselines stand in the table of each task.

They learn from the kind of events that a task's questions are made of: views or purchases. They get what helps them:
for ``similar`` those that know what is bought together choose from the product's own category, where all right answers
are, while the recommender searches everything; for ``complement`` they choose from the other categories, or from those
that the recommender asks.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from export.evaluation.baselines.als import of_baskets, of_customers
from export.evaluation.baselines.scorers import Popular, Scorer, Together, Vectors, basket_matrix, held
from export.evaluation.choosing import Chooser
from export.evaluation.models import (
    Arrangement,
    Baseline,
    TargetCategories,
    Targets,
    anywhere,
    other_categories,
    own_categories,
)
from export.evaluation.questions import COMPLEMENT, INSPIRE, SIMILAR, of_views
from export.evaluation.shop import Shop

POPULARITY, IN_CATEGORY = "popularity", "popularity-in-category"
COUNTS, COSINE, ALS = "item-knn", "item-knn-cosine", "als"
FROZEN, FROZEN_OWN, FROZEN_OTHER = "frozen-text", "frozen-text-own-category", "frozen-text-other-categories"


@dataclass(frozen=True)
class Baselines:
    """Learned once, from the training events of a shop.

    Args:
        shop: The catalogue and its events.
        targets: Complementary categories, as the recommender asks them.
    """

    shop: Shop
    targets: Targets

    def of(self, task: str) -> list[Baseline]:
        """The baselines of a task, in the order of the table."""
        chooser = Chooser(self.shop)
        return [Baseline(name, scorer, arranged, chooser) for name, (scorer, arranged) in self._rows(task).items()]

    @cached_property
    def _of_purchases(self) -> Mapping[str, Scorer]:
        return self._learned(viewed=False)

    @cached_property
    def _of_views(self) -> Mapping[str, Scorer]:
        return self._learned(viewed=True)

    def _learned(self, *, viewed: bool) -> Mapping[str, Scorer]:
        baskets = basket_matrix(self.shop, viewed=viewed)
        return {
            POPULARITY: Popular(held(baskets)),
            COUNTS: Together.counted(baskets),
            COSINE: Together.cosine(baskets),
            ALS: of_baskets(baskets),
            FROZEN: Vectors(self.shop.texts),
        }

    def _rows(self, task: str) -> Mapping[str, tuple[Scorer, Arrangement]]:
        known = self._of_views if of_views(self.shop, task) else self._of_purchases
        asked = TargetCategories.of(self.shop, self.targets)
        # For each task: where popularity within a category and the frozen text look, where the others do, and more.
        if task == SIMILAR:
            within, text, rest, whole = own_categories, anywhere, own_categories, known[ALS]
            more: dict[str, tuple[Scorer, Arrangement]] = {FROZEN_OWN: (known[FROZEN], own_categories)}
        elif task == COMPLEMENT:
            within, text, rest, whole = asked, asked, other_categories, known[ALS]
            more = {FROZEN_OTHER: (known[FROZEN], other_categories)}
        else:
            within, text, rest, whole, more = own_categories, anywhere, anywhere, of_customers(self.shop), {}
        return {
            POPULARITY: (known[POPULARITY], anywhere if task in {SIMILAR, INSPIRE} else other_categories),
            IN_CATEGORY: (known[POPULARITY], within),
            COUNTS: (known[COUNTS], rest),
            COSINE: (known[COSINE], rest),
            ALS: (whole, rest),
            FROZEN: (known[FROZEN], text),
            **more,
        }
