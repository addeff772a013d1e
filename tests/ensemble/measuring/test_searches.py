from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ensemble.index import Follower, Still
from ensemble.measuring import families
from ensemble.measuring.board import Board
from ensemble.measuring.searches import SearchMeter, gauges_of, measure_retrieval, passing_of
from ensemble.pipeline import Pipeline
from ensemble.retrieval import Retrieval
from tests import tiny
from tests.ensemble.journal_twin import TwinCatalogue, TwinJournal, index_of
from tests.ensemble.measuring.stand_in import ARGS, Server

TEXT, IMAGE = np.eye(1, tiny.DIM, dtype=np.float32), np.eye(1, tiny.DIM, 1, dtype=np.float32)


def counts_of(board: Board) -> dict[tuple[str, ...], float]:
    counters, _ = board.take()
    return {
        tuple(value for _, value in series.labels): amount
        for series, amount in counters.items()
        if series.family is families.SEARCHES and amount
    }


@pytest.fixture
def measured(tiny_pipeline: Pipeline) -> tuple[Retrieval, Board]:
    retrieval, board = Retrieval(Still(tiny_pipeline.index), tiny.SPACE), Board()
    retrieval.meter = SearchMeter(retrieval.source, board)
    retrieval.meter.look(board)
    return retrieval, board


def test_rows_are_counted_by_kind_filter_and_result(measured: tuple[Retrieval, Board]) -> None:
    retrieval, board = measured
    none = np.array([[b'{"range": ["price", null, -1]}']], object)
    retrieval.answer(
        [
            {"TEXT_VECTOR": np.repeat(TEXT, 2, axis=0)},
            {"IMAGE_VECTOR": IMAGE, "FILTER": none},
            {"TEXT_VECTOR": TEXT, "IMAGE_VECTOR": IMAGE, "K": np.array([[tiny.SPACE.max_k]], np.int32)},
            {"TEXT_VECTOR": TEXT, "FILTER": np.array([[b"price <"]], object)},
        ]
    )
    assert counts_of(board) == {
        ("cpu", "no", "text", "full"): 2.0,
        ("cpu", "yes", "photo", "none"): 1.0,
        ("cpu", "no", "both", "fewer"): 1.0,
        ("cpu", "unknown", "unknown", "refused"): 1.0,
    }


def test_counts_begin_at_zero_and_anew_where_another_engine_searches(
    measured: tuple[Retrieval, Board], monkeypatch: pytest.MonkeyPatch
) -> None:
    retrieval, board = measured
    searches = {series: amount for series, amount in board.take()[0].items() if series.family is families.SEARCHES}
    assert len(searches) == 3 * 2 * 6 + 3
    assert set(searches.values()) == {0.0}
    monkeypatch.setattr("ensemble.measuring.searches.engine_of", lambda _: "gpu")
    meter = retrieval.meter
    assert meter is not None
    meter.look(board)
    assert {dict(series.labels)["engine"] for series in board.take()[0]} == {"gpu"}
    meter.look(board)
    assert not board.take()[0]


def test_the_share_that_a_filter_lets_pass(measured: tuple[Retrieval, Board]) -> None:
    retrieval, board = measured
    index: Any = retrieval.source.index
    text = b'{"range": ["price", null, 20]}'
    share = index.terms.passing(text).count / index.live
    assert 0 < share < 1
    retrieval.answer([{"TEXT_VECTOR": TEXT, "FILTER": np.array([[text]], object)}, {"TEXT_VECTOR": TEXT}])
    counters = {series.family.name: amount for series, amount in board.take()[0].items()}
    assert counters["tandem_filter_selectivity_ratio_count"] == 1
    assert counters["tandem_filter_selectivity_ratio_sum"] == pytest.approx(share)
    assert counters["tandem_batch_rows_sum"] == 2


def test_a_mistake_in_counting_harms_no_request(
    measured: tuple[Retrieval, Board], caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    retrieval, _ = measured
    monkeypatch.setattr("ensemble.measuring.searches.result_of", None)
    with caplog.at_level(logging.ERROR):
        answers = [retrieval.answer([{"TEXT_VECTOR": TEXT}])[0] for _ in range(3)]
    assert not any(isinstance(answer, Exception) for answer in answers)
    assert [record.message for record in caplog.records] == ["a search cannot be counted; going on"]


def test_what_the_index_is(tiny_pipeline: Pipeline) -> None:
    index = tiny_pipeline.index
    gauges = gauges_of(Still(index))
    assert gauges[families.LIVE] == index.live > 0
    assert gauges[families.ROW_BYTES] == index.slots.base.nbytes
    assert gauges[families.APPLIED] == index.seq
    assert gauges[families.TROUBLE] == gauges[families.ON_GPU] == gauges[families.DEAD] == 0
    assert families.BEHIND not in gauges


def test_how_far_a_follower_is_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr("ensemble.index.follower.time.monotonic", lambda: now[0])
    catalogue = TwinCatalogue()
    journal = TwinJournal(catalogue)
    follower = Follower(index_of(catalogue), journal)
    now[0] = 130.0
    assert follower.behind_s == 30
    follower._advance()
    assert gauges_of(follower)[families.BEHIND] == 0
    now[0] = 131.0
    journal.broken = OSError("away")
    follower._advance()
    now[0] = 160.0
    gauges = gauges_of(follower)
    assert gauges[families.BEHIND] == 30
    assert gauges[families.TROUBLE] == 1


def test_a_model_measures_its_retrieval(tiny_pipeline: Pipeline) -> None:
    server, retrieval = Server(), Retrieval(Still(tiny_pipeline.index), tiny.SPACE)
    meter = measure_retrieval(server, ARGS, retrieval)
    retrieval.answer([{"TEXT_VECTOR": TEXT}])
    meter.close()
    assert server.values("tandem_searches_total", kind="text", release="3", filtered="no", result="full") == [1.0]
    assert server.values("tandem_searches_total", kind="both", filtered="yes", result="failed") == [0.0]
    assert server.values("tandem_index_live_rows") == [tiny_pipeline.index.live]


def test_what_nobody_counted_is_not_told() -> None:
    assert passing_of("price < 3") is None
