"""Products without vectors, embedded by towers of this process in place of a server's."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from catalogue import Catalogue, Product
from catalogue.database import Database, Entry, Journal, Space
from clients.errors import BadInput, NoServer, ServerFault
from deploy.events import EventLog
from deploy.keep.embedding import RETRY_S, Embedding
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
        self.asked: list[list[str]] = []

    def release(self) -> int:
        return self.number

    def rows(self, items: Sequence[Item]) -> Rows:
        self.asked.append([str(product["id"]) for product, _ in items])
        self.number = self.after_next
        if self.fails is not None:
            raise self.fails
        try:
            return self._encoders.embed_product([product for product, _ in items], [picture for _, picture in items])
        except InvalidInput as error:
            raise BadInput(str(error)) from None


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
    return Embedding(database, towers, tiny_models, events=events, batch=BATCH, clock=clock)


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


def test_products_get_the_rows_of_the_servers_own_towers(
    database: Database, embedding: Embedding, towers: Towers, tmp_path: Path
) -> None:
    red = tiny.picture(tiny.COLOURS["red"], 1)
    write(database, *((f"P{number}", red if number % 2 else None) for number in range(7)))
    finish(embedding)
    rows = rows_of(database, tmp_path)
    assert len(rows) == 7
    expected = towers.rows([({"id": "?", "title": "red mug"}, b""), ({"id": "?", "title": "red mug"}, red)])
    np.testing.assert_allclose(rows["P0"], expected[0].astype(np.float16), atol=1e-3)
    np.testing.assert_allclose(rows["P1"], expected[1].astype(np.float16), atol=1e-3)
    assert [len(names) for names in towers.asked[:2]] == [4, 3]
    assert [event["text"] for event in events(tmp_path)] == ["embedded 7 products that had no vector"]


def test_nothing_is_asked_while_nothing_changes(database: Database, embedding: Embedding, towers: Towers) -> None:
    write(database, ("a", None))
    finish(embedding)
    asked = len(towers.asked)
    finish(embedding)
    assert len(towers.asked) == asked
    write(database, ("a", None))
    finish(embedding)
    assert len(towers.asked) == asked + 1


def test_bad_pictures_are_told_once_and_hold_up_nobody(
    database: Database, embedding: Embedding, towers: Towers, tmp_path: Path
) -> None:
    write(database, *((f"bad{number}", b"no picture") for number in range(2 * BATCH + 1)))
    write(database, *((f"good{number}", None) for number in range(2 * BATCH)))
    finish(embedding)
    finish(embedding)
    assert set(rows_of(database, tmp_path)) == {f"good{number}" for number in range(2 * BATCH)}
    told = [event["text"] for event in events(tmp_path) if event["kind"] == "not_embedded"]
    assert len(told) == 2 * BATCH + 1
    assert told[0].startswith("product 'bad0' cannot be embedded: IMAGE")
    write(database, ("bad0", tiny.picture(tiny.COLOURS["red"], 1)), ("bad1", b"still none"))
    asked = len(towers.asked)
    finish(embedding)
    assert "bad0" in rows_of(database, tmp_path)
    assert {name for names in towers.asked[asked:] for name in names} == {"bad0", "bad1"}
    assert sum(event["kind"] == "not_embedded" for event in events(tmp_path)) == 2 * BATCH + 2


def test_a_picture_file_that_is_gone_is_told(database: Database, embedding: Embedding, tmp_path: Path) -> None:
    location = str(tmp_path / "catalogue.jsonl")
    products = (Product("a", "red mug", image="images/gone.png"), Product("b", "blue mug"))
    database.load(Catalogue(location, products, (1, 2)), location)
    finish(embedding)
    assert set(rows_of(database, tmp_path)) == {"b"}
    (told,) = [event["text"] for event in events(tmp_path) if event["kind"] == "not_embedded"]
    assert told.startswith("product 'a' cannot be embedded: its picture 'images/gone.png' cannot be read")


def test_a_server_that_is_away_is_waited_for(database: Database, embedding: Embedding, towers: Towers) -> None:
    write(database, ("a", None))
    towers.fails = NoServer("no server at grpc://127.0.0.1:1")
    with pytest.raises(NoServer):
        finish(embedding)
    towers.fails = None
    finish(embedding)
    assert not database.unembedded(SPACE, 10)


def test_a_fault_of_the_server_is_tried_again_later(
    database: Database, embedding: Embedding, towers: Towers, tmp_path: Path, clock: Clock
) -> None:
    write(database, ("a", None))
    towers.fails = ServerFault("internal error")
    finish(embedding)
    assert events(tmp_path)[0]["text"].endswith("internal error; it is tried again later")
    towers.fails = None
    finish(embedding)
    assert database.unembedded(SPACE, 10)
    clock.now += RETRY_S
    finish(embedding)
    assert not database.unembedded(SPACE, 10)


def test_rows_of_a_release_that_was_switched_away_are_dropped(
    database: Database, embedding: Embedding, towers: Towers, tmp_path: Path
) -> None:
    write(database, ("a", None))
    towers.after_next = tiny.RELEASE + 1
    assert embedding.step()
    assert not rows_of(database, tmp_path)
    towers.number = towers.after_next = tiny.RELEASE
    finish(embedding)
    assert set(rows_of(database, tmp_path)) == {"a"}


def test_a_product_that_changes_meanwhile_is_embedded_again(
    database: Database, embedding: Embedding, towers: Towers, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(database, ("a", None))
    encode = towers.rows

    def change_meanwhile(items: Sequence[Item]) -> Rows:
        if len(towers.asked) == 0:
            write(database, ("a", None))
        return encode(items)

    monkeypatch.setattr(towers, "rows", change_meanwhile)
    finish(embedding)
    assert towers.asked == [["a"], ["a"]]
    assert not database.unembedded(SPACE, 10)
