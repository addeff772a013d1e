from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from catalogue.database import Database, Space
from deploy.events import EventLog
from deploy.keep.embedding import Embedding
from deploy.keep.progress import Progress
from tests import tiny
from tests.deploy.keep.shop import Shop
from tests.deploy.keep.towers import BATCH, SPACE, Clock, Towers


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    with closing(Shop(tmp_path)) as made:
        yield made


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    with closing(Database.open(f"sqlite:///{tmp_path / 'catalogue.sqlite'}", create=True)) as made:
        made.register(Space(SPACE, tiny.DIM, tiny.DIM, ("title",)))
        yield made


@pytest.fixture
def towers(tiny_models: Path) -> Towers:
    return Towers(tiny_models)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def embedding(database: Database, towers: Towers, tiny_models: Path, tmp_path: Path, clock: Clock) -> Embedding:
    events = EventLog(tmp_path / "events.jsonl")
    return Embedding(database, towers, tiny_models, events=events, batch=BATCH, progress=Progress(BATCH, clock))
