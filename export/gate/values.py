"""What the gate asks of a graph, what it measured, and what it decided.

A figure that could not be measured, since the graph's vectors are not numbers or it cannot be run, is NaN; no bound
lets NaN pass.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from export.precision.candidates import Candidate

# Batches that latency is measured at.
BATCHES = (1, 8, 32)
# A labelled query's right products are looked for among this many.
LABELLED_KS = (1, 5, 10)
# Unit vectors this far apart have a cosine of 0.88: a bound above bounds nothing.
MAX_BATCH_DISTANCE = 0.5
COSINES = ("cosine_mean", "cosine_p01", "cosine_min")


@dataclass(frozen=True)
class Bounds:
    """What a candidate must keep.

    Args:
        recall_at_10: Least share of FP32's ten nearest products that it finds too; above 0, at most 1.
        cosine_mean: Least mean cosine to the reference; ``None`` bounds nothing, but one cosine must be bounded.
        cosine_p01: Least 1st percentile of the cosines.
        cosine_min: Least cosine of all.
        recall_at_100: Least share of FP32's hundred nearest products; ``None`` bounds nothing.
        batch_distance: Farthest that a vector may move (L2) when others share its batch.
        labelled_drop: How much less recall@1 and recall@5 of labelled queries may be than FP32's.

    Raises:
        ValueError: A bound is not a number, out of its range, or no cosine is bounded.
    """

    recall_at_10: float
    cosine_mean: float | None = None
    cosine_p01: float | None = None
    cosine_min: float | None = None
    recall_at_100: float | None = None
    batch_distance: float = 1e-3
    labelled_drop: float = 0.02

    def __post_init__(self) -> None:
        for name in (*COSINES, "recall_at_10", "recall_at_100"):
            value = getattr(self, name)
            # Written so that NaN is refused too.
            if value is not None and not 0 < value <= 1:
                raise ValueError(f"`{name}` must be above 0 and at most 1, got {value}")
        if self.recall_at_10 is None or all(getattr(self, name) is None for name in COSINES):
            raise ValueError(f"`recall_at_10` and one of {', '.join(COSINES)} must be bounded")
        if not 0 < self.batch_distance <= MAX_BATCH_DISTANCE:
            raise ValueError(f"`batch_distance` must be above 0, at most {MAX_BATCH_DISTANCE}: {self.batch_distance}")
        if not 0 <= self.labelled_drop < 1:
            raise ValueError(f"`labelled_drop` must be at least 0 and below 1, got {self.labelled_drop}")


@dataclass(frozen=True)
class Labelled:
    """Recall of labelled queries: the share of a query's right products among its first ``k``, by ``k``.

    Args:
        queries: How many there are.
        reference: By FP32.
        candidate: By the candidate.
    """

    queries: int
    reference: Mapping[int, float]
    candidate: Mapping[int, float]

    @property
    def drop(self) -> float:
        """Largest loss of recall@1 and recall@5; below 0 where the candidate is better in both."""
        losses = [self.reference[k] - self.candidate[k] for k in (1, 5)]
        return math.nan if any(map(math.isnan, losses)) else max(losses)


@dataclass(frozen=True)
class Figures:
    """What was measured of one candidate; shares are of 1.

    Args:
        cosine_mean: Mean cosine to the reference over the held-out inputs.
        cosine_p01: Their 1st percentile; the worst, where there are fewer than 100.
        cosine_min: The worst.
        recall_at_10: Share of FP32's nearest products found too, mean over the queries.
        recall_at_100: The same for a hundred.
        k_at_10: How many nearest products ``recall_at_10`` looked at: fewer than ten in a tiny catalogue.
        k_at_100: The same for ``recall_at_100``; see ``neighbours.measurable``.
        batch_distance: Farthest that a vector moved when others shared its batch.
        norm_error: Largest difference of a vector's length to 1.
        preparation: Largest difference between a served tensor and its twin; see ``preparation.Prepared``.
        spread: 1 less the length of the mean vector; 0 where all vectors are one.
        latency_ms: Median milliseconds of a run, by batch.
        latency_ratio: The same over FP32's in the same run.
        labelled: Recall of labelled queries; ``None`` where no query has labels.
        inputs: How many held-out inputs there were.
        products: How many products there were to find.
        bytes: Size of the graph's file.
    """

    cosine_mean: float = math.nan
    cosine_p01: float = math.nan
    cosine_min: float = math.nan
    recall_at_10: float = math.nan
    recall_at_100: float = math.nan
    k_at_10: int = 0
    k_at_100: int = 0
    batch_distance: float = math.nan
    norm_error: float = math.nan
    preparation: float = math.nan
    spread: float = math.nan
    latency_ms: Mapping[int, float] = field(default_factory=dict)
    latency_ratio: Mapping[int, float] = field(default_factory=dict)
    labelled: Labelled | None = None
    inputs: int = 0
    products: int = 0
    bytes: int = 0

    @property
    def labelled_drop(self) -> float | None:
        """Largest loss of labelled recall@1 and recall@5; ``None`` where no query has labels."""
        return None if self.labelled is None else self.labelled.drop

    @property
    def speed(self) -> float:
        """Geometric mean of the latency ratios, smaller is faster; infinite where one was not measured."""
        ratios = [self.latency_ratio.get(batch, math.nan) for batch in BATCHES]
        if not all(math.isfinite(ratio) and ratio > 0 for ratio in ratios):
            return math.inf
        return math.exp(sum(map(math.log, ratios)) / len(ratios))

    @property
    def throughput_ratio_b32(self) -> float:
        """Inputs a second at a batch of 32 over FP32's."""
        return 1 / self.latency_ratio[32] if self.latency_ratio.get(32) else math.nan


@dataclass(frozen=True)
class Failure:
    """A figure out of its bound.

    Args:
        figure: Its name.
        value: What was measured; NaN where that was not possible.
        bound: What is asked.
        worst: The inputs that did worst, as a reader knows them, with their values; or why there is no value.
        at_least: Whether the bound is the least allowed, not the most.
    """

    figure: str
    value: float
    bound: float
    worst: tuple[str, ...]
    at_least: bool = True

    def __str__(self) -> str:
        asked = "at least" if self.at_least else "at most"
        return f"{self.figure} is {self.value:.6g}, {asked} {self.bound:.6g} is asked"


@dataclass(frozen=True)
class Worst:
    """One of the inputs that did worst.

    Args:
        label: What a reader knows it as.
        cosine: To the reference.
    """

    label: str
    cosine: float

    def __str__(self) -> str:
        return f"{self.cosine:.4f}  {self.label}"


@dataclass(frozen=True)
class Verdict:
    """What the gate decided on a candidate.

    Args:
        candidate: On which.
        figures: What was measured.
        failures: Every figure that is out of its bound.
        worst: The inputs with the lowest cosines, lowest first.
        cosines: Of every held-out input; empty where the candidate cannot be run.
    """

    candidate: Candidate
    figures: Figures
    failures: tuple[Failure, ...]
    worst: tuple[Worst, ...] = ()
    cosines: tuple[float, ...] = ()

    @property
    def passed(self) -> bool:
        """Whether the candidate may serve."""
        return not self.failures
