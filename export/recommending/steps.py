"""The steps of a release that make its recommender."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from ensemble.features import FEATURES
from ensemble.hashing import sha256
from ensemble.product_tower import GRAPH
from ensemble.settings import SpaceSettings
from export import repository
from export.checking import CheckedCatalogue
from export.decisions import FP32, Deciding, Decision
from export.embedding import Rows
from export.proving import Rule
from export.recommend_table import TOWER
from export.recommending.artefact import Artefact
from export.recommending.folder import FROZEN, Maker, More
from export.recommending.graph import load_encoder
from export.recommending.judging import ProductInputs
from export.recommending.shelf import Shelf
from export.recommending.tower import ProductSource, product_cases
from export.reference import Floats
from export.sources import held
from export.steps import Running
from export.targets import CPU, PRODUCT, RECOMMENDER
from export.work import Work, threads

VECTORS, CENTROIDS = "vectors.npy", "centroids.npy"
ROWS_UNCHECKED = (
    "product tower: not checked to be trained on rows of these towers, as {} holds no rows of 4 products of this "
    "catalogue or more"
)


@dataclass(frozen=True)
class Stock:
    """The products of a release.

    Args:
        checked: The catalogue.
        rows: ``(products, row_dim)``, in its order.
        space: Of the rows.
    """

    checked: CheckedCatalogue
    rows: Rows
    space: SpaceSettings

    @cached_property
    def shelf(self) -> Shelf:
        """Documents and rows as a product tower meets them."""
        return Shelf(self.checked.documents(), self.rows)

    @cached_property
    def rows_sha256(self) -> str:
        """Over all rows."""
        return hashlib.sha256(np.ascontiguousarray(self.rows).data).hexdigest()


def check_product_tower(work: Work, space: SpaceSettings) -> None:
    """Load the trained product tower, where there is one, before the long work begins.

    Raises:
        BadRecommender: It cannot be used with rows of this space.
    """
    folder = work.plans.file.recommend.tower
    if folder is not None:
        artefact = Artefact.open(folder)
        artefact.check_space(space)
        load_encoder(artefact)


def check_rows(work: Work, stock: Stock) -> list[str]:
    """Hold the rows of a release to those that its product tower was trained on; returns notes where it cannot be told.

    Raises:
        BadRecommender: They are of other towers.
    """
    folder = work.plans.file.recommend.tower
    if folder is None or Artefact.open(folder).check_rows(stock.shelf.documents, stock.rows):
        return []
    return [ROWS_UNCHECKED.format(folder / TOWER)]


def choose_product_tower(
    work: Work, stock: Stock, deciding: Deciding, before: Mapping[str, Decision]
) -> dict[str, Decision]:
    """Make the graph of the trained product tower, hold it to its source, and choose its precision.

    Args:
        work: The release.
        stock: Its products.
        deciding: Decides, and writes the report where it fails.
        before: What was decided on the other towers.

    Returns:
        The decision by model; nothing where the frozen tower serves.

    Raises:
        BadRecommender: The tower cannot be used with these rows.
        GateFailed: It differs from its source, or no candidate may serve.
    """
    folder = work.plans.file.recommend.tower
    if folder is None:
        return {}
    artefact = Artefact.open(folder)
    artefact.check_space(stock.space)
    limits = work.plans.file.gate.limits
    trials = ProductInputs(stock.checked.catalogue.products, stock.shelf, limits)
    with work.recorder.step(PRODUCT, unit="steps") as step:
        source = ProductSource.of(artefact, work.kept)
        step.resumed(source.resumed)
        _hold(work, source, trials, stock, step)
        if not deciding.order.judged:
            return {PRODUCT: Decision(source.graph, FP32)}
        rule = _rule(work, trials)
        claim = source.claim(trials, stock.rows_sha256, stock.checked.hashes)
        decided = deciding.decide({PRODUCT: claim}, rule, step.start, before)
        decision = decided[PRODUCT]
        if decision.proof is not None:
            step.resumed(decision.proof.resumed)
        if decision.name != FP32:
            repository.keep_reference(work.stage.folder, PRODUCT, source.graph)
        step.figures[PRODUCT] = decision.name
    return decided


def write_release_recommender(work: Work, stock: Stock, decisions: Mapping[str, Decision]) -> None:
    """Write the release's ``recommender`` folder.

    Args:
        work: The release.
        stock: Its products.
        decisions: On the product tower too, where it is not the frozen one.

    Raises:
        ExportError: A file of ``[recommend]`` cannot be used, or a product vector is not of length 1.
        BadProfiles: The tasks are not valid; lists every problem.
    """
    maker = _maker(work, stock, decisions.get(PRODUCT))
    documents = stock.shelf.documents
    with work.recorder.step(RECOMMENDER, unit="products") as step:
        advance = step.start(len(documents))
        maker.place_tower()

        def make(folder: Path) -> None:
            vectors = maker.encode(documents, stock.rows, advance)
            np.save(folder / VECTORS, vectors)
            np.save(folder / CENTROIDS, maker.cluster(vectors))

        result = work.kept.step(RECOMMENDER, _inputs(maker, stock), make)
        step.resumed(result.resumed)
        vectors, centroids = (_array(result.folder / name) for name in (VECTORS, CENTROIDS))
        written = maker.write(documents, vectors, centroids)
        step.figures |= {
            "tower": FROZEN if maker.artefact is None else "trained",
            "dim": written.settings.dim,
            "clusters": written.clusters,
            "popular_lists": written.popular,
            "bytes": written.bytes,
        }


def _hold(work: Work, source: ProductSource, trials: ProductInputs, stock: Stock, step: Running) -> None:
    """Hold the FP32 graph to its source on products of the whole catalogue."""
    inputs = {**source.inputs, **stock.checked.hashes, "rows": stock.rows_sha256}
    agreement, resumed = held(
        work.kept, PRODUCT, source, lambda: product_cases(trials, source), inputs, threads=threads()
    )
    step.resumed(resumed)
    step.figures["max_abs_diff"], step.figures["inputs"] = agreement.max_abs_diff, agreement.inputs


def _rule(work: Work, trials: ProductInputs) -> Rule:
    """As for the other towers, but that this one runs on the CPU whatever the target."""
    order, gate = work.order, work.plans.file.gate
    return Rule(order.precision, order.allow_precision, CPU, "cpu", gate.bounds, trials, threads())


def _maker(work: Work, stock: Stock, decision: Decision | None) -> Maker:
    table, graph = work.plans.file.recommend, None if decision is None else decision.graph
    more = More(table.complements, table.popularity, table.clusters, work.origin.kinds, graph)
    artefact = None if table.tower is None else Artefact.open(table.tower)
    return Maker(work.version(RECOMMENDER), stock.space, artefact, table.tasks, more)


def _inputs(maker: Maker, stock: Stock) -> dict[str, Any]:
    """Everything that vectors and centroids follow from."""
    tower = {name: sha256(path) for name in (GRAPH, FEATURES) if (path := maker.folder / name).is_file()}
    space = {"space": stock.space.space_id, "shared": stock.space.shared}
    return {**tower, **space, "rows": stock.rows_sha256, "clusters": maker.more.clusters, **stock.checked.hashes}


def _array(path: Path) -> Floats:
    array: Floats = np.load(path, allow_pickle=False)
    return array
