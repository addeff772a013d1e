"""Pairs and a catalogue as what is trained on: features of all products, and the pairs of each task."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ensemble.features import INPUTS, ROW, FeatureSettings, features_of
from training.errors import TrainingInputError
from training.product.drawing import Task
from training.product.pairs import Pairs
from training.product.recipe import Recipe

Catalogue = Sequence[Mapping[str, Any]]
Codes = NDArray[np.int64]

_SAMPLED, _DECIMALS = 16, 4


@dataclass(frozen=True)
class Products:
    """A catalogue as the encoder takes it.

    Attributes:
        ids: of the products.
        inputs: the encoder's inputs in its order, each (products, width).
        category: (products,) id of each product's category in the settings' ``category_table``.
        levels: (categories + 1, levels) ids of the levels of each category.
    """

    ids: tuple[str, ...]
    inputs: tuple[Tensor, ...]
    category: Tensor
    levels: Tensor

    def __len__(self) -> int:
        return len(self.ids)

    @classmethod
    def of(cls, catalogue: Catalogue, rows: NDArray[np.float32], settings: FeatureSettings) -> Products:
        """Make the features of a catalogue; row i of ``rows`` belongs to its product i.

        Raises:
            TrainingInputError: the rows do not fit the catalogue, or hold what is no number.
        """
        if rows.ndim != 2 or len(rows) != len(catalogue) or rows.shape[1] < settings.row_dim:
            raise TrainingInputError(f"rows: shape {rows.shape}, must be ({len(catalogue)}, {settings.row_dim})")
        if not np.isfinite(rows).all():
            raise TrainingInputError(
                f"rows: row {int(np.argmin(np.isfinite(rows).all(axis=1)))} holds no finite numbers"
            )
        made = features_of(catalogue, settings) | {ROW: np.ascontiguousarray(rows[:, : settings.row_dim], np.float32)}
        table = settings.category_table
        return cls(
            tuple(str(product["id"]) for product in catalogue),
            tuple(torch.from_numpy(made[name]) for name in INPUTS),
            torch.from_numpy(made["CATEGORY"][:, -1].copy()),
            torch.from_numpy(table.table()),
        )

    def to(self, device: torch.device) -> Products:
        """The same on another device."""
        moved = tuple(tensor.to(device) for tensor in self.inputs)
        return Products(self.ids, moved, self.category.to(device), self.levels.to(device))


@dataclass(frozen=True)
class Tasks:
    """The pairs of both tasks that train the tower."""

    similar: Task
    complement: Task

    def split(self, share: float, seed: int) -> tuple[Tasks, Tasks]:
        """Hold out a share of the pairs, in either order and from both tasks at once: neither may tell of them.

        Args:
            share: of the pairs.
            seed: of the draw.

        Returns:
            Those to train on, and those held out; none are held out where none would be left.
        """
        tasks = (self.similar, self.complement)
        low, high = (
            np.concatenate([end(task.query, task.target) for task in tasks]) for end in (np.minimum, np.maximum)
        )
        pairs, place = np.unique(np.stack([low, high]), axis=1, return_inverse=True)
        drawn = np.random.default_rng([seed, 1]).random(pairs.shape[1]) < share
        out = np.split((drawn & ~drawn.all())[place.ravel()], [len(self.similar)])
        kept = (_only(task, ~chosen) for task, chosen in zip(tasks, out, strict=True))
        held = (_only(task, chosen) for task, chosen in zip(tasks, out, strict=True))
        return Tasks(*kept), Tasks(*held)


def tasks_of(pairs: Pairs, catalogue: Catalogue, recipe: Recipe) -> Tasks:
    """Sort pairs into those of "similar" and those of "complement".

    Similar are products that are viewed together, and those that are bought together: within a category as much, across
    categories ``recipe.across`` as much. Nothing turns on whether there are views at all. A product weighs the same in
    a visit as in an order (see ``Pairs.weight``), so that views prevail as far as there are more of them. Complementary
    are products that are bought together, of different categories, and not viewed together: who compares two products
    does not buy both. A pair of either kind counts where ``recipe.min_count`` baskets hold it.

    Args:
        pairs: those of products that the catalogue does not have are left out.
        catalogue: with ``id`` and ``category``.
        recipe: thresholds and weights.

    Raises:
        TrainingInputError: no pair is left.
    """
    places = {str(product["id"]): place for place, product in enumerate(catalogue)}
    code = np.array([places.get(name, -1) for name in pairs.products], np.int64)
    query, target = code[pairs.query], code[pairs.target]
    known = (query >= 0) & (target >= 0) & (pairs.count >= recipe.min_count)
    if not known.any():
        raise TrainingInputError(
            f"pairs: none of {len(pairs):,} is of two products of the catalogue with a count of at least "
            f"{recipe.min_count}"
        )
    _, category = np.unique([str(product.get("category") or "") for product in catalogue], return_inverse=True)
    named = np.array([bool(product.get("category")) for product in catalogue])
    across = (category[query] != category[target]) & named[query] & named[target]
    apart = ~_among(pairs, pairs.viewed & (pairs.count >= recipe.min_count))
    drawn = pairs.weights**recipe.weight_power
    weight = np.where(across & ~pairs.viewed, recipe.across, 1.0)
    similar = known & (weight > 0)
    complement = known & across & apart & ~pairs.viewed
    return Tasks(
        Task(query[similar], target[similar], (drawn * weight)[similar]),
        Task(query[complement], target[complement], drawn[complement]),
    )


def sample_of(catalogue: Catalogue, rows: NDArray[np.float32]) -> dict[str, list[float]]:
    """Rounded rows of some 16 products from all over a catalogue, by id and title: ids alone may be given again."""
    places = np.unique(np.linspace(0, len(catalogue) - 1, _SAMPLED).astype(np.int64)).tolist()
    labels = {at: f"{catalogue[at]['id']} {catalogue[at]['title']}" for at in places}
    return {labels[at]: [round(value, _DECIMALS) for value in rows[at].tolist()] for at in places}


def _among(pairs: Pairs, chosen: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Whether the two products of each pair are one of the chosen pairs, in whichever order."""
    low, high = np.minimum(pairs.query, pairs.target), np.maximum(pairs.query, pairs.target)
    keys = low * len(pairs.products) + high
    return np.isin(keys, keys[chosen])


def _only(task: Task, chosen: NDArray[np.bool_]) -> Task:
    return Task(task.query[chosen], task.target[chosen], task.weight[chosen])
