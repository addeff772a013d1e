"""cuVS 26.10: its brute force, and CAGRA, a graph."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import torch

from benchmarks.gpu.cases import Case, K, Terms
from benchmarks.gpu.rows import CHUNK
from benchmarks.gpu.shop import Numbers
from benchmarks.gpu.systems.base import Absent, Search, System
from benchmarks.gpu.truth import judge, truths

TARGET = 0.99
ITOPK = (32, 64, 128, 256, 512)
# With its default of 1, CAGRA misses many rows of clustered sets (cuVS issue 2102).
SAMPLINGS = 8
GRAPH_SECONDS_A_VALUE = 30e-9

Asked = Callable[[torch.Tensor], torch.Tensor]


class CuvsSystem(System):
    """Common to both: torch tensors in and out, one stream, results written to tensors made beforehand."""

    # Name of the module.
    library: str
    module: Any
    filtering: Any
    resources: Any
    index: Any
    rows: torch.Tensor
    queries: torch.Tensor

    def open(self) -> None:
        """See ``System.open``."""
        try:
            self.module = importlib.import_module(f"cuvs.neighbors.{self.library}")
            self.filtering = importlib.import_module("cuvs.neighbors.filters")
            common = importlib.import_module("cuvs.common")
        except ImportError as error:
            raise Absent(f"not installed: {error} (pip install cuvs-cu12)") from error
        self.resources = common.Resources(stream=torch.cuda.current_stream().cuda_stream)
        self.rows = self.shop.on_device()
        self.queries = torch.from_numpy(self.shop.queries).to(self.rows.device).half()
        self.index = self.built()

    def built(self) -> Any:
        """The index over ``rows``."""
        raise NotImplementedError

    def asked(self, case: Case) -> Asked:
        """From ``(batch, dim)`` float16 queries to ``(batch, K)`` numbers, both on the device."""
        raise NotImplementedError

    def search(self, case: Case) -> Search | None:
        """The bits of the filter are made beforehand."""
        return None if case.terms.kind == "each" or case.terms.ranked else self.prepared(case)

    def prepared(self, case: Case) -> Search:
        """With one filter for all queries."""
        asked = self.asked(case)

        def whole(first: int) -> Numbers:
            queries = torch.from_numpy(self.shop.queries[first : first + case.batch]).to(self.rows.device)
            numbers: Numbers = asked(queries.half()).cpu().numpy().astype(np.int64)
            return np.where(numbers < len(self.shop), numbers, -1)

        return Search(whole, lambda first: asked(self.queries[first : first + case.batch]))

    def outputs(self, batch: int, numbers: torch.dtype) -> tuple[torch.Tensor, torch.Tensor]:
        """What a search writes to: ``(batch, K)`` numbers, and scores."""
        device = self.rows.device
        return (
            torch.empty((batch, K), dtype=numbers, device=device),
            torch.empty((batch, K), dtype=torch.float32, device=device),
        )

    def bits(self, terms: Terms) -> Any:
        """A filter as the library takes it; None where all pass."""
        if terms.kind == "all":
            return None
        words = []
        for first in range(0, len(self.shop), CHUNK):
            slots = torch.arange(first, first + CHUNK)
            mask = terms.passing(0, slots, len(self.shop))
            words.append(np.packbits(np.asarray(mask), bitorder="little").view(np.uint32))
        needed = np.concatenate(words)[: -(-len(self.shop) // 32)]
        return self.filtering.from_bitset(torch.from_numpy(needed).to(self.rows.device))


class CuvsBruteForce(CuvsSystem):
    """Every row; scores of a tile go through memory."""

    name = "cuvs-brute-force"
    library = "brute_force"

    def built(self) -> Any:
        """See ``CuvsSystem.built``."""
        return self.module.build(self.rows, metric="inner_product", resources=self.resources)

    def asked(self, case: Case) -> Asked:
        """See ``CuvsSystem.asked``."""
        bits = self.bits(case.terms)
        numbers, scores = self.outputs(case.batch, torch.int64)

        def found(queries: torch.Tensor) -> torch.Tensor:
            self.module.search(
                self.index, queries, K, neighbors=numbers, distances=scores, resources=self.resources, prefilter=bits
            )
            return numbers

        return found


class CuvsCagra(CuvsSystem):
    """A graph, searched as widely as the recall asks for; the widest where none reaches it."""

    name = "cuvs-cagra"
    library = "cagra"
    exact = False
    widths: dict[Terms, int]
    width: int

    def open(self) -> None:
        """See ``System.open``."""
        self.widths = {}
        super().open()

    @property
    def seconds_to_open(self) -> float:
        """See ``System.seconds_to_open``; the graph is what takes it."""
        return super().seconds_to_open + len(self.shop) * self.shop.dim * GRAPH_SECONDS_A_VALUE

    def built(self) -> Any:
        """See ``CuvsSystem.built``."""
        return self.module.build(self.module.IndexParams(metric="inner_product"), self.rows, resources=self.resources)

    def search(self, case: Case) -> Search | None:
        """With the narrowest search that reaches the target."""
        if case.terms.kind == "each" or case.terms.ranked:
            return None
        if case.terms not in self.widths:
            self.widths[case.terms] = self._least_width(case.terms)
        return self.at(self.widths[case.terms], case)

    def at(self, width: int, case: Case) -> Search:
        """With a search of some width."""
        self.width = width
        return replace(self.prepared(case), note=f"itopk {width}")

    def asked(self, case: Case) -> Asked:
        """See ``CuvsSystem.asked``."""
        bits = self.bits(case.terms)
        numbers, scores = self.outputs(case.batch, torch.uint32)
        parameters = self.module.SearchParams(itopk_size=self.width, num_random_samplings=SAMPLINGS)

        def found(queries: torch.Tensor) -> torch.Tensor:
            self.module.search(
                parameters, self.index, queries, K,
                neighbors=numbers, distances=scores, resources=self.resources, filter=bits,
            )  # fmt: skip
            return numbers

        return found

    def _least_width(self, terms: Terms) -> int:
        truth, case = truths(self.shop, [terms])[terms], Case(len(self.shop.queries), terms)
        for width in ITOPK:
            found = self.at(width, case).whole(0)
            if judge(self.shop, terms, found, truth, least=0.0, ordered=False).recall >= TARGET:
                return width
        return ITOPK[-1]
