"""Releases and the database: a file becomes the store's catalogue, and a database is released as it is."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from catalogue import Product
from catalogue.database import Database, Entry, Journal, Patch
from catalogue.errors import CatalogueError
from ensemble.pipeline import Pipeline
from ensemble.release import releases
from export import origin, release
from export.checking import check_catalogue
from export.embedding import embed
from tests import tiny
from tests.export.conftest import Make

ORANGE = (240, 140, 20)


def url(store: Path) -> str:
    return f"sqlite:///{store / 'catalogue.sqlite'}"


@contextmanager
def database(store: Path) -> Iterator[Database]:
    with Database.open(url(store)) as opened:
        yield opened


def documents(store: Path, number: int) -> dict[str, dict[str, Any]]:
    slots = Pipeline.open(store / "models", number).index.slots
    return {found["id"]: found for found in (slots.product(slot) for slot in range(len(slots)))}


def written(folder: Path, rows: list[dict[str, Any]]) -> Path:
    path = folder / "catalogue.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


@pytest.fixture
def shop_copy(shop: Path, tmp_path: Path) -> Path:
    """The folder of a shop whose catalogue may be changed."""
    folder = tmp_path / "shop"
    folder.mkdir()
    (folder / "images").symlink_to(shop.parent / "images")
    written(folder, tiny.products())
    return folder


def test_a_file_becomes_the_stores_catalogue_with_vectors_at_the_indexs_number(make: Make, tmp_path: Path) -> None:
    made = make(tmp_path)
    pipeline = Pipeline.open(tmp_path / "models", 1)
    index = pipeline.index
    with database(tmp_path) as opened:
        assert opened.head() == index.seq == made.catalogue["seq"] == len(tiny.products())
        assert opened.catalogue_id == index.catalogue_id == made.catalogue["id"]
        assert [stored.product.as_dict() for stored in opened.products()] == tiny.products()
        assert opened.unembedded(made.space_id, limit=10) == []
        journal = Journal(url(tmp_path), made.space_id, opened.catalogue_id)
        rows = np.stack([change.row for change in journal.changes(0).changes if change.row is not None])
        journal.close()
    np.testing.assert_array_equal(rows, index.slots.rows(np.arange(len(index.slots))))


def test_the_same_file_again_changes_nothing(make: Make, tmp_path: Path) -> None:
    first = make(tmp_path)
    before = (tmp_path / "catalogue.sqlite").read_bytes()
    second = make(tmp_path)
    assert second.catalogue == first.catalogue
    assert (tmp_path / "catalogue.sqlite").read_bytes() == before


def test_a_changed_file_changes_what_it_changes(make: Make, tmp_path: Path, shop_copy: Path) -> None:
    store = tmp_path / "var"
    make(store, catalogue=shop_copy / "catalogue.jsonl")
    rows = tiny.products()
    rows[3]["price"] = 77.0
    gone = rows.pop(5)
    rows.append({**rows[3], "id": "new", "image": None})
    second = make(store, catalogue=written(shop_copy, rows))
    assert second.catalogue["seq"] == len(tiny.products()) + 3
    with database(store) as opened:
        held = {stored.product.id: stored.product for stored in opened.products()}
    assert gone["id"] not in held
    assert held["P003"].price == held["new"].price == 77.0
    assert len(documents(store, 2)) == len(rows)


def test_the_stores_own_database_is_released_as_it_became(make: Make, tmp_path: Path) -> None:
    first = make(tmp_path)
    picture = tiny.picture(ORANGE, seed=5)
    with database(tmp_path) as opened:
        opened.upsert([Entry(Product("live", "large white lamp", image="studio/live.png"), picture=picture)])
        opened.patch([Patch("P001", {"price": 1.25, "attributes": {"number": None}})])
        opened.delete(["P002"])
        head = opened.head()
    second = make(tmp_path, catalogue="")
    assert second.catalogue["seq"] == head
    assert second.space_id == first.space_id
    found = documents(tmp_path, 2)
    assert found["live"]["image"] == "studio/live.png"
    assert found["P001"]["price"] == 1.25
    assert "number" not in found["P001"]["attributes"]
    assert "P002" not in found
    pipeline = Pipeline.open(tmp_path / "models", 2)
    assert pipeline.search(None, [picture], k=1)[0][0].id == "live"
    with database(tmp_path) as opened:
        assert opened.head() == head + 1  # the row of "live", for other indexes of this space
        assert opened.unembedded(second.space_id, limit=10) == []


def test_what_changes_while_a_release_is_made_is_left_to_be_embedded(
    make: Make, tmp_path: Path, sources: Path, towers: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = make(tmp_path, towers=towers)

    def meanwhile(*arguments: Any) -> Any:
        with database(tmp_path) as opened:
            opened.upsert([Entry(Product("P003", "green mug"))])
            opened.delete(["P004"])
        return embed(*arguments)

    other = sources / "shorter.toml"
    other.write_text((sources / "towers.toml").read_text().replace("[4, 8, 16]", "[8, 16]"))
    monkeypatch.setattr(release, "embed", meanwhile)
    second = make(tmp_path, catalogue="", towers=other)
    assert second.space_id != first.space_id
    with database(tmp_path) as opened:
        assert opened.head() == int(second.catalogue["seq"]) + 2
        assert [stored.product.id for stored in opened.unembedded(second.space_id, limit=10)] == ["P003"]


def test_a_release_that_breaks_off_leaves_the_database_as_it_was(
    make: Make, tmp_path: Path, shop_copy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(release, "make_manifest", fail)
        with pytest.raises(KeyboardInterrupt):
            make(tmp_path / "never")
    store = tmp_path / "var"
    make(store, catalogue=shop_copy / "catalogue.jsonl")
    monkeypatch.setattr(release, "move_models", fail)
    with pytest.raises(KeyboardInterrupt):
        make(store, catalogue=written(shop_copy, tiny.products()[:20]))
    with database(store) as opened:
        assert opened.head() == sum(1 for _ in opened.products()) == len(tiny.products())


def test_a_picture_that_goes_while_a_release_is_made_stops_nothing(
    make: Make, tmp_path: Path, sources: Path, towers: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two products came with pictures: one changes before it is looked at, the other after."""
    make(tmp_path, towers=towers)
    with database(tmp_path) as opened:
        for number, name in enumerate(("early", "late")):
            opened.upsert([Entry(Product(name, f"white {name} ball"), picture=tiny.picture(ORANGE, seed=number))])

    def replaced(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def run(*arguments: Any, **named: Any) -> Any:
            with database(tmp_path) as opened:
                opened.upsert([Entry(Product(name, "blue ball"), picture=tiny.picture(ORANGE, seed=9))])
            return function(*arguments, **named)

        return run

    monkeypatch.setattr(origin, "check_catalogue", replaced("early", check_catalogue))
    monkeypatch.setattr(release, "embed", replaced("late", embed))
    other = sources / "early.toml"
    other.write_text((sources / "towers.toml").read_text().replace("[4, 8, 16]", "[4, 16]"))
    second = make(tmp_path, catalogue="", towers=other)
    found = documents(tmp_path, 2)
    assert "early" not in found
    assert found["late"]["title"] == "white late ball"
    with database(tmp_path) as opened:
        waiting = {stored.product.id for stored in opened.unembedded(second.space_id, limit=10)}
    assert waiting == {"early", "late"}


def test_a_rename_that_fails_after_the_commit_is_made_good_by_another_try(
    make: Make, tmp_path: Path, shop_copy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise OSError("the disk is gone")

    store = tmp_path / "var"
    make(store, catalogue=shop_copy / "catalogue.jsonl")
    changed = written(shop_copy, tiny.products()[:20])
    with monkeypatch.context() as patch:
        patch.setattr(release, "move_release", fail)
        with pytest.raises(OSError, match="the disk is gone"):
            make(store, catalogue=changed)
    assert releases(store) == [1]
    made = make(store, catalogue=changed)
    assert made.release == 2
    with database(store) as opened:
        assert opened.head() == made.catalogue["seq"]
        assert len(documents(store, 2)) == sum(1 for _ in opened.products()) == 20


def test_a_database_that_is_not_there_is_told(make: Make, tmp_path: Path) -> None:
    with pytest.raises(CatalogueError, match=r"catalogue\.sqlite"):
        make(tmp_path / "var", catalogue="")
    with pytest.raises(CatalogueError, match="secret") as caught:
        make(tmp_path / "var", catalogue="mysql://shop:secret@localhost/shop")
    assert caught.value
