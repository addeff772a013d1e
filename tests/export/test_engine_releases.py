"""Releases for TensorRT: graphs judged by simulation, engines built of those that pass, and judged again."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from ensemble.engine_stamp import EngineStamp, read_stamps, stamp_path
from ensemble.hashing import sha256
from ensemble.release import release_folder
from ensemble.towers import Tower, Vectors
from export import release
from export.engines.build import EngineRecord
from export.engines.options import EngineOptions, text_profiles, vision_profiles
from export.engines.summary import EngineSummary
from export.engines.trying import Engines
from export.errors import EngineFailed, GateFailed
from export.gate.preparation import Feed
from export.precision.modelopt import recipe
from export.precision.simulated import SimulatedTower
from tests.export.conftest import Make

PLAN = "model_sm90.plan"


class Engine:
    """Runs the graph that a double of the builder wrote as its plan."""

    def __init__(self, plan: Path) -> None:
        self._tower = SimulatedTower(plan, 1)

    def encode(self, inputs: Feed) -> Vectors:
        return self._tower.encode(inputs)


class WrongEngine(Engine):
    """A compiler's mistake: FP16 engines answer with their first two values swapped."""

    def __init__(self, plan: Path) -> None:
        super().__init__(plan)
        (stamp,) = read_stamps(plan.parent)
        self._wrong = stamp.precision == "fp16"

    def encode(self, inputs: Feed) -> Vectors:
        vectors = super().encode(inputs).copy()
        if self._wrong:
            vectors[:, :2] = vectors[:, 1::-1]
        return vectors


def build(graph: Path, folder: Path, options: EngineOptions, advance: Callable[[int], None]) -> EngineRecord:
    """A double of ``build_engine``: the plan is the graph itself."""
    plan = folder / PLAN
    shutil.copyfile(graph, plan)
    stamp = EngineStamp(
        PLAN, sha256(plan), graph.name, sha256(graph), options.precision, "10.16.1.11", "NVIDIA H200", "9.0", "580"
    )
    stamp_path(plan).write_text(json.dumps(stamp.__dict__), "utf-8")
    advance(100)
    return EngineRecord(plan, stamp, EngineSummary({"Half": 3}, fused_attention=False, layers=3), 1.0, 10)


@pytest.fixture(autouse=True)
def _without_modelopt(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Its own tests run it; here it would only take long."""
    monkeypatch.setattr(
        recipe.quantise, "__kwdefaults__", {**(recipe.quantise.__kwdefaults__ or {}), "python": tmp_path / "no"}
    )


@pytest.fixture
def engines(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[Path], Engine]], None]:
    def use(start: Callable[[Path], Engine]) -> None:
        profiles = {"text_tower": text_profiles((4, 8, 16)), "vision_tower": vision_profiles(16)}
        monkeypatch.setattr(Engines, "here", classmethod(lambda _, __, table: Engines(profiles, table, build, start)))
        monkeypatch.setattr(release, "require_builder", lambda: None)

    return use


def test_engines_of_the_graphs_that_pass_are_judged_and_placed(
    make: Make, tmp_path: Path, engines: Callable[[Callable[[Path], Engine]], None]
) -> None:
    engines(Engine)
    manifest = make(tmp_path, target="tensorrt", precision="auto")
    for name, model in (("text", "text_tower"), ("vision", "vision_tower")):
        folder = tmp_path / "models" / model / "1"
        (stamp,) = read_stamps(folder)
        chosen = manifest.towers[name]
        assert stamp.precision == chosen["chosen"]
        assert stamp.graph_sha256 == sha256(folder / "model.onnx")
        assert PLAN in (tmp_path / "models" / model / "config.pbtxt").read_text()
        assert {one["precision"] for one in chosen["candidates"]} >= {"fp32", "fp16"}
        assert Tower(folder / "model.onnx").dim > 0
    report = (release_folder(tmp_path, 1) / "report.html").read_text()
    assert "text_tower, fp16-islands" in report


def test_an_engine_that_answers_wrong_is_caught_though_its_graph_is_right(
    make: Make, tmp_path: Path, engines: Callable[[Callable[[Path], Engine]], None]
) -> None:
    engines(WrongEngine)
    manifest = make(tmp_path, target="tensorrt", precision="auto")
    for tower in manifest.towers.values():
        assert tower["chosen"] == "fp32"
        (wrong,) = [one for one in tower["candidates"] if one["precision"] == "fp16"]
        assert not wrong["passed"]
        assert wrong["cosine_min"] < 0.999


class LateEngine(Engine):
    """A compiler's mistake that only batches show: FP32 engines swap values where more than one row is asked for."""

    def __init__(self, plan: Path) -> None:
        super().__init__(plan)
        (stamp,) = read_stamps(plan.parent)
        self._wrong = stamp.precision == "fp32"

    def encode(self, inputs: Feed) -> Vectors:
        vectors = super().encode(inputs).copy()
        if self._wrong and len(vectors) > 1:
            vectors[:, :2] = vectors[:, 1::-1]
        return vectors


def test_an_fp32_engine_is_not_held_to_itself(
    make: Make, tmp_path: Path, engines: Callable[[Callable[[Path], Engine]], None]
) -> None:
    engines(LateEngine)
    with pytest.raises(GateFailed, match="text tower, fp32-source"):
        make(tmp_path, target="tensorrt", precision="auto")
    assert not (tmp_path / "models").exists()


def test_a_release_keeps_what_engines_are_built_from(
    make: Make, tmp_path: Path, engines: Callable[[Callable[[Path], Engine]], None]
) -> None:
    engines(Engine)
    manifest = make(tmp_path, target="tensorrt", precision="auto")
    kept = {path.name for path in (release_folder(tmp_path, 1) / "candidates" / "text_tower").iterdir()}
    assert {"fp32-source.onnx", "fp16-islands.onnx"} <= kept
    assert "releases/0001/candidates/text_tower/fp32-source.onnx" in manifest.outputs


def test_recipes_that_cannot_be_carried_out_are_told(
    make: Make, tmp_path: Path, engines: Callable[[Callable[[Path], Engine]], None]
) -> None:
    engines(Engine)
    manifest = make(tmp_path / "var", target="tensorrt", precision="auto")
    assert "make modelopt" in manifest.towers["text"]["not_made"]["int8-modelopt-max"]


def test_without_a_gpu_nothing_is_begun(make: Make, tmp_path: Path) -> None:
    with pytest.raises(EngineFailed, match=r"TensorRT cannot be loaded|none here"):
        make(tmp_path, target="tensorrt", precision="auto")
    assert not (tmp_path / "models").exists()


def test_a_simulated_graph_answers_as_the_graph(tmp_path: Path) -> None:
    from tests import tiny

    path = tmp_path / "text.onnx"
    path.write_bytes(tiny.text_tower().SerializeToString())
    feed: Feed = {"INPUT_IDS": np.array([[2, 5, 3, 0]], np.int64), "LENGTHS": np.array([[3]], np.int32)}
    np.testing.assert_allclose(SimulatedTower(path, 1).encode(feed), Tower(path).encode(feed), atol=1e-6)
