"""What a release is to be held to while it serves: known queries, their statistics, and questions with known answers.

``releases/NNNN/baseline/`` holds

======================================================= ===========================================================
``text_preprocess.npz``, ``image_preprocess.npz``, ``retrieve.npz``  what these models note of the queries
``questions.jsonl``, ``photos/``                        ``{"text" | "image", "products"}``, one question a line
``baseline.json``                                       where both come from, and the recall that the release reached
======================================================= ===========================================================
"""

from __future__ import annotations

from export.baseline.known import known_queries
from export.baseline.making import BASELINE, make_baseline

__all__ = ["BASELINE", "known_queries", "make_baseline"]
