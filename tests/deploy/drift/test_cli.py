"""``python -m deploy drift``."""

from __future__ import annotations

import json
import time
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from deploy.cli import app
from deploy.drift import DriftReport, Statistic
from deploy.drift.cli import _show
from tests.deploy.drift import traffic
from tests.deploy.drift.traffic import FOREIGN, answers, write_baseline, write_window

RUN = CliRunner()


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(traffic, "NOW", time.time())
    write_baseline(tmp_path)
    return tmp_path


def test_a_report_is_shown_as_a_table_or_as_json(store: Path) -> None:
    write_window(store, "retrieve", answers(np.random.default_rng(2), 256, FOREIGN))
    shown = RUN.invoke(app, ["drift", "--store", str(store), "--release", "1"], env={"COLUMNS": "200"})
    assert shown.exit_code == 1
    assert "what texts ask for" in shown.output
    assert "alarm" in shown.output
    assert "Drift in two windows in a row." in shown.output
    told = RUN.invoke(app, ["drift", "--store", str(store), "--release", "1", "--json"])
    report = json.loads(told.output)
    assert (told.exit_code, report["alarm"], report["release"]) == (1, True, 1)
    assert {"name", "value", "threshold", "alarm"} <= report["statistics"][0].keys()


def test_traffic_that_is_usual_or_scarce_is_no_failure(store: Path) -> None:
    few = RUN.invoke(app, ["drift", "--store", str(store), "--release", "1"], env={"COLUMNS": "200"})
    assert few.exit_code == 0
    assert "too few different requests" in few.output
    write_window(store, "retrieve", answers(np.random.default_rng(2), 256))
    usual = RUN.invoke(app, ["drift", "--store", str(store), "--release", "1"], env={"COLUMNS": "200"})
    assert usual.exit_code == 0
    assert "No drift" in usual.output


def test_a_store_without_a_release_or_a_baseline_is_told(tmp_path: Path) -> None:
    assert RUN.invoke(app, ["drift", "--store", str(tmp_path)]).exit_code == 2
    told = RUN.invoke(app, ["drift", "--store", str(tmp_path), "--release", "7"])
    assert told.exit_code == 2
    assert "release 7 has no baseline" in told.output


def test_what_a_shopper_typed_cannot_steer_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    statistic = Statistic("query_text", 0.2, 0.1, alarm=True)
    _show(DriftReport(1, 0.0, 9, (statistic,), True, "Drift.", ("mug\x1b[2J\u2028\u202e",)))
    assert "unlike the baseline: 'mug\\x1b[2J\\u2028\\u202e'" in capsys.readouterr().out
