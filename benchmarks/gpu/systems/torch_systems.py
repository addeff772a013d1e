"""PyTorch as it is commonly used for this: a matrix product, the filter as -inf, ``topk``."""

from __future__ import annotations

from collections.abc import Callable

import torch

from benchmarks.gpu.cases import Case, K
from benchmarks.gpu.shop import Numbers
from benchmarks.gpu.systems.base import Absent, Search, System

# Scores of a batch that are in memory together; more products are searched in parts.
MOST_SCORE_BYTES = 4 * 10**9

Maybe = torch.Tensor | None
Found = tuple[torch.Tensor, torch.Tensor]
Step = Callable[[torch.Tensor, torch.Tensor, Maybe, Maybe], Found]


class TorchHalf(System):
    """Scores in float16, as ``matmul`` of float16 gives them: the fastest, and many products tie."""

    name = "torch-fp16"
    rows: torch.Tensor
    queries: torch.Tensor

    def open(self) -> None:
        """See ``System.open``."""
        self.rows = self.shop.on_device()
        self.queries = torch.from_numpy(self.shop.queries).to(self.rows.device)

    def step(self, queries: torch.Tensor, rows: torch.Tensor, mask: Maybe, boost: Maybe) -> Found:
        """Search some rows.

        Returns:
            ``(batch, K)`` scores, and numbers among ``rows``.
        """
        scores = self.scores(queries.half(), rows)
        if boost is not None:
            scores += boost
        if mask is not None:
            scores.masked_fill_(~mask, -torch.inf)
        top = scores.topk(min(K, len(rows)), dim=1)
        return top.values, top.indices

    def scores(self, queries: torch.Tensor, rows: torch.Tensor) -> torch.Tensor:
        """``(batch, rows)``."""
        return queries @ rows.T

    def search(self, case: Case) -> Search | None:
        """The masks, and what the business score adds, are made beforehand."""
        masks = self._masks(case)
        boost = case.terms.boost(torch.arange(len(self.rows), device=self.rows.device))

        def found(queries: torch.Tensor, first: int) -> torch.Tensor:
            return self._best(queries, masks[first if case.terms.kind == "each" else 0], boost)

        def whole(first: int) -> Numbers:
            queries = torch.from_numpy(self.shop.queries[first : first + case.batch]).to(self.rows.device)
            numbers: Numbers = found(queries, first).cpu().numpy()
            return numbers

        return Search(whole, lambda first: found(self.queries[first : first + case.batch], first))

    def _masks(self, case: Case) -> dict[int, Maybe]:
        """``(1 or batch, products)`` bool by the first query of a batch."""
        slots = torch.arange(len(self.rows), device=self.rows.device)
        starts = range(0, len(self.shop.queries), case.batch) if case.terms.kind == "each" else (0,)
        made: dict[int, Maybe] = {}
        for start in starts:
            asked = range(start, start + (case.batch if case.terms.kind == "each" else 1))
            masks = [case.terms.passing(query, slots, len(slots)) for query in asked]
            present = [mask for mask in masks if mask is not None]
            made[start] = torch.stack(present) if present else None
        return made

    def _best(self, queries: torch.Tensor, mask: Maybe, boost: Maybe) -> torch.Tensor:
        """``(batch, K)`` slots; -1 where fewer pass."""
        part = max(1, MOST_SCORE_BYTES // (4 * len(queries)))
        found = []
        for first in range(0, len(self.rows), part):
            some = None if mask is None else mask[:, first : first + part]
            added = None if boost is None else boost[first : first + part]
            scores, places = self.step(queries, self.rows[first : first + part], some, added)
            found.append((scores, places + first))
        scores, slots = (torch.cat(parts, dim=1) for parts in zip(*found, strict=True))
        if len(found) > 1:
            scores, places = scores.topk(K, dim=1)
            slots = slots.gather(1, places)
        return torch.where(scores == -torch.inf, -1, slots)


class TorchFloat(TorchHalf):
    """Rows in float16, scores in float32."""

    name = "torch-fp16-fp32"

    def open(self) -> None:
        """See ``System.open``."""
        super().open()
        try:
            self.scores(self.queries[:1].half(), self.rows[:1])
        except (RuntimeError, TypeError) as error:
            raise Absent(f"matmul of float16 to float32: {str(error).splitlines()[0]}") from error

    def scores(self, queries: torch.Tensor, rows: torch.Tensor) -> torch.Tensor:
        """See ``TorchHalf.scores``."""
        if rows.device.type == "cpu":
            return queries.float() @ rows.float().T
        return torch.mm(queries, rows.T, out_dtype=torch.float32)


class TorchCompiled(TorchHalf):
    """The same under ``torch.compile``."""

    name = "torch-compiled"
    compiled: Step

    @property
    def seconds_to_open(self) -> float:
        """See ``System.seconds_to_open``; it is compiled for every batch."""
        return 30 + super().seconds_to_open

    def open(self) -> None:
        """See ``System.open``."""
        if self.shop.device.type == "cpu":
            raise Absent("nothing to compile without a GPU")
        super().open()
        self.compiled = torch.compile(super().step)
        try:
            self.compiled(self.queries[:1], self.rows, None, None)
        except Exception as error:
            raise Absent(f"torch.compile: {type(error).__name__}: {str(error).splitlines()[0]}") from error

    def step(self, queries: torch.Tensor, rows: torch.Tensor, mask: Maybe, boost: Maybe) -> Found:
        """See ``TorchHalf.step``."""
        return self.compiled(queries, rows, mask, boost)
