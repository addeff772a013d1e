"""Graphs that are spoiled, or calibrated on nothing real, do not get past the gate of a release."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import ModelProto, numpy_helper

from catalogue import Pictures, Product
from ensemble.settings import ProductSettings
from ensemble.text import TextPreprocessor
from export import proving
from export.errors import GateFailed
from export.gate.bounds import DEFAULT_BOUNDS
from export.gate.inputs import Source, split
from export.gate.preparation import text_preparation, vision_preparation
from export.gate.values import Verdict
from export.kept import Kept
from export.order import Plans
from export.precision.calibration import Calibration
from export.precision.inputs import text_calibration, vision_calibration
from export.precision.recipes import Make as MakeGraph
from export.precision.recipes import Recipe, recipes
from export.proving import Claim, Rule, prove
from tests.export import small
from tests.export.conftest import Make
from tests.export.stores import tree

SETTINGS = ProductSettings(("title",))
# Inputs of the operators that hold the scales of an 8-bit layer's weights.
SCALES = {"MatMulIntegerToFloat": 3, "MatMulNBits": 2, "DequantizeLinear": 1}

# A tower and what it is calibrated on, to verdicts on its INT8 graphs by recipe.
Judged = Callable[[str, Calibration], dict[str, Verdict]]


def spoiled(make: MakeGraph) -> MakeGraph:
    """A recipe whose graphs have the scales of one layer multiplied by 8."""

    def spoil(graph: ModelProto, calibration: Calibration) -> ModelProto | None:
        made = make(graph, calibration)
        if made is None:
            return None
        constants = {tensor.name: tensor for tensor in made.graph.initializer}
        layers = [node for node in made.graph.node if node.op_type in SCALES and constants.keys() & set(node.input[:2])]
        scales = constants[layers[-1].input[SCALES[layers[-1].op_type]]]
        scales.CopyFrom(numpy_helper.from_array(8 * numpy_helper.to_array(scales), scales.name))
        return made

    return spoil


@pytest.fixture
def spoil(monkeypatch: pytest.MonkeyPatch) -> None:
    """Spoil every INT8 graph."""

    def all_spoiled(target: str, device: str) -> tuple[Recipe, ...]:
        return tuple(
            replace(one, make=spoiled(one.make)) if one.precision == "int8" else one for one in recipes(target, device)
        )

    monkeypatch.setattr(proving, "recipes", all_spoiled)


@pytest.mark.usefixtures("spoil")
def test_a_release_of_a_spoiled_graph_fails(make_small: Make, tmp_path: Path) -> None:
    with pytest.raises(GateFailed, match=r"text tower, int8-.*: cosine_p01 is 0") as caught:
        make_small(tmp_path / "var", precision="int8")
    assert caught.value.value < caught.value.bound == DEFAULT_BOUNDS["int8"].cosine_p01
    assert list(tree(tmp_path / "var")) == ["failed/0001/report.html"]


@pytest.mark.usefixtures("spoil")
def test_auto_chooses_another_graph_than_a_spoiled_one(make_small: Make, tmp_path: Path) -> None:
    made = make_small(tmp_path / "var", precision="auto")
    for tower in made.towers.values():
        judged = [one for one in tower["candidates"] if one["precision"] == "int8"]
        for one in judged:
            assert "cosine_p01" in {failure["figure"] for failure in one["failures"]}, one
        assert len(judged) >= 2
        assert tower["chosen"] in ("fp16", "fp32")


@pytest.fixture(scope="module")
def source(small_shop: Path) -> Source:
    products = [Product(row["id"], row["title"], image=row["image"]) for row in small.products()]
    return Source(products, Pictures(str(small_shop), max_bytes=1_000_000), SETTINGS)


@pytest.fixture
def judged(small_towers: Path, source: Source, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Judged:
    """Verdicts on a tower's INT8 graphs by recipe, given what they were calibrated on."""
    monkeypatch.setattr(proving, "SECONDS", small.SECONDS)
    plans = Plans.of(small_towers)

    def run(kind: str, calibration: Calibration) -> dict[str, Verdict]:
        plan = plans.text if kind == "text" else plans.vision
        built = plan.build()
        onnx.save(built.graph, tmp_path / "model.onnx")
        preparation = (
            text_preparation(plans.text.tokenizer, plans.text.settings)
            if kind == "text"
            else vision_preparation(plans.vision.settings)
        )
        claim = Claim(
            f"{kind}_tower",
            "text" if kind == "text" else "vision",
            tmp_path / "model.onnx",
            lambda: built.reference,
            preparation,
            lambda: calibration,
            lambda _: lambda vectors: vectors,
            {},
            {},
        )
        rule = Rule("int8", False, "cpu", "cpu", DEFAULT_BOUNDS, source)
        proof = prove(claim, rule, Kept(tmp_path / "kept", {}), lambda _: lambda _: None)
        return {one.candidate.recipe: one for one in proof.verdicts if one.candidate.precision == "int8"}

    return run


@pytest.mark.parametrize("kind", ["text", "vision"])
def test_graphs_calibrated_on_real_inputs_pass(judged: Judged, small_towers: Path, source: Source, kind: str) -> None:
    plans = Plans.of(small_towers)
    products, _ = split(source.products)
    real = (
        text_calibration(products, (), plans.text, SETTINGS)
        if kind == "text"
        else vision_calibration(products, source.pictures, (), plans.vision.settings)
    )
    verdicts = judged(kind, real)
    assert all(one.passed for one in verdicts.values())


def test_a_text_tower_calibrated_on_gibberish_is_caught(judged: Judged, small_towers: Path) -> None:
    plan = Plans.of(small_towers).text
    random = np.random.default_rng(0)
    gibberish = ["".join(random.choice(list("bcdfgqxz"), 9)) for _ in range(32)]
    tokens = TextPreprocessor(plan.tokenizer, plan.settings)(gibberish)
    verdicts = judged("text", Calibration([{"INPUT_IDS": tokens.input_ids, "LENGTHS": tokens.lengths}]))
    assert "cosine_p01" in failed(verdicts["static-norms"])
    # Tokens and blocks find their scales while they run: there is no range that gibberish could spoil.
    assert verdicts["by-token"].passed
    assert verdicts["blockwise"].passed


def test_a_vision_tower_calibrated_on_noise_is_caught(judged: Judged, small_towers: Path) -> None:
    size = Plans.of(small_towers).vision.settings.size
    noise = np.random.default_rng(0).integers(120, 136, (32, size, size, 3), np.uint8)
    verdicts = judged("vision", Calibration([{"PIXELS": noise}]))
    assert set(verdicts) == {"static-norms", "spared"}
    for one in verdicts.values():
        assert {"cosine_p01", "recall_at_10"} <= failed(one)


def failed(verdict: Verdict) -> set[str]:
    return {one.figure for one in verdict.failures}
