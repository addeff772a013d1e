"""Load on a Tandem server: open arrivals, and closed users of locust, with checks on the content of answers.

    python -m loadtest --help

As a library (``Measured`` has all figures; the parts are ``loadtest.traffic``: what is sent, ``loadtest.arrivals``:
how, ``loadtest.knee``: how much is too much, ``loadtest.slo``: what was promised):

>>> from loadtest import Fleet, Traffic, make_schedule, run_open, steady
>>> measured = run_open("grpc://localhost:8001", rate_per_s=50, seconds=30)                        # doctest: +SKIP
>>> measured.latency.p99, measured.failed, measured.late()                                         # doctest: +SKIP
>>> traffic = Traffic.read(writes_per_s=2.0)                                                       # doctest: +SKIP
>>> with Fleet("grpc://localhost:8001", traffic, processes=2) as fleet:                            # doctest: +SKIP
...     run = fleet.start(make_schedule(traffic, steady(50, 600), seed=1))    # meanwhile, switch releases
...     measured = run.wait()
"""

from __future__ import annotations

from loadtest.arrivals.fleet import Fleet, Run
from loadtest.arrivals.measured import Measured, Quantiles, Second
from loadtest.arrivals.open import run_open
from loadtest.arrivals.profiles import Profile, joined, ramp, soak, spike, steady
from loadtest.arrivals.schedule import Schedule, make_schedule
from loadtest.traffic.mix import Mix, Part, read_mix
from loadtest.traffic.requests import Traffic

__all__ = [
    "Fleet",
    "Measured",
    "Mix",
    "Part",
    "Profile",
    "Quantiles",
    "Run",
    "Schedule",
    "Second",
    "Traffic",
    "joined",
    "make_schedule",
    "ramp",
    "read_mix",
    "run_open",
    "soak",
    "spike",
    "steady",
]
