"""qdrant-edge: Qdrant's engine in the process, a graph over float16 rows with an index over the filtered field."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from typing import Any

import numpy as np
import qdrant_edge as library

from benchmarks.retrieval.shop import Floats, K, Numbers, top_lot
from benchmarks.retrieval.systems.base import Search, System

qdrant: Any = library
POINTS_AT_ONCE = 5_000


class QdrantEdge(System):
    """One shard, optimised before it is searched, with one search thread."""

    name = "qdrant-edge"
    settings: Sequence[int] = (16, 32, 64, 96, 128, 192, 256, 384, 512, 768, 1_024)
    shard: Any

    def build(self) -> None:
        """See ``System.build``."""
        shutil.rmtree(self.folder / "shard", ignore_errors=True)
        (self.folder / "shard").mkdir()
        shard = qdrant.EdgeShard.create(str(self.folder / "shard"), self._configuration())
        for first in range(0, len(self.shop), POINTS_AT_ONCE):
            rows = np.asarray(self.shop.rows[first : first + POINTS_AT_ONCE], np.float32).tolist()
            lots = self.shop.lots[first : first + POINTS_AT_ONCE].tolist()
            points = [
                qdrant.Point(number, row, {"lot": lot})
                for number, (row, lot) in enumerate(zip(rows, lots, strict=True), first)
            ]
            shard.update(qdrant.UpdateOperation.upsert_points(points))
        shard.update(qdrant.UpdateOperation.create_field_index("lot", qdrant.PayloadSchemaType.Integer))
        shard.optimize()
        shard.flush()
        shard.close()

    def open(self) -> None:
        """See ``System.open``."""
        self.shard = qdrant.EdgeShard.load(str(self.folder / "shard"))

    def search(self, rate: float, setting: int) -> Search:
        """See ``System.search``."""
        passing = None
        if rate < 1.0:
            bounds = qdrant.RangeFloat(gte=0, lte=top_lot(rate))
            passing = qdrant.Filter(must=[qdrant.FieldCondition(key="lot", range=bounds)])
        parameters = qdrant.SearchParams(hnsw_ef=setting)

        def find(query: Floats) -> Numbers:
            request = qdrant.SearchRequest(
                query=qdrant.Query.Nearest(query.tolist()), limit=K, filter=passing, params=parameters
            )
            return np.array([point.id for point in self.shard.search(request)], np.int64)

        return find

    def _configuration(self) -> Any:
        vectors = qdrant.EdgeVectorParams(
            size=self.shop.rows.shape[1],
            distance=qdrant.Distance.Dot,
            datatype=qdrant.VectorStorageDatatype.Float16,
        )
        graph = qdrant.HnswIndexConfig(m=16, ef_construct=100, full_scan_threshold=10_000, max_indexing_threads=2)
        optimizers = qdrant.EdgeOptimizersConfig(default_segment_number=1)
        return qdrant.EdgeConfig(vectors=vectors, hnsw_config=graph, optimizers=optimizers, max_search_threads=1)
