"""The trained product tower of a release: its FP32 graph, and what is claimed of it at the gate."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import onnx

from ensemble.hashing import sha256
from export.cases import BATCHES, Case
from export.gate.inputs import spread
from export.kept import Kept
from export.machine import machine
from export.proving import Claim
from export.recommend_table import TOWER, WEIGHTS
from export.recommending.artefact import Artefact
from export.recommending.graph import load_encoder, product_graph, reference_of
from export.recommending.judging import ProductInputs, product_preparation
from export.recommending.padded import PaddedTower
from export.reference import Floats, Reference
from export.targets import GRAPH, PRODUCT

CHECKED = 64


@dataclass
class ProductSource:
    """A product tower with its graph.

    Args:
        artefact: What it is made of.
        graph: Its FP32 graph.
        resumed: Whether an earlier run made that.
    """

    artefact: Artefact
    graph: Path = Path()
    resumed: bool = False

    @classmethod
    def of(cls, artefact: Artefact, kept: Kept) -> ProductSource:
        """Make the graph, or take that of an earlier run.

        Raises:
            BadRecommender: It cannot be loaded.
            BadSource: It cannot be traced.
        """
        source = cls(artefact)
        result = kept.step(
            f"graph.{PRODUCT}",
            source._files(),
            lambda folder: onnx.save_model(product_graph(artefact, source.encoder), folder / GRAPH),
        )
        source.graph, source.resumed = result.folder / GRAPH, result.resumed
        return source

    @cached_property
    def encoder(self) -> Any:
        """As PyTorch runs it."""
        return load_encoder(self.artefact)

    @property
    def reference(self) -> Reference:
        """What the graph is held to."""
        return reference_of(self.encoder)

    @property
    def inputs(self) -> dict[str, object]:
        """Everything that the tower's answers follow from."""
        return {"graph": sha256(self.graph), **self._files()}

    def claim(self, trials: ProductInputs, rows: str, hashes: Mapping[str, object]) -> Claim:
        """What is claimed of it.

        Args:
            trials: The products that it is judged on.
            rows: Hash of their rows.
            hashes: Of the catalogue.
        """
        settings = self.artefact.settings
        return Claim(
            PRODUCT,
            "product",
            self.graph,
            lambda: self.reference,
            product_preparation(trials.shelf, settings),
            lambda: trials.calibration(settings),
            lambda _: _as_they_are,
            {**self.inputs, **hashes, "rows": rows, "processor": machine()["processor"]},
            {},
            PaddedTower,
        )

    def _files(self) -> dict[str, object]:
        return {name: sha256(self.artefact.folder / name) for name in (TOWER, WEIGHTS)}


def product_cases(trials: ProductInputs, source: ProductSource) -> Iterator[Case]:
    """Products from the whole catalogue, in batches that graph and source must agree on."""
    settings, shelf = source.artefact.settings, trials.shelf
    products = spread(trials.products, CHECKED)
    start, at = 0, 0
    while start < len(products):
        part = products[start : start + BATCHES[at % len(BATCHES)]]
        yield Case(
            shelf.tensors([shelf.places[product.id] for product in part], settings),
            tuple(f"product {product.id!r}" for product in part),
        )
        start, at = start + len(part), at + 1


def _as_they_are(vectors: Floats) -> Floats:
    return vectors
