"""Makes what ``recommender`` reads: product tower, index, clusters, complements, popular products and tasks."""

from __future__ import annotations

from export.recommending.folder import More, Written, write_recommender

__all__ = ["More", "Written", "write_recommender"]
