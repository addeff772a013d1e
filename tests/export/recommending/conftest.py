"""A small shop with categories, prices and brands, and a product tower trained on what is bought there together."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

from catalogue import Product
from ensemble.index import Index
from ensemble.settings import SpaceSettings, read
from export.recommending.artefact import Artefact
from export.recommending.graph import write_graph
from export.reference import Floats
from tests.export import small
from tests.export.conftest import Make
from training.product.complements import Complement, ComplementMap
from training.product.fitting import train
from training.product.pairs import Pairs
from training.product.recipe import Recipe
from training.product.shape import TowerShape
from training.product.vocabulary import Vocabulary

CATEGORIES = ("Kitchen/Mugs", "Kitchen/Teas", "Home/Lamps", "Sport")
SHAPE = TowerShape(
    dim=16, hidden=32, text=16, image=16, category=8, brand=4, price=4, grams=8, residual=True, complement=16
)
RECIPE = Recipe(
    shape=SHAPE,
    vocabulary=Vocabulary(min_category=1, min_brand=1, price_buckets=4, gram_buckets=64, max_grams=16),
    epochs=2,
    steps=8,
    batch_size=16,
    negatives=16,
    warmup=2,
    min_count=1,
)


def products() -> list[dict[str, Any]]:
    """The small shop's; every eighth has no price, and every fifth no brand."""
    return [
        row
        | {
            "category": CATEGORIES[at % 4],
            "price": None if at % 8 == 0 else 2.0 + at,
            **({} if at % 5 == 0 else {"brand": ("Acme", "Bolt", "Core")[at % 3]}),
        }
        for at, row in enumerate(small.products())
    ]


def bought_together(ids: list[str]) -> Pairs:
    """Each product with its neighbour, and with the one four places on, which is of its category."""
    count = len(ids)
    query = np.arange(count).repeat(2)
    target = np.stack([(np.arange(count) + 1) % count, (np.arange(count) + 4) % count], axis=1).ravel()
    counts = 1 + (np.arange(2 * count) % 7)
    return Pairs(tuple(ids), query, target, counts, np.zeros(2 * count, bool), np.arange(1, count + 1))


@pytest.fixture(scope="session")
def brand_shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The path of the catalogue's JSONL file."""
    return small.write_shop(tmp_path_factory.mktemp("brand_shop"), products())


@pytest.fixture(scope="session")
def make_brands(make_small: Make, brand_shop: Path) -> Make:
    """Makes a release of this shop, like ``make_small``."""
    return partial(make_small, catalogue=brand_shop)


@dataclass(frozen=True)
class Frozen:
    """A release of the shop without a trained tower.

    Args:
        store: Not to be changed.
        documents: Of its index.
        rows: ``(products, row_dim)``.
        space: Of the rows.
    """

    store: Path
    documents: list[dict[str, Any]]
    rows: Floats
    space: SpaceSettings

    @property
    def products(self) -> list[Product]:
        """The same as the catalogue has them."""
        return [Product(**document) for document in self.documents]


@pytest.fixture(scope="session")
def frozen(make_brands: Make, tmp_path_factory: pytest.TempPathFactory) -> Frozen:
    store = tmp_path_factory.mktemp("frozen") / "var"
    make_brands(store)
    folder = store / "models" / "retrieve" / "1"
    slots = Index.open(folder / "index").slots
    places = np.arange(len(slots))
    space = read(folder / "settings.json", "space", SpaceSettings)
    return Frozen(store, [slots.product(at) for at in places.tolist()], slots.rows(places).astype(np.float32), space)


@pytest.fixture(scope="session")
def tower(frozen: Frozen, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a trained tower; not to be changed."""
    ids = [document["id"] for document in frozen.documents]
    trained = train(bought_together(ids), frozen.documents, frozen.rows, RECIPE, image_dim=frozen.space.image_dim)
    folder = tmp_path_factory.mktemp("tower") / "product_tower"
    trained.save(folder, ComplementMap({"Kitchen/Mugs": (Complement("Kitchen/Teas", 3.0, 2.0, 5),)}))
    return folder


@pytest.fixture(scope="session")
def graph(tower: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Its FP32 graph, which takes seconds to be traced."""
    path = tmp_path_factory.mktemp("graph") / "product_tower.onnx"
    write_graph(Artefact.open(tower), path)
    return path


Traced = Callable[[pytest.MonkeyPatch], None]


@pytest.fixture(scope="session")
def traced(graph: Path) -> Traced:
    """Has releases take the graph that was traced already."""
    return lambda patch: patch.setattr("export.recommending.tower.product_graph", lambda *_: onnx.load(graph))


Recommending = Callable[..., Path]


@pytest.fixture
def recommending(small_towers: Path, tmp_path: Path) -> Recommending:
    """Writes a towers file with a ``[recommend]`` table of these keys."""

    def write(more: str = "", **keys: Any) -> Path:
        lines = "".join(
            f"{name} = {json.dumps(str(value) if isinstance(value, Path) else value)}\n" for name, value in keys.items()
        )
        return small.towers_with(small_towers, f"recommending-{tmp_path.name}", f"\n[recommend]\n{lines}{more}")

    return write
