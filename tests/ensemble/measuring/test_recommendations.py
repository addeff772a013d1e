from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from ensemble.index import IndexBuilder
from ensemble.measuring.board import Board, Series
from ensemble.measuring.families import BATCH, LIVE, RECOMMENDATIONS, RECOMMENDED
from ensemble.measuring.recommendations import RecommendationMeter, measure_recommendations
from ensemble.recommending import still_recommender
from ensemble.tasks import Recommender, RecommendSettings, write_settings
from tests import tiny
from tests.ensemble.measuring.stand_in import ARGS, Server

VECTORS = RecommendSettings("products", tiny.DIM)


@pytest.fixture(scope="module")
def recommender(tmp_path_factory: pytest.TempPathFactory) -> Recommender:
    """Over the tiny shop, with vectors by chance."""
    folder = tmp_path_factory.mktemp("recommender")
    write_settings(folder, tiny.SPACE, VECTORS)
    builder, rows = IndexBuilder(VECTORS.space), tiny.products()
    vectors = np.random.default_rng(1).normal(size=(len(rows), tiny.DIM)).astype(np.float32)
    builder.add(rows, vectors / np.linalg.norm(vectors, axis=1, keepdims=True))
    builder.save(folder / "index")
    return still_recommender(folder)


def request(*ids: str, task: str = "similar", **more: Any) -> dict[str, Any]:
    words = {name: np.array([[value.encode()]], object) for name, value in {"TASK": task, **more}.items()}
    return {"PRODUCT_ID": np.array([[name.encode() for name in ids]], object), **words}


def counted(recommender: Recommender, *requests: dict[str, Any]) -> tuple[Board, dict[Series, float]]:
    board = Board()
    meter = RecommendationMeter(recommender, board)
    meter.answered(requests, recommender.answer(requests))
    meter.look(board)
    told, gauges = board.take()
    assert gauges[LIVE] == 40
    return board, told


def of(told: dict[Series, float], family: Any, **labels: str) -> float:
    return told[Series(family, tuple(sorted(labels.items())))]


def test_rows_are_counted_by_profile_and_result(recommender: Recommender) -> None:
    nothing = request("P001", FILTER='{"range": ["price", 1000, null]}')
    _, told = counted(recommender, request("P001"), request("P002", task="complement"), nothing, request("nobody"))
    assert of(told, RECOMMENDATIONS, profile="similar", result="full") == 1
    assert of(told, RECOMMENDATIONS, profile="similar", result="none") == 1
    assert of(told, RECOMMENDATIONS, profile="complement", result="reason") == 1, "no complements are known"
    assert of(told, RECOMMENDATIONS, profile="unknown", result="refused") == 1
    assert of(told, RECOMMENDED, profile="similar", rule="similar") == 10
    assert of(told, RECOMMENDED, profile="complement", rule="similar") == 10
    assert told[next(series for series in told if series.family.name == f"{BATCH.name}_sum")] == 4


def test_counts_begin_at_zero(recommender: Recommender) -> None:
    board = Board()
    RecommendationMeter(recommender, board)
    told, _ = board.take()
    assert set(told.values()) == {0.0}
    assert {dict(series.labels)["profile"] for series in told} == {"similar", "complement", "inspire", "unknown"}


def test_a_mistake_in_counting_harms_no_request(recommender: Recommender, caplog: pytest.LogCaptureFixture) -> None:
    meter = RecommendationMeter(recommender, Board())
    for _ in range(2):
        meter.answered([request("P001")], [])
    assert caplog.text.count("recommendations cannot be counted") == 1


def test_a_model_measures_its_recommender(recommender: Recommender) -> None:
    server = Server()
    counts, meter = measure_recommendations(server, ARGS, recommender)
    counts.answered([request("P001")], recommender.answer([request("P001")]))
    meter.close()
    assert server.values("tandem_recommendations_total", profile="similar", result="full", release="3") == [1.0]
    assert server.values("tandem_index_live_rows") == [40.0]
