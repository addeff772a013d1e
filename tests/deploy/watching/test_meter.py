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
    assert sum(counts.succeeded for counts in quiet.parts(2).values()) == 93.0
    assert sum(counts.succeeded for counts in quiet.parts(1).values()) == 6.0, (
        "the ensembles, which are version 1 always, are none of its parts"
    )
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


OWN = """\
# TYPE tandem_searches counter
tandem_searches_total{{release="2",process="7",model="retrieve",result="refused",kind="text"}} {refused}
tandem_searches_total{{release="2",process="7",model="retrieve",result="unavailable",kind="text"}} {away}
tandem_searches_total{{release="2",process="7",model="retrieve",result="failed",kind="text"}} {broken}
tandem_searches_total{{release="1",process="6",model="retrieve",result="refused",kind="text"}} {other}
# TYPE tandem_refused counter
tandem_refused_total{{release="2",process="8",model="text_preprocess"}} {full}
# TYPE tandem_journal_trouble gauge
tandem_journal_trouble{{release="2",process="7",model="retrieve"}} {trouble}
tandem_journal_trouble{{release="2",process="5",model="retrieve"}} 1
# TYPE tandem_index_live_rows gauge
tandem_index_live_rows{{release="2",process="7",model="retrieve"}} {rows}
tandem_index_live_rows{{release="2",process="5",model="retrieve"}} 9999
# TYPE tandem_reported_timestamp_seconds gauge
tandem_reported_timestamp_seconds{{release="2",process="7",model="retrieve"}} 1000
tandem_reported_timestamp_seconds{{release="2",process="5",model="retrieve"}} 900
"""
NOTHING = {"refused": 0, "away": 0, "broken": 0, "other": 0, "full": 0, "trouble": 0, "rows": 100}


def with_own(scrape: Scrape, **values: int) -> Scrape:
    return replace(scrape, own=Scrape.parse(OWN.format(**{**NOTHING, **values}), 0.0).own)


def test_callers_mistakes_and_an_absent_database_are_no_failures_of_a_release() -> None:
    meter = Meter(2, with_own(made(0.0)), canary=False)
    failed = made(10.0, succeeded=100.0, failed=80.0)
    meter.add(with_own(failed, refused=10, away=8, broken=4, other=99, full=5))
    first = meter.traffic(1)
    assert first is not None
    assert (first.requests, first.failures, first.own, first.rejected) == (140, 25, 4, 5)
    assert not meter.cut_off, "a process that is gone has left its gauge behind"
    troubled = made(20.0, succeeded=100.0, failed=160.0)
    meter.add(with_own(troubled, refused=20, away=28, broken=4, full=5, trouble=1))
    second = meter.traffic(1)
    assert second is not None
    assert (second.requests, second.failures, second.own, second.rejected) == (40, 10, 0, 0)
    assert meter.cut_off


def test_the_change_of_the_catalogue_is_that_of_the_processes_that_are_there() -> None:
    meter = Meter(2, with_own(made(0.0)), canary=False)
    meter.add(with_own(made(10.0), rows=125))
    assert meter.changed == pytest.approx(0.25)
    assert Meter(2, made(0.0), canary=False).changed == 0.0


def test_a_part_that_begins_anew_leaves_the_counts_of_the_others_alone() -> None:
    def parts(time: float, tower: float, preprocess: float) -> Scrape:
        succeeded = {"text_tower": Counts(failed=tower), "text_preprocess": Counts(failed=preprocess)}
        ours = made(time, succeeded=1_000.0 + time, failed=2 * time)
        return replace(ours, counts={**ours.counts, **{(name, "2"): each for name, each in succeeded.items()}})

    meter = Meter(2, parts(0.0, 900.0, 50.0), canary=False)
    meter.add(parts(100.0, 901.0, 2.0))
    traffic = meter.traffic(1)
    assert traffic is not None
    assert (traffic.requests, traffic.failures, traffic.own) == (200, 100, 3)


def test_minutes_to_compare_by_are_those_with_enough_requests_at_most_ten() -> None:
    meter = Meter(2, made(0.0), canary=False)
    total, found = 0.0, Latency(0, 0.0)
    for minute in range(1, 15):
        total += 999.0 if minute == 14 else 1_000.0
        meter.add(made(60.0 * minute, float(minute), succeeded=total))
        found = meter.latencies(100)["search_text"]
        if minute == 13:
            assert found.minutes == tuple(map(float, range(4, 14)))
    assert found == Latency(999, 14.0)


def test_what_is_not_in_the_format_is_refused() -> None:
    with pytest.raises(ValueError, match="x"):
        Scrape.parse("nv_inference_request_success{model=x 1\n", 0.0)
