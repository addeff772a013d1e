"""Rows that are made after their product was written."""

from __future__ import annotations

import numpy as np
import pytest

from catalogue.database import Database, Embedded, Journal
from catalogue.errors import BadEntry
from tests.catalogue.making import OTHER_SPACE, SPACE, entry, put, row


def unembedded(database: Database, **more: int) -> list[str]:
    return [stored.product.id for stored in database.unembedded(SPACE.space_id, 10, **more)]


def test_what_has_no_row_is_found_the_oldest_first(database: Database) -> None:
    put(database, entry("b"), entry("a"), entry("c", 1), entry("d"))
    assert unembedded(database) == ["b", "a", "d"]
    assert unembedded(database, after=1) == ["a", "d"]
    assert len(database.unembedded(SPACE.space_id, 2)) == 2
    with database.reading() as reading:
        assert reading.count_unembedded(SPACE.space_id) == 3
        assert reading.count_unembedded("unheard of") == reading.count() == 4


def test_a_row_of_the_present_content_is_written(database: Database, journal: Journal) -> None:
    put(database, entry("a"), entry("b"))
    stored = database.unembedded(SPACE.space_id, 10)
    rows = [Embedded(one.product.id, one.content, row(one.content)) for one in stored]
    assert database.embed(SPACE.space_id, rows) == [3, 4]
    assert unembedded(database) == []
    changes = journal.changes(2)
    assert [change.id for change in changes.changes] == ["a", "b"]
    np.testing.assert_array_equal(np.stack([c.row for c in changes.changes if c.row is not None]), [row(1), row(2)])


def test_a_row_of_a_former_content_is_left_out(database: Database) -> None:
    put(database, entry("a"), entry("b"), entry("c"))
    put(database, entry("a", title="again"))
    database.delete(["b"])
    rows = [Embedded(name, content, row(1)) for content, name in enumerate("abcd", start=1)]
    assert database.embed(SPACE.space_id, rows) == [None, None, 6, None]
    assert unembedded(database) == ["a"]
    assert database.stored(["b"]) == []


def test_a_patch_leaves_a_row_up_to_date(database: Database) -> None:
    put(database, entry("a", 1, attributes={"weight": 1}))
    assert unembedded(database) == []
    from catalogue.database import Patch

    database.patch([Patch("a", {"price": 3, "attributes": {"weight": 2}})])
    assert unembedded(database) == []


def test_rows_that_are_none_are_refused_and_nothing_is_written(database: Database) -> None:
    put(database, entry("a"), entry("b"))
    bad = [Embedded("a", 1, row(1)), Embedded("b", 2, np.full(5, np.nan, np.float32))]
    with pytest.raises(BadEntry, match="product 'b': vector of space space-one: nan at 0"):
        database.embed(SPACE.space_id, bad)
    with pytest.raises(BadEntry, match="space unheard of: is not registered"):
        database.embed("unheard of", bad[:1])
    assert database.head() == 2
    assert unembedded(database) == ["a", "b"]


def test_a_forgotten_space_is_gone_with_its_rows(database: Database) -> None:
    database.register(OTHER_SPACE)
    put(database, entry("a", 1))
    assert database.forget(SPACE.space_id)
    assert not database.forget(SPACE.space_id)
    assert list(database.spaces()) == [OTHER_SPACE.space_id]
    database.register(SPACE)
    assert unembedded(database) == ["a"]


def test_rows_of_an_index_need_no_journal_in_a_space_that_nobody_follows(database: Database, journal: Journal) -> None:
    put(database, entry("a"), entry("b"), entry("c"))
    seq = database.head()
    database.register(OTHER_SPACE)
    put(database, entry("b", title="again"))
    made = [Embedded(name, content, row(content, OTHER_SPACE)) for content, name in enumerate("abc", start=1)]
    assert database.deposit(OTHER_SPACE.space_id, made[:2], seq=seq) == [True, False]
    assert database.deposit(OTHER_SPACE.space_id, made[2:], seq=seq) == [True]
    assert database.head() == 4
    assert [one.product.id for one in database.unembedded(OTHER_SPACE.space_id, 10)] == ["b"]
    assert journal.changes(4).changes == ()


def test_rows_of_an_index_are_told_to_the_others_of_its_space(database: Database, journal: Journal) -> None:
    put(database, entry("a", 1), entry("b"), entry("c", 3))
    made = [Embedded(name, content, row(content)) for content, name in enumerate("abc", start=1)]
    assert database.deposit(SPACE.space_id, made, seq=3) == [True, True, True]
    changes = journal.changes(3)
    assert [change.id for change in changes.changes] == ["b"]
    assert changes.seq == 4
