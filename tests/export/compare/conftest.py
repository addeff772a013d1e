"""Towers files over the tiny towers, and labelled queries of the tiny shop."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests import tiny

Write = Callable[..., Path]


@pytest.fixture(scope="session")
def tiny_towers(towers: Path) -> list[Path]:
    """The tiny towers twice: with the vision tower's features, and with its three mean colours alone."""
    colours = towers.with_name("colours.toml")
    colours.write_text(towers.read_text("utf-8").replace('output = "features"', 'output = "colours"'), "utf-8")
    return [towers, colours]


@pytest.fixture
def rows(shop: Path) -> list[dict[str, Any]]:
    """Photos of three products, and the title of every other one, which several products share."""
    products = [json.loads(line) for line in shop.read_text("utf-8").splitlines()]
    by_title: dict[str, list[str]] = {}
    for product in products:
        by_title.setdefault(product["title"], []).append(product["id"])
    texts = [{"text": title, "products": ids} for title, ids in by_title.items()]
    shown = [product for product in products if product["image"]][:3]
    photos = [{"image": str(shop.parent / one["image"]), "products": [one["id"]]} for one in shown]
    return [*texts[::2], *photos]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes a queries file."""

    def run(rows: list[dict[str, Any]]) -> Path:
        path = tmp_path / "queries.jsonl"
        path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
        return path

    return run


@pytest.fixture
def spare_photo(tmp_path: Path) -> Path:
    """A photo of no product."""
    path = tmp_path / "spare.png"
    path.write_bytes(tiny.picture((9, 9, 9), 1))
    return path
