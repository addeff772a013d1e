"""Real groceries in the fastest precision that passes its gate, and that release as it is served."""

from __future__ import annotations

import csv
import json
import math
from pathlib import Path

import pytest
from rich.progress import Progress
from typer.testing import CliRunner

from benchmarks.queries_files import app as queries_files
from benchmarks.served.__main__ import app as served
from ensemble.release import Manifest
from export.order import Order
from export.release import make_release
from tests.grocery import test_grocery as groceries
from tests.grocery.test_grocery import CATALOGUE, DATA, as_configured
from training.__main__ import app as training

pytestmark = groceries.pytestmark

RATIOS = ("latency_ratio_b1", "latency_ratio_b8", "latency_ratio_b32")
EVERY = 8


def trained_head(folder: Path) -> None:
    """Write ``head.safetensors``, fitted to every eighth photo of the split ``train``."""
    with (CATALOGUE.parent / "splits.csv").open(newline="") as file:
        photos = [row for row in csv.DictReader(file) if row["split"] == "train"][::EVERY]
    with (folder / "splits.csv").open("w", newline="") as file:
        table = csv.DictWriter(file, ["split", "path", "class_id"], extrasaction="ignore")
        table.writeheader()
        table.writerows({**row, "path": CATALOGUE.parent / row["path"]} for row in photos)
    made = {"--out": folder / "head.safetensors", "--cache": folder / "features", "--photos": folder / "splits.csv"}
    arguments = [str(part) for pair in {"--data": DATA, **made}.items() for part in pair]
    result = CliRunner().invoke(training, ["head", *arguments])
    assert result.exit_code == 0, result.output


def queries(folder: Path, split: str) -> Path:
    """A file of the photos of a split; of ``val`` with the descriptions."""
    path = folder / f"{split}.jsonl"
    arguments = ["grocery", "--data", str(DATA), "--split", split, "--out", str(path)]
    assert CliRunner().invoke(queries_files, arguments).exit_code == 0
    return path


@pytest.mark.slow
def test_what_is_served_in_the_chosen_precision_is_what_fp32_finds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TANDEM_DATA", str(DATA))
    towers, store = as_configured(tmp_path), tmp_path / "var"
    trained_head(tmp_path)
    held_out, calibration = queries(tmp_path, "val"), queries(tmp_path, "train")
    order = Order(str(CATALOGUE), store, towers, precision="auto", queries=held_out, calibration=calibration)
    chosen = _chosen(make_release(order, Progress(disable=True)))
    kept = {path.stem.removesuffix("_tower") for path in store.glob("releases/0001/fp32/*.onnx")}
    assert kept == {name for name, precision in chosen.items() if precision != "fp32"}
    result = CliRunner().invoke(served, ["--store", str(store), "--queries", str(held_out), "--recall", "0.97"])
    assert result.exit_code == 0, result.output
    figures = json.loads((store / "bench" / "served.json").read_text())
    assert figures["precision"] == chosen
    assert (figures["text"]["queries"], figures["photo"]["queries"]) == (81, 296)
    for kind in ("text", "photo"):
        assert figures[kind]["recall_at_10"] >= 0.97
        labelled = figures[kind]["labelled"]
        assert labelled["fp32"]["recall@5"] > 0.8
        for k in ("recall@1", "recall@5"):
            assert labelled["served"][k] == pytest.approx(labelled["fp32"][k], abs=0.03)


def _chosen(manifest: Manifest) -> dict[str, str]:
    """In which precision each tower serves: that of the fastest candidate that passed."""
    for tower in manifest.towers.values():
        passed = [one for one in tower["candidates"] if one["passed"]]
        fastest = min(passed, key=lambda one: math.prod(one[ratio] for ratio in RATIOS))
        assert (tower["chosen"], tower["recipe"]) == (fastest["precision"], fastest["recipe"])
        assert {one["precision"] for one in tower["candidates"]} == {"fp32", "fp16", "int8"}
    return {name: tower["chosen"] for name, tower in manifest.towers.items()}
