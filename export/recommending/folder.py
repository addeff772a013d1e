"""Writes the folder that a recommender is opened from; see ``ensemble/tasks`` for what it makes of it."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ensemble.errors import DamagedRelease
from ensemble.features import FEATURES
from ensemble.hashing import sha256
from ensemble.index import IndexBuilder
from ensemble.index.columns import Kind
from ensemble.index.nodes import Columns
from ensemble.product_tower import GRAPH, open_product_tower
from ensemble.settings import SpaceSettings
from ensemble.tasks.names import CLUSTERS, COMPLEMENTS, POPULAR, TASKS
from ensemble.tasks.profiles import DEFAULT_TASKS, Profiles
from ensemble.tasks.settings import RecommendSettings, write_settings
from ensemble.tasks.tables import Complements
from export.errors import BadRecommender
from export.recommend_table import POPULARITY, RecommendTable
from export.recommending.artefact import Artefact
from export.recommending.clusters import cluster, how_many
from export.recommending.graph import write_graph
from export.recommending.popular import popular_lists, read_counts
from export.recommending.vectors import encode_products
from export.reference import Floats

INDEX = "index"
FROZEN = "frozen"


@dataclass(frozen=True)
class More:
    """What a recommender is made of beside tower, tasks and products.

    Args:
        complements: Which categories go together, in place of the tower's own file; None for that.
        popularity: How often each product was bought, in place of the tower's own file; None for that.
        clusters: How many; 0 for about the square root of the products, at most 1,000.
        kinds: Kind of every attribute; None to find them from the values.
        graph: The tower's graph that serves; None for the FP32 one.
    """

    complements: Path | None = None
    popularity: Path | None = None
    clusters: int = 0
    kinds: Mapping[str, Kind] | None = None
    graph: Path | None = None


@dataclass(frozen=True)
class Written:
    """What was written.

    Args:
        settings: The space of the product vectors.
        clusters: How many there are.
        popular: How many categories have popular products, the whole shop among them.
        bytes: Size of all files.
    """

    settings: RecommendSettings
    clusters: int
    popular: int
    bytes: int


@dataclass(frozen=True)
class Maker:
    """Writes one folder, part by part.

    Args:
        folder: Made where it is not there.
        space: Of the rows.
        artefact: The trained tower; None for the frozen one.
        tasks: Its profiles; None for the default ones.
        more: The rest.
    """

    folder: Path
    space: SpaceSettings
    artefact: Artefact | None = None
    tasks: Path | None = None
    more: More = More()

    def place_tower(self) -> None:
        """Write what encodes products; nothing where the frozen tower does.

        Raises:
            BadRecommender: The tower does not read such rows, or cannot be loaded.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        if self.artefact is None:
            return
        self.artefact.check_space(self.space)
        self.artefact.settings.save(self.folder / FEATURES)
        if self.more.graph is None:
            write_graph(self.artefact, self.folder / GRAPH)
        else:
            shutil.copyfile(self.more.graph, self.folder / GRAPH)

    def encode(
        self, products: Sequence[Mapping[str, Any]], rows: Floats, advance: Callable[[int], None] = lambda _: None
    ) -> Floats:
        """Product vectors ``(products, dim)``, by the tower that was placed.

        Raises:
            GateFailed: One is not of length 1.
        """
        return encode_products(open_product_tower(self.folder, self.space), rows, products, advance)

    def cluster(self, vectors: Floats) -> Floats:
        """Centroids ``(clusters, dim)`` of product vectors."""
        return cluster(vectors, how_many(len(vectors), self.more.clusters))

    def write(self, products: Sequence[Mapping[str, Any]], vectors: Floats, centroids: Floats) -> Written:
        """Write all the rest, once the tower is placed.

        Raises:
            BadRecommender: A file of complements or of counts cannot be used.
            BadProfiles: The tasks are not valid; lists every problem.
        """
        settings = RecommendSettings(self._space_id(), vectors.shape[1])
        write_settings(self.folder, self.space, settings)
        builder = IndexBuilder(settings.space, kinds=self.more.kinds)
        builder.add(products, vectors)
        write_tasks(self.folder, self.tasks, builder.build().columns)
        builder.save(self.folder / INDEX)
        self._write_complements()
        lists = self._write_popular(products)
        np.save(self.folder / CLUSTERS, centroids)
        size = sum(path.stat().st_size for path in self.folder.rglob("*") if path.is_file())
        return Written(settings, len(centroids), lists, size)

    def _space_id(self) -> str:
        """SHA-256 of all that decides where a product lands."""
        own = [sha256(self.folder / name) for name in (GRAPH, FEATURES)] if self.artefact is not None else [FROZEN]
        return hashlib.sha256(json.dumps([self.space.space_id, *own]).encode()).hexdigest()

    def _write_complements(self) -> None:
        if self.artefact is not None:
            self.artefact.copy_complements(self.folder)
        if self.more.complements is not None:
            check_complements(self.more.complements)
            shutil.copyfile(self.more.complements, self.folder / COMPLEMENTS)

    def _write_popular(self, products: Sequence[Mapping[str, Any]]) -> int:
        path = self.more.popularity
        if path is None and self.artefact is not None:
            path = self.artefact.files.get(POPULARITY)
        if path is None:
            return 0
        lists = popular_lists(products, read_counts(path))
        (self.folder / POPULAR).write_text(json.dumps(lists, ensure_ascii=False) + "\n", "utf-8")
        return len(lists)


def write_recommender(
    folder: Path,
    *,
    products: Sequence[Mapping[str, Any]],
    rows: Floats,
    space: SpaceSettings,
    tower: Path | None = None,
    tasks: Path | None = None,
    more: More = More(),
) -> Written:
    """Write the whole folder, without a gate.

    Args:
        folder: Made where it is not there.
        products: As documents of the index.
        rows: ``(products, row_dim)`` float32, by the text and the vision tower.
        space: Of these rows.
        tower: Folder of ``python -m training product-tower``; None for the frozen tower, which needs no training.
        tasks: ``tasks.toml``; None for the default profiles.
        more: The rest.

    Raises:
        BadRecommender: The tower's folder, or a file beside it, cannot be used.
        BadProfiles: The tasks are not valid; lists every problem.
        GateFailed: A product vector is not of length 1.
        ValueError: There are not as many rows as products.
    """
    artefact = None if tower is None else Artefact.open(tower)
    maker = Maker(folder, space, artefact, tasks, more)
    maker.place_tower()
    vectors = maker.encode(products, rows)
    return maker.write(products, vectors, maker.cluster(vectors))


def write_tasks(folder: Path, tasks: Path | None, columns: Columns) -> None:
    """Write the profiles of a recommender, in place of any that are there.

    Args:
        folder: Of the recommender.
        tasks: The profiles; None for the default ones.
        columns: The fields of the catalogue, which filters ask for.

    Raises:
        BadProfiles: They are not valid, or a filter is not valid for this catalogue; lists every problem.
    """
    path = DEFAULT_TASKS if tasks is None else tasks
    Profiles.load(path).check(columns, file=str(path))
    (folder / TASKS).unlink(missing_ok=True)
    shutil.copyfile(path, folder / TASKS)


def check_recommend(table: RecommendTable) -> None:
    """Check every file of ``[recommend]`` as far as that goes without products, before the long work begins.

    Raises:
        BadRecommender: One cannot be used; names it.
        BadProfiles: The tasks are not valid; lists every problem.
    """
    files = {} if table.tower is None else Artefact.open(table.tower).files
    for path in (table.complements, files.get(COMPLEMENTS)):
        if path is not None:
            check_complements(path)
    for path in (table.popularity, files.get(POPULARITY)):
        if path is not None:
            read_counts(path)
    Profiles.load(table.tasks)


def check_complements(path: Path) -> None:
    """See to it that a file says which categories go together.

    Raises:
        BadRecommender: It does not.
    """
    try:
        Complements.load(path)
    except DamagedRelease as error:
        raise BadRecommender(str(error)) from error
