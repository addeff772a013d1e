"""The arithmetic of the drift benchmark."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binomtest

from benchmarks.drift.document import interval
from benchmarks.drift.shop import shortened
from benchmarks.drift.streams import Stream, mixed
from benchmarks.drift.trials import tally
from deploy.drift.values import Statistic


def stream(first: int, count: int) -> Stream:
    numbers = np.arange(first, first + count)
    return Stream({"key": numbers, "characters": numbers.astype(float)}, {"best": numbers.astype(float)})


def look(newest: float, earlier: float, name: str = "text_score") -> tuple[Statistic, ...]:
    confirmed = newest > 1.0 and earlier > 1.0
    return (
        Statistic(name, newest, 1.0, alarm=confirmed, earlier=earlier),
        Statistic("query_text", 0.0, 1.0, alarm=False),
    )


def test_a_share_of_the_traffic_is_foreign_and_no_query_is_lost_or_doubled() -> None:
    both = mixed(stream(0, 1_000), stream(5_000, 900), 0.25, np.random.default_rng(0))
    best = both.answers["best"]
    assert len(set(best.tolist())) == len(both) == 1_000
    assert abs((best >= 5_000).mean() - 0.25) < 0.06
    assert both.own["characters"].tolist() == best.tolist()
    assert sorted(both.own["key"].tolist()) == list(range(1_000))


def test_windows_and_alarms_are_counted() -> None:
    found = tally([look(2.0, 2.0), look(2.0, 0.5), look(0.5, 2.0), look(0.5, 0.5)])
    assert (found.windows, found.beyond, found.looks, found.alarms) == (8, 4, 4, 1)
    assert found.by == {"text_score": 1}


def test_the_wait_is_counted_in_windows_that_follow_one_another() -> None:
    quiet, loud = look(0.5, 0.5), look(2.0, 2.0)
    assert tally([loud, quiet, quiet]).wait == 2.0
    assert tally([look(2.0, 0.5), look(0.5, 2.0), quiet]).wait == 3.0
    assert tally([look(2.0, 0.5), look(2.0, 0.5), quiet]).wait is None


@pytest.mark.parametrize(("count", "of"), [(0, 300), (3, 600), (40, 40)])
def test_an_interval_is_that_of_wilson(count: int, of: int) -> None:
    known = binomtest(count, of).proportion_ci(method="wilson")
    assert interval(count, of) == pytest.approx((known.low, known.high), abs=1e-12)


def test_queries_are_words_of_their_titles_in_order() -> None:
    for title, queries in zip(
        ("WHITE METAL LANTERN", "MUG"), shortened(["WHITE METAL LANTERN", "MUG"], 9, 1), strict=True
    ):
        words = title.lower().split()
        assert len(set(queries)) == len(queries) >= 1
        assert all([word for word in words if word in query.split()] == query.split() for query in queries)
