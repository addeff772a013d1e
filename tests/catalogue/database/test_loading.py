"""Catalogue files into the database: what is the same is left alone."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from catalogue import Product
from catalogue.database import Database, Entry, Journal, loading, refused_rows
from catalogue.errors import BadEntry, BadRows
from tests.catalogue.making import OTHER_SPACE, SPACE, catalogue, entry, product, put, row

Rows = Any


def rows(*numbers: float) -> Rows:
    return np.stack([row(number) for number in numbers]).astype(np.float32)


def found(database: Database) -> dict[str, int]:
    return {stored.product.id: stored.content for stored in database.products()}


def test_a_file_is_loaded_and_the_same_file_again_changes_nothing(database: Database) -> None:
    told: list[int] = []
    file = catalogue(product("b", attributes={"size": 1}), product("a", attributes={"size": "L"}))
    loaded = database.load(file, "shop/catalogue.jsonl", advance=told.append)
    assert (loaded.seq, loaded.upserted, loaded.unchanged, loaded.deleted) == (2, 2, 0, 0)
    assert found(database) == {"b": 1, "a": 2}
    assert database.kinds() == {"size": "word"}
    assert sum(told) == 2
    again = database.load(file, "shop/catalogue.jsonl")
    assert (again.seq, again.upserted, again.unchanged) == (2, 0, 2)


def test_a_load_changes_what_differs_and_keeps_the_rest(database: Database) -> None:
    put(database, entry("a", 1, attributes={"size": 1}), entry("b", 2), entry("c", 3))
    loaded = database.load(
        catalogue(product("a", attributes={"size": "L"}), product("b"), product("d")), "shop/c.jsonl"
    )
    assert (loaded.seq, loaded.upserted, loaded.unchanged, loaded.deleted) == (5, 2, 1, 0)
    assert found(database) == {"b": 2, "c": 3, "a": 4, "d": 5}
    assert database.kinds() == {"size": "word"}
    assert [one.product.id for one in database.unembedded(SPACE.space_id, 10)] == ["a", "d"]


def test_replacing_removes_what_the_file_has_not_and_narrows_kinds(database: Database, journal: Journal) -> None:
    put(database, entry("a", 1, attributes={"size": "L", "old": 1}), Entry(product("b"), b"picture"), entry("c", 3))
    loaded = database.load(catalogue(product("a", attributes={"size": 1}), product("c")), "shop/c.jsonl", replace=True)
    assert (loaded.seq, loaded.upserted, loaded.unchanged, loaded.deleted) == (5, 1, 1, 1)
    assert database.kinds() == {"size": "number"}
    assert {change.id: change.document is None for change in journal.changes(3).changes} == {"a": False, "b": True}


def test_a_product_that_came_with_its_picture_differs_from_one_of_a_file(database: Database) -> None:
    put(database, Entry(product("a", image="a.png"), b"bytes"))
    loaded = database.load(catalogue(product("a", image="a.png")), "shop/c.jsonl")
    assert loaded.upserted == 1
    (stored,) = database.stored(["a"])
    assert stored.picture is None


def test_pictures_of_a_file_are_read_beside_it(database: Database, tmp_path: Any) -> None:
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / "a.png").write_bytes(b"bytes")
    put(database, entry("a", image="images/a.png"), entry("b"))
    (stored, other) = database.stored(["a", "b"])
    assert database.picture(stored, 100) is None
    database.load(catalogue(product("a", image="images/a.png")), str(tmp_path / "catalogue.jsonl"))
    assert database.picture(stored, 100) == b"bytes"
    assert database.picture(stored, 2) == b"byt"
    assert database.picture(other, 100) is None


def test_a_file_of_another_folder_does_not_move_the_pictures_of_other_products(database: Database) -> None:
    def location() -> str | None:
        with database.reading() as reading:
            return reading.pictures_location()

    first, second = "/one/c.jsonl", "/two/c.jsonl"
    database.load(catalogue(product("a", image="a.png"), product("b")), first)
    database.load(catalogue(product("c")), second)
    assert location() == first, "a file without pictures moves nothing"
    with pytest.raises(BadEntry, match=r"would start in /two, .* of 'a', which start in /one; allowed: .*--replace"):
        database.load(catalogue(product("d", image="d.png")), second)
    assert (sorted(found(database)), location()) == (["a", "b", "c"], first)
    database.load(catalogue(product("d", image="d.png")), "/one/more.jsonl")
    database.load(catalogue(product("d", image="d.png"), product("a", image="a.png")), second)
    assert location() == second, "it brings all that have pictures"
    put(database, Entry(product("a", image="a.png"), b"bytes"))
    database.load(catalogue(product("d", image="d.png")), first)
    assert location() == first, "a picture that is stored has no path"
    database.load(catalogue(product("e", image="e.png")), second, replace=True)
    assert location() == second


def test_pictures_of_a_file_are_written_as_they_come(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loading, "BATCH_BYTES", 10)
    made = [product(f"p{number}") for number in range(5)]
    came = [(number, b"picture %d" % number) for number in (1, 2, 4)] + [(5, b"picture 1")]
    database.load(catalogue(*made), "shop/c.jsonl", came=came)
    seen = [database.picture(stored, 100) for stored in database.products()]
    assert seen == [b"picture 1", b"picture 2", None, b"picture 4", b"picture 1"]


def test_all_products_that_cannot_be_kept_are_told_at_once_and_nothing_is_written(database: Database) -> None:
    put(database, entry("a"))
    bad = catalogue(
        Product("b", "Mug", attributes={"text": "x" * 70_000}), product("a"), Product("c", "M\x00", category="\x00")
    )
    with pytest.raises(BadRows) as caught:
        database.load(bad, "shop/c.jsonl", replace=True)
    assert [problem.row for problem in caught.value.problems] == [1, 3]
    assert "title holds a NUL character; allowed: text without one; also category" in str(caught.value)
    assert refused_rows(bad) == list(caught.value.problems)
    assert found(database) == {"a": 1}
    assert database.head() == 1


def test_replacing_writes_products_rows_and_state_at_one_number(database: Database, journal: Journal) -> None:
    file = catalogue(product("b", price=1.0), product("a"))
    with database.replacing(file, SPACE, rows(1, 2), "shop/c.jsonl") as replaced:
        assert replaced.seq == 2
        assert (replaced.loaded.upserted, replaced.loaded.deleted) == (2, 0)
    assert database.head() == 2
    assert database.unembedded(SPACE.space_id, 10) == []
    changes = journal.changes(0).changes
    assert [json.loads(change.document or b"")["id"] for change in changes] == ["b", "a"]
    np.testing.assert_array_equal(np.stack([c.row for c in changes if c.row is not None]), rows(1, 2))


def test_replacing_that_breaks_off_leaves_everything_as_it_was(database: Database) -> None:
    put(database, entry("a", 1))
    with pytest.raises(KeyboardInterrupt), database.replacing(catalogue(product("b")), SPACE, rows(1), "shop/c.jsonl"):
        raise KeyboardInterrupt
    assert found(database) == {"a": 1}
    assert database.head() == 1


def test_a_new_space_gets_rows_without_a_word_in_the_journal(database: Database, journal: Journal) -> None:
    put(database, entry("c", 1), entry("a", 2), entry("b", 3))
    file = catalogue(product("a"), product("b", title="new"), product("c"), product("d"))
    vectors = np.stack([row(number, OTHER_SPACE) for number in range(4)])
    with database.replacing(file, OTHER_SPACE, vectors, "shop/c.jsonl") as replaced:
        assert replaced.seq == 5
    other = Journal(journal.url_shown, OTHER_SPACE.space_id) if "sqlite" in journal.url_shown else None
    if other is not None:
        with other.everything() as everything:
            # By the rows' numbers, then the contents: c and a as they were, then b and d, which changed.
            assert [change.id for change in everything.changes] == ["c", "a", "b", "d"]
        other.close()
    assert [change.id for change in journal.changes(3).changes] == ["d", "b"]


def test_rows_of_a_space_that_is_followed_are_told_where_they_differ(database: Database, journal: Journal) -> None:
    put(database, entry("a", 1), entry("b", 2), entry("c"))
    with database.replacing(
        catalogue(product("a"), product("b"), product("c")), SPACE.space_id, rows(1, 5, 3), "shop/c.jsonl"
    ) as replaced:
        assert replaced.seq == 5
        assert replaced.loaded.upserted == 0
    assert [change.id for change in journal.changes(3).changes] == ["b", "c"]


@pytest.mark.parametrize(
    ("made", "said"),
    [
        (np.ones((1, 5), np.float32), r"rows of shop/catalogue.jsonl: shape \(1, 5\); allowed: \(2, 5\)"),
        (np.ones((2, 4), np.float32), r"shape \(2, 4\)"),
        (np.array([[1.0] * 5, [np.nan] * 5]), "product 'b': vector of space space-one: nan at 0"),
        (np.array([[1.0] * 5, [1e9] * 5]), "product 'b': .* allowed: magnitudes"),
        (np.array([[0.0] * 5, [1.0] * 5]), "product 'a': .* only zeros"),
        (np.ones((2, 5), np.int64), "product 'a': .* allowed: an array of floats"),
    ],
)
def test_rows_that_do_not_fit_are_refused(database: Database, made: Rows, said: str) -> None:
    file = catalogue(product("a"), product("b"))
    with pytest.raises(BadEntry, match=said), database.replacing(file, SPACE, made, "shop/c.jsonl"):
        pass
    assert database.head() == 0


def test_a_large_file_is_written_in_parts_and_read_as_one(database: Database, journal: Journal) -> None:
    made = [product(f"p{number:04}", price=float(number)) for number in range(2_100)]
    vectors = np.stack([row(number % 50) for number in range(2_100)])
    with database.replacing(catalogue(*made), SPACE, vectors, "shop/c.jsonl") as replaced:
        assert replaced.seq == 2_100
    with journal.everything() as everything:
        changes = list(everything.changes)
    assert [change.id for change in changes] == [one.id for one in made]
    np.testing.assert_array_equal(np.stack([c.row for c in changes if c.row is not None]), vectors)
    assert [stored.product for stored in database.products()] == made
    loaded = database.load(catalogue(*made[::2]), "shop/c.jsonl", replace=True)
    assert (loaded.unchanged, loaded.deleted) == (1_050, 1_050)
    assert len(list(database.products())) == len(database.stored(one.id for one in made)) == 1_050
