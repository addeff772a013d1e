"""Releases with a trained product tower: its candidates, its gate, and the folder that serves."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ensemble.hashing import sha256
from ensemble.index.snapshot import header_of
from ensemble.product_tower import ProductTower
from ensemble.recommending import still_recommender
from ensemble.release import Manifest
from ensemble.towers import Tower
from export import proving, sources
from export.errors import GateFailed
from export.gate.values import Bounds
from tests.export.conftest import Make
from tests.export.recommending.conftest import SHAPE, Frozen, Recommending, Traced

TASKS = """
[similar]
task = "similar"

[gifts]
task = "complement"
fallback = ["popular"]
"""


@pytest.fixture(scope="module")
def judged(
    make_brands: Make, small_towers: Path, tower: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, Manifest]:
    """A store with a release whose towers were all judged; and its manifest."""
    folder = tmp_path_factory.mktemp("judged")
    (folder / "tasks.toml").write_text(TASKS)
    towers = small_towers.with_name("judged.toml")
    recommend = f'\n[recommend]\ntower = "{tower}"\ntasks = "{folder / "tasks.toml"}"\nclusters = 7\n'
    towers.write_text(small_towers.read_text() + recommend)
    return folder / "var", make_brands(folder / "var", towers=towers, precision="auto")


def test_a_release_without_a_tower_recommends(frozen: Frozen) -> None:
    manifest = Manifest.load(frozen.store / "releases" / "0001" / "manifest.json")
    step = next(step for step in manifest.steps if step.name == "recommender")
    assert (step.figures["tower"], step.figures["dim"]) == ("frozen", frozen.space.text_dim)
    assert "product" not in manifest.towers
    assert manifest.damaged(frozen.store) == ()
    folder = frozen.store / "models" / "recommender" / "1"
    assert still_recommender(folder).shop.popular.products == {}
    seqs = [
        (header["seq"], header["catalogue_id"])
        for header in (header_of(folder.parents[1] / name / "1" / "index") for name in ("retrieve", "recommender"))
    ]
    assert seqs[0] == seqs[1] == (manifest.catalogue["seq"], manifest.catalogue["id"])


def test_the_product_tower_is_made_in_every_precision_and_judged(judged: tuple[Path, Manifest]) -> None:
    _, manifest = judged
    product = manifest.towers["product"]
    assert {one["precision"] for one in product["candidates"]} == {"fp32", "fp16", "int8"}
    chosen = next(
        one
        for one in product["candidates"]
        if (one["precision"], one["recipe"]) == (product["chosen"], product["recipe"])
    )
    assert chosen["passed"]
    assert chosen["recall_at_10"] >= 0.97
    assert chosen["batch_distance"] <= 1e-3
    assert chosen["worst"]
    source = product["candidates"][0]
    assert (source["precision"], source["passed"], source["preparation"]) == ("fp32", True, 0.0)


def test_the_graph_that_was_chosen_serves(judged: tuple[Path, Manifest], frozen: Frozen) -> None:
    store, manifest = judged
    folder = store / "models" / "recommender" / "1"
    encoder = ProductTower.open(folder)
    assert encoder.dim == SHAPE.dim
    vectors = encoder.encode(frozen.rows, frozen.documents)
    slots = still_recommender(folder).index.slots
    cosines = (vectors * slots.rows(np.arange(len(slots))).astype(np.float32)).sum(axis=1)
    assert cosines.min() > 0.98  # the towers that make rows may be of lower precision here
    reference = store / "releases" / "0001" / "fp32" / "product_tower.onnx"
    assert reference.is_file() == (manifest.towers["product"]["chosen"] != "fp32")


def test_the_manifest_knows_every_file(judged: tuple[Path, Manifest], tower: Path) -> None:
    store, manifest = judged
    assert manifest.damaged(store) == ()
    names = {name.removeprefix("models/recommender/1/") for name in manifest.outputs if "/recommender/1/" in name}
    assert {"settings.json", "tasks.toml", "product_tower.onnx", "features.json", "complement.safetensors"} <= names
    assert {"complements.json", "popular.json", "clusters.npy", "index/index.json"} <= names
    for name in ("tower.json", "tower.safetensors", "complement.safetensors", "popularity.json"):
        assert manifest.inputs[f"recommend.{name}"]["sha256"] == sha256(tower / name)
    assert manifest.inputs["recommend.tasks"]["sha256"] == sha256(store.parent / "tasks.toml")


def test_the_report_tells_of_the_product_tower(judged: tuple[Path, Manifest]) -> None:
    store, _ = judged
    page = (store / "releases" / "0001" / "report.html").read_text()
    assert all(f"{name} tower" in page for name in ("Text", "Vision", "Product"))


def test_the_folder_is_what_was_asked_for(judged: tuple[Path, Manifest]) -> None:
    store, _ = judged
    shop = still_recommender(store / "models" / "recommender" / "1").shop
    assert list(shop.profiles.by_name) == ["similar", "gifts"]
    assert shop.clusters is not None
    assert len(shop.clusters.centroids) == 7
    assert shop.complements.of(["Kitchen/Mugs"], 3) == ["Kitchen/Teas"]
    assert len(shop.popular.products[""]) == 72


def test_the_probe_asks_for_a_recommendation(judged: tuple[Path, Manifest]) -> None:
    store, _ = judged
    content = json.loads((store / "releases" / "0001" / "probe" / "probe.json").read_text())
    (request,) = [one for one in content["requests"] if one["model"] == "recommend"]
    expected, count = request["expected"], request["inputs"]["K"]
    assert request["inputs"]["TASK"] == "similar"
    assert [len(expected[name]) for name in ("RECOMMENDED_ID", "SCORE", "RULE")] == [count] * 3
    assert request["inputs"]["PRODUCT_ID"][0] not in expected["RECOMMENDED_ID"]
    assert set(expected["RULE"]) == {"similar"}


def test_a_product_tower_that_fails_its_gate_fails_the_release(
    make_brands: Make,
    tower: Path,
    recommending: Recommending,
    traced: Traced,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """FP16 has rounding errors that a bound of 1 does not allow; the other towers are let through."""
    towers = recommending("\n[gate.fp16]\ncosine_min = 1.0\n", tower=tower)
    real = proving.prove

    def prove(claim: Any, rule: Any, *more: Any) -> Any:
        lenient = {**rule.bounds, "fp16": Bounds(cosine_min=0.5, recall_at_10=0.1)}
        return real(claim, rule if claim.kind == "product" else replace(rule, bounds=lenient), *more)

    traced(monkeypatch)
    monkeypatch.setattr("export.decisions.prove", prove)
    with pytest.raises(GateFailed) as caught:
        make_brands(tmp_path / "var", towers=towers, precision="fp16")
    assert caught.value.figure == "product tower, fp16-islands: cosine_min"
    assert caught.value.worst
    page = (tmp_path / "var" / "failed" / "0001" / "report.html").read_text()
    assert "Product tower" in page
    assert "Text tower" in page
    assert not (tmp_path / "var" / "models").exists()


def test_a_graph_that_is_not_its_source_is_refused(
    make_brands: Make,
    tower: Path,
    recommending: Recommending,
    traced: Traced,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Off(Tower):
        def encode(self, inputs: Any) -> Any:
            vectors = super().encode(inputs)
            return vectors[:, ::-1] if "PRICE" in self.inputs else vectors

    traced(monkeypatch)
    monkeypatch.setattr(sources, "Tower", Off)
    with pytest.raises(GateFailed, match="product_tower: max abs difference"):
        make_brands(tmp_path / "var", towers=recommending(tower=tower))
