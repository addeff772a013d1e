"""From totals to what each step took, interval by interval."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from itertools import pairwise

from loadtest.metrics.scrape import Place, Sample, Totals

ENSEMBLES = frozenset(
    ("search_text", "search_image", "search", "embed_text", "embed_image", "embed_product", "upsert_product")
)


@dataclass(frozen=True)
class Interval:
    """One step between two readings.

    Args:
        second: The end of the interval, in seconds from the start of the load.
        rps: Requests a second.
        mean_ms: Mean time of a request, the queue's too.
        queue_ms: Mean time that it waited.
        batch: Mean rows of a run; of an ensemble, of a request.
    """

    second: float
    rps: float
    mean_ms: float
    queue_ms: float
    batch: float


@dataclass(frozen=True)
class StepOverTime:
    """One version of one model.

    Args:
        model: Its name.
        version: The number of its release; of an ensemble always 1.
        intervals: Those in which it was asked.
        whole: All of them as one.
    """

    model: str
    version: str
    intervals: tuple[Interval, ...]
    whole: Interval

    @property
    def name(self) -> str:
        """Model and version."""
        return f"{self.model} {self.version}"

    @property
    def ensemble(self) -> bool:
        """Whether it is made of other steps: those that callers ask, and their doubles of a release on trial."""
        return self.model.removesuffix("_canary") in ENSEMBLES


def over_time(samples: Sequence[Sample], start: float) -> tuple[StepOverTime, ...]:
    """What each step took between readings.

    Args:
        samples: Readings, in the order of time.
        start: The monotonic clock at second 0 of the load.

    Returns:
        Steps that were asked, by name.
    """
    places = sorted({place for sample in samples for place in sample.totals})
    steps = (_step(place, samples, start) for place in places)
    return tuple(step for step in steps if step is not None)


def _step(place: Place, samples: Sequence[Sample], start: float) -> StepOverTime | None:
    pairs = [
        (earlier.at, later.at, _grown(earlier.totals.get(place), later.totals.get(place)))
        for earlier, later in pairwise(samples)
    ]
    busy = [(begin, end, grown) for begin, end, grown in pairs if grown.request_success]
    if not busy:
        return None
    whole = Totals(*(sum(getattr(grown, one.name) for _, _, grown in busy) for one in fields(Totals)))
    intervals = tuple(_interval(begin, end, grown, start) for begin, end, grown in busy)
    return StepOverTime(*place, intervals, _interval(busy[0][0], busy[-1][1], whole, start))


def _interval(begin: float, end: float, grown: Totals, start: float) -> Interval:
    asked = grown.request_success
    return Interval(
        second=end - start,
        rps=asked / max(end - begin, 1e-9),
        mean_ms=grown.request_duration_us / asked / 1000,
        queue_ms=grown.queue_duration_us / asked / 1000,
        batch=grown.count / grown.exec_count if grown.exec_count else 0.0,
    )


def _grown(earlier: Totals | None, later: Totals | None) -> Totals:
    """By how much the totals grew; those of a server that was started anew begin at 0."""
    if later is None:
        return Totals()
    before = Totals() if earlier is None or earlier.request_success > later.request_success else earlier
    return Totals(*(max(0.0, getattr(later, one.name) - getattr(before, one.name)) for one in fields(Totals)))
