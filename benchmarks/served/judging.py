"""Compares what is served with FP32, for texts and for photos apart."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmarks.served.asking import Asked, found
from benchmarks.served.reference import Floats, Reference
from benchmarks.served.values import Judged
from catalogue.errors import shown
from export.compare.metrics import quality
from export.errors import BadEvaluation, TooLittle
from export.gate.neighbours import measurable, recall, require_telling
from export.gate.trial import MIN_INPUTS
from export.gate.values import LABELLED_KS, Failure, Labelled
from export.queries import Query

K = 10
WORST_SHOWN = 5

Values = NDArray[np.float64]
# Places of the right products, by place of the query.
Right = Mapping[int, Sequence[int]]


@dataclass(frozen=True)
class Compared:
    """Whole answers beside those of FP32.

    Args:
        truth: ``(answers, products)`` scores by FP32.
        served: The same as served, -inf where a product was not among the answers.
        shares: ``(answers,)``: share of FP32's nearest products that are served.
    """

    truth: Floats
    served: Floats
    shares: Values

    @classmethod
    def of(cls, truth: Floats, served: Floats, k: int) -> Compared:
        """Compare the first ``k``."""
        return cls(truth, served, recall(truth, served, _no_own(len(truth)), k))

    @property
    def differences(self) -> Values:
        """``(served scores,)``: how far each is from that of FP32."""
        there = np.isfinite(self.served)
        apart: Values = np.abs(self.served[there].astype(np.float64) - self.truth[there])
        return apart

    def labelled(self, right: Right) -> Labelled | None:
        """Recall of labelled queries on both sides; ``None`` where there is none."""
        if not right:
            return None
        rows = list(right)
        wanted = np.zeros((len(rows), self.truth.shape[1]), bool)
        for row, places in enumerate(right.values()):
            wanted[row, list(places)] = True
        # The metrics take finite scores only; this one is below all that are served.
        served = np.where(np.isfinite(self.served), self.served, np.finfo(np.float32).min)
        figures = (quality(scores[rows], wanted) for scores in (self.truth, served))
        means = [{k: float(one[f"recall@{k}"].mean()) for k in LABELLED_KS} for one in figures]
        return Labelled(len(rows), *means)


def judge(kind: str, queries: Sequence[Query], reference: Reference, asked: Asked, bound: float) -> Judged:
    """Ask every query of a kind, and compare.

    Args:
        kind: ``text`` or ``photo``.
        queries: All of that kind.
        reference: What FP32 answers.
        asked: Whom to ask.
        bound: Least recall@10.

    Raises:
        TooLittle: There are too few queries or products to judge by.
        BadEvaluation: Labels are not in the index, or any ranking would pass.
        TandemError: The server refuses a query, or does not answer.
    """
    if len(queries) < MIN_INPUTS:
        raise TooLittle(f"{len(queries)} {kind} queries, at least {MIN_INPUTS} are needed: give more")
    check_labels(queries, asked.places)
    k = measurable(K, len(asked.places))
    truth = reference.scores(queries)
    require_telling(truth, _no_own(len(queries)), k)
    answers = asked.answers(queries)
    problems = [asked.problem(answer) for answer in answers]
    whole = [at for at, problem in enumerate(problems) if problem is None]
    compared = Compared.of(truth[whole], found([answers[at] for at in whole], asked.places), k)
    kept = [queries[at] for at in whole]
    broken = [f"{query.label}: {why}" for query, why in zip(queries, problems, strict=True) if why]
    return Judged(
        kind=kind,
        queries=len(queries),
        products=len(asked.places),
        recall_at_10=_mean(compared.shares),
        bound=bound,
        k_at_10=k,
        score_mean=_mean(compared.differences),
        score_max=float(compared.differences.max(initial=-math.inf)),
        labelled=compared.labelled(right_places(kept, asked.places)),
        failures=(*_broken(kind, broken, len(queries)), *_too_low(kind, compared.shares, bound, kept)),
    )


def check_labels(queries: Sequence[Query], places: Mapping[str, int]) -> None:
    """Refuse labels that no answer can meet.

    Raises:
        BadEvaluation: A product is not in the index.
    """
    unknown = [f"{query.label}: {shown(name)}" for query in queries for name in query.products if name not in places]
    if unknown:
        raise BadEvaluation(f"queries: {len(unknown)} label(s) are not in the release's index, first {unknown[0]}")


def right_places(queries: Sequence[Query], places: Mapping[str, int]) -> Right:
    """Places of the right products of queries that have labels."""
    return {at: [places[name] for name in query.products] for at, query in enumerate(queries) if query.products}


def _broken(kind: str, broken: Sequence[str], queries: int) -> list[Failure]:
    if not broken:
        return []
    share = 1 - len(broken) / queries
    return [Failure(f"share of whole answers to {kind} queries", share, 1.0, tuple(broken[:WORST_SHOWN]))]


def _too_low(kind: str, shares: Values, bound: float, queries: Sequence[Query]) -> list[Failure]:
    value = _mean(shares)
    # Written so that NaN fails.
    if value >= bound:
        return []
    order = np.argsort(shares, kind="stable")[:WORST_SHOWN]
    worst = tuple(f"{shares[at]:.2f}  {queries[at].label}" for at in order)
    return [Failure(f"recall@{K} of served {kind} queries", value, bound, worst)]


def _mean(values: Values) -> float:
    return float(values.mean()) if len(values) else math.nan


def _no_own(queries: int) -> NDArray[np.int64]:
    """No query was taken from a product."""
    return np.full(queries, -1, np.int64)
