"""Batches of pairs by number: batch ``i`` is the same in every run of a seed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset

Codes = NDArray[np.int64]


@dataclass(frozen=True)
class Task:
    """Pairs of one task that a batch is drawn from.

    Attributes:
        query: (pairs,) places in the catalogue.
        target: (pairs,) likewise.
        weight: (pairs,) a pair is drawn with a probability proportional to it.
    """

    query: Codes
    target: Codes
    weight: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.query)

    def touching(self, products: int) -> Tensor:
        """(products,): the probability that a drawn pair holds each product."""
        if not len(self):
            return torch.zeros(products, dtype=torch.float64)
        touched = np.bincount(self.query, self.weight, products) + np.bincount(self.target, self.weight, products)
        return torch.from_numpy(touched / self.weight.sum())


@dataclass(frozen=True)
class Batch:
    """Products of one step, each once, and the pairs of each task among them.

    Attributes:
        products: (candidates,) places in the catalogue, ascending.
        queries: of each task, (pairs,) places in ``products``.
        targets: of each task, likewise.
    """

    products: Tensor
    queries: tuple[Tensor, ...]
    targets: tuple[Tensor, ...]

    def to(self, device: torch.device) -> Batch:
        """The same on another device."""
        moved = [tuple(part.to(device) for part in parts) for parts in (self.queries, self.targets)]
        return Batch(self.products.to(device), *moved)


class Batches(Dataset[Batch]):
    """Draws pairs by weight, with replacement, and negatives uniformly, without.

    Args:
        tasks: what pairs are drawn from; one without pairs gives none.
        products: of the catalogue.
        batch_size: pairs of each task.
        negatives: at most the whole catalogue.
        seed: of all draws.
    """

    def __init__(self, tasks: Sequence[Task], products: int, batch_size: int, negatives: int, seed: int) -> None:
        self._tasks, self._products, self._seed = tasks, products, seed
        self._batch_size, self._negatives = batch_size, min(negatives, products)
        self._sums = [np.cumsum(task.weight) for task in tasks]

    def __getitem__(self, number: int) -> Batch:
        """Draw batch ``number``."""
        rng = np.random.default_rng([self._seed, number])
        drawn = [self._draw(sums, rng) for sums in self._sums]
        negatives = rng.choice(self._products, self._negatives, replace=False, shuffle=False)
        chosen = [(task.query[at], task.target[at]) for task, at in zip(self._tasks, drawn, strict=True)]
        products = np.unique(np.concatenate([negatives, *(part for pair in chosen for part in pair)]))
        places = [[torch.from_numpy(np.searchsorted(products, part)) for part in pair] for pair in chosen]
        return Batch(
            torch.from_numpy(products), tuple(query for query, _ in places), tuple(target for _, target in places)
        )

    def _draw(self, sums: NDArray[np.float64], rng: np.random.Generator) -> Codes:
        if not len(sums):
            return np.empty(0, np.int64)
        found = np.searchsorted(sums, rng.random(self._batch_size) * sums[-1], side="right")
        places: Codes = np.minimum(found, len(sums) - 1).astype(np.int64)
        return places
