"""What a row is about, in one state of an index: vectors, weights and categories of its products."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ensemble.errors import InvalidInput
from ensemble.features.categories import path_of
from ensemble.tasks.asked import Asked, Newcomer
from ensemble.tasks.told import named
from ensemble.tasks.view import Value, View, value_in

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]

DAY_S = 86_400.0
# Products whose weighted sum is shorter than this share of what is added cancel each other out.
LEAST_SUM = 1e-5
LEAST_DECAY = 1e-6


@dataclass(frozen=True)
class Taste:
    """The products of a row that are known, the newest first.

    Args:
        slots: ``(n,)``; -1 for the one that is given in full and not in the catalogue.
        vectors: ``(n, dim)`` unit vectors.
        weights: ``(n,)``, with the decay by age in them.
        ages_s: ``(n,)``; None without times.
        categories: Of each; empty where it has none.
        variants: Of each its value of the attribute that variants share; None where it has none.
        unknown: The products that are not in the index.
        given_by: The input that they come from.
    """

    slots: NDArray[np.int64] = field(compare=False)
    vectors: Floats = field(compare=False)
    weights: Doubles = field(compare=False)
    ages_s: Doubles | None = field(compare=False)
    categories: tuple[str, ...]
    variants: tuple[Value, ...]
    unknown: tuple[str, ...] = ()
    given_by: str = "PRODUCT_ID"

    @classmethod
    def of(cls, asked: Asked, view: View) -> Taste:
        """Look up what a row is about.

        Raises:
            InvalidInput: None of the products with a weight above 0 is in the index; names them. Not where the task
                does without a history.
        """
        if asked.newcomer is not None:
            return cls._of_newcomer(asked, asked.newcomer, view)
        slots = view.find(asked.ids)
        known = np.flatnonzero(slots >= 0)
        unknown = tuple(name for name, slot in zip(asked.ids, slots.tolist(), strict=True) if slot < 0)
        if unknown and asked.profile.task != "inspire" and not (asked.weights[known] > 0).any():
            raise InvalidInput("PRODUCT_ID", _unknown(unknown))
        slots, ages_s = slots[known], None if asked.ages_s is None else asked.ages_s[known]
        return cls(
            slots=slots,
            vectors=view.vectors(slots),
            weights=asked.weights[known] * _decay(ages_s, asked.profile.half_life_days),
            ages_s=ages_s,
            categories=tuple(view.category(slot) for slot in slots.tolist()),
            variants=tuple(view.value(asked.profile.variants_by, slot) for slot in slots.tolist()),
            unknown=unknown,
        )

    @classmethod
    def _of_newcomer(cls, asked: Asked, newcomer: Newcomer, view: View) -> Taste:
        product = newcomer.product
        variant = view.held(asked.profile.variants_by, value_in(product, asked.profile.variants_by))
        return cls(
            slots=view.find([str(product.get("id") or "")]),
            vectors=newcomer.vector[None],
            weights=np.ones(1),
            ages_s=None,
            categories=("/".join(path_of(product.get("category"))),),
            variants=(variant,),
            given_by="ROW",
        )

    def __len__(self) -> int:
        return len(self.slots)

    @property
    def liked(self) -> list[int]:
        """Places of the products with a weight above 0."""
        return [place for place, weight in enumerate(self.weights.tolist()) if weight > 0]

    def mixed(self) -> Floats:
        """``(dim,)``: the weighted sum of all vectors, of unit length.

        Raises:
            InvalidInput: They cancel each other out, or have no direction.
        """
        return self._unit(np.ones(len(self), np.bool_))

    def without_dislikes(self, place: int) -> Floats:
        """``(dim,)``: one product's vector, kept away from those with weights below 0, of unit length.

        Raises:
            InvalidInput: They cancel each other out, or the product has no direction.
        """
        chosen = self.weights < 0
        if not chosen.any() and self.vectors[place].any():
            vector: Floats = self.vectors[place]
            return vector
        chosen[place] = True
        return self._unit(chosen)

    def _unit(self, chosen: NDArray[np.bool_]) -> Floats:
        weights, vectors = self.weights[chosen], self.vectors[chosen]
        total = (weights[:, None] * vectors).sum(axis=0)
        norm = float(np.linalg.norm(total))
        if norm <= LEAST_SUM * float(np.abs(weights).sum()):
            if not vectors[weights > 0].any():
                raise InvalidInput(self.given_by, "its vector has length 0; a product with a direction is needed")
            raise InvalidInput("WEIGHTS", "the products cancel each other out; other weights are needed")
        unit: Floats = (total / norm).astype(np.float32)
        return unit


def _decay(ages_s: Doubles | None, half_life_days: float | None) -> Doubles | float:
    if ages_s is None or half_life_days is None:
        return 1.0
    # Relative to the newest, and never nothing: a history that is old all over would have no weights else.
    decay: Doubles = np.exp2(-(ages_s - ages_s.min(initial=np.inf)) / (DAY_S * half_life_days))
    return np.maximum(decay, LEAST_DECAY)


def _unknown(names: tuple[str, ...]) -> str:
    needed = "ids of products that have a vector are needed, or ROW and PRODUCT of a new one"
    return f"{named(names)}: not in the index; {needed}"
