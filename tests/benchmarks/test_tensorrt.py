"""The benchmark without a GPU: its graphs, its verdict, and ONNX Runtime on the CPU in place of each engine."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import onnx
import pytest
import torch
import typer
from typer.testing import CliRunner

from benchmarks import tensorrt, tensorrt_systems
from benchmarks.side_by_side import Faithfulness
from benchmarks.tensorrt_graphs import SOURCE, BenchTower, bench_towers
from benchmarks.tensorrt_systems import Systems
from ensemble.pipeline import Encoders
from ensemble.towers import Tower
from export.engines.summary import EngineSummary
from export.graphs import BuiltTower
from export.order import Plans
from tests import tiny
from tests.export.engines.library import write_quantized

GOOD = Faithfulness(1.0, 1.0, 1.0, 0.0)


@pytest.fixture
def towers(tmp_path: Path) -> list[BenchTower]:
    """Those of the tiny release, with an INT8 graph for the vision tower."""
    rows = tiny.write_release(tmp_path / "models")
    sample = tmp_path / "sample"
    (sample / "photos").mkdir(parents=True)
    (sample / "catalogue.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (sample / "photos" / "0.jpg").write_bytes(tiny.picture(tiny.COLOURS["red"], 1))
    (tmp_path / "given" / "vision_tower").mkdir(parents=True)
    write_quantized(tiny.vision_tower(), tmp_path / "given" / "vision_tower" / "int8-static.onnx")
    plans = cast("Plans", SimpleNamespace(text=_plan(tiny.text_tower()), vision=_plan(tiny.vision_tower())))
    encoders = Encoders.open(tmp_path / "models", tiny.RELEASE)
    return bench_towers(encoders, plans, sample, tmp_path / "given", tmp_path / "work", typed=True)


def _plan(graph: onnx.ModelProto) -> SimpleNamespace:
    def reference(_: Any) -> Any:
        raise AssertionError("the benchmark compares with the FP32 graph")

    return SimpleNamespace(build=lambda: BuiltTower(graph, reference))


def test_every_precision_has_a_graph_and_the_inputs_are_real(towers: list[BenchTower]) -> None:
    text, vision = towers
    assert set(text.graphs) == {SOURCE, "fp16-islands"}
    assert set(vision.graphs) == {SOURCE, "fp16-islands", "int8-static"}
    assert text.feed["INPUT_IDS"].shape[1] in tiny.TEXT.buckets
    assert vision.feed["PIXELS"].shape == (256, tiny.SIZE, tiny.SIZE, 3)
    assert [list(profile) for profile in (text.profiles[0], vision.profiles[0])] == [
        ["INPUT_IDS", "LENGTHS"],
        ["PIXELS"],
    ]
    assert len(text.profiles) == len(tiny.TEXT.buckets)


def test_all_but_fp32_become_fp16_for_a_builder_that_reads_types(towers: list[BenchTower], tmp_path: Path) -> None:
    text, vision = towers
    halves = onnx.load(text.graphs["fp16-islands"]).graph.initializer
    assert any(tensor.data_type == onnx.TensorProto.FLOAT16 for tensor in halves)
    quantized = vision.graphs["int8-static"]
    assert quantized == tmp_path / "work" / "vision_tower" / "int8-static.onnx"
    assert any(node.op_type == "QuantizeLinear" for node in onnx.load(quantized).graph.node)


def test_a_tower_is_measured_and_shown(
    towers: list[BenchTower], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    tower = towers[1]
    run = {f"tensorrt {name}": Tower(path).encode for name, path in tower.graphs.items()}
    record = SimpleNamespace(seconds=1.0, bytes=9, summary=EngineSummary({"fp16": 3}, True, 3))
    systems = Systems(run, {SOURCE: cast("Any", record)}, ("PyTorch: not here",))
    monkeypatch.setattr(tensorrt_systems, "systems_of", lambda tower, work: systems)
    made = tensorrt.bench_tower(tower, tmp_path, rounds=1, seconds=0.01)
    assert set(made["ms"]) == {"b1", "b8", "b32"}
    assert made["over_tensorrt_fp32"]["b8"][tensorrt.BASE] == 1
    assert made["faithfulness"]["tensorrt fp16-islands"]["cosine_min"] > 0.999
    assert made["engines"][SOURCE]["fused_attention"] is True
    assert made["left_out"] == ["PyTorch: not here"]
    assert json.loads(json.dumps(made)) == made
    assert tensorrt.table(tower.model, made).row_count == 3


def test_a_system_that_is_not_faithful_is_not_measured(
    towers: list[BenchTower], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    tower = towers[1]
    right = Tower(tower.graphs[SOURCE]).encode
    systems = Systems({tensorrt.BASE: lambda feed: -right(feed)}, {}, ())
    monkeypatch.setattr(tensorrt_systems, "systems_of", lambda tower, work: systems)
    with pytest.raises(typer.Exit) as ended:
        tensorrt.bench_tower(tower, tmp_path, rounds=1, seconds=0.01)
    assert ended.value.exit_code == tensorrt.UNFAITHFUL


@pytest.mark.parametrize(
    ("system", "found", "faithful"),
    [
        ("tensorrt fp32-source", GOOD, True),
        ("tensorrt fp32-source", replace(GOOD, cosine_min=0.9998), False),
        ("torch fp16", replace(GOOD, cosine_min=0.9991), True),
        ("tensorrt fp16-islands", replace(GOOD, cosine_min=0.9989), False),
        ("tensorrt int8-static", replace(GOOD, cosine_min=0.9, cosine_p01=0.981), True),
        ("tensorrt int8-static", replace(GOOD, cosine_p01=0.979), False),
        ("onnxruntime fp32", replace(GOOD, cosine_min=float("nan")), False),
    ],
)
def test_the_bounds_are_those_of_a_release(system: str, found: Faithfulness, faithful: bool) -> None:
    assert (tensorrt.unfaithful({system: found}) == []) is faithful


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a GPU")
def test_without_a_gpu_it_says_so_and_ends_with_2() -> None:
    app = typer.Typer()
    app.command()(tensorrt.main)
    found = CliRunner().invoke(app, [])
    assert found.exit_code == tensorrt.CANNOT_MEASURE
    assert "Nothing was measured. There is no GPU here" in found.output
