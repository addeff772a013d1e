"""What is found of one kind of queries, and what is asked of it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ensemble.settings import SpaceSettings
from export.gate.bounds import bounds_for
from export.gate.values import Failure, Labelled
from export.queries import Query

KINDS = ("text", "photo")


@dataclass(frozen=True)
class Judged:
    """What was found for the queries of one kind.

    Args:
        kind: ``text`` or ``photo``.
        queries: How many there are.
        products: How many could be found.
        recall_at_10: Share of FP32's nearest products that are served; of whole answers, NaN where there are none.
        bound: The least that it may be.
        k_at_10: How many products ``recall_at_10`` looked at: fewer than ten in a tiny catalogue.
        score_mean: Mean difference of served scores to those of FP32 for the same products.
        score_max: Largest of them.
        labelled: Recall of labelled queries by FP32 and as served; ``None`` where no query has labels.
        failures: Every figure out of its bound.
    """

    kind: str
    queries: int
    products: int
    recall_at_10: float
    bound: float
    k_at_10: int
    score_mean: float
    score_max: float
    labelled: Labelled | None
    failures: tuple[Failure, ...]

    def as_dict(self) -> dict[str, Any]:
        """As JSON types."""
        names = ("queries", "products", "recall_at_10", "bound", "k_at_10", "score_mean", "score_max")
        figures: dict[str, Any] = {name: _rounded(getattr(self, name)) for name in names}
        if self.labelled is not None:
            pair = {"fp32": self.labelled.reference, "served": self.labelled.candidate}
            figures["labelled"] = {"queries": self.labelled.queries} | {
                name: {f"recall@{k}": round(value, 4) for k, value in one.items()} for name, one in pair.items()
            }
        return figures | {"failures": [str(one) for one in self.failures]}


def of_kind(queries: Sequence[Query], kind: str) -> list[Query]:
    """Queries of a kind."""
    return [query for query in queries if (query.image is None) == (kind == "text")]


def bound_of(kind: str, precisions: Mapping[str, str], space: SpaceSettings, asked: float | None = None) -> float:
    """The least recall@10 that a kind of queries must keep.

    Args:
        kind: ``text`` or ``photo``.
        precisions: Of the towers ``text`` and ``vision``; the lowest bound of those that have a part counts.
        space: Says which towers have a part.
        asked: Goes before.

    Raises:
        ValueError: ``asked`` is out of its range.
    """
    own, weights = ("text", space.text_query) if kind == "text" else ("vision", space.image_query)
    parts = {own} | {name for name, weight in zip(("text", "vision"), weights, strict=True) if weight}
    given = {} if asked is None else {"recall_at_10": asked}
    return min(bounds_for(precisions[name], given).recall_at_10 for name in parts)


def _rounded(value: float) -> float | int | None:
    """Six digits; ``None`` where it is not a number, since JSON knows no NaN."""
    if isinstance(value, int):
        return value
    return float(f"{value:.6g}") if math.isfinite(value) else None
