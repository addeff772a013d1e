"""A shop of nine products whose baskets can be counted by hand."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyarrow import parquet

from catalogue import Product
from ensemble.settings import SpaceSettings
from export.evaluation.shop import Shop
from export.evaluation.split import Split, read_split

SPLIT = 1_000
DIM = 8
SPACE = SpaceSettings("small", DIM, DIM, shared=True)
# Mugs 0 and 1 are one mug in two colours; the kettle is first sold in the test.
NAMES = ("red mug", "blue mug", "tall mug", "glass mug", "tea", "coffee", "spoon", "fork", "kettle")
CATEGORIES = (*["Kitchen/Mug"] * 4, *["Food/Drink"] * 2, *["Kitchen/Cutlery"] * 2, "Kitchen/Kettle")
FAMILIES = ("mug", "mug", "tall", "glass", "tea", "coffee", "spoon", "fork", "kettle")
Basket = tuple[str, str, int, Sequence[int]]
# Name, customer, time, products.
BEFORE: tuple[Basket, ...] = (
    ("a", "ann", 100, (0, 2, 4)),
    ("b", "bob", 200, (0, 2, 4, 6)),
    ("c", "", 300, (1, 3, 5)),
    ("d", "ann", 400, (2, 4, 7)),
)
AFTER: tuple[Basket, ...] = (
    ("e", "ann", 1_000, (0, 3, 5, 6)),
    ("f", "cid", 1_100, (8, 4)),
    ("g", "cid", 1_200, (2, 8)),
    ("h", "", 1_300, (0, 1)),
)
# What is viewed together is not what is bought together.
VISITS: tuple[Basket, ...] = (
    ("v", "", 500, (2, 3)),
    ("w", "", 600, (2, 3, 7)),
    ("x", "", 1_400, (2, 3)),
)


def products() -> list[dict[str, Any]]:
    """The catalogue."""
    return [
        Product(f"p{at}", name, CATEGORIES[at], price=1.0 + at, attributes={"family": FAMILIES[at]}).as_dict()
        for at, name in enumerate(NAMES)
    ]


def events(baskets: Sequence[Basket] = (*BEFORE, *AFTER)) -> pa.Table:
    """One line an event."""
    lines = [
        {"basket": name, "user": user, "time": time, "product": f"p{item}"}
        for name, user, time, items in baskets
        for item in items
    ]
    return pa.Table.from_pylist(lines)


def split(folder: Path, baskets: Sequence[Basket] = (*BEFORE, *AFTER), visits: Sequence[Basket] = ()) -> Split:
    """The events of a file, cut; with what was viewed in visits."""
    path = folder / "events.parquet"
    table = events([*baskets, *visits])
    viewed = sum(len(items) for *_, items in visits)
    kinds = ["purchase"] * (len(table) - viewed) + ["view"] * viewed
    parquet.write_table(table.append_column("kind", pa.array(kinds)), path)
    return read_split(path, SPLIT)


def rows() -> NDArray[np.float32]:
    """``(9, 16)``: unit text vectors, which are near for one category, and no pictures."""
    random = np.random.default_rng(3)
    middles = {name: random.normal(size=DIM) for name in sorted(set(CATEGORIES))}
    texts = np.stack([middles[name] + 0.3 * random.normal(size=DIM) for name in CATEGORIES])
    texts /= np.linalg.norm(texts, axis=1, keepdims=True)
    made: NDArray[np.float32] = np.concatenate([texts, np.zeros((len(texts), DIM))], axis=1).astype(np.float32)
    return made


def shop(folder: Path, baskets: Sequence[Basket] = (*BEFORE, *AFTER), visits: Sequence[Basket] = ()) -> Shop:
    """All of it."""
    return Shop(products(), rows(), DIM, split(folder, baskets, visits), "family")
