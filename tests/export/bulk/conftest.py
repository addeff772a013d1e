"""Catalogues that may be changed, and workers in this process, where what Ray does is not what is looked at."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rich.progress import Progress

from ensemble import settings
from ensemble.index import Index
from export.bulk import run
from export.bulk.order import BulkOrder
from export.bulk.run import Summary, embed_catalogue
from export.bulk.worker import Setup, Worker
from tests import tiny

Embed = Callable[..., Summary]
SHARD_ROWS = 10


@pytest.fixture
def catalogue(shop: Path, tmp_path: Path) -> Path:
    """The catalogue of the tiny shop: 40 products with pictures, as files that may be changed."""
    return shutil.copytree(shop.parent, tmp_path / "shop") / shop.name


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """Where shards go."""
    return tmp_path / "out"


def written(catalogue: Path, rows: Sequence[dict[str, Any]]) -> None:
    catalogue.write_text("".join(json.dumps(row) + "\n" for row in rows))


@pytest.fixture
def embed(store: Path, catalogue: Path, out: Path) -> Embed:
    """Embeds the catalogue into ``out`` with two workers, in shards of ten: ``embed(catalogue=..., batch=...)``."""

    def embedded(**changed: Any) -> Summary:
        order = BulkOrder(str(catalogue), store, out, workers=2, shard_rows=SHARD_ROWS, batch=4)
        return embed_catalogue(replace(order, **changed), Progress(disable=True))

    return embedded


class Here:
    """Stands for Ray: one worker in this process, which gives parts back last one first.

    Args:
        fail_after: Break off as Ctrl-C does, after so many parts.
    """

    def __init__(self) -> None:
        self.fail_after: int | None = None
        self.started = 0

    @contextmanager
    def cluster(self, *_: object) -> Iterator[Here]:
        self.started += 1
        yield self

    def embedded(self, _ray: object, parts: Sequence[Any], setup: Setup, _workers: int) -> Iterator[Any]:
        worker = Worker(setup)
        for number, part in enumerate(reversed(parts)):
            if number == self.fail_after:
                raise KeyboardInterrupt
            yield worker.embed(part)


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch) -> Here:
    """Have runs embed in this process."""
    made = Here()
    monkeypatch.setattr(run, "cluster", made.cluster)
    monkeypatch.setattr(run, "embedded", made.embedded)
    monkeypatch.setattr(run, "workers_of", lambda *_: 1)
    return made


def indexed(store: Path) -> dict[str, Any]:
    """The rows of the first release's own index, by id."""
    folder = store / "models" / "retrieve" / "1"
    space = settings.read(folder / "settings.json", "space", settings.SpaceSettings)
    slots = Index.open(folder / "index", space_id=space.space_id).slots
    everything = np.arange(len(slots))
    return dict(zip(slots.ids(everything), slots.rows(everything), strict=True))


def changed_rows(**changes: dict[str, Any]) -> list[dict[str, Any]]:
    """The tiny shop's products with some fields of some changed, by id."""
    return [row | changes.get(row["id"], {}) for row in tiny.products()]
