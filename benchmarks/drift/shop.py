"""A web shop's real items and grocery photos as a release, and the queries of its and other domains."""

from __future__ import annotations

import csv
import io
import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageEnhance
from pyarrow import parquet
from rich.console import Console
from rich.progress import Progress

from ensemble.pipeline import Pipeline
from export.baseline.known import Photo
from export.order import Order
from export.release import make_release

# Different queries are made of each item, so that windows need not share them.
VARIANTS = 3
ASKED_ITEMS = 2_400
FOREIGN = 800
_WORDS = (2, 5)


@dataclass(frozen=True)
class Item:
    """One item of the web shop.

    Args:
        code: Its stock code.
        title: Its description.
    """

    code: str
    title: str


def items_of(data: Path) -> list[Item]:
    """Items of the web shop with a title of at least two words."""
    rows = parquet.read_table(data / "online_retail" / "items.parquet").to_pylist()
    titles = {" ".join(str(row["description"]).split()): str(row["StockCode"]) for row in rows}
    return [Item(code, title) for title, code in titles.items() if len(title.split()) > 1]


def shortened(titles: Sequence[str], variants: int, seed: int) -> list[list[str]]:
    """For each title some different short queries: a few of its words in their order, in lower case."""
    random = np.random.default_rng(seed)
    made = []
    for title in titles:
        words = title.lower().split()
        chosen: dict[str, None] = {}
        for _ in range(variants):
            count = min(len(words), int(random.integers(*_WORDS, endpoint=True)))
            places = sorted(random.permutation(len(words))[:count])
            chosen[" ".join(words[place] for place in places)] = None
        made.append(list(chosen))
    return made


def release(items: Sequence[Item], data: Path, store: Path) -> Pipeline:
    """Make a release of the items, and of the groceries with their pictures, unless it is there; open it."""
    if not (store / "releases" / "0001" / "manifest.json").is_file():
        store.mkdir(parents=True, exist_ok=True)
        grocery = data / "grocery"
        rows = [{"id": one.code, "title": one.title} for one in items]
        for line in (grocery / "catalogue.jsonl").read_text("utf-8").splitlines():
            product = json.loads(line)
            rows.append({"id": f"grocery-{product['id']}", "title": product["name"], "image": product["iconic_image"]})
        shutil.copytree(grocery / "iconic", store / "iconic", dirs_exist_ok=True)
        catalogue = store / "items.jsonl"
        catalogue.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
        make_release(Order(str(catalogue), store, precision="fp32"), Progress(console=Console(quiet=True)))
    return Pipeline.open(store / "models", 1)


def foreign_texts(data: Path) -> dict[str, list[str]]:
    """Texts of other domains and another language, as they stand or as short as the shop's queries."""
    sentences = _column(data / "text_pairs" / "stsb_train.csv", "sentence1_en")
    polish = _column(data / "text_pairs" / "stsb_train.csv", "sentence1_pl")
    groceries = [json.loads(line) for line in (data / "grocery" / "catalogue.jsonl").read_text("utf-8").splitlines()]
    described = [
        part.strip() for product in groceries for part in (product["description"] or "").split(".") if part.strip()
    ]
    texts = {
        "English sentences": sentences,
        "English, as short as queries": _flat(shortened(sentences, 1, 1)),
        "Polish, as short as queries": _flat(shortened(polish, 1, 2)),
        "a grocery's words, as short as queries": _flat(shortened(described, 4, 3)),
    }
    return {name: list(dict.fromkeys(one))[:FOREIGN] for name, one in texts.items()}


def photos_of(data: Path, kind: str, most: int, seed: int = 5) -> list[Photo]:
    """Photos of a folder, in an order of chance."""
    paths = sorted((data / kind / "photos").rglob("*.jpg"))
    order = np.random.default_rng(seed).permutation(len(paths))[:most]
    return [Photo(paths[place].name, paths[place].read_bytes()) for place in order]


def darkened(photos: Sequence[Photo], factor: float) -> list[Photo]:
    """The same photos with all grey values multiplied, coded as JPEG of the same quality as they came."""
    made = []
    for photo in photos:
        stream = io.BytesIO()
        with Image.open(io.BytesIO(photo.data)) as image:
            ImageEnhance.Brightness(image.convert("RGB")).enhance(factor).save(stream, "JPEG", quality=80)
        made.append(Photo(photo.name, stream.getvalue()))
    return made


def _flat(groups: Sequence[Sequence[str]]) -> list[str]:
    return [text for group in groups for text in group]


def _column(path: Path, name: str) -> list[str]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(dict.fromkeys(row[name] for row in csv.DictReader(file) if row[name].strip()))[:FOREIGN]
