"""A small shop with all that recommendations read, over clustered vectors."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ensemble.complement_head import ComplementHead
from ensemble.features import CategoryTable
from ensemble.index import ExactEngine, Index, IndexBuilder, Still
from ensemble.product_tower import FrozenProductTower
from ensemble.settings import SpaceSettings
from ensemble.tasks import Profiles, Recommended, Recommender, RecommendSettings, Shop, write_settings
from ensemble.tasks.clusters import Clusters
from ensemble.tasks.tables import Complements, Popular
from tests.ensemble.clustered import DIM, clustered

Floats = NDArray[np.float32]
Product = dict[str, Any]

NOW_S = 1_800_000_000.0
DAY_S = 86_400
SPACE = SpaceSettings("rows", DIM, 4)
RECOMMEND = RecommendSettings("vectors", DIM)
CATEGORIES = ("Kitchen/Mugs", "Kitchen/Teas", "Home/Lamps", "Home/Chairs", "Sport", None)
COMPLEMENTS: Mapping[str, Any] = {
    "Kitchen/Mugs": [
        {"category": "Sport", "source": "hand"},
        {"category": "Kitchen/Teas", "lift": 4.0, "low": 2.0, "baskets": 9, "source": "learned"},
        {"category": "Home/Lamps", "lift": 6.5, "low": 3.0, "baskets": 7, "source": "learned"},
    ],
    "Kitchen": [{"category": "Home", "lift": 2.0, "low": 1.1, "baskets": 30, "source": "learned"}],
    "Home/Chairs": [],
    "Home": [{"category": "Garden", "lift": 2.0, "low": 1.1, "baskets": 30, "source": "learned"}],
}


def catalogue(count: int, seed: int) -> tuple[list[Product], Floats]:
    """Products whose neighbours by number are often alike: every tenth is nearly the one before."""
    rng = np.random.default_rng(seed)
    products = []
    for number in range(count):
        attributes = {"brand": f"B{rng.integers(4)}", "family": f"F{number // 2}", "size": float(number % 3)}
        if number % 9 == 0:
            attributes["brand"] = attributes["family"] = None
        products.append(
            {
                "id": f"P{number}",
                "title": f"product {number}",
                "category": CATEGORIES[int(rng.integers(len(CATEGORIES)))],
                "price": float(number % 20),
                "available": number % 4 != 0,
                "attributes": attributes,
            }
        )
    return products, clustered(count, seed)


def head(seed: int = 5) -> ComplementHead:
    """A head of random weights, mostly the product's own vector."""
    rng = np.random.default_rng(seed)
    table = CategoryTable(tuple(filter(None, CATEGORIES)), 2)
    shapes = {
        "targets": (len(table), 3),
        "hidden.weight": (6, DIM + 3),
        "hidden.bias": (6,),
        "out.weight": (DIM, 6),
        "out.bias": (DIM,),
    }
    tensors = {name: 0.3 * rng.normal(size=shape).astype(np.float32) for name, shape in shapes.items()}
    return ComplementHead(table, {**tensors, "skip.weight": np.eye(DIM, dtype=np.float32)})


def popular(products: Sequence[Product]) -> dict[str, list[str]]:
    """Every third product, by category and above; with one that the index does not hold."""
    lists: dict[str, list[str]] = {"": ["GONE"]}
    for product in products[::-3]:
        levels = (product["category"] or "").split("/")
        for path in {"", levels[0], product["category"] or ""}:
            lists.setdefault(path, []).append(product["id"])
    return lists


def index_of(products: Sequence[Product], vectors: Floats) -> Index:
    builder = IndexBuilder(RECOMMEND.space)
    builder.add(products, vectors)
    slots = builder.build()
    return Index(slots, ExactEngine(slots))


def shop_of(products: Sequence[Product], vectors: Floats, tasks: str | None = None, **parts: Any) -> Shop:
    """All that a recommender knows; ``parts`` replace some of it."""
    given: dict[str, Any] = {
        "head": head(),
        "complements": Complements.read(COMPLEMENTS),
        "popular": Popular.read(popular(products)),
        "clusters": Clusters(vectors[:: max(1, len(vectors) // 12)].copy()),
    }
    profiles = Profiles.load() if tasks is None else Profiles.parse(tasks)
    return Shop(SPACE, RECOMMEND, profiles, FrozenProductTower(SPACE), **{**given, **parts})


def recommender(count: int = 120, seed: int = 3, tasks: str | None = None, **parts: Any) -> Recommender:
    products, vectors = catalogue(count, seed)
    return Recommender(
        shop_of(products, vectors, tasks, **parts), Still(index_of(products, vectors)), clock=lambda: NOW_S
    )


def write_folder(folder: Path, products: Sequence[Product], vectors: Floats, tasks: str) -> None:
    """Write what ``open_recommender`` reads."""
    folder.mkdir(parents=True, exist_ok=True)
    write_settings(folder, SPACE, RECOMMEND)
    (folder / "tasks.toml").write_text(tasks)
    (folder / "complements.json").write_text(json.dumps(COMPLEMENTS))
    (folder / "popular.json").write_text(json.dumps(popular(products)))
    np.save(folder / "clusters.npy", vectors[::10])


def texts(*values: str | bytes) -> NDArray[Any]:
    """``(1, values)`` bytes."""
    return np.array([[value.encode() if isinstance(value, str) else value for value in values]], object)


def request(*products: str | bytes, **inputs: Any) -> dict[str, NDArray[Any]]:
    """A request of one row: inputs in lower case, as plain values or lists of them."""
    types = {"weights": np.float32, "times": np.int64, "min_seq": np.int64, "diversity": np.float32, "row": np.float32}
    tensors: dict[str, NDArray[Any]] = {"PRODUCT_ID": texts(*products)} if products else {}
    for name, given in inputs.items():
        values = (
            [json.dumps(given)] if isinstance(given, dict) else given if isinstance(given, list | tuple) else [given]
        )
        words = bool(values) and isinstance(values[0], str | bytes)
        empty = name in ("seen", "category", "product_id")
        tensors[name.upper()] = texts(*values) if words or empty else np.array([values], types.get(name, np.int32))
    return tensors


def answer(recommender: Recommender, *products: str, **inputs: Any) -> Recommended:
    """The answer of one request, which must be one."""
    (answered,) = recommender.answer([request(*products, **inputs)])
    assert isinstance(answered, Recommended), answered
    return answered
