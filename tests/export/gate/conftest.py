"""Tiny towers with a reference of their own, and a shop whose pictures are not square."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import ModelProto, helper
from PIL import Image

from catalogue import Pictures, Product
from ensemble.settings import ProductSettings
from export.gate.bounds import DEFAULT_BOUNDS
from export.gate.evaluate import Bench, evaluate
from export.gate.inputs import Source
from export.gate.preparation import Preparation, text_preparation, vision_preparation
from export.gate.trial import Trial
from export.gate.values import Bounds, Verdict
from export.graphs import BuiltTower
from export.plans import TextPlan, VisionPlan
from export.precision.candidates import Candidate
from export.reference import Array, Reference
from export.text_towers import plan_text
from export.towers_file import TextTable, VisionTable
from export.vision_towers import plan_vision
from tests import tiny

QUICK = Bench(seconds=0.01)
MEAN, STD = (0.4, 0.5, 0.6), (0.2, 0.3, 0.4)

# A node to add: operator, inputs beside what came before, attributes.
Step = tuple[str, Sequence[str], Mapping[str, Any]]


def picture(seed: int, *, width: int = 60, height: int = 30) -> bytes:
    """Smooth waves in colour, as PNG."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0 : 1 : height * 1j, 0 : 1 : width * 1j]
    waves = [128 + 120 * np.sin(rng.uniform(1, 12) * x + rng.uniform(1, 12) * y + rng.uniform(0, 6)) for _ in range(3)]
    file = io.BytesIO()
    Image.fromarray(np.stack(waves, axis=-1).astype(np.uint8)).save(file, "PNG")
    return file.getvalue()


@pytest.fixture(scope="session")
def source(tmp_path_factory: pytest.TempPathFactory) -> Source:
    """60 products with titles of two to four words and wide pictures."""
    folder = tmp_path_factory.mktemp("wide")
    rng = np.random.default_rng(3)
    products = []
    for number in range(60):
        (folder / f"{number}.png").write_bytes(picture(number))
        title = " ".join(rng.choice(tiny.WORDS, rng.integers(3, 7), replace=False))
        products.append(Product(f"P{number}", title, image=f"{number}.png"))
    pictures = Pictures(str(folder / "catalogue.jsonl"), max_bytes=1_000_000)
    return Source(products, pictures, ProductSettings(("title",)))


@dataclass(frozen=True)
class Bed:
    """Everything that candidates of one tower are judged with."""

    trial: Trial
    preparation: Preparation
    built: BuiltTower
    folder: Path

    @property
    def reference(self) -> Reference:
        return self.built.reference

    def candidate(self, precision: str, recipe: str, graph: ModelProto) -> Candidate:
        path = self.folder / f"{precision}-{recipe}.onnx"
        onnx.save(graph, path)
        return Candidate(precision, recipe, path)

    def judge(
        self,
        graph: ModelProto,
        *,
        precision: str = "int8",
        preparation: Preparation | None = None,
        bounds: Mapping[str, Bounds] = DEFAULT_BOUNDS,
    ) -> Verdict:
        """Of one graph beside the FP32 one."""
        both = [self.candidate("fp32", "source", self.built.graph), self.candidate(precision, "tried", graph)]
        used = preparation or self.preparation
        return evaluate(self.trial, used, self.reference, both, bounds=bounds, bench=QUICK)[1]


@pytest.fixture(scope="session")
def text_plan(sources: Path) -> TextPlan:
    return plan_text(
        TextTable(onnx=sources / "text.onnx", tokenizer=sources / "tokenizer.json", output="states", buckets=(4, 8, 16))
    )


@pytest.fixture(scope="session")
def vision_plan(sources: Path) -> VisionPlan:
    return plan_vision(VisionTable(onnx=sources / "nchw.onnx", output="features", resize="squash", mean=MEAN, std=STD))


@pytest.fixture
def text_bed(source: Source, text_plan: TextPlan, tmp_path: Path) -> Bed:
    preparation = text_preparation(text_plan.tokenizer, text_plan.settings)
    return Bed(source.trial("text"), preparation, text_plan.build(), tmp_path)


@pytest.fixture
def vision_bed(source: Source, vision_plan: VisionPlan, tmp_path: Path) -> Bed:
    return Bed(source.trial("vision"), vision_preparation(vision_plan.settings), vision_plan.build(), tmp_path)


@pytest.fixture(scope="session")
def built_vit(vit: Path) -> BuiltTower:
    return plan_vision(VisionTable(hf=str(vit))).build()


@pytest.fixture
def vit_bed(source: Source, vit: Path, built_vit: BuiltTower, tmp_path: Path) -> Bed:
    """A vision transformer, with PyTorch as its reference."""
    settings = plan_vision(VisionTable(hf=str(vit))).settings
    return Bed(source.trial("vision"), vision_preparation(settings), built_vit, tmp_path)


def copied(graph: ModelProto) -> ModelProto:
    copy = ModelProto()
    copy.CopyFrom(graph)
    return copy


def then(graph: ModelProto, *steps: Step) -> ModelProto:
    """The graph with more nodes before its output.

    ``x`` among the inputs stands for the output as it was; the first input is what came before.
    """
    made = copied(graph)
    output = made.graph.output[0].name
    for node in made.graph.node:
        node.output[:] = ["x" if name == output else name for name in node.output]
    before = "x"
    for number, (operator, inputs, attributes) in enumerate(steps):
        after = output if number == len(steps) - 1 else f"step{number}"
        made.graph.node.append(helper.make_node(operator, [before, *inputs], [after], **attributes))
        before = after
    return made


def with_constant(graph: ModelProto, name: str, values: Array) -> ModelProto:
    graph.graph.initializer.append(onnx.numpy_helper.from_array(values, name))
    return graph


def changed(graph: ModelProto, name: str, change: Callable[[Array], Array]) -> ModelProto:
    """The graph with the values of one constant changed."""
    made = copied(graph)
    (tensor,) = [one for one in made.graph.initializer if one.name == name]
    values = change(onnx.numpy_helper.to_array(tensor))
    tensor.CopyFrom(onnx.numpy_helper.from_array(values.astype(np.float32), name))
    return made
