"""One product at fault: it is told by name, left out for a while, and holds up nobody."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from catalogue import Catalogue, Product
from catalogue.database import Database
from clients.errors import NoServer, TandemError, Timeout, Unavailable
from deploy.events import EventLog
from deploy.keep.embedding import Embedding
from deploy.keep.progress import PATIENCE, RETRY_S, Progress
from tests.deploy.keep.towers import BATCH, SPACE, Clock, Towers, events, finish, rows_of, write


def refused(tmp_path: Path) -> list[str]:
    return [event["text"] for event in events(tmp_path) if event["kind"] == "not_embedded"]


def insist(embedding: Embedding) -> int:
    """Go on after each trouble, as the keeper does; how many there were."""
    troubles = 0
    while True:
        try:
            finish(embedding)
        except TandemError:
            troubles += 1
            assert troubles < 30, "it does not get past them"
        else:
            return troubles


@pytest.mark.parametrize(("value", "told"), [(np.nan, "nan at 0"), (np.inf, "inf at 0"), (1e5, "100000; allowed: mag")])
def test_a_row_that_is_not_finite_is_told_and_the_others_are_kept(
    database: Database, embedding: Embedding, towers: Towers, tmp_path: Path, clock: Clock, value: float, told: str
) -> None:
    write(database, *((f"P{number}", None) for number in range(6)))
    towers.spoils["P1"] = value
    finish(embedding)
    assert set(rows_of(database, tmp_path)) == {"P0", "P2", "P3", "P4", "P5"}
    (text,) = refused(tmp_path)
    assert text.startswith("product 'P1' cannot be embedded: ")
    assert told in text
    clock.now += RETRY_S
    finish(embedding)
    assert len(refused(tmp_path)) == 1
    towers.spoils.clear()
    clock.now += 2 * RETRY_S
    finish(embedding)
    assert "P1" in rows_of(database, tmp_path)


@pytest.mark.parametrize("error", [Unavailable("Socket closed"), Timeout("no answer within 60 s")])
def test_a_product_that_the_server_breaks_over_is_found_and_left_out_for_a_while(
    database: Database, embedding: Embedding, towers: Towers, tmp_path: Path, clock: Clock, error: TandemError
) -> None:
    write(database, *((f"P{number}", None) for number in range(3 * BATCH)))
    towers.breaks["P5"] = error
    assert insist(embedding) <= PATIENCE + 3
    assert set(rows_of(database, tmp_path)) == {f"P{number}" for number in range(3 * BATCH)} - {"P5"}
    (text,) = refused(tmp_path)
    assert text == f"product 'P5' cannot be embedded: the server gave no answer: {error}; it is tried again later"
    asked = len(towers.asked)
    write(database, *((f"Q{number}", None) for number in range(BATCH)))
    clock.now += RETRY_S
    assert insist(embedding) == 0
    assert [names for names in towers.asked[asked:] if "P5" in names] == [["P5"]], "it takes no others with it"
    assert len(rows_of(database, tmp_path)) == 4 * BATCH - 1
    clock.now += RETRY_S
    assert insist(embedding) == 0
    assert towers.asked[-1] == ["Q0", "Q1", "Q2", "Q3"], "each time it is left out for longer"
    towers.breaks.clear()
    clock.now += RETRY_S
    finish(embedding)
    assert not database.unembedded(SPACE, 1)
    assert len(refused(tmp_path)) == 1


def test_a_server_that_is_away_is_held_against_nobody(
    database: Database, embedding: Embedding, towers: Towers, tmp_path: Path
) -> None:
    write(database, *((f"P{number}", None) for number in range(BATCH)))
    towers.fails = NoServer("no server at grpc://127.0.0.1:1")
    for _ in range(3 * PATIENCE):
        with pytest.raises(NoServer):
            finish(embedding)
    towers.fails = None
    finish(embedding)
    assert towers.asked[-1] == ["P0", "P1", "P2", "P3"]
    assert refused(tmp_path) == []


def test_what_was_told_and_passed_over_outlives_lost_connections(
    database: Database, towers: Towers, tiny_models: Path, tmp_path: Path, clock: Clock
) -> None:
    progress, log = Progress(BATCH, clock), EventLog(tmp_path / "events.jsonl")
    write(database, ("bad", b"no picture"), *((f"P{number}", None) for number in range(2 * BATCH)))
    towers.breaks["P6"] = Unavailable("Socket closed")
    for _ in range(2 * PATIENCE):
        again = Embedding(database, towers, tiny_models, events=log, batch=BATCH, progress=progress)
        insist(again)
    assert len(refused(tmp_path)) == 2
    assert sum("bad" in names for names in towers.asked) == 3, "once in its batch, and twice to find it"


def test_a_row_that_somebody_elses_sql_wrote_is_told_by_its_id(
    database: Database, embedding: Embedding, tmp_path: Path, clock: Clock
) -> None:
    write(database, *((f"P{number}", None) for number in range(2 * BATCH)))

    def put(document: str, name: str) -> None:
        with closing(sqlite3.connect(tmp_path / "catalogue.sqlite")) as connection, connection:
            connection.execute("UPDATE products SET document = ? WHERE id = ?", [document, name])

    for document, name in (("[]", "P1"), ('{"id": "P2"', "P2"), ('{"id": "P6", "title": 5}', "P6")):
        put(document, name)
    finish(embedding)
    assert set(rows_of(database, tmp_path)) == {"P0", "P3", "P4", "P5", "P7"}
    assert [text.split(": ")[0] for text in refused(tmp_path)] == [
        f"product '{name}' cannot be embedded" for name in ("P1", "P2", "P6")
    ]
    put('{"id": "P1", "title": "red mug"}', "P1")
    clock.now += RETRY_S
    finish(embedding)
    assert "P1" in rows_of(database, tmp_path)
    assert len(refused(tmp_path)) == 3


def test_pictures_that_no_installed_package_can_read_are_told(
    database: Database, embedding: Embedding, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    products = (Product("a", "red mug", image="images/a.png"), Product("b", "blue mug"))
    database.load(Catalogue("s3://shop/catalogue.jsonl", products, (1, 2)), "s3://shop/catalogue.jsonl")

    def missing(*_: object, **__: object) -> None:
        raise ImportError("Install s3fs to access S3")

    monkeypatch.setattr("fsspec.core.url_to_fs", missing)
    finish(embedding)
    assert set(rows_of(database, tmp_path)) == {"b"}
    (text,) = refused(tmp_path)
    assert "'images/a.png' cannot be read: ImportError: Install s3fs to access S3" in text
