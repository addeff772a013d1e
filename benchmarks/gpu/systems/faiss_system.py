"""FAISS on the GPU: ``GpuIndexFlat`` with float16 rows."""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np
import torch

from benchmarks.gpu.cases import Case, K, Terms
from benchmarks.gpu.shop import Numbers
from benchmarks.gpu.systems.base import Absent, Search, System
from ensemble.index.columns import Mask


class FaissFlat(System):
    """A flat index; filters only where the build reads them.

    ``IDSelector`` is read by builds with cuVS alone; others take it and answer without it (faiss issue 4858). So it is
    tried first.
    """

    name = "faiss-gpu-flat"
    faiss: Any
    index: Any
    resources: Any
    reads_filters: bool

    @property
    def seconds_to_open(self) -> float:
        """See ``System.seconds_to_open``; it takes rows from main memory, as float32."""
        return 3 * super().seconds_to_open

    def open(self) -> None:
        """See ``System.open``."""
        try:
            self.faiss = importlib.import_module("faiss")
        except ImportError as error:
            raise Absent(f"not installed: {error}") from error
        if not hasattr(self.faiss, "StandardGpuResources") or not self.faiss.get_num_gpus():
            raise Absent("this faiss is built without GPUs: pip install faiss-gpu, or faiss-gpu-cuvs for filters")
        config = self.faiss.GpuIndexFlatConfig()
        config.useFloat16 = True
        self.resources = self.faiss.StandardGpuResources()
        self.index = self.faiss.GpuIndexFlatIP(self.resources, self.shop.dim, config)
        for number in range(self.shop.made.chunks):
            self.index.add(self.shop.made.chunk(number).float().cpu().numpy())
        self.reads_filters = self._reads_filters()

    def search(self, case: Case) -> Search | None:
        """The selector is made beforehand."""
        if case.terms.kind == "each" or case.terms.ranked or (case.terms.kind != "all" and not self.reads_filters):
            return None
        parameters = None if case.terms.kind == "all" else self._parameters(self._mask(case.terms))

        def whole(first: int) -> Numbers:
            numbers: Numbers = self.index.search(self.shop.queries[first : first + case.batch], K, params=parameters)[1]
            return numbers

        return Search(whole, note="" if self.reads_filters else "this build does not read filters")

    def _mask(self, terms: Terms) -> Mask:
        slots = torch.arange(len(self.shop))
        mask = terms.passing(0, slots, len(self.shop))
        return np.ones(len(self.shop), np.bool_) if mask is None else np.asarray(mask)

    def _parameters(self, mask: Mask) -> Any:
        # The bits must live as long as the parameters: faiss keeps no reference to them.
        self.bits = np.packbits(mask, bitorder="little")
        return self.faiss.SearchParameters(sel=self.faiss.IDSelectorBitmap(self.bits))

    def _reads_filters(self) -> bool:
        """Whether a search of which one product passes finds no other."""
        mask = np.zeros(len(self.shop), np.bool_)
        mask[-1] = True
        try:
            found = self.index.search(self.shop.queries[:1], K, params=self._parameters(mask))[1]
        except RuntimeError:
            return False
        return set(found.ravel().tolist()) <= {-1, len(self.shop) - 1}
