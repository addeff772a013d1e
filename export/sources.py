"""A tower's FP32 graph, kept from an earlier run where its files say all; its source is loaded only when asked for."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Protocol

import onnx

from ensemble.hashing import sha256
from ensemble.towers import Tower
from export.cases import Case
from export.check import Agreement, hold
from export.graphs import BuiltTower
from export.kept import Kept
from export.plans import TextPlan, VisionPlan
from export.reference import Reference
from export.targets import GRAPH

FACTORY = "factory"
AGREEMENT = "agreement.json"


@dataclass
class Source:
    """One tower.

    Args:
        plan: What it is made of.
        table: Its table of the towers file.
    """

    plan: TextPlan | VisionPlan
    table: Mapping[str, object]
    graph: Path = Path()
    resumed: bool = False

    @classmethod
    def of(cls, model: str, plan: TextPlan | VisionPlan, table: Mapping[str, object], kept: Kept) -> Source:
        """Make the graph, or take that of an earlier run.

        What a factory reads is not known, so its graph is always made anew; the steps that follow go by its hash.

        Raises:
            BadSource: It cannot be loaded or traced.
        """
        source = cls(plan, table)
        inputs: dict[str, object] = {"files": {name: sha256(path) for name, path in plan.files.items()}, "table": table}
        if FACTORY in plan.files:
            inputs["graph"] = sha256_of(source.built.graph)
        result = kept.step(f"graph.{model}", inputs, lambda folder: onnx.save_model(source.built.graph, folder / GRAPH))
        source.graph, source.resumed = result.folder / GRAPH, result.resumed
        return source

    @cached_property
    def built(self) -> BuiltTower:
        """Graph and reference; takes seconds."""
        return self.plan.build()

    @property
    def reference(self) -> Reference:
        """What the graph is held to."""
        return self.built.reference

    @property
    def inputs(self) -> dict[str, object]:
        """Everything that the tower's answers follow from."""
        settings = asdict(self.plan.settings)
        tokenizer = sha256(self.plan.tokenizer) if isinstance(self.plan, TextPlan) else ""
        return {"graph": sha256(self.graph), "settings": settings, "tokenizer": tokenizer}


class Held(Protocol):
    """A tower with its graph, and what that is held to."""

    graph: Path

    @property
    def reference(self) -> Reference:
        """What the source answers."""


def sha256_of(graph: onnx.ModelProto) -> str:
    """SHA-256 of a graph in memory."""
    return hashlib.sha256(graph.SerializeToString(deterministic=True)).hexdigest()


def held(
    kept: Kept,
    model: str,
    source: Held,
    cases: Callable[[], Iterable[Case]],
    inputs: Mapping[str, object],
    *,
    threads: int,
) -> tuple[Agreement, bool]:
    """What holding the graph to its source found, now or in an earlier run; and which of the two.

    Raises:
        GateFailed: They differ; names the worst inputs.
    """

    def check(folder: Path) -> None:
        agreement = hold(model, Tower(source.graph, threads=threads), source.reference, cases())
        (folder / AGREEMENT).write_text(json.dumps(asdict(agreement)), "utf-8")

    result = kept.step(f"check.{model}", inputs, check)
    return Agreement(**json.loads((result.folder / AGREEMENT).read_text("utf-8"))), result.resumed
