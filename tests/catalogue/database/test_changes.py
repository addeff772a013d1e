"""The journal as an index follows it: coalesced, in one state, in one order."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing

import numpy as np
import pytest

from catalogue.database import Change, Database, Embedded, Journal, Patch
from catalogue.errors import DatabaseUnusable, JournalTrimmed
from tests.catalogue.making import OTHER_SPACE, SPACE, entry, put, row
from tests.catalogue.making import product as made


def ids(changes: tuple[Change, ...]) -> list[str]:
    return [change.id for change in changes]


def test_many_changes_of_a_product_are_one(database: Database, journal: Journal) -> None:
    put(database, entry("a", 1), entry("b", 2))
    database.patch([Patch("a", {"price": 1}), Patch("a", {"price": 2})])
    database.delete(["b"])
    changes = journal.changes(0)
    assert changes.seq == 5
    assert ids(changes.changes) == ["b", "a"]
    gone, patched = changes.changes
    assert (gone.document, gone.row) == (None, None)
    assert patched.document == json.dumps(made("a", price=2.0).as_dict(), ensure_ascii=False).encode()
    assert patched.row is not None
    assert patched.row.dtype == np.float16
    np.testing.assert_array_equal(patched.row, row(1))


def test_all_rows_are_given_where_that_was_asked_for(database_url: str, database: Database) -> None:
    put(database, entry("a", 1), entry("b"), entry("c", 3))
    database.patch([Patch("a", {"price": 1}), Patch("b", {"price": 1})])
    database.delete(["c"])
    for all_rows in (False, True):
        journal = Journal(database_url, SPACE.space_id, all_rows=all_rows)
        changes = journal.changes(3)
        journal.close()
        gone, without, patched = changes.changes
        assert changes.all_rows == all_rows
        assert (gone.id, gone.document, gone.row) == ("c", None, None)
        assert without.row is not None
        assert without.row.shape == (0,)
        if all_rows:
            assert patched.row is not None
            np.testing.assert_array_equal(patched.row, row(1))
        else:
            assert patched.row is None


def test_nothing_new_is_nothing(database: Database, journal: Journal) -> None:
    put(database, entry("a", 1, attributes={"weight": 3}))
    changes = journal.changes(1)
    assert (changes.seq, changes.changes, changes.kinds) == (1, (), {"weight": "number"})


def test_rows_come_in_the_order_of_their_numbers_however_they_are_read(database: Database, journal: Journal) -> None:
    put(database, entry("d", 1), entry("c"), entry("b", 2), entry("a"))
    content = {stored.product.id: stored.content for stored in database.products()}
    database.embed(SPACE.space_id, [Embedded("a", content["a"], row(3)), Embedded("c", content["c"], row(4))])
    put(database, entry("d", 5))
    assert ids(journal.changes(0).changes) == ["b", "a", "c", "d"]
    with journal.everything() as everything:
        assert (everything.seq, everything.count) == (7, 4)
        assert ids(tuple(everything.changes)) == ["b", "a", "c", "d"]


def test_a_space_sees_only_its_own_rows_and_embeddings(database_url: str, database: Database, journal: Journal) -> None:
    database.register(OTHER_SPACE)
    put(database, entry("a", 1))
    (stored,) = database.stored(["a"])
    assert database.embed(OTHER_SPACE.space_id, [Embedded("a", stored.content, row(2, OTHER_SPACE))]) == [2]
    changes = journal.changes(1)
    assert (changes.seq, changes.changes) == (2, ())
    other = Journal(database_url, OTHER_SPACE.space_id)
    (change,) = other.changes(1).changes
    assert change.row is not None
    np.testing.assert_array_equal(change.row, row(2, OTHER_SPACE))
    other.close()


def test_everything_has_stale_rows_and_products_without_one(database: Database, journal: Journal) -> None:
    put(database, entry("a", 1), entry("b"), entry("c", 3), entry("a", title="again"))
    database.delete(["c"])
    with journal.everything() as everything:
        found = {change.id: change.row for change in everything.changes}
    assert list(found) == ["b", "a"]
    assert found["b"] is not None
    assert found["b"].shape == (0,)
    assert found["a"] is not None
    np.testing.assert_array_equal(found["a"], row(1))


def test_everything_is_one_state_while_others_write(database: Database, journal: Journal) -> None:
    put(database, *(entry(f"p{number:04}", number % 7) for number in range(1_100)))
    with journal.everything() as everything:
        first = next(everything.changes)
        database.delete([f"p{number:04}" for number in range(1_100)])
        rest = list(everything.changes)
    assert ids((first, *rest)) == [f"p{number:04}" for number in range(1_100)]
    assert all(change.document is not None and change.row is not None for change in rest)


def test_a_trimmed_journal_says_so(database: Database, journal: Journal) -> None:
    put(database, entry("a", 1), entry("b"))
    database.delete(["a"])
    assert database.trim(2) == 2
    assert database.trim(1) == 2
    assert ids(journal.changes(2).changes) == ["a"]
    with pytest.raises(JournalTrimmed, match="asked what changed after 1, and the journal knows 2 to 3"):
        journal.changes(1)
    with pytest.raises(JournalTrimmed, match="after 4"):
        journal.changes(4)
    assert database.trim(1_000) == 3
    put(database, entry("c"))
    assert ids(journal.changes(3).changes) == ["c"]


def test_another_catalogue_at_the_address_is_refused(database_url: str, database: Database) -> None:
    stranger = Journal(database_url, SPACE.space_id, "another")
    for read in (stranger.head, lambda: stranger.changes(0)):
        with pytest.raises(DatabaseUnusable, match=f"is catalogue {database.catalogue_id}; another is followed"):
            read()
    stranger.close()


def test_a_catalogue_without_its_last_number_is_refused(url: str) -> None:
    with closing(sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)) as connection:
        connection.execute("DELETE FROM head")
    journal = Journal(url, SPACE.space_id)
    with pytest.raises(DatabaseUnusable, match="its last sequence number is gone"):
        journal.changes(0)
    journal.close()


def test_vectors_of_an_unknown_space_are_simply_not_there(database_url: str, database: Database) -> None:
    put(database, entry("a", 1))
    stranger = Journal(database_url, "unheard of")
    (change,) = stranger.changes(0).changes
    assert change.document is not None
    assert change.row is not None
    assert change.row.shape == (0,)
    stranger.close()
