"""From what a candidate answered to its figures, and to the inputs that did worst in each."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from export.check import norm_error
from export.gate.evidence import Asked, Evidence, Found
from export.gate.fidelity import WORST_SHOWN, cosines, first_percentile, spread, worst_of
from export.gate.judge import judge
from export.gate.labelled import compared, labelled_recall, losses
from export.gate.neighbours import measurable, recall, require_telling
from export.gate.subject import Subject
from export.gate.trial import Trial
from export.gate.values import COSINES, Bounds, Failure, Figures, Labelled, Verdict
from export.reference import Floats

Values = NDArray[np.float64]
# Products as labelled queries are compared with them.
Rows = Callable[[Floats], Floats]

KS = {"recall_at_10": 10, "recall_at_100": 100}


@dataclass(frozen=True)
class Judge:
    """FP32's answers, which those of every candidate are held to.

    Args:
        trial: Inputs and products.
        asked: The inputs, with the reference's vectors.
        found: The products by FP32.
        rows: Makes of a tower's product vectors what labelled queries are compared with.

    Raises:
        BadEvaluation: By these answers nothing can be judged.
    """

    trial: Trial
    asked: Asked
    found: Found
    rows: Rows

    def __post_init__(self) -> None:
        for k in self.ks.values():
            require_telling(self.truth, self.trial.own, k)

    @cached_property
    def truth(self) -> Floats:
        """``(inputs, products)`` similarities by FP32."""
        return self.asked.reference @ self.found.truth.T

    @property
    def ks(self) -> dict[str, int]:
        """How many neighbours each figure looks at."""
        others = len(self.found.truth) - 1
        return {figure: measurable(k, others) for figure, k in KS.items()}

    def verdict(self, subject: Subject, evidence: Evidence, timing: Figures, bounds: Bounds) -> Verdict:
        """Figures of a candidate, held to its bounds.

        Args:
            subject: The candidate.
            evidence: What it answered.
            timing: Has its latencies.
            bounds: What is asked.
        """
        near = cosines(evidence.alone, self.asked.reference)
        figures, worst = self._figures(evidence, near, timing)
        graph = subject.candidate.graph
        figures = replace(figures, bytes=graph.stat().st_size if graph.exists() else 0)
        if subject.broken:
            worst |= dict.fromkeys(set(worst) - {"preparation"}, (subject.broken,))
        failures = judge(figures, bounds, worst)
        if subject.broken and not failures:
            failures = (Failure("latency_ratio", math.nan, math.inf, (subject.broken,), at_least=False),)
        shown = worst_of(near, self.asked.labels)
        return Verdict(subject.candidate, figures, failures, shown, tuple(near.tolist()))

    def _figures(self, evidence: Evidence, near: Values, timing: Figures) -> tuple[Figures, dict[str, tuple[str, ...]]]:
        labels = self.asked.labels
        with np.errstate(all="ignore"):  # what is not a number is found below, and fails
            found = evidence.alone @ evidence.corpus.T
        recalls = {figure: recall(self.truth, found, self.trial.own, k) for figure, k in self.ks.items()}
        lengths = np.concatenate([norm_error(evidence.alone), norm_error(evidence.corpus)]).astype(np.float64)
        differences = np.concatenate([self.asked.differences, self.found.differences])
        labelled, lost = self._labelled(evidence)
        figures = replace(
            timing,
            cosine_mean=float(near.mean()),
            cosine_p01=first_percentile(near),
            cosine_min=float(near.min()),
            recall_at_10=float(recalls["recall_at_10"].mean()),
            recall_at_100=float(recalls["recall_at_100"].mean()),
            k_at_10=self.ks["recall_at_10"],
            k_at_100=self.ks["recall_at_100"],
            batch_distance=float(evidence.moved.max()),
            norm_error=float(lengths.max()),
            preparation=float(differences.max()),
            spread=spread(evidence.alone),
            labelled=labelled,
            inputs=len(labels),
            products=len(self.found.truth),
        )
        names = (*labels, *(f"product {item.label}" for item in self.trial.corpus))
        return figures, {
            **dict.fromkeys((*COSINES, "spread"), tuple(map(str, worst_of(near, labels)))),
            **{figure: _named(values, labels, least=True) for figure, values in recalls.items()},
            "batch_distance": _named(evidence.moved, labels),
            "norm_error": _named(lengths, names),
            "preparation": _named(differences, names),
            "labelled_drop": lost,
        }

    def _labelled(self, evidence: Evidence) -> tuple[Labelled | None, tuple[str, ...]]:
        right = self.trial.right
        if not right:
            return None, ()
        reference = labelled_recall((self.asked.reference, self.rows(self.found.truth)), right)
        candidate = labelled_recall((evidence.alone, self.rows(evidence.corpus)), right)
        return compared(reference, candidate), _named(
            losses(reference, candidate), [self.asked.labels[at] for at in right]
        )


def _named(values: Values, labels: Sequence[str], *, least: bool = False) -> tuple[str, ...]:
    """The worst values with their inputs; what is not a number is worse than all."""
    ranked = np.where(np.isnan(values), -np.inf, values if least else -values)
    return tuple(f"{values[at]:.4g}  {labels[at]}" for at in np.argsort(ranked, kind="stable")[:WORST_SHOWN])


def timing_of(taken: Mapping[int, float], source: Mapping[int, float]) -> Figures:
    """Latencies, and their ratios to FP32's, as the first figures."""
    ratios = {batch: taken[batch] / source[batch] for batch in taken if batch in source}
    return Figures(latency_ms=dict(taken), latency_ratio=ratios)
