"""What is asked: batches of queries, under filters that let a known share of the products pass, for business scores."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import Literal

import numpy as np
import torch

from benchmarks.gpu.fields import PARTS, Range, prices
from benchmarks.gpu.rows import CHUNK
from benchmarks.gpu.shop import Numbers

K = 10
# Bits and bins of our engine are in blocks of so many places: it reads no less than one of them.
TILE = 64
# By how many lots the filters of neighbouring queries differ.
STEP = 13
# The business score: its share is of the order of differences between neighbours.
FACTOR = 0.001
RANK = f"similarity + {FACTOR} * price".encode()
# The rate at which each query has a filter of its own, and the one at which what passes lies together.
EACH_RATE, TOGETHER_RATE = 0.1, 0.01

Kind = Literal["all", "spread", "together", "each"]


@dataclass(frozen=True)
class Terms:
    """What queries say beside their rows.

    Args:
        kind: ``all`` pass; one filter for all queries, whose products are ``spread`` over the catalogue or lie
            ``together``; or ``each`` query has its own, spread.
        rate: Share of the products that pass.
        ranked: Whether products are chosen by a business score.
    """

    kind: Kind
    rate: float
    ranked: bool = False

    def __post_init__(self) -> None:
        if not 1 / PARTS <= self.rate <= 1:
            raise ValueError(f"`rate` must be between {1 / PARTS} and 1, got {self.rate}")

    def of(self, query: int) -> Range | None:
        """The filter of one query; None where all pass."""
        if self.kind == "all":
            return None
        width = round(self.rate * PARTS)
        first = query * STEP % (PARTS - width + 1) if self.kind == "each" else 0
        return Range("shelf" if self.kind == "together" else "lot", first, first + width - 1)

    def distinct(self, batch: int) -> list[Range | None]:
        """The different filters of the first queries."""
        return list(dict.fromkeys(self.of(query) for query in range(batch)))

    def passing(self, query: int, slots: torch.Tensor, count: int) -> torch.Tensor | None:
        """``(slots,)`` bool, on the device of ``slots``; None where all pass."""
        one = self.of(query)
        return None if one is None else one.passes(slots, count)

    def obeyed(self, query: int, found: Numbers, count: int) -> bool:
        """Whether all that a query found passes its filter."""
        mask = self.passing(query, torch.from_numpy(found), count)
        return mask is None or bool(mask.all())

    @property
    def rank(self) -> bytes:
        """The business score as a request gives it; empty for none."""
        return RANK if self.ranked else b""

    def boost(self, slots: torch.Tensor) -> torch.Tensor | None:
        """``(slots,)`` float32: what the business score adds to each product's inner product; None for nothing."""
        return (FACTOR * prices(slots)).float() if self.ranked else None

    def __str__(self) -> str:
        """For people."""
        return f"{self.rate:.0%}" + (f" {self.kind}" if self.kind != "all" else "") + (" ranked" if self.ranked else "")


@dataclass(frozen=True)
class Case:
    """One line of the table.

    Args:
        batch: Queries that are asked together.
        terms: What they say beside their rows.
    """

    batch: int
    terms: Terms


def cases(batches: Sequence[int], rates: Sequence[float]) -> list[Case]:
    """All that is asked of one shop: every batch at every rate, and two more kinds of filter."""
    kinds = [Terms("all" if rate == 1 else "spread", rate) for rate in rates]
    if TOGETHER_RATE in rates:
        kinds.append(Terms("together", TOGETHER_RATE))
    if 1.0 in rates:
        kinds.append(Terms("all", 1.0, ranked=True))
    made = [Case(batch, terms) for terms, batch in product(kinds, batches)]
    if EACH_RATE in rates:
        made += [Case(batch, Terms("each", EACH_RATE)) for batch in batches if batch > 1]
    return made


def bytes_to_read(count: int, row_bytes: int, case: Case) -> int:
    """What an exact search must read: every row, a bit a product and filter, and the business score's share."""
    return count * row_bytes + _beside(count, case)


def bytes_of_tiles(count: int, row_bytes: int, case: Case, device: torch.device) -> int:
    """The same, where rows are read only in tiles in which something passes."""
    return round(count * row_bytes * _share_of_tiles(count, case, device)) + _beside(count, case)


def _beside(count: int, case: Case) -> int:
    """Bits of filters, and four bytes for each product's share of the business score."""
    return len(case.terms.distinct(case.batch)) * (-(-count // 32) * 4) + 4 * count * case.terms.ranked


def _share_of_tiles(count: int, case: Case, device: torch.device) -> float:
    held = 0
    for first in range(0, count, CHUNK):
        slots = torch.arange(first, min(first + CHUNK, count), device=device)
        mask = torch.zeros(-(-len(slots) // TILE) * TILE, dtype=torch.bool, device=device)
        for one in case.terms.distinct(case.batch):
            mask[: len(slots)] |= True if one is None else one.passes(slots, count)
        held += int(mask.view(-1, TILE).any(dim=1).sum())
    return held / float(np.ceil(count / TILE))
