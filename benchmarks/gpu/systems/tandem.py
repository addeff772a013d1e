"""Our engine, as a server uses it: filters as JSON, queries in numpy; and what it gives to the device, apart."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from benchmarks.gpu.cases import Case, K
from benchmarks.gpu.fields import Range
from benchmarks.gpu.shop import Numbers, Shop
from benchmarks.gpu.systems.base import Absent, Search, System, Work
from benchmarks.gpu.truth import padded
from ensemble.index.choice import EngineChoice, EngineName

if TYPE_CHECKING:
    from benchmarks.gpu.systems.launches import Launches
    from ensemble.index.gpu.engine import GpuEngine
    from ensemble.index.gpu.terms import GpuTerms

# Where what was compiled and tuned is kept from one run to the next.
CACHE = Path("var/bench/gpu")
FRESH = 1e-6


class Tandem(System):
    """The GPU engine with float16 rows: every answer must be the very one."""

    name = "tandem-fp16"
    least = 1.0
    ordered = True
    choice: EngineName = "gpu"
    engine: GpuEngine
    terms: GpuTerms

    def __init__(self, shop: Shop, most_batch: int) -> None:
        super().__init__(shop, most_batch)
        self.fresh = itertools.count(1)

    @property
    def seconds_to_open(self) -> float:
        """See ``System.seconds_to_open``; kernels are compiled and tuned."""
        return 20 + super().seconds_to_open

    def open(self) -> None:
        """See ``System.open``."""
        from ensemble.index.gpu.engine import GpuEngine
        from ensemble.index.gpu.opening import open_on_gpu
        from ensemble.index.gpu.terms import GpuTerms

        cache = CACHE if self.shop.device.type == "cuda" else None
        choice = EngineChoice(self.choice, cache, most_rows=self.most_batch, most_k=K)
        engine, terms = open_on_gpu(self.shop.slots, choice)
        if not isinstance(engine, GpuEngine) or not isinstance(terms, GpuTerms):
            raise Absent(f"{choice.name} is answered by {type(engine).__name__}")
        self.engine, self.terms = engine, terms
        self.fresh = itertools.count(1)

    def search(self, case: Case) -> Search | None:
        """Terms are parsed once, and their bits are kept until something changes."""
        from benchmarks.gpu.systems.launches import Launches

        texts = self._texts(case)
        queries = torch.from_numpy(self.shop.queries).to(self.shop.device)
        rank = case.terms.rank
        launches = Launches(self.engine, self.terms, queries, texts, rank)
        graph, notes = self._graph(case, launches)
        unproven = launches.unproven()
        if unproven:
            notes.append(f"{unproven:.1%} of the queries take a second round")
        return Search(
            lambda first: self._found(first, texts[first], rank),
            launches.enqueue,
            graph,
            None if case.terms.kind == "all" else lambda first: self._found(first, self._fresh(case, first), rank),
            "; ".join(notes),
        )

    def _found(self, first: int, texts: list[bytes], rank: bytes) -> Numbers:
        queries = self.shop.queries[first : first + len(texts)]
        passing = [self.terms.passing(text) for text in texts]
        boosts = [self.terms.boost(rank) for _ in texts]
        return padded([hits.slots for hits in self.engine.search(queries, [K] * len(texts), passing, boosts)])

    def _graph(self, case: Case, launches: Launches) -> tuple[Work | None, list[str]]:
        """A graph holds one filter's bits: where each query has its own there is none."""
        if self.shop.device.type != "cuda" or case.terms.kind == "each":
            return None, []
        try:
            return launches.graph(), []
        except RuntimeError as error:
            return None, [f"no graph: {str(error).splitlines()[0]}"]

    def _texts(self, case: Case) -> dict[int, list[bytes]]:
        """The filters of each batch, by the number of its first query."""
        starts = range(0, len(self.shop.queries), case.batch)
        return {first: [b"" if one is None else one.text for one in self._ranges(case, first)] for first in starts}

    def _fresh(self, case: Case, first: int) -> list[bytes]:
        by = next(self.fresh) * FRESH
        return [b"" if one is None else one.beside(by) for one in self._ranges(case, first)]

    def _ranges(self, case: Case, first: int) -> list[Range | None]:
        return [case.terms.of(query) for query in range(first, min(first + case.batch, len(self.shop.queries)))]


class TandemInt8(Tandem):
    """The GPU engine with int8 rows for the scan, and float16 rows to score what it proposes."""

    name = "tandem-int8"
    dtype = "int8"
    least = 0.999
    ordered = False
    choice: EngineName = "gpu-int8"
