"""What was promised: an SLO file, and whether a load kept it.

    p99_ms = 250          # 99th percentile of latency, from the time that a request was due
    error_rate = 0.001    # failed over done; rejected requests and wrong answers are failed ones
    min_rps = 40          # successful answers a second
    recall_probe = 0.95   # share of queries with a known product that found it

All are optional, but one at least is given.
"""

from __future__ import annotations

import math
import tomllib
from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path

from loadtest.arrivals.measured import Measured
from loadtest.errors import BadSlo


@dataclass(frozen=True)
class Slo:
    """Bounds; None: not promised.

    Args:
        p99_ms: At most, in milliseconds, above 0.
        error_rate: At most, 0 to 1.
        min_rps: At least, successful answers a second, above 0.
        recall_probe: At least, 0 to 1.

    Raises:
        BadSlo: With all that is wrong, a line each.
    """

    p99_ms: float | None = None
    error_rate: float | None = None
    min_rps: float | None = None
    recall_probe: float | None = None

    def __post_init__(self) -> None:
        problems = [problem for name in BOUNDS if (problem := _problem(name, getattr(self, name)))]
        if all(getattr(self, name) is None for name in BOUNDS):
            problems.append(f"none of {', '.join(BOUNDS)}; give at least one")
        if problems:
            raise BadSlo("\n".join(problems))


BOUNDS = tuple(one.name for one in fields(Slo))
_SHARES = ("error_rate", "recall_probe")


@dataclass(frozen=True)
class Verdict:
    """One promise.

    Args:
        name: As in the file.
        bound: What was promised.
        got: What was measured; NaN where nothing was.
        kept: Whether it was kept; a promise that nothing was measured of is broken.
        told: In words.
    """

    name: str
    bound: float
    got: float
    kept: bool
    told: str


@dataclass(frozen=True)
class Figures:
    """What promises are held to.

    Args:
        p99_ms: NaN where nothing succeeded.
        error_rate: Failed over done.
        rps: Successful answers a second.
        recall: NaN where no query has a known answer.
    """

    p99_ms: float
    error_rate: float
    rps: float
    recall: float

    @classmethod
    def of(cls, measured: Measured) -> Figures:
        """Those of a load."""
        recall = float("nan") if measured.recall is None else measured.recall
        return cls(measured.latency.p99, measured.error_rate, measured.achieved_rps, recall)


def read_slo(path: Path) -> Slo:
    """Read an SLO file.

    Raises:
        BadSlo: With all of its mistakes, a line each.
    """
    try:
        told = tomllib.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise BadSlo(f"{path}: cannot be read: {error}") from None
    problems = [f"{name}: unknown; allowed: {', '.join(BOUNDS)}" for name in told if name not in BOUNDS]
    try:
        slo = Slo(**{name: value for name, value in told.items() if name in BOUNDS})
    except BadSlo as error:
        problems += str(error).splitlines()
    if problems:
        raise BadSlo("\n".join(f"{path}: {problem}" for problem in problems))
    return slo


def judge(slo: Slo, figures: Figures) -> tuple[Verdict, ...]:
    """Whether each promise was kept, and by how much not."""
    found = (
        _verdict("p99_ms", slo.p99_ms, figures.p99_ms, _at_most, "ms"),
        _verdict("error_rate", slo.error_rate, figures.error_rate, _at_most, ""),
        _verdict("min_rps", slo.min_rps, figures.rps, _at_least, "requests/s"),
        _verdict("recall_probe", slo.recall_probe, figures.recall, _at_least, ""),
    )
    return tuple(one for one in found if one is not None)


def _verdict(
    name: str, bound: float | None, got: float, keeps: Callable[[float, float], bool], unit: str
) -> Verdict | None:
    if bound is None:
        return None
    kept = keeps(got, bound)
    word = "at most" if keeps is _at_most else "at least"
    if math.isnan(got):
        return Verdict(name, bound, got, kept=False, told=f"{name}: nothing was measured; promised {word} {bound:g}")
    told = f"{name}: {got:.4g} {unit}".rstrip() + f", promised {word} {bound:g}"
    if not kept:
        told += f": off by {abs(got - bound):.4g}" + (f" ({abs(got - bound) / bound:.0%})" if bound else "")
    return Verdict(name, bound, got, kept, told)


def _at_most(got: float, bound: float) -> bool:
    return got <= bound


def _at_least(got: float, bound: float) -> bool:
    return got >= bound


def _problem(name: str, value: object) -> str | None:
    if value is None:
        return None
    most = 1.0 if name in _SHARES else math.inf
    least_told = "a number from 0 to 1" if name in _SHARES else "a finite number above 0"
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return f"{name}: {value!r}; allowed: {least_told}"
    if not 0 <= value <= most or (value == 0 and name not in _SHARES):
        return f"{name}: {value!r}; allowed: {least_told}"
    return None
