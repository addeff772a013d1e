from __future__ import annotations

import json
from pathlib import Path

import pytest

from loadtest.arrivals.measured import Measured
from loadtest.arrivals.records import OK, empty
from loadtest.errors import BadLoad
from loadtest.knee import Knee, Step
from loadtest.metrics.scrape import Sample, Scraper, Totals, parse
from loadtest.metrics.steps import over_time
from loadtest.report.chart import Chart, Line, draw, nice
from loadtest.report.values import Report
from loadtest.report.writer import render, write_report
from loadtest.slo import Figures, Slo, judge
from tests.loadtest.test_arrivals import rows

PAGE = """# HELP nv_inference_request_success Number of successful inference requests
nv_inference_request_success{model="retrieve",version="2"} 40
nv_inference_request_duration_us{model="retrieve",version="2"} 80000
nv_inference_queue_duration_us{model="retrieve",version="2"} 20000
nv_inference_count{model="retrieve",version="2"} 40
nv_inference_exec_count{model="retrieve",version="2"} 10
nv_gpu_utilization{gpu="0"} 0.5
"""
MEASURED = Measured(
    rows(
        ("text", "photo"), (OK, "cut off", "QueueFull"), due_s=[0.1, 0.5, 1.2, 2.9], latency_ms=[5, 9, 7, 1],
        kind=[0, 1, 0, 0], outcome=[0, 0, 0, 2], release=[1, 1, 2, 0],
    ), 3.0, 4,
)  # fmt: skip


def test_a_page_of_metrics_gives_totals_by_model_and_version() -> None:
    assert parse(PAGE) == {("retrieve", "2"): Totals(40, 80_000, 20_000, 40, 10)}


def test_steps_take_what_the_totals_grew_by_and_a_server_started_anew_begins_at_none() -> None:
    place = ("retrieve", "2")
    samples = [
        Sample(10.0, {place: Totals(100, 100_000, 10_000, 100, 50)}),
        Sample(11.0, {place: Totals(140, 180_000, 30_000, 140, 60)}),
        Sample(12.0, {place: Totals(140, 180_000, 30_000, 140, 60)}),
        Sample(13.0, {place: Totals(10, 30_000, 0, 20, 10)}),
    ]
    (step,) = over_time(samples, start=9.0)
    first, last = step.intervals
    assert (first.second, first.rps, first.mean_ms, first.queue_ms, first.batch) == (2.0, 40, 2.0, 0.5, 4)
    assert (last.second, last.rps, last.mean_ms, last.batch) == (4.0, 10, 3.0, 2)
    assert step.whole.mean_ms == pytest.approx(2.2)
    assert not step.ensemble


def test_metrics_that_are_not_there_stop_nothing() -> None:
    with Scraper("http://127.0.0.1:9/metrics", every_s=0.01) as scraper:
        pass
    assert scraper.samples == []
    assert scraper.failed > 0
    with pytest.raises(BadLoad, match="allowed: http://"):
        Scraper("file:///etc/passwd")


def test_ticks_are_round_and_reach_around_the_values() -> None:
    assert nice(0, 9) == [0, 2, 4, 6, 8, 10]
    assert nice(0, 0.07)[-1] == pytest.approx(0.08)
    assert nice(0, 0) == [0, pytest.approx(0.2), pytest.approx(0.4), pytest.approx(0.6), pytest.approx(0.8), 1.0]


def test_a_chart_interrupts_a_line_where_nothing_is_known_and_escapes_names() -> None:
    points = ((0.0, 1.0), (1.0, 2.0), (2.0, float("nan")), (3.0, 2.0), (4.0, 1.0))
    drawn = draw(Chart("<b>", (Line("a&b", points),), bound=1.5))
    assert drawn.count("<polyline") == 2
    assert "nan" not in drawn
    assert "<b>" not in drawn
    assert "stroke-dasharray" in drawn


def test_the_report_tells_everything_on_one_page_and_in_json(tmp_path: Path) -> None:
    verdicts = judge(Slo(p99_ms=5, error_rate=0.5), Figures.of(MEASURED))
    knee = Knee(
        80.0, (Step(80, 80, 5.0, carried=True), Step(160, 100, float("nan"), carried=False)), found=True, p99_ms=5
    )
    report = Report("Steady & <calm>", MEASURED, verdicts, environment={"machine": "two cores"}, knee=knee)
    beside = write_report(tmp_path / "deep" / "report.html", report)
    page = (tmp_path / "deep" / "report.html").read_text()
    for told in ("Steady &amp; &lt;calm&gt;", "QueueFull: 1", "two cores", "p99 at each rate", "release 2", "off by 4"):
        assert told in page
    assert "http://" not in page.replace("http://www.w3.org", "")
    saved = json.loads(beside.read_text())
    assert saved["kept"] is False
    assert saved["knee"]["steps"][1]["p99_ms"] is None
    assert saved["kinds"]["photo"]["ok"] == 1


def test_a_load_of_which_nothing_succeeded_has_a_report_too() -> None:
    page = render(Report("Nothing", Measured(empty(0, ("text",)), 1.0, 5, stopped=True)))
    assert "Nothing" in page
