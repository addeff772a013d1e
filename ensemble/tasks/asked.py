"""What one row of a request asks for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ensemble.tasks.names import MOST_CATEGORIES
from ensemble.tasks.profile import Profile

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Newcomer:
    """A product that need not be in the catalogue.

    Args:
        vector: ``(dim,)``, of unit length.
        product: As ``parse_products`` gives it.
    """

    vector: Floats = field(compare=False)
    product: Mapping[str, Any]


@dataclass(frozen=True)
class Asked:
    """One row, checked as far as it can be without an index.

    Args:
        profile: Whose rules hold.
        ids: The products that it is about, the newest first, each once.
        weights: ``(ids,)`` float64, one of them above 0; those below 0 are of products to keep away from.
        ages_s: ``(ids,)`` float64, seconds since each was looked at; None where no times are given.
        newcomer: The product that it is about, where that was given in full; beside no ids.
        k: How many products are wanted.
        filter: Expression that they must pass; empty for none.
        min_seq: The journal entry that the answer must hold.
        seen: Products that must not be among them.
        categories: Complementary categories, in place of those of the profile's map.
        nearest: See ``Profile``; so are the others.
        skip: See ``Profile``.
        diversity: See ``Profile``.
        per_category: See ``Profile``.
        per_brand: See ``Profile``.
    """

    profile: Profile
    ids: tuple[str, ...]
    weights: NDArray[np.float64] = field(compare=False)
    ages_s: NDArray[np.float64] | None = field(compare=False)
    newcomer: Newcomer | None
    k: int
    filter: bytes
    min_seq: int
    seen: tuple[str, ...]
    categories: tuple[str, ...]
    nearest: int
    skip: int
    diversity: float
    per_category: int
    per_brand: int

    @property
    def searches(self) -> int:
        """How many searches its task may need; of small clusters no more than of complementary categories count."""
        if self.profile.task == "complement":
            return len(self.categories) or self.profile.categories
        if self.profile.task == "inspire":
            return max(1, min(self.nearest * len(self.ids), MOST_CATEGORIES))
        return 1
