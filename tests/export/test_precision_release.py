"""Whole releases in lower precisions: what is chosen serves, is told, and is held to its bounds."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

from ensemble.hashing import sha256
from ensemble.pipeline import Pipeline
from ensemble.release import Manifest
from export import release
from export.kept import FOLDER as KEPT
from tests.export import small
from tests.export.conftest import Make

# Of each candidate, as the manifest names them.
FIGURES = {
    "precision",
    "recipe",
    "cosine_mean",
    "cosine_p01",
    "cosine_min",
    "recall_at_10",
    "recall_at_100",
    "latency_ratio_b1",
    "latency_ratio_b8",
    "latency_ratio_b32",
    "passed",
}
RATIOS = ("latency_ratio_b1", "latency_ratio_b8", "latency_ratio_b32")
MS = ("latency_ms_b1", "latency_ms_b8", "latency_ms_b32")
IN_8_BITS = {"MatMulIntegerToFloat", "MatMulNBits", "QuantizeLinear"}


@dataclass(frozen=True)
class Made:
    """A store with one release, its catalogue, and the SHA-256 of every candidate by tower and name."""

    store: Path
    manifest: Manifest
    shop: Path
    candidates: dict[str, dict[str, str]]

    @property
    def towers(self) -> dict[str, Any]:
        return dict(self.manifest.towers)

    @property
    def report(self) -> str:
        return (self.store / "releases" / "0001" / "report.html").read_text()


@pytest.fixture(scope="module", params=["convolutions", "vision transformer"])
def auto(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    make_small: Make,
    small_shop: Path,
    small_towers: Path,
    vit: Path,
) -> Made:
    """A release by ``auto``, broken off once when all but the last was done, so that its candidates can be seen."""
    folder = tmp_path_factory.mktemp("auto")
    store, towers = folder / "var", small_towers
    if request.param == "vision transformer":
        towers = small_towers.with_name("vit.toml")
        towers.write_text(small_towers.read_text().split("[vision]")[0] + f'[vision]\nhf = "{vit}"\n')
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(release, "move_models", small.breaking_off(KeyboardInterrupt()))
        with pytest.raises(KeyboardInterrupt):
            make_small(store, precision="auto", towers=towers)
    candidates = {
        name: {path.stem: sha256(path) for path in store.glob(f"{KEPT}/candidates.{name}_tower-*/*.onnx")}
        for name in ("text", "vision")
    }
    return Made(store, make_small(store, precision="auto", towers=towers), small_shop, candidates)


def named(entry: Mapping[str, Any], precision: str = "precision") -> str:
    return f"{entry[precision]}-{entry['recipe']}"


def test_the_fastest_candidate_that_passed_is_chosen_and_told(auto: Made) -> None:
    assert set(auto.towers) == {"text", "vision"}
    for tower in auto.towers.values():
        candidates = {named(one): one for one in tower["candidates"]}
        assert all(one.keys() >= FIGURES for one in candidates.values())
        assert {one["precision"] for one in candidates.values()} == {"fp32", "fp16", "int8"}
        assert len(candidates) == len(tower["candidates"]) >= 4
        speeds = {name: math.prod(one[ratio] for ratio in RATIOS) for name, one in candidates.items() if one["passed"]}
        assert named(tower, "chosen") == min(speeds, key=speeds.__getitem__)
        assert tower["fell_back"] is None
        assert tower["not_made"] == {}


def test_int8_passes_on_real_inputs(auto: Made) -> None:
    for tower in auto.towers.values():
        judged = [one for one in tower["candidates"] if one["precision"] == "int8"]
        assert any(one["passed"] and one["cosine_mean"] < 1 for one in judged)


def test_fp32_is_the_measure_of_the_others(auto: Made) -> None:
    for tower in auto.towers.values():
        (source,) = [one for one in tower["candidates"] if one["precision"] == "fp32"]
        assert [source[ratio] for ratio in RATIOS] == [1.0, 1.0, 1.0]
        assert source["passed"]
        assert source["recall_at_10"] == 1.0
        for one in tower["candidates"]:
            assert all(one[ratio] == pytest.approx(one[ms] / source[ms]) for ratio, ms in zip(RATIOS, MS, strict=True))
            assert (one["inputs"], one["products"]) == (source["inputs"], source["products"])


def test_what_serves_is_the_chosen_candidate_byte_for_byte(auto: Made) -> None:
    assert auto.manifest.damaged(auto.store) == ()
    steps = {step.name: step.figures for step in auto.manifest.steps}
    for name, tower in auto.towers.items():
        assert set(auto.candidates[name]) == {named(one) for one in tower["candidates"]}
        graph = auto.store / "models" / f"{name}_tower" / "1" / "model.onnx"
        assert sha256(graph) == auto.candidates[name][named(tower, "chosen")]
        assert steps["precision"][f"{name}_tower"] == named(tower, "chosen")
        assert bool({node.op_type for node in onnx.load(graph).graph.node} & IN_8_BITS) == (tower["chosen"] == "int8")


def test_index_and_probe_come_from_what_serves(auto: Made) -> None:
    pipeline = Pipeline.open(auto.store / "models", 1)
    rows = small.products()
    pictures = [(auto.shop.parent / row["image"]).read_bytes() if row["image"] else b"" for row in rows]
    alone = [pipeline.encoders.embed_product([row], [raw])[0] for row, raw in zip(rows, pictures, strict=True)]
    slots = pipeline.index.slots
    np.testing.assert_allclose(slots.rows(np.arange(len(slots))), np.stack(alone), atol=2**-11)  # float16
    probe = auto.store / "releases" / "0001" / "probe" / "probe.json"
    asked = json.loads(probe.read_text())["requests"][0]
    (hits,) = pipeline.search([asked["inputs"]["TEXT"]], None, k=asked["inputs"]["K"])
    assert [hit.id for hit in hits] == asked["expected"]["PRODUCT_ID"]
    np.testing.assert_allclose([hit.score for hit in hits], asked["expected"]["SCORE"], atol=1e-5)


def test_the_report_tells_of_every_candidate(auto: Made) -> None:
    name = "releases/0001/report.html"
    assert auto.manifest.outputs[name] == sha256(auto.store / name)
    for tower in auto.towers.values():
        for one in tower["candidates"]:
            assert named(one) in auto.report
    assert "https://" not in auto.report.replace("https://www.w3.org", "").replace("https://matplotlib.org", "")


def test_an_asked_precision_serves_though_another_may_be_faster(make_small: Make, tmp_path: Path) -> None:
    made = make_small(tmp_path / "var", precision="fp16")
    for name, tower in made.towers.items():
        assert named(tower, "chosen") == "fp16-islands"
        assert [one["precision"] for one in tower["candidates"]] == ["fp32", "fp16"]
        graph = onnx.load(tmp_path / "var" / "models" / f"{name}_tower" / "1" / "model.onnx")
        assert any(tensor.data_type == onnx.TensorProto.FLOAT16 for tensor in graph.graph.initializer)
