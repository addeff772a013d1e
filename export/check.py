"""Holds an exported graph to its source on real inputs, before anything is served or embedded with it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from ensemble.towers import Tower
from export.cases import Case
from export.errors import GateFailed
from export.reference import Floats, Reference

# Largest difference allowed between a component of a vector by the graph and by its source.
MAX_ABS_DIFF = 1e-4
# Largest difference allowed between a vector's length and 1.
MAX_NORM_ERROR = 1e-3
WORST_SHOWN = 3


@dataclass(frozen=True)
class Agreement:
    """What the check found.

    Args:
        max_abs_diff: Over all components of all vectors.
        max_norm_error: Over all vectors.
        inputs: How many rows were compared.
        dim: Length of a vector.
    """

    max_abs_diff: float
    max_norm_error: float
    inputs: int
    dim: int


def hold(name: str, tower: Tower, reference: Reference, cases: Iterable[Case]) -> Agreement:
    """Compare a graph with its source.

    Args:
        name: The tower, for errors.
        tower: The graph as it will be served.
        reference: The source.
        cases: At least one.

    Raises:
        GateFailed: A vector is not finite, not of length 1, or differs by more than ``MAX_ABS_DIFF``;
            names the worst inputs.
    """
    diffs: list[float] = []
    norm_errors: list[float] = []
    labels: list[str] = []
    for case in cases:
        ours, theirs = tower.encode(case.inputs), reference(case.inputs)
        diffs += _finite_or_inf(np.abs(ours - theirs).max(axis=1)).tolist()
        norm_errors += norm_error(ours).tolist()
        labels += case.labels
        zeros = {key: np.zeros_like(array[:1]) for key, array in case.inputs.items()}
        if not np.isfinite(tower.encode(zeros)).all():
            raise GateFailed(
                f"{name}: values that are not finite", np.inf, 0, ["an input of zeros, as warm-up sends it"]
            )
    _bound(f"{name}: max abs difference to the source", diffs, MAX_ABS_DIFF, labels)
    _bound(f"{name}: max difference of a vector's length to 1", norm_errors, MAX_NORM_ERROR, labels)
    return Agreement(max(diffs), max(norm_errors), len(labels), tower.dim)


def norm_error(vectors: Floats) -> Floats:
    """``(batch,)``: how far each vector's length is from 1; infinite where a value is not finite."""
    return _finite_or_inf(np.abs(np.linalg.norm(vectors, axis=1) - 1))


def _finite_or_inf(values: Floats) -> Floats:
    return np.where(np.isfinite(values), values, np.float32(np.inf))


def _bound(figure: str, values: Sequence[float], bound: float, labels: Sequence[str]) -> None:
    worst = max(values)
    if worst > bound:
        order = np.argsort(values)[::-1][:WORST_SHOWN]
        raise GateFailed(figure, worst, bound, [f"{values[at]:.3g}  {labels[at]}" for at in order])
