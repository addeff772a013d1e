"""Open arrivals by one call."""

from __future__ import annotations

from typing import Any

import numpy as np

from clients import NO_RETRIES, RetryPolicy
from loadtest.arrivals.fleet import TIMEOUT_S, Fleet
from loadtest.arrivals.measured import Measured
from loadtest.arrivals.prepared import References
from loadtest.arrivals.profiles import Profile, steady
from loadtest.arrivals.schedule import make_schedule
from loadtest.traffic.requests import Traffic


def run_open(  # noqa: PLR0913 - keywords with defaults
    url: str,
    rate_per_s: float | Profile,
    seconds: float = 0.0,
    traffic: Traffic | None = None,
    processes: int = 1,
    *,
    seed: int = 1,
    poisson: bool = True,
    timeout_s: float = TIMEOUT_S,
    retries: RetryPolicy = NO_RETRIES,
    references: References | None = None,
) -> Measured:
    """Send requests on schedule, whatever becomes of those before, and measure from the time that each was due.

    A closed user waits for a slow answer before it asks again, so that a server that stalls for a second is asked, and
    measured, once in it: "coordinated omission" (Gil Tene, "How NOT to Measure Latency", 2013; his wrk2 is the remedy
    followed here). Here the schedule is fixed before the first request; who is sent late was late from its due time on.

    Ctrl-C ends it early; what was measured until then is returned, with ``stopped``.

    >>> measured = run_open("grpc://localhost:8001", rate_per_s=50, seconds=30)                    # doctest: +SKIP
    >>> measured.latency.p99, measured.failed, measured.late(), measured.releases                  # doctest: +SKIP

    Args:
        url: ``grpc://host:port`` or ``http://host:port``.
        rate_per_s: Searches a second, or how they change over time.
        seconds: For how long, where a number is given.
        traffic: What is sent; by default that of ``loadtest/mixes/shop.toml``.
        processes: How many processes send; more where ``late()`` is not next to none.
        seed: Decides times and requests.
        poisson: Whether arrivals are independent of each other; else their distances are even.
        timeout_s: Deadline of one request, in seconds.
        retries: When a request is sent again that the server could not answer, as by the clients; by default never.
        references: What releases answer, to tell answers that are made of two.

    Raises:
        LoadError: What cannot be loaded, or by what; see `loadtest.errors`.
        BadSetting: A URL or deadline that cannot be; see `clients.errors`.
    """
    profile = rate_per_s if isinstance(rate_per_s, Profile) else steady(rate_per_s, seconds)
    sent = Traffic.read() if traffic is None else traffic
    schedule = make_schedule(sent, profile, seed, poisson=poisson)
    numbers = np.unique(schedule.numbers).tolist()
    sending: dict[str, Any] = {"processes": processes, "timeout_s": timeout_s, "retries": retries}
    with Fleet(url, sent, **sending, numbers=numbers, references=references) as fleet:
        return fleet.run(schedule)
