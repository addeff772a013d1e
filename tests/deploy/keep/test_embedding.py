"""Products without vectors, embedded by towers of this process in place of a server's."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from catalogue import Catalogue, Product
from catalogue.database import Database
from clients.errors import NoServer, ServerFault
from deploy.keep.embedding import Embedding
from deploy.keep.progress import RETRY_S
from deploy.keep.served import Item, Rows
from tests import tiny
from tests.deploy.keep.towers import BATCH, SPACE, Clock, Towers, events, finish, rows_of, write


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
