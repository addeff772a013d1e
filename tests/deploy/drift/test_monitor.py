"""What is said of live windows beside a baseline."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from prometheus_client import CollectorRegistry

from deploy.drift import DriftMetrics, DriftReport, Monitor, NoBaseline
from deploy.drift.baseline import LEAST_KS
from deploy.drift.judging import judge
from deploy.drift.measuring import measures_of, pooled
from ensemble.observing import FOLDER, read_windows
from tests.deploy.drift.traffic import FOREIGN, NOW, USUAL, answers, photos, texts, write_baseline, write_window

STATISTICS = 13


@pytest.fixture
def store(tmp_path: Path) -> Path:
    write_baseline(tmp_path)
    return tmp_path


@pytest.fixture
def random() -> np.random.Generator:
    return np.random.default_rng(2)


def look(store: Path, now: float = NOW, **more: Any) -> DriftReport:
    report = Monitor(store, 1, **more).look(now)
    assert report is not None
    return report


def alarms(report: DriftReport) -> set[str]:
    return {one.name for one in report.statistics if one.alarm}


def test_traffic_like_the_baseline_is_no_drift(store: Path, random: np.random.Generator) -> None:
    write_window(store, "text_preprocess", texts(random, 256))
    write_window(store, "image_preprocess", photos(random, 256))
    write_window(store, "retrieve", answers(random, 256))
    report = look(store)
    assert not report.alarm
    assert report.examples == ()
    assert report.explanation == f"No drift: {STATISTICS} statistics are within what chance explains."
    assert (report.release, report.time, report.samples) == (1, NOW, 128)
    assert report.source == "texts of the queries"
    assert {one.samples for one in report.statistics} == {128}


def test_queries_for_something_else_raise_the_alarm(store: Path, random: np.random.Generator) -> None:
    write_window(store, "retrieve", answers(random, 128, FOREIGN, score=0.4), 0)
    write_window(store, "retrieve", answers(random, 128, FOREIGN, score=0.4), 1)
    report = look(store, NOW + 60)
    assert report.alarm
    assert alarms(report) == {"query_text", "text_score"}
    assert report.explanation.startswith("Drift in two windows in a row. query_text (what texts ask for) is ")
    (score,) = (one for one in report.statistics if one.name == "text_score")
    assert score.before == pytest.approx(0.7, abs=0.01)
    assert score.now == pytest.approx(0.4, abs=0.01)
    assert f"lower, median {score.now:.4g} instead of {score.before:.4g}" in report.explanation


def test_darker_photos_are_told_by_their_brightness(store: Path, random: np.random.Generator) -> None:
    write_window(store, "image_preprocess", photos(random, 200, brightness=90.0))
    report = look(store)
    assert alarms(report) == {"photo_brightness"}
    assert "the brightness of photos" in report.explanation
    assert report.examples == ()


def test_one_window_alone_is_no_alarm(store: Path, random: np.random.Generator) -> None:
    write_window(store, "retrieve", answers(random, 128), 0)
    write_window(store, "retrieve", answers(random, 128, FOREIGN), 1)
    report = look(store, NOW + 60)
    (vectors,) = (one for one in report.statistics if one.name == "query_text")
    assert vectors.beyond
    assert not vectors.confirmed
    assert not report.alarm
    told = "No drift: query_text beyond the threshold in the newest window alone, which is no alarm yet."
    assert report.explanation == told


def test_few_requests_are_judged_once_there_is_a_window_of_them(store: Path, random: np.random.Generator) -> None:
    monitor = Monitor(store, 1)
    assert monitor.look(NOW) is None
    write_window(store, "retrieve", answers(random, 15, FOREIGN))
    assert monitor.look(NOW) is None
    write_window(store, "retrieve", answers(random, 3, FOREIGN), 1)
    first = monitor.look(NOW + 60)
    assert first is not None
    assert [(one.name, one.samples, one.earlier) for one in first.statistics if one.name == "query_text"] == [
        ("query_text", 16, None)
    ]
    assert not first.alarm
    write_window(store, "retrieve", answers(random, 14, FOREIGN), 2)
    second = monitor.look(NOW + 90)
    assert second is not None
    assert "query_text" in alarms(second)


def test_a_query_that_is_repeated_counts_once(store: Path, random: np.random.Generator) -> None:
    popular = answers(random, 20, FOREIGN)
    write_window(store, "retrieve", {name: np.repeat(values, 40, axis=0) for name, values in popular.items()})
    report = look(store)
    assert {one.samples for one in report.statistics} == {16}


def test_scores_of_filtered_queries_are_not_compared(store: Path, random: np.random.Generator) -> None:
    narrow = answers(random, 256, score=0.2) | {"plain": np.zeros(256, bool), "found": np.zeros(256)}
    write_window(store, "retrieve", narrow)
    assert [one.name for one in look(store).statistics] == ["query_text"]


def test_only_windows_of_the_release_and_of_the_last_hour_count(store: Path, random: np.random.Generator) -> None:
    write_window(store, "retrieve", answers(random, 256, FOREIGN), release=2)
    assert Monitor(store, 1).look(NOW) is None
    write_window(store, "retrieve", answers(random, 256, FOREIGN))
    assert look(store).alarm
    assert Monitor(store, 1).look(NOW + 3_601) is None


def test_a_monitor_that_is_started_anew_says_the_same(store: Path, random: np.random.Generator) -> None:
    write_window(store, "retrieve", answers(random, 256, FOREIGN))
    assert look(store) == look(store)


def test_examples_are_the_texts_whose_words_the_baseline_lacks(store: Path, random: np.random.Generator) -> None:
    usual, strange = texts(random, 192), texts(random, 64, ("zug", "nach", "wien"))
    mixed = {name: np.concatenate([strange[name], values]) for name, values in usual.items()}
    write_window(store, "text_preprocess", mixed | {"key": np.arange(256)})
    write_window(store, "retrieve", answers(random, 256, FOREIGN))
    report = look(store)
    assert len(report.examples) == 5
    assert all("wien" in text for text in report.examples)


def test_examples_are_chosen_by_their_vectors_where_texts_can_be_encoded(
    store: Path, random: np.random.Generator
) -> None:
    def encode(some: Sequence[str]) -> NDArray[np.float32]:
        far = np.array([text.endswith("7") for text in some])
        vectors = np.random.default_rng(3).normal(size=(len(some), 8)) * 0.4 + np.where(far[:, None], FOREIGN, USUAL)
        unit: NDArray[np.float32] = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
        return unit

    write_window(store, "text_preprocess", texts(random, 128))
    write_window(store, "retrieve", answers(random, 256, FOREIGN))
    examples = look(store, encode=encode).examples
    assert len(examples) == 5
    assert all(text.endswith("7") for text in examples)


def test_without_texts_there_are_no_examples(store: Path, random: np.random.Generator) -> None:
    write_window(store, "text_preprocess", texts(random, 256) | {"text": np.full(256, "")})
    write_window(store, "retrieve", answers(random, 256, FOREIGN))
    report = look(store)
    assert report.alarm
    assert report.examples == ()


def test_the_level_is_shared_by_all_statistics(store: Path) -> None:
    baseline = Monitor(store, 1)._baseline
    assert len(baseline.measures) == STATISTICS
    assert baseline.level == pytest.approx(0.01 / STATISTICS)
    assert baseline.threshold("text_cut", 128) == LEAST_KS
    assert judge(baseline, {}) == ()


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (lambda folder: (folder / "baseline.json").unlink(), "release 1 has no baseline"),
        (lambda folder: (folder / "baseline.json").write_text("{}"), "not a baseline that can be read"),
        (lambda folder: (folder / "baseline.json").write_text('{"format": 2}'), "`format` must be 1, got 2"),
        (lambda folder: (folder / "retrieve.npz").write_bytes(b"?"), "not a baseline that can be read"),
    ],
)
def test_a_baseline_that_cannot_be_read_is_told(store: Path, spoil: Any, told: str) -> None:
    spoil(store / "releases" / "0001" / "baseline")
    with pytest.raises(NoBaseline, match=told):
        Monitor(store, 1)


def test_metrics_show_the_newest_report(store: Path, random: np.random.Generator) -> None:
    registry = CollectorRegistry()
    metrics = DriftMetrics(registry)
    write_window(store, "retrieve", answers(random, 256, FOREIGN))
    report = look(store)
    metrics.show(report)
    (vectors,) = (one for one in report.statistics if one.name == "query_text")
    labels = {"release": "1", "name": "query_text"}
    assert registry.get_sample_value("tandem_drift_statistic", labels) == vectors.value
    assert registry.get_sample_value("tandem_drift_threshold", labels) == vectors.threshold
    assert registry.get_sample_value("tandem_drift_alarm", {"release": "1"}) == 1.0
    metrics.show(DriftReport(2, NOW, 0, (), alarm=False, explanation="", examples=()))
    assert registry.get_sample_value("tandem_drift_statistic", labels) is None
    assert registry.get_sample_value("tandem_drift_alarm", {"release": "2"}) == 0.0


def test_a_query_that_two_processes_saw_counts_once(store: Path, random: np.random.Generator) -> None:
    seen = texts(random, 40)
    for number, pid in enumerate((11, 12)):
        write_window(store, "text_preprocess", seen, number, pid=pid)
    noted = {"text_preprocess": pooled(read_windows(store / FOLDER, "text_preprocess", 1))}
    assert len(measures_of(noted)["text_characters"]) == 40


def test_a_file_that_is_damaged_costs_a_window_and_not_the_look(store: Path, random: np.random.Generator) -> None:
    write_window(store, "retrieve", answers(random, 128), 0)
    write_window(store, "retrieve", answers(random, 128), 1)
    first, _ = sorted((store / FOLDER).glob("retrieve-*"))
    data = bytearray(first.read_bytes())
    data[len(data) // 2 : len(data) // 2 + 64] = bytes(64)
    first.write_bytes(data)
    assert look(store, NOW + 60).samples == 64
