"""The slow twin of a living index: acknowledged changes, replayed by their sequence number, and searched by hand."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

# Rows are rounded to float16 once they are stored, and scores are sums of products of such numbers: 2**-11 of relative
# error in each value of a unit vector moves an inner product with a unit vector by less than this.
TOLERANCE = 1e-3

Floats = NDArray[np.floating[Any]]
Document = dict[str, Any]


@dataclass(frozen=True)
class Change:
    """One acknowledged change.

    Args:
        seq: Its sequence number.
        id: The product.
        document: The product as it is after it; None where it was deleted.
        row: Its ``(row_dim,)`` row, where the change made one.
    """

    seq: int
    id: str
    document: Document | None
    row: Floats | None = None


@dataclass(frozen=True)
class Found:
    """One product of an answer."""

    id: str
    score: float
    document: Document


@dataclass(frozen=True)
class Answer:
    """What a search said, and what it was asked.

    Args:
        seq: The sequence number that it reports.
        query: ``(row_dim,)`` query row.
        k: How many products were wanted.
        filter: The expression, None for none.
        found: Best first.
    """

    seq: int
    query: Floats
    k: int
    filter: Mapping[str, Any] | None
    found: tuple[Found, ...]


@dataclass
class Twin:
    """The catalogue at one sequence number.

    Args:
        seq: The sequence number.
        documents: Product of each id.
        rows: Row of each id.
    """

    seq: int = 0
    documents: dict[str, Document] = field(default_factory=dict)
    rows: dict[str, Floats] = field(default_factory=dict)

    def apply(self, change: Change) -> None:
        """Go on by one change."""
        assert change.seq > self.seq, f"change {change.seq} after {self.seq}"
        self.seq = change.seq
        if change.document is None:
            self.documents.pop(change.id, None)
            self.rows.pop(change.id, None)
            return
        self.documents[change.id] = change.document
        if change.row is not None:
            self.rows[change.id] = np.asarray(change.row, np.float16).astype(np.float64)

    def problem(self, answer: Answer) -> str | None:
        """What is wrong with an answer at this very state, in words; None where nothing is.

        Scores may be off by ``TOLERANCE``; products whose scores are closer than twice that may change places.
        """
        scores = self._scores(answer)
        for found in answer.found:
            if found.id not in scores:
                return f"{found.id} was found as {found.document}, and is {self._why_not(found.id)}"
            if found.document != self.documents[found.id]:
                return f"{found.id} was found as {found.document}, and is {self.documents[found.id]}"
            if abs(found.score - scores[found.id]) > TOLERANCE:
                return f"{found.id} has score {scores[found.id]}, and was found with {found.score}"
        return self._order_problem(answer, scores)

    def _scores(self, answer: Answer) -> dict[str, float]:
        """Score of every product that may be found."""
        passing = [name for name in self.rows if passes(answer.filter, self.documents[name])]
        if not passing:
            return {}
        rows = np.stack([self.rows[name] for name in passing])
        return dict(zip(passing, (rows @ np.asarray(answer.query, np.float64)).tolist(), strict=True))

    def _order_problem(self, answer: Answer, scores: Mapping[str, float]) -> str | None:
        told = [found.score for found in answer.found]
        names = {found.id for found in answer.found}
        wanted = min(answer.k, len(scores))
        if len(names) != len(told) or len(told) != wanted:
            return f"{len(told)} products were found, {len(names)} of them distinct, and {wanted} are there"
        if any(second > first for first, second in pairwise(told)):
            return f"scores are not descending: {told}"
        missed = {name: score for name, score in scores.items() if name not in names}
        best = max(missed, key=lambda name: missed[name], default=None)
        if best is not None and missed[best] > told[-1] + 2 * TOLERANCE:
            return f"{best} with score {missed[best]} was not found, and the last one has {told[-1]}"
        return None

    def _why_not(self, name: str) -> str:
        if name not in self.documents:
            return "not in the catalogue"
        return f"without a row: {self.documents[name]}" if name not in self.rows else f"{self.documents[name]}"


def check(changes: Iterable[Change], answers: Sequence[Answer], start: Twin) -> int:
    """Hold every answer to the twin at the sequence number that it reports.

    Args:
        changes: All changes after the start, in any order.
        answers: In any order.
        start: The catalogue before them; is taken to the end.

    Returns:
        How many answers were held.
    """
    following = iter(sorted(changes, key=lambda change: change.seq))
    change = next(following, None)
    for held, answer in enumerate(sorted(answers, key=lambda answer: answer.seq)):
        while change is not None and change.seq <= answer.seq:
            start.apply(change)
            change = next(following, None)
        problem = start.problem(answer)
        assert problem is None, f"answer {held} at {answer.seq} to k={answer.k}, {answer.filter}: {problem}"
    while change is not None:
        start.apply(change)
        change = next(following, None)
    return len(answers)


def passes(expression: Mapping[str, Any] | None, document: Document) -> bool:
    """Whether a product passes a filter, by the rules in docs/design.md and no more."""
    if not expression:
        return True
    ((operator, operand),) = expression.items()
    if operator == "and":
        return all(passes(part, document) for part in operand)
    if operator == "or":
        return any(passes(part, document) for part in operand)
    if operator == "not":
        return not passes(operand, document)
    value = _field(document, operand[0])
    if value is None:
        return False
    if operator == "eq":
        return bool(value == operand[1])
    if operator == "in":
        return value in operand[1]
    if operator == "range":
        low, high = operand[1:]
        return (low is None or value >= low) and (high is None or value <= high)
    assert operator == "under", operator
    return bool(value == operand[1] or value.startswith(f"{operand[1]}/"))


def _field(document: Document, name: str) -> Any:
    if name == "available":
        return document.get(name, True)
    if name in ("id", "category", "price"):
        return document.get(name) or (0.0 if document.get(name) == 0 else None)
    return document["attributes"].get(name)
