"""When each request starts: fixed before the first is sent."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from loadtest.arrivals.profiles import Profile, steady
from loadtest.errors import BadLoad
from loadtest.traffic.popularity import Numbers
from loadtest.traffic.requests import Traffic

Seconds = NDArray[np.float64]
GRID = 100
"""Points a second at which a profile's integral is turned round; exact where the rate stays the same."""


@dataclass(frozen=True)
class Schedule:
    """Requests and their times.

    Args:
        due_s: ``(n,)``, seconds from the start, ascending.
        numbers: ``(n,)``, which request of the traffic.
        seconds: How long it is; the last request is due before.
    """

    due_s: Seconds
    numbers: Numbers
    seconds: float

    def __len__(self) -> int:
        """How many requests there are."""
        return len(self.due_s)

    def part(self, place: int, parts: int) -> Schedule:
        """Every ``parts``-th request, from number ``place`` on: what one of several processes sends."""
        return Schedule(self.due_s[place::parts], self.numbers[place::parts], self.seconds)


def arrivals(profile: Profile, seed: int, *, poisson: bool = True) -> Seconds:
    """The times at which requests are due.

    A Poisson process of a rate that changes is one of rate 1, on a clock that runs with the integral of the rate
    (time change; Cinlar, "Introduction to Stochastic Processes", 1975). Without ``poisson`` the distances are even on
    that clock.

    Args:
        profile: The rate over time.
        seed: The same seed gives the same times.
        poisson: Whether arrivals are independent of each other, as those of many shoppers are.

    Returns:
        ``(n,)``, seconds, ascending, below ``profile.duration_s``.
    """
    # Both ends of a step are on the grid
    grid = np.union1d(np.linspace(0, profile.duration_s, int(GRID * profile.duration_s) + 2), profile.seconds)
    clock = profile.passed(grid)
    total = clock[-1]
    if poisson:
        random = np.random.default_rng(seed)
        count = random.poisson(total)
        # Given their number, the points of a Poisson process lie as that many independent, even draws
        ticks = np.sort(random.random(count)) * total
    else:
        ticks = np.arange(int(np.ceil(total - 1e-9)), dtype=np.float64)
    return np.interp(ticks, clock, grid)


def make_schedule(traffic: Traffic, profile: Profile, seed: int, *, poisson: bool = True) -> Schedule:
    """Searches as the profile tells, and the mix's writes at their own, even rate beside them.

    Raises:
        BadLoad: Nothing is due.
    """
    searches = arrivals(profile, seed, poisson=poisson)
    numbers = traffic.draw(len(searches), seed)
    if traffic.mix.writes_per_s:
        writes = arrivals(steady(traffic.mix.writes_per_s, profile.duration_s), seed + 1, poisson=poisson)
        searches, order = _merged(searches, writes)
        numbers = np.concatenate([numbers, traffic.draw_writes(len(writes), seed)])[order]
    if not len(searches):
        raise BadLoad(f"{profile.mean:g} requests a second for {profile.duration_s:g} s: no request is due")
    return Schedule(searches, numbers, profile.duration_s)


def _merged(first: Seconds, second: Seconds) -> tuple[Seconds, Numbers]:
    times = np.concatenate([first, second])
    order = np.argsort(times, kind="stable")
    return times[order], order
