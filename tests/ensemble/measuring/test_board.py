from __future__ import annotations

import threading

import pytest

from ensemble.measuring.board import Board, Series
from ensemble.measuring.families import APPLIED, HITS, SEARCHES, Family

SIZES = Family("tandem_sizes", "Sizes", "histogram", (1, 2, 4))


def test_counters_add_up_until_they_are_taken() -> None:
    board = Board()
    for _ in range(3):
        board.add({Series(HITS): 2.0, Series(SEARCHES, (("kind", "text"),)): 1.0})
    counters, gauges = board.take()
    assert counters == {Series(HITS): 6.0, Series(SEARCHES, (("kind", "text"),)): 3.0}
    assert gauges == {}
    assert board.take() == ({}, {})


def test_a_gauge_shows_the_last() -> None:
    board = Board()
    board.set({APPLIED: 4.0})
    board.set({APPLIED: 5.0})
    assert board.take() == ({}, {APPLIED: 5.0})


def test_a_histogram_is_told_as_prometheus_counts_it() -> None:
    board = Board()
    board.observe(SIZES, [1, 2, 2, 3])
    board.observe(SIZES, [9])
    told = [(series.family.name, dict(series.labels), amount) for series, amount in board.take()[0].items()]
    assert told == [
        ("tandem_sizes_bucket", {"le": "+Inf"}, 5.0),
        ("tandem_sizes_bucket", {"le": "4"}, 4.0),
        ("tandem_sizes_bucket", {"le": "2"}, 3.0),
        ("tandem_sizes_bucket", {"le": "1"}, 1.0),
        ("tandem_sizes_sum", {}, 17.0),
        ("tandem_sizes_count", {}, 5.0),
    ]


def test_buckets_that_did_not_rise_are_not_told() -> None:
    board = Board()
    board.observe(SIZES, [3])
    assert [dict(series.labels).get("le") for series in board.take()[0]] == ["+Inf", "4", None, None]


def test_nothing_is_lost_between_threads() -> None:
    board, total = Board(), 0.0

    def work() -> None:
        for _ in range(2_000):
            board.add({Series(HITS): 1.0})

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        total += sum(board.take()[0].values())
    assert total + sum(board.take()[0].values()) == 8_000


@pytest.mark.parametrize(
    ("name", "kind", "bounds", "message"),
    [
        ("sizes", "counter", (), "must begin with tandem_"),
        ("tandem_sizes", "histogram", (), "must ascend"),
        ("tandem_sizes", "histogram", (2.0, 1.0), "must ascend"),
        ("tandem_sizes", "gauge", (1.0,), "none otherwise"),
    ],
)
def test_a_family_is_checked(name: str, kind: str, bounds: tuple[float, ...], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Family(name, "Sizes", kind, bounds)  # type: ignore[arg-type]
