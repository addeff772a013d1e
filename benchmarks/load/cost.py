"""From one machine's knee to a shop's day; pure arithmetic."""

from __future__ import annotations

from dataclasses import dataclass

SECONDS_A_DAY = 86_400
DAILY = 50_000_000
PEAK_FACTOR = 3.0
"""The busiest second of a day over its mean: shops sleep at night, and have evenings and sales."""
LOAD = 0.5
"""Part of the knee that a replica is planned for: half of them may fail at the peak, and the rest still hold."""


@dataclass(frozen=True)
class Fleet:
    """What so many requests a day need.

    Args:
        daily: Requests a day.
        mean_rps: A second, on average.
        peak_rps: In the busiest second.
        replicas: Machines like the one that was measured.
        cores_busy: Cores that are at work on average, of all replicas together.
    """

    daily: int
    mean_rps: float
    peak_rps: float
    replicas: int
    cores_busy: float


def fleet(knee_rps: float, core_s_per_million: float, *, daily: int = DAILY, peak_factor: float = PEAK_FACTOR) -> Fleet:
    """Work out a fleet of equal replicas.

    Args:
        knee_rps: Of one replica.
        core_s_per_million: Core-seconds that a million requests take.
        daily: Requests a day.
        peak_factor: The busiest second over the mean.

    Raises:
        ValueError: A figure is not above 0.
    """
    if min(knee_rps, core_s_per_million, daily, peak_factor) <= 0:
        raise ValueError(f"all figures must be above 0, got {knee_rps}, {core_s_per_million}, {daily}, {peak_factor}")
    mean = daily / SECONDS_A_DAY
    replicas = -int(-mean * peak_factor // (LOAD * knee_rps))
    return Fleet(daily, mean, mean * peak_factor, replicas, daily / 1e6 * core_s_per_million / SECONDS_A_DAY)
