"""FAISS as it comes: a flat index, a graph, and inverted lists with three kinds of codes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import faiss as library
import numpy as np

from benchmarks.retrieval.shop import Floats, K, Numbers
from benchmarks.retrieval.systems.base import Search, System

faiss: Any = library
TRAINING_ROWS = 150_000
FILE = "index.faiss"
PROBES = (8, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512, 768, 1_024, 1_536, 2_048)


class FaissSystem(System):
    """Common to all of them: inner product, filters as a bitmap made beforehand."""

    index: Any

    def build(self) -> None:
        """See ``System.build``."""
        faiss.omp_set_num_threads(2)
        index, rows = self.made(), np.asarray(self.shop.rows, np.float32)
        sample = np.random.default_rng(0).permutation(len(rows))[:TRAINING_ROWS]
        index.train(rows[np.sort(sample)])
        index.add(rows)
        faiss.write_index(index, str(self.folder / FILE))

    def open(self) -> None:
        """See ``System.open``."""
        self.index = faiss.read_index(str(self.folder / FILE))

    def search(self, rate: float, setting: int) -> Search:
        """The selector is made beforehand."""
        selector = None if rate == 1.0 else self.selector(rate)
        parameters = self.parameters(setting, selector)

        def find(query: Floats) -> Numbers:
            numbers: Numbers = self.index.search(query[None], K, params=parameters)[1][0]
            return numbers[numbers >= 0]

        return find

    def made(self) -> Any:
        """The empty index."""
        raise NotImplementedError

    def selector(self, rate: float) -> Any:
        """The products that pass."""
        return faiss.IDSelectorBitmap(np.packbits(self.shop.mask(rate), bitorder="little"))

    def parameters(self, setting: int, selector: Any) -> Any:
        """Of one search."""
        raise NotImplementedError


class Flat(FaissSystem):
    """Every row in float32; where a tenth or less pass, those alone by their numbers."""

    name = "faiss-flat"

    def made(self) -> Any:
        """See ``FaissSystem.made``."""
        return faiss.IndexFlatIP(self.shop.rows.shape[1])

    def selector(self, rate: float) -> Any:
        """See ``FaissSystem.selector``."""
        if rate > 0.1:
            return super().selector(rate)
        return faiss.IDSelectorArray(np.flatnonzero(self.shop.mask(rate)))

    def parameters(self, setting: int, selector: Any) -> Any:
        """See ``FaissSystem.parameters``."""
        return faiss.SearchParameters(sel=selector) if selector is not None else None


class Hnsw(FaissSystem):
    """A graph of 32 neighbours over float32 rows."""

    name = "faiss-hnsw32"
    settings: Sequence[int] = (16, 32, 48, 64, 96, 128, 192, 256, 384, 512, 768, 1_024)

    def made(self) -> Any:
        """See ``FaissSystem.made``."""
        index = faiss.IndexHNSWFlat(self.shop.rows.shape[1], 32, faiss.METRIC_INNER_PRODUCT)
        index.hnsw.efConstruction = 100
        return index

    def parameters(self, setting: int, selector: Any) -> Any:
        """See ``FaissSystem.parameters``."""
        return faiss.SearchParametersHNSW(efSearch=setting, sel=selector)


class _Lists(FaissSystem):
    settings = PROBES
    codes: str

    def made(self) -> Any:
        """See ``FaissSystem.made``."""
        lists = 1 << round(math.log2(4 * math.sqrt(len(self.shop))))
        return faiss.index_factory(self.shop.rows.shape[1], f"IVF{lists},{self.codes}", faiss.METRIC_INNER_PRODUCT)

    def parameters(self, setting: int, selector: Any) -> Any:
        """See ``FaissSystem.parameters``."""
        return faiss.SearchParametersIVF(nprobe=setting, sel=selector)


class IvfSq8(_Lists):
    """Lists of rows in 8 bits a value."""

    name, codes = "faiss-ivf-sq8", "SQ8"


class IvfFp16(_Lists):
    """Lists of rows in float16."""

    name, codes = "faiss-ivf-fp16", "SQfp16"


class IvfPqRefined(_Lists):
    """Lists of four-bit codes, scanned fast, the best scored again in float16; its wrapper takes no filter."""

    name, codes, filters = "faiss-ivf-pqfs-refine", "PQ96x4fs,Refine(SQfp16)", False

    def parameters(self, setting: int, selector: Any) -> Any:
        """See ``FaissSystem.parameters``."""
        lists = faiss.SearchParametersIVF(nprobe=setting)
        return faiss.IndexRefineSearchParameters(k_factor=20, base_index_params=lists)
