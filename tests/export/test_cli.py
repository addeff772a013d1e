"""The command as a user sees it: exit codes and words."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from typer.testing import CliRunner

from export import check, release
from export.cli import app

runner = CliRunner()
# What the command does, without what the gate does.
FP32 = ("--precision", "fp32")


def run(*arguments: object) -> tuple[int, str]:
    result = runner.invoke(app, ["release", *map(str, arguments)])
    return result.exit_code, " ".join(result.output.split())


def test_a_release_is_reported(shop: Path, towers: Path, tmp_path: Path) -> None:
    code, output = run("--catalogue", shop, "--towers", towers, "--store", tmp_path / "var", *FP32)
    assert code == 0
    assert "Release 1" in output
    assert "manifest.json" in output
    assert (tmp_path / "var" / "releases" / "0001" / "manifest.json").is_file()


@pytest.mark.parametrize("target", ["tpu", "gpu"])
def test_a_target_that_is_not_there_is_a_users_mistake(shop: Path, target: str) -> None:
    code, output = run("--catalogue", shop, "--target", target)
    assert code == 2
    assert target in output
    assert "cpu" in output


def test_users_mistakes_are_told_without_a_traceback(towers: Path, tmp_path: Path) -> None:
    (tmp_path / "c.jsonl").write_text('{"id": "1", "title": ""}\n')
    code, output = run("--catalogue", tmp_path / "c.jsonl", "--towers", towers, "--store", tmp_path / "var", *FP32)
    assert code == 2
    assert "row 1: title = ''" in output
    assert "--skip-bad-rows" in output
    assert "Traceback" not in output


def test_rows_that_were_left_out_are_named(towers: Path, tmp_path: Path) -> None:
    rows = '{"id": "1", "title": ""}\n{"id": "2", "title": "red mug", "category": "Kitchen"}\n'
    (tmp_path / "c.jsonl").write_text(rows)
    options = ("--towers", towers, "--store", tmp_path / "var", "--skip-bad-rows")
    code, output = run("--catalogue", tmp_path / "c.jsonl", *options)
    assert code == 0
    assert f"1 bad row(s) were left out; each is named in {tmp_path}/var/releases/0001/skipped.jsonl" in output


def test_a_towers_file_that_is_missing_is_named(shop: Path, tmp_path: Path) -> None:
    code, output = run("--catalogue", shop, "--towers", tmp_path / "none.toml", "--store", tmp_path / "var", *FP32)
    assert code == 2
    assert "none.toml" in output


def test_a_failed_gate_has_its_own_code(
    shop: Path, towers: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(check, "MAX_ABS_DIFF", -1.0)
    code, output = run("--catalogue", shop, "--towers", towers, "--store", tmp_path / "var", *FP32)
    assert code == 1
    assert "failed its gate" in output


def test_ctrl_c_is_told_in_plain_words(
    shop: Path, towers: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(release, "embed", interrupt)
    code, output = run("--catalogue", shop, "--towers", towers, "--store", tmp_path / "var", *FP32)
    assert code == 130
    assert "Interrupted. Nothing was released" in output


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_leaves_nothing_half_made(shop: Path, towers: Path, tmp_path: Path, number: signal.Signals) -> None:
    store = tmp_path / "var"
    command = [sys.executable, "-m", "export", "release", "--catalogue", str(shop)]
    command += ["--towers", str(towers), "--store", str(store)]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=os.environ | {"PYTHONPATH": "."})
    end = time.monotonic() + 60
    while not (store / ".export").exists() and time.monotonic() < end:
        time.sleep(0.01)
    process.send_signal(number)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Nothing was released" in errors
    assert "Traceback" not in errors
    assert [path.name for path in store.iterdir()] == [".export.lock"]
