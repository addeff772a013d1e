"""What the models of a release count themselves, read from the same address as Triton's metrics.

A process that was killed leaves its series behind. Its counters stand still, and its gauges are not read: they count
only of processes that told something as lately as any of their model.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple, Self

from ensemble.measuring import families

_SEARCHES = families.SEARCHES.name.removesuffix("_total")
_RECOMMENDATIONS = families.RECOMMENDATIONS.name.removesuffix("_total")
_REFUSED = families.REFUSED.name.removesuffix("_total")
_TROUBLE, _LIVE, _REPORTED = families.TROUBLE.name, families.LIVE.name, families.REPORTED.name
OWN = frozenset({_SEARCHES, _RECOMMENDATIONS, _REFUSED, _TROUBLE, _LIVE, _REPORTED})
# A process reports once a second.
_SILENT_S = 30.0


class Series(NamedTuple):
    """One series of a release's models; ``rest`` are its other labels."""

    name: str
    release: str
    model: str
    process: str
    result: str
    rest: tuple[tuple[str, str], ...]

    @classmethod
    def of(cls, name: str, labels: Mapping[str, str]) -> Self:
        """The series of a sample."""
        rest = tuple(sorted((key, value) for key, value in labels.items() if key not in cls._fields))
        release, model, process, result = (labels.get(key, "") for key in cls._fields[1:5])
        return cls(name, release, model, process, result, rest)


@dataclass(frozen=True)
class OwnCounts:
    """The series at one moment.

    Args:
        values: Of each.
    """

    values: Mapping[Series, float] = field(default_factory=dict)

    def searched(self, earlier: OwnCounts, release: int, result: str) -> float:
        """Rows between two looks that came to a result, such as ``refused``: searches and recommendations."""
        return sum(self._since(earlier, name, release, result) for name in (_SEARCHES, _RECOMMENDATIONS))

    def rejected(self, earlier: OwnCounts, release: int) -> float:
        """Requests between two looks that came while too many were under way."""
        return self._since(earlier, _REFUSED, release, "")

    def cut_off(self, release: int) -> bool:
        """Whether a process of a release cannot follow the catalogue."""
        return any(self._now(_TROUBLE, release))

    def products(self, release: int) -> float | None:
        """Rows of the catalogue that a search may find; None where nobody tells."""
        return max(self._now(_LIVE, release), default=None)

    def _since(self, earlier: OwnCounts, name: str, release: int, result: str) -> float:
        """Sum of what the series counted on; one that went back to 0 counts from there."""
        found = 0.0
        for series, value in self.values.items():
            if (series.name, series.release, series.result) == (name, str(release), result):
                before = earlier.values.get(series, 0.0)
                found += value - before if value >= before else value
        return found

    def _now(self, name: str, release: int) -> list[float]:
        """A gauge of the processes that are still there."""
        told = {
            (series.model, series.process): value
            for series, value in self.values.items()
            if series.name == _REPORTED and series.release == str(release)
        }
        newest = max(told.values(), default=0.0)
        alive = {whose for whose, time in told.items() if newest - time <= _SILENT_S}
        return [
            value
            for series, value in self.values.items()
            if (series.name, series.release) == (name, str(release)) and (series.model, series.process) in alive
        ]
