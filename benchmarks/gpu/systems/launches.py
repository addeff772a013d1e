"""What our engine gives to the device for a batch, without the way there and back; also as a CUDA graph."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property

import torch

from benchmarks.gpu.cases import K
from benchmarks.gpu.systems.base import Work
from ensemble.index.gpu.asked import Selected
from ensemble.index.gpu.asking import batch_of
from ensemble.index.gpu.batch import Batch
from ensemble.index.gpu.engine import GpuEngine
from ensemble.index.gpu.rounds import Round, first_round
from ensemble.index.gpu.terms import GpuTerms


class Launches:
    """The first round of a search: queries are split, rows scanned, bins chosen, scored again and sorted.

    Args:
        engine: The engine; nobody else uses it meanwhile.
        terms: Its terms.
        queries: ``(queries, dim)`` float32 on the device.
        texts: The filters of each batch by the number of its first query. Their bits are made beforehand.
        rank: The business score of all queries; empty for none.
    """

    def __init__(
        self,
        engine: GpuEngine,
        terms: GpuTerms,
        queries: torch.Tensor,
        texts: Mapping[int, Sequence[bytes]],
        rank: bytes,
    ) -> None:
        self._engine, self._terms, self._queries, self._texts = engine, terms, queries, texts
        self._boost = terms.boost(rank)
        self._made: dict[int, Batch] = {}

    def enqueue(self, first: int) -> Round:
        """Give the device all that it does for the batch of a first query."""
        return self._round(self._batch(first))

    def unproven(self) -> float:
        """Share of the queries that need a second round, for which the engine waits once more."""
        needed = torch.cat([self.enqueue(first).packed[:, -1] for first in self._texts])
        return float((needed > 0).float().mean())

    def graph(self) -> Work:
        """The same as a CUDA graph: queries are copied to where it reads them, and it is replayed.

        Raises:
            RuntimeError: It cannot be captured.
        """
        queries = self._queries[: len(self._texts[0])].clone()
        batch = replace(self._batch(0), queries=queries)
        self._round(batch)
        torch.cuda.synchronize()
        captured = torch.cuda.CUDAGraph()
        with torch.cuda.graph(captured):
            self._kept = batch, self._round(batch)

        def replay(first: int) -> None:
            queries.copy_(self._queries[first : first + len(queries)])
            captured.replay()

        return replay

    def _round(self, batch: Batch) -> Round:
        return first_round(self._engine.rows, batch, self._counts[: len(batch)], K, self._engine.tile(len(batch)))

    def _batch(self, first: int) -> Batch:
        if first not in self._made:
            passing = [self._terms.passing(text) for text in self._texts[first]]
            queries = self._queries[first : first + len(passing)].contiguous()
            with self._engine.using():
                made = batch_of(self._terms, queries, passing, [self._boost] * len(passing))
                self._made[first] = _own(made)
            if queries.is_cuda:
                torch.cuda.synchronize()
        return self._made[first]

    @cached_property
    def _counts(self) -> torch.Tensor:
        return torch.full((len(self._queries),), K, dtype=torch.int64, device=self._queries.device)


def _own(batch: Batch) -> Batch:
    """The same with copies of its bits and scores, which the terms keep only until others are asked for."""
    used, which = batch.selected.which.unique(return_inverse=True)  # type: ignore[no-untyped-call]
    selected = Selected(batch.selected.words[used], which.int())
    boosted = None if batch.boosted is None else replace(batch.boosted, values=batch.boosted.values.clone())
    return replace(batch, selected=selected, boosted=boosted)
