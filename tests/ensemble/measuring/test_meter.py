from __future__ import annotations

import gc
import logging
import os
import time
import weakref
from typing import Any

import pytest

from ensemble.measuring.board import Board, Series
from ensemble.measuring.families import APPLIED, BATCH, HITS, REPORTED
from ensemble.measuring.meter import Meter
from tests.ensemble.measuring.stand_in import ARGS, Server


def test_what_is_added_is_told_with_the_labels_of_the_process() -> None:
    server = Server()
    meter = Meter(server, ARGS, look=lambda board: board.set({APPLIED: 7.0}))
    meter.board.add({Series(HITS): 5.0})
    meter.close()
    labels = {"model": "retrieve", "release": "3", "process": str(os.getpid())}
    assert server.values("tandem_tower_cache_hits_total", **labels) == [5.0]
    assert server.values("tandem_index_applied_seq", **labels) == [7.0]
    (reported,) = server.values(REPORTED.name, **labels)
    assert abs(reported - time.time()) < 60


def test_it_is_told_again_and_again() -> None:
    server, looks = Server(), list[float]()

    def look(board: Board) -> None:
        looks.append(time.monotonic())
        board.add({Series(HITS): 1.0})

    meter = Meter(server, ARGS, look=look, report_s=0.001)
    deadline = time.monotonic() + 20
    while len(looks) < 5 and time.monotonic() < deadline:
        time.sleep(0.001)
    meter.close()
    assert len(looks) >= 5
    assert server.values("tandem_tower_cache_hits_total") == [float(len(looks))]


def test_histograms_begin_at_zero() -> None:
    server = Server()
    Meter(server, ARGS, histograms=(BATCH,)).close()
    assert server.values("tandem_batch_rows_bucket") == [0.0] * 8
    assert server.values("tandem_batch_rows_count") == [0.0]


def test_closed_it_holds_no_metric_and_no_family() -> None:
    """Triton removes a metric when both are gone."""
    server = Server()
    meter = Meter(server, ARGS, histograms=(BATCH,))
    meter.close()
    meter.close()
    left = [weakref.ref(metric) for metric in server.metrics] + [
        weakref.ref(metric.family) for metric in server.metrics
    ]
    assert left
    server.metrics.clear()
    gc.collect()
    assert [each() for each in left] == [None] * len(left)


def test_a_module_without_metrics_is_told_nothing() -> None:
    meter = Meter(object(), ARGS)
    meter.board.add({Series(HITS): 1.0})
    meter.close()
    assert meter.board.take()[0] == {Series(HITS): 1.0}


def test_what_a_server_did_not_take_is_told_later() -> None:
    server: Any = Server()
    server.broken = True
    meter = Meter(server, ARGS, report_s=30.0)
    meter.board.add({Series(HITS): 1.0})
    meter.board.observe(BATCH, [3])
    meter.board.set({APPLIED: 7.0})
    with pytest.raises(RuntimeError, match="the server is gone"):
        meter._report_once()
    meter.board.add({Series(HITS): 2.0})
    meter.board.observe(BATCH, [3])
    server.broken = False
    meter.close()
    assert server.values("tandem_tower_cache_hits_total") == [3.0]
    assert server.values("tandem_batch_rows_count") == [2.0]
    assert server.values("tandem_index_applied_seq") == [7.0]


def test_a_server_that_takes_nothing_is_complained_of_once(caplog: pytest.LogCaptureFixture) -> None:
    server: Any = Server()
    server.broken = True
    with caplog.at_level(logging.ERROR):
        meter = Meter(server, ARGS)
        meter.board.add({Series(HITS): 1.0})
        meter.close()
    assert [record.message for record in caplog.records] == ["what this model measures cannot be told; going on"]
