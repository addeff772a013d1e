"""Clusters of product vectors, for the profile that leads away from what was looked at."""

from __future__ import annotations

import math

import faiss
import numpy as np

from ensemble.index.ann.threads import threads
from export.recommend_table import MOST_CLUSTERS
from export.reference import Floats

ITERATIONS = 25
SEED = 1
# More say nothing further about where a centroid is, and cost their time.
POINTS_A_CLUSTER = 256


def how_many(products: int, asked: int = 0) -> int:
    """So many clusters as were asked for, else about the square root of the products; at most one a product."""
    return max(1, min(asked or min(round(math.sqrt(products)), MOST_CLUSTERS), products))


def cluster(vectors: Floats, count: int) -> Floats:
    """Spherical k-means (Dhillon and Modha, "Concept decompositions for large sparse text data", 2001), by FAISS.

    One thread, so that the same vectors give the same centroids on every machine of a kind.

    Args:
        vectors: ``(products, dim)``, of length 1.
        count: How many clusters; at most as many as products.

    Returns:
        ``(count, dim)`` centroids of length 1.
    """
    kmeans = faiss.Kmeans(
        vectors.shape[1],
        count,
        niter=ITERATIONS,
        seed=SEED,
        spherical=True,
        min_points_per_centroid=1,
        max_points_per_centroid=POINTS_A_CLUSTER,
    )
    with threads(1):
        kmeans.train(np.ascontiguousarray(vectors, np.float32))
    centroids = np.asarray(kmeans.centroids, np.float32)
    # A cluster of products that point in opposite directions has no middle: it keeps one of them.
    lengths = np.linalg.norm(centroids, axis=1, keepdims=True)
    lost = ~(lengths[:, 0] > 0)
    centroids[lost] = vectors[np.flatnonzero(lost) % len(vectors)]
    lengths[lost] = 1
    unit: Floats = centroids / lengths
    return unit
