from __future__ import annotations

import importlib
import shutil
import subprocess
from pathlib import Path

import pytest

from deploy.command import PROJECT_ROOT
from tests.deploy.chart.rendering import render

ADAPTER = PROJECT_ROOT / "deploy" / "chart" / "prometheus-adapter.yaml"


def test_the_adapter_makes_every_metric_that_is_scaled_by(tmp_path: Path) -> None:
    rules = importlib.import_module("yaml").safe_load(ADAPTER.read_text())["rules"]["custom"]
    made = {rule["name"]["as"] for rule in rules}
    values = {"gpu": {"count": 1}, "autoscaling": {"enabled": True, "gpuPercent": 70}}
    scaler = next(o for o in render(values, folder=tmp_path) if o["kind"] == "HorizontalPodAutoscaler")
    assert {metric["pods"]["metric"]["name"] for metric in scaler["spec"]["metrics"]} == made


def test_its_queries_are_those_of_prometheus(tmp_path: Path) -> None:
    if (promtool := shutil.which("promtool")) is None:
        pytest.skip("promtool is not installed: `apt-get install prometheus`")
    yaml = importlib.import_module("yaml")
    rules = []
    for rule in yaml.safe_load(ADAPTER.read_text())["rules"]["custom"]:
        query = rule["metricsQuery"].replace("<<.LabelMatchers>>", 'pod=~"a|b"').replace("<<.GroupBy>>", "pod")
        rules += [{"record": rule["name"]["as"], "expr": query}, {"record": "found", "expr": rule["seriesQuery"]}]
    path = tmp_path / "rules.yml"
    path.write_text(yaml.safe_dump({"groups": [{"name": "adapter", "rules": rules}]}))
    result = subprocess.run([promtool, "check", "rules", path], capture_output=True, text=True, timeout=60, check=False)
    assert result.returncode == 0, result.stdout + result.stderr
