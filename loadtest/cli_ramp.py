"""``python -m loadtest ramp``: how much the server carries."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from rich.console import Console

from loadtest.arrivals.fleet import Fleet
from loadtest.arrivals.profiles import steady
from loadtest.arrivals.schedule import make_schedule
from loadtest.cli_shared import (
    Catalogue,
    Deadline,
    Metrics,
    MixFile,
    Out,
    Pictures,
    Processes,
    Queries,
    Seed,
    SloFile,
    Store,
    Url,
    WritesPerS,
    mistakes_told,
    read_load,
    server_of,
)
from loadtest.cli_told import Done, finish
from loadtest.errors import BadSlo
from loadtest.knee import Knee, Search, Step, find_knee, judged
from loadtest.measuring import Watched
from loadtest.slo import Slo
from loadtest.traffic.requests import Traffic

_console = Console(stderr=True, highlight=False)
DEFAULT_P99_MS = 500.0


class Stopped(Exception):
    """Ctrl-C came; what was measured until then is told."""


class Climb:
    """Offers one rate after the other, and remembers what each came to.

    Args:
        fleet: Sends.
        watched: Measures.
        traffic: What is sent.
        seconds: How long each rate is offered.
        p99_ms: What is to be kept.
        seed: Decides the times.
    """

    def __init__(
        self, fleet: Fleet, watched: Watched, traffic: Traffic, *, seconds: float, p99_ms: float, seed: int
    ) -> None:
        self._fleet, self._watched, self._traffic = fleet, watched, traffic
        self._seconds, self._p99_ms, self._seed = seconds, p99_ms, seed
        self.steps: list[Step] = []
        self._done: list[Done] = []

    def offer(self, rate: float) -> Step:
        """Offer a rate.

        Raises:
            Stopped: Ctrl-C came.
        """
        schedule = make_schedule(self._traffic, steady(rate, self._seconds), self._seed + len(self.steps))
        done = self._watched.measure(self._fleet, schedule)
        step = judged(done[0], self._p99_ms)
        self._done.append(done)
        if done[0].stopped:
            raise Stopped
        self.steps.append(step)
        word = "carried" if step.carried else "too much"
        told = f"{step.offered_rps:8.1f}/s due, {step.achieved_rps:8.1f}/s answered, p99 {step.p99_ms:8.1f} ms"
        _console.print(f"{told}: {word}")
        return step

    def best(self) -> Done:
        """What the highest rate that was carried came to; without one, the last."""
        pairs = [(step, done) for step, done in zip(self.steps, self._done, strict=False) if step.carried]
        return max(pairs, key=lambda pair: pair[0].offered_rps)[1] if pairs else self._done[-1]

    def last(self) -> Done:
        """What the last rate came to."""
        return self._done[-1]


def ramp(  # noqa: PLR0913 - one argument an option
    *,
    first: Annotated[float, typer.Option(metavar="PER_S", help="The first rate.")] = 5.0,
    p99: Annotated[
        float | None, typer.Option("--p99-ms", metavar="MS", help="Bound of p99.", show_default="the SLO's, or 500")
    ] = None,
    factor: Annotated[float, typer.Option(help="By so much the rate grows.")] = 1.5,
    within: Annotated[float, typer.Option(help="How well the knee is to be known, as a share of it.")] = 0.05,
    most: Annotated[float, typer.Option(metavar="PER_S", help="No higher rate is tried.")] = 100_000.0,
    seconds: Annotated[float, typer.Option("--seconds", "-t", metavar="S", help="How long each rate is offered.")] = 20,
    url: Url = None,
    metrics: Metrics = None,
    store: Store = None,
    mix: MixFile = None,
    catalogue: Catalogue = None,
    queries: Queries = None,
    pictures: Pictures = None,
    writes: WritesPerS = None,
    processes: Processes = 1,
    seed: Seed = 1,
    timeout: Deadline = 10.0,
    slo: SloFile = None,
    out: Out = None,
) -> None:
    """Find the knee: the highest rate whose p99 keeps its bound, and of which 99% is answered as fast as it comes.

    The rate grows by steps until it is too much, then the interval is halved. Example: python -m loadtest ramp
    """
    with mistakes_told():
        files = {"catalogue": catalogue, "queries": queries, "pictures": pictures}
        load = read_load(server_of(url, metrics, store), slo, mix, **files, writes_per_s=writes)
        bound = _bound(p99, load.promised)
        search = Search(first, bound, factor, within, most)
        _console.print("making the requests ...")
        settings: dict[str, Any] = {"processes": processes, "timeout_s": timeout}
        with Fleet(load.server.url, load.traffic, **settings) as fleet, Watched(load.server.metrics) as watched:
            climb = Climb(fleet, watched, load.traffic, seconds=seconds, p99_ms=bound, seed=seed)
            knee, stopped = _climb(climb, search)
        done = climb.last() if stopped else climb.best()
        title = f"Knee: {knee.rps:.1f} requests a second at p99 {bound:g} ms"
        finish(title, load, done, watched.notes(done[0]), out, knee)


def _climb(climb: Climb, search: Search) -> tuple[Knee, bool]:
    try:
        return find_knee(climb.offer, search), False
    except Stopped:
        carried = [step.offered_rps for step in climb.steps if step.carried]
        return Knee(max(carried, default=0.0), tuple(climb.steps), found=False, p99_ms=search.p99_ms), True


def _bound(p99: float | None, promised: Slo | None) -> float:
    if p99 is not None:
        return p99
    if promised is None:
        return DEFAULT_P99_MS
    if promised.p99_ms is None:
        raise BadSlo("--slo: has no p99_ms, by which the knee is found; add it, or give --p99-ms")
    return promised.p99_ms
