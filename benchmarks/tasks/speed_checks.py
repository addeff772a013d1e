"""Holds what the server answers to the same recommender in process that looks at every row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from clients import Client, Hit, Recommend, Recommendations
from clients.recommend_messages import recommend
from ensemble.index.choice import EngineChoice
from ensemble.recommending import still_recommender
from ensemble.tasks import Recommended, Recommender
from loadtest.traffic.filters import holds

LEAST_RECALL = 0.99
SHOWN = 3


@dataclass
class Checked:
    """What was found of one kind of questions.

    Args:
        recall: Of each question the share of the exact answer's products that were served.
        problems: What is wrong with an answer by itself.
    """

    recall: list[float] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    @property
    def figures(self) -> dict[str, float | int]:
        """As they are written down."""
        return {
            "asked": len(self.recall),
            "recall_at_10": round(float(np.mean(self.recall)), 4),
            "recall_at_10_least": round(min(self.recall), 4),
        }


class Exact:
    """Answers in process by looking at every row that passes.

    Args:
        folder: Of the recommender.
    """

    def __init__(self, folder: Path) -> None:
        self._recommender: Recommender = still_recommender(folder, engine=EngineChoice("exact"))

    def ids(self, query: Recommend) -> list[str]:
        """The products of the true answer."""
        tensors = {tensor.name: tensor.data for tensor in recommend([query]).inputs}
        (answer,) = self._recommender.answer([tensors], documents=[False])
        if not isinstance(answer, Recommended):
            raise answer
        return answer.found.ids[0]


def check(client: Client, exact: Exact, queries: Sequence[Recommend]) -> Checked:
    """Ask the server and the exact twin the same questions."""
    checked = Checked()
    for query in queries:
        (answer,) = client.recommend_many([query])
        true, served = exact.ids(query), [hit.id for hit in answer.hits]
        checked.recall.append(float(np.isin(true, served).mean()) if true else float(not served))
        checked.problems += problems(query, answer)
    return checked


def problems(query: Recommend, answer: Recommendations) -> list[str]:
    """What an answer cannot be, whatever the index is like."""
    ids = [hit.id for hit in answer.hits]
    own = {name for name, _ in query.weighted}
    found = []
    if len(set(ids)) != len(ids):
        found.append("a product comes twice")
    if own & set(ids):
        found.append("a product that was asked about is recommended")
    if len(ids) < query.k and not answer.reason:
        found.append(f"{len(ids)} of {query.k} products without a reason")
    found += [f"{hit.id} does not pass {query.filter!r}" for hit in answer.hits if not _passes(query.filter, hit)]
    found += [f"{hit.id} by rule {hit.rule!r} is of {hit.category}" for hit in answer.hits if not _ruled(query, hit)]
    return found


def refuse(checked: dict[str, Checked]) -> None:
    """Stop where answers are wrong, however fast they are.

    Raises:
        SystemExit: They are; names what.
    """
    for kind, one in checked.items():
        if one.problems:
            raise SystemExit(f"{kind}: wrong answers: {'; '.join(one.problems[:SHOWN])}")
        if np.mean(one.recall) < LEAST_RECALL:
            raise SystemExit(f"{kind}: recall {np.mean(one.recall):.4f}, at least {LEAST_RECALL} is needed")


def _passes(expression: Any, hit: Hit) -> bool:
    return expression is None or holds(expression, hit)


def _ruled(query: Recommend, hit: Hit) -> bool:
    """Whether the rule is one that the task has, and the product is where the rule says."""
    name, _, where = hit.rule.partition(":")
    within = name not in {"complement", "popular"} or f"{hit.category}/".startswith(f"{where}/") or not where
    return within and name in {query.task, "similar", "popular"}
