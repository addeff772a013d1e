"""Writes of the server's models to a database that is away, is another one, or does not answer."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from catalogue.database import Database, Entry, Space
from catalogue.errors import CatalogueError, DatabaseUnavailable
from catalogue.serving import CATALOGUE, Connection, Writer, open_commits, open_deletions, open_patches
from catalogue.serving.connection import PATIENCE
from catalogue.serving.operations import Operation, upserts
from clients.client import TIMEOUT_S
from clients.errors import ServerFault
from clients.status import to_error
from ensemble.errors import Unavailable
from ensemble.index.slots import Slots
from ensemble.index.snapshot import save
from ensemble.settings import ProductSettings, SpaceSettings, write
from tests.catalogue.served import RELEASE, SPACE, bytes_of, ids, mug, request, told


def test_a_row_that_nobody_foresaw_fails_alone(connection: Connection, caplog: pytest.LogCaptureFixture) -> None:
    def write(_database: Database, items: Sequence[int], *, whole: bool) -> list[int | CatalogueError]:
        if 13 in items:
            raise RuntimeError("unforeseen")
        return list(items)

    operation: Operation[int, int] = Operation(
        "X", lambda inputs: inputs["X"].tolist(), write, lambda _items, done: {"Y": np.array(done)}
    )
    answers = Writer(connection, operation).answer([{"X": np.array([number])} for number in (1, 13, 2)])
    assert [told(answer) for answer in answers] == [{"Y": [1]}, "RuntimeError unforeseen", {"Y": [2]}]
    assert "each is tried alone" in caplog.text


def test_without_a_database_every_write_says_so_until_there_is_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    settings = SpaceSettings(SPACE.space_id, 2, 2)
    write(tmp_path / "settings.json", space=settings, product=ProductSettings(SPACE.text_fields))
    monkeypatch.delenv(CATALOGUE, raising=False)
    (answer,) = open_deletions(tmp_path).answer([{"PRODUCT_ID": bytes_of([b"a"])}])
    assert told(answer).startswith("Unavailable TANDEM_CATALOGUE is not set, so that this server has no catalogue")
    path = tmp_path / "catalogue.sqlite"
    monkeypatch.setenv(CATALOGUE, f"sqlite:///{path}")
    with caplog.at_level(logging.WARNING):
        commit, patch = open_commits(tmp_path, RELEASE), open_patches(tmp_path)
    assert caplog.text.count("writes are refused until this is mended: TANDEM_CATALOGUE: sqlite:///") == 2
    (refused, invalid) = commit.answer([request(mug("P1")), request(mug(""))])
    assert told(refused).startswith(f"Unavailable TANDEM_CATALOGUE: sqlite:///{path}: there is no such file")
    assert told(invalid).startswith("InvalidInput PRODUCT.id")
    Database.open(f"sqlite:///{path}", create=True).close()
    assert told(commit.answer([request(mug("P1"))])[0])["SEQ"] == [1]
    assert told(patch.answer([{"PATCH": bytes_of([{"id": "P1", "price": 1}])}])[0])["SEQ"] == [2]


def test_a_database_that_comes_back_is_written_to_again(commit: Writer[Entry, int], tmp_path: Path) -> None:
    path, aside = tmp_path / "catalogue.sqlite", tmp_path / "aside.sqlite"
    assert told(commit.answer([request(mug("P1"))])[0])["SEQ"] == [1]
    path.rename(aside)
    for _ in range(2):
        (answer,) = commit.answer([request(mug("P2"))])
        assert isinstance(answer, Unavailable)
        assert str(answer).startswith("TANDEM_CATALOGUE: sqlite:///")
    aside.rename(path)
    assert told(commit.answer([request(mug("P2"))])[0])["SEQ"] == [2]


def test_once_the_database_is_away_the_rest_of_a_batch_does_not_wait_for_it(connection: Connection) -> None:
    tried = []

    def write(_database: Database, items: Sequence[int], *, whole: bool) -> list[int | CatalogueError]:
        tried.append(list(items))
        if 13 in items:
            raise DatabaseUnavailable("held for too long")
        return list(items)

    operation: Operation[int, int] = Operation(
        "X", lambda inputs: inputs["X"].tolist(), write, lambda _items, done: {"Y": np.array(done)}
    )
    batch = [{"X": np.array(numbers)} for numbers in ([4, 5], [1], [13, 14], [6, 7], [8, 9])]
    answers = Writer(connection, operation).answer(batch)
    away = "Unavailable TANDEM_CATALOGUE: held for too long"
    assert [told(answer) for answer in answers] == [{"Y": [4, 5]}, {"Y": [1]}, away, away, away]
    assert tried == [[1], [4, 5], [13, 14]]


def test_a_lock_that_is_held_is_told_before_a_caller_gives_up() -> None:
    assert PATIENCE.lock_s < (PATIENCE.answer_s or 0) + PATIENCE.connect_s < TIMEOUT_S


def test_a_space_that_was_forgotten_is_made_known_again(commit: Writer[Entry, int], url: str) -> None:
    assert told(commit.answer([request(mug("P1"))])[0])["SEQ"] == [1]
    with Database.open(url) as database:
        assert database.forget(SPACE.space_id)
        answers = commit.answer([request(mug("P2")), request(mug("P3")), request(mug("P4"), mug("P5"))])
        assert [told(answer)["SEQ"] for answer in answers] == [[2], [3], [4, 5]]
        assert [one.product.id for one in database.unembedded(SPACE.space_id, 10)] == ["P1"]


@pytest.mark.parametrize("at_first", [True, False])
def test_another_catalogue_than_the_release_s_is_refused(
    tmp_path: Path, url: str, monkeypatch: pytest.MonkeyPatch, at_first: bool
) -> None:
    monkeypatch.setenv(CATALOGUE, url)
    with Database.open(url) as database:
        slots = Slots.empty(SPACE.space_id, 4, catalogue_id="other" if at_first else database.catalogue_id)
    index = tmp_path / "retrieve" / "3" / "index"
    index.mkdir(parents=True)
    save(slots, index)
    folders = [tmp_path / name / "3" for name in ("commit_product", "commit_patch", "commit_deletion")]
    for folder in folders:
        folder.mkdir(parents=True)
        write(
            folder / "settings.json",
            space=SpaceSettings(SPACE.space_id, 2, 2),
            product=ProductSettings(SPACE.text_fields),
        )
    writers: tuple[Writer[Any, Any], ...] = (
        open_commits(folders[0], RELEASE),
        open_patches(folders[1]),
        open_deletions(folders[2]),
    )
    inputs = (request(mug("P1")), {"PATCH": bytes_of([{"id": "P1", "price": 1}])}, {"PRODUCT_ID": bytes_of([b"P1"])})
    if not at_first:
        path = Path(url.removeprefix("sqlite:///"))
        for file in path.parent.glob(f"{path.name}*"):
            file.unlink()
        Database.open(url, create=True).close()
    for writer, one in zip(writers, inputs, strict=True):
        for _ in range(1 if at_first else 2):
            (answer,) = writer.answer([one])
        assert isinstance(answer, Unavailable)
        assert str(answer).startswith("TANDEM_CATALOGUE cannot be used: sqlite:///")
        assert "this release follows" in str(answer)
        assert isinstance(to_error("503", str(answer)), ServerFault)
        writer.close()
    assert ids(url) == []


def test_a_space_that_is_known_otherwise_is_told(url: str) -> None:
    with Database.open(url) as database:
        database.register(Space(SPACE.space_id, 8, 8, SPACE.text_fields))
    (answer,) = Writer(Connection(url, SPACE), upserts(SPACE, RELEASE)).answer([request(mug("P1"))])
    assert isinstance(answer, Unavailable)
    assert "as it is registered" in str(answer)
    assert isinstance(to_error("503", str(answer)), ServerFault)
