"""Dashboard and rules against a real Prometheus that reads a real server."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
import tritonclient.grpc as triton
from prometheus_client import CollectorRegistry, start_http_server

from deploy.drift import DriftReport, Statistic
from deploy.events import EventLog
from deploy.grafana.__main__ import FILE
from deploy.grafana.dashboard import dashboard, expressions, text_of
from deploy.server import Server
from deploy.supervising import Supervisor
from deploy.switching.values import By
from deploy.watching.metrics import WatchMetrics
from tests.deploy.conftest import wait_for
from tests.deploy.measured import prometheus as prometheus_here
from tests.deploy.measured.conftest import ask
from tests.deploy.measured.prometheus import Prometheus
from tests.export.conftest import Make

RULES = Path("deploy/prometheus").resolve()
NO_GPU = "Triton tells of GPUs where it runs with one, and with --allow-gpu-metrics"
# What no server without a GPU has, or none that is well.
EMPTY = {
    "Machine and GPU / GPU use / {{gpu_uuid}}": NO_GPU,
    "Machine and GPU / GPU memory / {{gpu_uuid}}": NO_GPU,
    "Machine and GPU / GPU power / {{gpu_uuid}}": NO_GPU,
    "Releases and canary / What happened / {{kind}}": "kinds that did not happen are left out, and none did",
    "Releases and canary / Switches in the last day / {{action}} {{outcome}}": "those that were not made are left out",
    "annotation": "there is one only while a switch is made",
}
METRIC = re.compile(r"\b(?:nv|tandem)_[a-z0-9_]+(?:\{[^}]*\})?")
# A series with these values begins when something goes wrong.
IN_TROUBLE = '=~"failed|unavailable"'
reason = prometheus_here.why_not()
pytestmark = pytest.mark.skipif(reason is not None, reason=str(reason))


def test_the_dashboard_is_the_one_that_is_written() -> None:
    """Else: ``python -m deploy.grafana``."""
    assert FILE.read_text("utf-8") == text_of(dashboard())


def test_panels_have_a_place_and_a_number_of_their_own() -> None:
    panels = dashboard()["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    taken = [
        (panel["gridPos"]["x"] + right, panel["gridPos"]["y"] + down)
        for panel in panels
        for right in range(panel["gridPos"]["w"])
        for down in range(panel["gridPos"]["h"])
    ]
    assert len(set(taken)) == len(taken)
    assert all(0 <= x < 24 for x, _ in taken)


@pytest.mark.parametrize("arguments", [("check", "rules", "alerts.yml"), ("check", "config", "prometheus.yml")])
def test_promtool_finds_nothing_wrong(arguments: Sequence[str]) -> None:
    done = subprocess.run(["promtool", *arguments], cwd=RULES, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_alerts_fire_for_what_they_are_for() -> None:
    done = subprocess.run(
        ["promtool", "test", "rules", "alerts_test.yml"], cwd=RULES, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module")
def two_releases(make: Make, tmp_path_factory: pytest.TempPathFactory) -> Path:
    store = tmp_path_factory.mktemp("two") / "var"
    make(store)
    make(store)
    return store


@pytest.fixture(scope="module")
def watch_url() -> Iterator[str]:
    """What ``deploy watch`` tells, after a look."""
    registry = CollectorRegistry()
    metrics = WatchMetrics(registry)
    statistics = (Statistic("text_mmd", 0.01, 0.02, alarm=False),)
    metrics.show_drift(DriftReport(2, 0.0, 500, statistics, alarm=False, explanation="", examples=()))
    metrics._recall.labels("2").set(0.97)
    metrics._baseline.labels("2").set(0.98)
    metrics._last.set_to_current_time()
    server, thread = start_http_server(0, "127.0.0.1", registry)
    yield f"http://127.0.0.1:{server.server_port}/metrics"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture(scope="module")
def scraped(
    two_releases: Path, watch_url: str, photo: bytes, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Prometheus]:
    """A Prometheus that has seen all of it for some seconds: both releases, one on trial, and callers of both."""
    folder = tmp_path_factory.mktemp("prometheus")
    with Server(two_releases) as server:
        supervisor = Supervisor(two_releases, server.switchboard.status, EventLog(folder / "events.jsonl"))
        supervisor.start()
        targets = {"triton": server.metrics_url, "supervisor": supervisor.url, "watch": watch_url}
        server.switchboard.activate(1, By("test"), lambda _: None)
        server.switchboard.canary(2, 0.5, By("test"), lambda _: None)
        try:
            with prometheus_here.running(folder, RULES / "alerts.yml", targets) as found:
                wait_for(lambda: set(found.health().values()) == {"up"})
                deadline = Deadline(found)
                while not deadline.over():
                    # Of mistakes it is told in two places, at moments that differ: over seconds that is no small part.
                    ask(server, photo, mistakes=False)
                    ask_canary(server)
                yield found
        finally:
            supervisor.stop()


class Deadline:
    """Until a rate over all that was scraped can be had of both releases."""

    def __init__(self, prometheus: Prometheus) -> None:
        self._prometheus, self._looks = prometheus, 0

    def over(self) -> bool:
        self._looks += 1
        assert self._looks < 500
        seen = self._prometheus.query("count(rate(tandem_searches_total[20s]) > 0) by (release)")
        return len(seen) == 2 and self._looks > 20


def ask_canary(server: Server) -> None:
    with triton.InferenceServerClient(server.grpc_url.removeprefix("grpc://")) as raw:
        text = triton.InferInput("TEXT", (1, 1), "BYTES")
        text.set_data_from_numpy(np.array([[b"red mug"]], object))
        raw.infer("search_text_canary", [text])


def filled(expression: str) -> str:
    """As Grafana sends it."""
    return expression.replace("$__rate_interval", "30s")


def test_every_query_of_the_dashboard_gives_data(scraped: Prometheus) -> None:
    empty = {name for name, expression in expressions().items() if not scraped.query(filled(expression))}
    assert empty <= EMPTY.keys()
    assert {name for name, why in EMPTY.items() if why == NO_GPU} <= empty


def test_every_series_that_a_rule_reads_is_there(scraped: Prometheus) -> None:
    for name, rule in scraped.rules().items():
        selectors = METRIC.findall(rule["query"])
        assert selectors or "tandem:" in rule["query"], name
        for selector in selectors:
            known = selector.split("{")[0] if IN_TROUBLE in selector else selector
            assert scraped.query(f"last_over_time({known}[5m])"), (name, selector)


def test_rules_are_evaluated_without_an_error(scraped: Prometheus) -> None:
    wait_for(lambda: all(rule["health"] != "unknown" for rule in scraped.rules().values()))
    assert {rule.get("lastError", "") + rule["health"] for rule in scraped.rules().values()} == {"ok"}


def test_every_alert_says_what_to_do(scraped: Prometheus) -> None:
    alerts = [rule for rule in scraped.rules().values() if rule["type"] == "alerting"]
    assert len(alerts) > 20
    for rule in alerts:
        assert rule["annotations"].keys() == {"summary", "description", "runbook"}, rule["name"]
        assert rule["labels"]["severity"] in ("page", "ticket"), rule["name"]


def test_nothing_fires_where_all_is_well(scraped: Prometheus) -> None:
    firing = {one["metric"]["alertname"] for one in scraped.query('ALERTS{alertstate="firing"}')}
    assert firing <= {"TandemFindsNothing"}  # a test asks for what is not there


def test_what_a_shop_asks_of_its_releases(scraped: Prometheus) -> None:
    def one(expression: str) -> float:
        (sample,) = scraped.query(expression)
        return float(sample["value"][1])

    assert one("tandem_live_release") == 1
    assert one("tandem_canary_release") == 2
    assert one("count(tandem_loaded)") == 2
    assert one('tandem_gate_figure{tower="text", figure="max_abs_diff"}') < 1e-3
    assert one('sum(nv_inference_request_success{model="search_text_canary"})') > 0
    assert one('max(nv_inference_request_summary_us{model="text_tower", version="2", quantile="0.99"})') > 0
    assert one('max(tandem_index_live_rows{release="1"})') >= 40


def test_what_is_imported_is_json() -> None:
    content = json.loads(FILE.read_text("utf-8"))
    assert content["uid"] == "tandem"
    assert {panel["type"] for panel in content["panels"]} == {"row", "timeseries", "stat", "bargauge", "table"}
