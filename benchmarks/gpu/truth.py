"""The right answers, by plain matrix products in float64, and what is wrong with a system's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.gpu.cases import K, Terms
from benchmarks.gpu.rows import CHUNK
from benchmarks.gpu.shop import Floats, Numbers, Shop

# Candidates of each query, scored again one by one: variants of a product tie, and ties are broken by slot.
CANDIDATES = 64
# Sums in float64 in another order differ by less.
SUM_ERROR = 1e-12
ABSENT = -1

Doubles = NDArray[np.float64]


@dataclass(frozen=True)
class Truth:
    """The best products of each query.

    Args:
        slots: ``(queries, K)``, best first, ties by slot; -1 where fewer pass.
        scores: ``(queries, K)`` float64; -inf where fewer pass.
    """

    slots: Numbers
    scores: Doubles


@dataclass(frozen=True)
class Verdict:
    """What came of checking a system's answers.

    Args:
        recall: Share of the true ones that were found, one as good as another of the same score.
        failures: What is wrong, in words; empty where nothing is.
    """

    recall: float
    failures: tuple[str, ...]


def truths(shop: Shop, asked: Sequence[Terms]) -> dict[Terms, Truth]:
    """The right answers under each kind of filter."""
    queries = torch.from_numpy(shop.queries).to(shop.device).double()
    best = {terms: _nothing(queries) for terms in asked}
    for number in range(shop.made.chunks):
        products = queries @ shop.made.chunk(number).double().T
        slots = torch.arange(number * CHUNK, number * CHUNK + products.shape[1], device=shop.device)
        for terms in asked:
            best[terms] = _merged(best[terms], _scored(products, terms, slots, len(shop)), slots)
    return {terms: _ordered(shop, terms, slots.cpu().numpy()) for terms, (_, slots) in best.items()}


def exact(shop: Shop, terms: Terms, slots: Numbers) -> Doubles:
    """``(queries, found)`` float64 scores of slots; -inf for -1."""
    rows = shop.base[np.maximum(slots, 0)].astype(np.float64)
    scores = (rows * shop.queries[:, None].astype(np.float64)).sum(axis=-1)
    boost = terms.boost(torch.from_numpy(slots))
    scores += 0.0 if boost is None else boost.double().numpy()
    return np.where(slots == ABSENT, -np.inf, scores)


def judge(shop: Shop, terms: Terms, found: Numbers, truth: Truth, *, least: float, ordered: bool) -> Verdict:
    """Hold answers to the truth.

    Args:
        shop: What was searched.
        terms: Under which.
        found: ``(queries, K)``, -1 where fewer were found.
        truth: Under the same terms.
        least: The recall that the system must have.
        ordered: Whether every answer must be the very one, ties by slot.
    """
    if found.shape != truth.slots.shape:
        return Verdict(0.0, (f"answers of shape {found.shape}; {truth.slots.shape} is right",))
    if found.min() < ABSENT or found.max() >= len(shop):
        return Verdict(0.0, (f"a product that is not there: {found.min()} or {found.max()} of {len(shop)}",))
    failures = [*_unlawful(terms, found, len(shop))]
    scores = exact(shop, terms, found)
    wanted = np.maximum((truth.slots != ABSENT).sum(axis=1), 1)
    lowest = np.where(np.isfinite(truth.scores), truth.scores, np.inf).min(axis=1)
    hits = ((found != ABSENT) & (scores >= lowest[:, None] - SUM_ERROR)).sum(axis=1)
    recall = float(np.mean(np.where(truth.slots[:, 0] == ABSENT, 1.0, hits / wanted)))
    if recall < least:
        failures.append(f"recall {recall:.4f}; at least {least} is asked")
    if ordered:
        failures += _disorder(found, scores, truth)
    return Verdict(recall, tuple(failures))


def _nothing(queries: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    shape, device = (len(queries), CANDIDATES), queries.device
    scores = torch.full(shape, -torch.inf, dtype=torch.float64, device=device)
    return scores, torch.full(shape, ABSENT, dtype=torch.int64, device=device)


def _scored(products: torch.Tensor, terms: Terms, slots: torch.Tensor, count: int) -> torch.Tensor:
    boost = terms.boost(slots)
    scores = products if boost is None else products + boost.double()
    if terms.kind == "all":
        return scores
    asked = range(len(scores)) if terms.kind == "each" else range(1)
    masks = [mask for query in asked if (mask := terms.passing(query, slots, count)) is not None]
    return torch.where(torch.stack(masks), scores, -torch.inf)


def _merged(
    best: tuple[torch.Tensor, torch.Tensor], scores: torch.Tensor, slots: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    top, places = scores.topk(min(CANDIDATES, scores.shape[1]), dim=1)
    found = torch.where(top == -torch.inf, ABSENT, slots[places])
    all_scores, all_slots = torch.cat([best[0], top], dim=1), torch.cat([best[1], found], dim=1)
    kept, places = all_scores.topk(CANDIDATES, dim=1)
    return kept, all_slots.gather(1, places)


def _ordered(shop: Shop, terms: Terms, slots: Numbers) -> Truth:
    """Score candidates again, and put them in order."""
    scores = exact(shop, terms, slots)
    order = np.lexsort((slots, -scores), axis=1)[:, :K]
    return Truth(np.take_along_axis(slots, order, 1), np.take_along_axis(scores, order, 1))


def _unlawful(terms: Terms, found: Numbers, count: int) -> list[str]:
    for query, slots in enumerate(found):
        there = slots[slots != ABSENT]
        if len(np.unique(there)) != len(there):
            return [f"query {query} found a product twice: {there}"]
        if not terms.obeyed(query, there, count):
            return [f"query {query} found what does not pass its filter: {there}"]
    return []


def _disorder(found: Numbers, scores: Doubles, truth: Truth) -> list[str]:
    """Answers that are not the very ones. Two of nearly the same score may change places, two of the same may not."""
    with np.errstate(invalid="ignore"):
        apart = np.abs(scores - truth.scores)
    wrong = (found != truth.slots) & ~((apart > 0) & (apart < SUM_ERROR))
    if not wrong.any():
        return []
    query = int(np.flatnonzero(wrong.any(axis=1))[0])
    return [f"query {query} found {found[query]}; {truth.slots[query]} is right"]


def padded(found: Sequence[Numbers]) -> Numbers:
    """``(queries, K)``: answers of different lengths, -1 where one is short."""
    rows = np.full((len(found), K), ABSENT, np.int64)
    for row, slots in zip(rows, found, strict=True):
        row[: len(slots)] = slots
    return rows


__all__ = ["Floats", "Truth", "Verdict", "exact", "judge", "padded", "truths"]
