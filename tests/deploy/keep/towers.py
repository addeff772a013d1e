"""Towers of this process in place of a server's, and what they are asked to embed."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np

from catalogue import Product
from catalogue.database import Database, Entry, Journal
from clients.errors import BadInput
from deploy.keep.embedding import Embedding
from deploy.keep.served import Item, Rows
from ensemble.errors import InvalidInput
from ensemble.pipeline import Encoders
from tests import tiny

SPACE = tiny.SPACE.space_id
BATCH = 4


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


class Towers:
    """The encoders of a release, refusing as the server does."""

    def __init__(self, models: Path) -> None:
        self._encoders = Encoders.open(models, tiny.RELEASE)
        self.number, self.after_next = tiny.RELEASE, tiny.RELEASE
        self.fails: Exception | None = None
        self.breaks: dict[str, Exception] = {}
        self.spoils: dict[str, float] = {}
        self.asked: list[list[str]] = []

    def release(self) -> int:
        return self.number

    def rows(self, items: Sequence[Item]) -> Rows:
        self.asked.append([str(product["id"]) for product, _ in items])
        self.number = self.after_next
        if self.fails is not None:
            raise self.fails
        for name in self.asked[-1]:
            if name in self.breaks:
                raise self.breaks[name]
        try:
            rows = self._encoders.embed_product([product for product, _ in items], [picture for _, picture in items])
        except InvalidInput as error:
            raise BadInput(str(error)) from None
        for row, name in zip(rows, self.asked[-1], strict=True):
            if name in self.spoils:
                row[0] = self.spoils[name]
        return rows


def write(database: Database, *entries: tuple[str, bytes | None]) -> None:
    written = database.upsert([Entry(Product(name, "red mug"), picture) for name, picture in entries])
    assert all(isinstance(seq, int) for seq in written)


def finish(embedding: Embedding) -> None:
    while embedding.step():
        pass


def rows_of(database: Database, tmp_path: Path) -> dict[str, np.ndarray[Any, Any]]:
    with closing(Journal(f"sqlite:///{tmp_path / 'catalogue.sqlite'}", SPACE, database.catalogue_id)) as journal:
        return {
            change.id: change.row for change in journal.changes(0).changes if change.row is not None and len(change.row)
        }


def events(tmp_path: Path) -> list[dict[str, Any]]:
    path = tmp_path / "events.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
