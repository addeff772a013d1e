"""Profiles of a load over time: steady, ramp, spike, soak. Rates of open arrivals, or numbers of closed users.

A profile is a line through points; between two points the rate changes evenly. Two points at one time are a step.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from loadtest.errors import BadLoad

SPIKE = 4.0
"""A spike is so many times the load around it."""
BREATHS = 3
DEPTH = 0.3
"""A soak's load comes and goes so many times, by this share of it."""
NAMES = ("steady", "ramp", "spike", "soak")


@dataclass(frozen=True)
class Profile:
    """How a rate changes over time.

    Args:
        seconds: Times of the points, in seconds from the start, from 0 on, in ascending order.
        rates: The rate at each, requests a second (or users).

    Raises:
        BadLoad: Times or rates that cannot be.
    """

    seconds: tuple[float, ...]
    rates: tuple[float, ...]

    def __post_init__(self) -> None:
        if len(self.seconds) != len(self.rates) or len(self.seconds) < 2 or self.seconds[0] != 0:
            raise BadLoad(f"profile: times {self.seconds} for rates {self.rates}; allowed: two or more, from 0 on")
        if any(later < earlier for earlier, later in zip(self.seconds, self.seconds[1:], strict=False)):
            raise BadLoad(f"profile: times {self.seconds}; allowed: in ascending order")
        if not all(math.isfinite(rate) and rate >= 0 for rate in (*self.rates, *self.seconds)) or not any(self.rates):
            raise BadLoad(f"profile: rates {self.rates} over {self.seconds} s; allowed: finite, 0 or more, not all 0")
        if self.duration_s <= 0:
            raise BadLoad(f"profile: {self.duration_s:g} s; allowed: more than 0")

    @property
    def duration_s(self) -> float:
        """How long it is, in seconds."""
        return self.seconds[-1]

    @property
    def mean(self) -> float:
        """Mean rate."""
        return float(self.passed(np.array([self.duration_s]))[0]) / self.duration_s

    def rate_at(self, second: float) -> float:
        """The rate at a time; after the end, 0."""
        return float(np.interp(second, self.seconds, self.rates, right=0.0))

    def passed(self, seconds: NDArray[np.float64]) -> NDArray[np.float64]:
        """How many requests are due before each of some times: the integral of the rate."""
        times, rates = np.array(self.seconds), np.array(self.rates)
        steps = np.concatenate([[0.0], np.cumsum(np.diff(times) * (rates[1:] + rates[:-1]) / 2)])
        place = np.clip(np.searchsorted(times, seconds, side="right") - 1, 0, len(times) - 2)
        within = seconds - times[place]
        length = np.diff(times)[place]
        slope = np.divide(np.diff(rates)[place], length, out=np.zeros_like(within), where=length > 0)
        done: NDArray[np.float64] = steps[place] + within * (rates[place] + slope * within / 2)
        return done


def steady(rate: float, seconds: float) -> Profile:
    """The same rate all the time."""
    return Profile((0.0, seconds), (rate, rate))


def ramp(rate: float, seconds: float) -> Profile:
    """From nothing to ``rate``, evenly."""
    return Profile((0.0, seconds), (0.0, rate))


def spike(rate: float, seconds: float) -> Profile:
    """``rate``, in the middle fifth ``SPIKE`` times as much, at once, and ``rate`` again."""
    start, end = 0.4 * seconds, 0.6 * seconds
    return Profile((0.0, start, start, end, end, seconds), (rate, rate, SPIKE * rate, SPIKE * rate, rate, rate))


def soak(rate: float, seconds: float) -> Profile:
    """Around ``rate``, coming and going as the hours of a day: what leaks or piles up shows where it never rests."""
    times = np.linspace(0, seconds, 12 * BREATHS + 1)
    rates = rate * (1 + DEPTH * np.sin(2 * math.pi * BREATHS * times / seconds))
    return Profile(tuple(times.tolist()), tuple(rates.tolist()))


def named(name: str, rate: float, seconds: float) -> Profile:
    """The profile of a name.

    Raises:
        BadLoad: No such name, or a rate or a time that cannot be.
    """
    profiles = dict(zip(NAMES, (steady, ramp, spike, soak), strict=True))
    if name not in profiles:
        raise BadLoad(f"shape: {name!r}; allowed: {', '.join(NAMES)}")
    return profiles[name](rate, seconds)


def joined(profiles: Sequence[Profile]) -> Profile:
    """One profile after the other."""
    starts = np.cumsum([0.0, *(one.duration_s for one in profiles[:-1])])
    seconds = [start + at for start, one in zip(starts, profiles, strict=True) for at in one.seconds]
    return Profile(tuple(map(float, seconds)), tuple(rate for one in profiles for rate in one.rates))
