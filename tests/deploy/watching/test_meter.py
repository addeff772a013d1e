"""Real metrics of the server: of a quiet one that refused six wrong requests, and of one whose queue was full."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from deploy.watching.meter import Meter
from deploy.watching.observing import Latency
from deploy.watching.scraping import Counts, Scrape

SCRAPED = Path(__file__).parent / "scraped"


def scrape(name: str, time: float) -> Scrape:
    return Scrape.parse((SCRAPED / f"{name}.txt").read_text(), time)


def made(time: float, p99_ms: float = 20.0, *, canary: bool = False, **counts: float) -> Scrape:
    name = ("search_text_canary" if canary else "search_text", "1")
    return Scrape(time, {name: Counts(**counts)}, {name: p99_ms})


def test_an_ensembles_failures_are_counted_once_and_parts_by_their_release() -> None:
    quiet = scrape("quiet", 0.0)
    assert quiet.kind("search_text") == Counts(22.0, 6.0)
    assert quiet.parts(2).succeeded == 93.0
    assert quiet.parts(1).succeeded == 6.0, "the ensembles, which are version 1 always, are none of its parts"
    assert quiet.p99_ms["search_text", "1"] == pytest.approx(11.885)
    assert quiet.kind("search_image") == Counts()


def test_a_full_queue_shows_as_failures_and_as_waiting() -> None:
    meter = Meter(2, scrape("quiet", 0.0), canary=False)
    meter.add(scrape("overload", 70.0))
    latencies, traffic = meter.latencies(40), meter.traffic(200)
    assert latencies == {"search_text": Latency(45, 520.159)}
    assert traffic is not None
    assert (traffic.requests, traffic.failures, traffic.seconds) == (360, 315, 70.0)
    assert traffic.queued > 0.5


def test_requests_are_judged_once_and_only_when_they_are_enough() -> None:
    meter = Meter(2, made(0.0), canary=False)
    meter.add(made(10.0, succeeded=90.0, failed=20.0))
    assert meter.traffic(200) is None
    meter.add(made(20.0, succeeded=190.0, failed=20.0))
    first = meter.traffic(200)
    assert first is not None
    assert (first.requests, first.failures, first.seconds) == (200, 10, 20.0)
    assert meter.traffic(1) is None
    meter.add(made(30.0, succeeded=250.0, failed=20.0))
    second = meter.traffic(1)
    assert second is not None
    assert (second.requests, second.failures, second.seconds) == (60, 0, 10.0)


def test_counters_that_go_back_to_0_are_counted_from_there() -> None:
    meter = Meter(2, made(0.0, succeeded=1_000.0), canary=False)
    meter.add(made(10.0, succeeded=1_050.0))
    meter.add(made(20.0, succeeded=30.0, failed=4.0))
    traffic = meter.traffic(1)
    assert traffic is not None
    assert (traffic.requests, traffic.failures) == (82, 2)


def test_times_are_told_once_a_minute_of_kinds_with_enough_requests() -> None:
    meter = Meter(2, made(0.0), canary=True)
    meter.add(made(59.0, canary=True, succeeded=500.0))
    assert meter.latencies(100) == {}
    meter.add(made(60.0, 25.0, canary=True, succeeded=510.0))
    assert meter.latencies(100) == {"search_text": Latency(510, 25.0)}
    meter.add(made(125.0, 30.0, canary=True, succeeded=520.0))
    assert meter.latencies(100) == {}
    meter.add(made(190.0, 30.0, canary=True, succeeded=620.0))
    assert meter.latencies(100) == {"search_text": Latency(100, 30.0)}


def test_what_was_forgotten_is_not_judged() -> None:
    meter = Meter(2, made(0.0), canary=False)
    meter.add(made(70.0, succeeded=500.0, failed=400.0))
    meter.forget()
    meter.add(made(80.0, succeeded=510.0, failed=400.0))
    assert meter.latencies(1) == {}
    traffic = meter.traffic(1)
    assert traffic is not None
    assert (traffic.requests, traffic.failures) == (10, 0)


def test_refusals_by_a_full_queue_are_no_failures_where_the_parts_tell_of_them() -> None:
    before = made(0.0)
    after = made(10.0, succeeded=100.0, failed=40.0)
    parts = {("text_tower", "2"): Counts(succeeded=100.0, failed=15.0, rejected=15.0)}
    meter = Meter(2, before, canary=False)
    meter.add(replace(after, counts={**after.counts, **parts}))
    traffic = meter.traffic(1)
    assert traffic is not None
    assert (traffic.failures, traffic.rejected) == (5, 15)


def test_what_is_not_in_the_format_is_refused() -> None:
    with pytest.raises(ValueError, match="x"):
        Scrape.parse("nv_inference_request_success{model=x 1\n", 0.0)
