"""What writes do, on both databases."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from catalogue.database import Database, Deleted, Entry, Journal, Patch, Space
from catalogue.errors import BadEntry, NotWritten, UnknownProduct
from tests.catalogue.making import OTHER_SPACE, SPACE, entry, numbers, product, put, row, vector


def test_an_upsert_is_there_as_it_was_written(database: Database) -> None:
    given = product(
        "a", category="Kitchen/Mugs", price=4.5, available=False, image="a.png",
        attributes={"color": "red", "weight": 3, "new": True, "ratio": 0.5},
    )  # fmt: skip
    assert put(database, Entry(given)) == [1]
    (stored,) = database.stored(["a"])
    assert stored.product == given
    assert (stored.content, stored.picture) == (1, None)
    assert type(stored.product.attributes["weight"]) is int
    assert database.kinds() == {"color": "word", "weight": "number", "new": "flag", "ratio": "number"}
    assert database.head() == 1


def test_values_are_kept_as_a_file_s_are_read(database: Database) -> None:
    put(database, entry("a", title="  Red mug ", category="Kitchen > Mugs", attributes={"color": " red ", "none": ""}))
    (stored,) = database.stored(["a"])
    assert (stored.product.title, stored.product.category) == ("Red mug", "Kitchen/Mugs")
    assert dict(stored.product.attributes) == {"color": "red"}


def test_each_entry_has_its_number_and_the_last_of_a_product_stays(database: Database) -> None:
    written = put(database, entry("a", title="one"), entry("b"), entry("a", title="two"))
    assert written == [1, 2, 3]
    (stored,) = database.stored(["a"])
    assert (stored.product.title, stored.content) == ("two", 3)
    with database.reading() as reading:
        assert [(line.seq, line.product_id, line.kind) for line in reading.entries(0, 10)] == [
            (1, "a", "upsert"),
            (2, "b", "upsert"),
            (3, "a", "upsert"),
        ]
        assert all(line.at.endswith("+00:00") for line in reading.entries(0, 10))


def test_an_upsert_without_a_row_leaves_the_old_one_but_it_is_stale(database: Database, journal: Journal) -> None:
    put(database, entry("a", 1), entry("a", title="again"))
    (change,) = journal.changes(0).changes
    assert change.row is not None
    np.testing.assert_array_equal(change.row, row(1))
    assert [stored.product.id for stored in database.unembedded(SPACE.space_id, 10)] == ["a"]


def test_a_patch_merges_and_leaves_content_and_rows(database: Database, journal: Journal) -> None:
    put(database, entry("a", 1, price=3.0, attributes={"weight": 1, "new": True}))
    written = database.patch(
        [
            Patch("a", {"price": None, "attributes": {"weight": None, "size": "XL"}}),
            Patch("a", {"available": False, "attributes": {"new": False}}),
        ]
    )
    assert written == [2, 3]
    (stored,) = database.stored(["a"])
    assert (stored.product.price, stored.product.available) == (None, False)
    assert dict(stored.product.attributes) == {"size": "XL", "new": False}
    assert stored.content == 1
    assert database.kinds()["size"] == "word"
    (change,) = journal.changes(1).changes
    assert change.row is None


def test_deletions_tell_from_which_number_on_a_product_is_gone(database: Database) -> None:
    put(database, entry("a", 1), entry("b"))
    assert database.delete(["a", "a", "missing"]) == [Deleted(3, True), Deleted(3, False), Deleted(3, False)]
    assert database.stored(["a", "b"])[0].product.id == "b"
    assert database.delete(["a"]) == [Deleted(3, False)]
    assert database.head() == 3


def test_a_deleted_product_comes_back_without_its_rows(database: Database, journal: Journal) -> None:
    put(database, entry("a", 1))
    database.delete(["a"])
    put(database, entry("a"))
    (change,) = journal.changes(0).changes
    assert change.document is not None
    assert change.row is not None
    assert change.row.shape == (0,)


def test_refused_entries_leave_no_trace_and_the_others_are_written(database: Database) -> None:
    first = entry("a", attributes={"weight": 1})
    bad_kind = entry("b", attributes={"weight": "heavy", "fresh": 1})
    bad_row = Entry(product("c"), vector=vector(1, OTHER_SPACE))
    results = database.upsert([first, bad_kind, bad_row, entry("d", attributes={"fresh": "word"})])
    assert [result for result in results if isinstance(result, int)] == [1, 2]
    assert isinstance(results[1], BadEntry)
    assert isinstance(results[2], BadEntry)
    assert [stored.product.id for stored in database.products()] == ["a", "d"]
    assert database.kinds() == {"fresh": "word", "weight": "number"}


@pytest.mark.parametrize(
    ("attributes", "said"),
    [
        ({"weight": "heavy"}, "attributes.weight = 'heavy'; allowed: a number, as in the other products"),
        ({"weight": True}, "attributes.weight = True; allowed: a number"),
        (
            {"new": "yes", "weight": "3"},
            "new = 'yes'; allowed: true or false, as in the other products; also attributes",
        ),
    ],
)
def test_an_attribute_of_another_kind_is_refused(database: Database, attributes: dict[str, Any], said: str) -> None:
    put(database, entry("a", attributes={"weight": 1.5, "new": True}))
    (upserted,) = database.upsert([entry("b", attributes=attributes)])
    (changed,) = database.patch([Patch("a", {"attributes": attributes})])
    assert said in str(upserted)
    assert said in str(changed)
    assert database.head() == 1


def test_a_column_of_words_takes_anything(database: Database) -> None:
    put(database, entry("a", attributes={"note": "text"}), entry("b", attributes={"note": 3}))
    assert database.patch([Patch("a", {"attributes": {"note": True}})]) == [3]
    assert database.kinds() == {"note": "word"}


def test_what_only_the_database_can_tell_is_refused(database: Database) -> None:
    put(database, entry("a"))
    (stranger,) = database.upsert([Entry(product("b"), vector=vector(1, OTHER_SPACE))])
    (unknown, text_field) = database.patch([Patch("b", {"price": 1}), Patch("a", {"attributes": {"color": "red"}})])
    assert str(stranger) == "product 'b': vector of space space-two; allowed: space-one"
    assert str(unknown) == "patch of product 'b': there is no such product; add it with upsert"
    assert "attributes.color is part of the text that vectors are made of; use upsert" in str(text_field)
    with pytest.raises(BadEntry, match="id = ''"):
        database.delete(["a", ""])
    assert database.head() == 1


def test_a_whole_is_written_or_not_at_all(database: Database) -> None:
    put(database, entry("a"))
    refused = database.upsert([entry("b"), Entry(product("c"), vector=vector(1, OTHER_SPACE))], whole=True)
    assert isinstance(refused[0], NotWritten)
    assert isinstance(refused[1], BadEntry)
    unknown = database.patch([Patch("a", {"price": 1}), Patch("b", {"price": 1})], whole=True)
    assert isinstance(unknown[0], NotWritten)
    assert isinstance(unknown[1], UnknownProduct)
    assert database.head() == 1
    assert numbers(database.upsert([entry("b"), entry("c")], whole=True)) == [2, 3]


def test_nothing_to_write_writes_nothing(database: Database) -> None:
    assert database.upsert([]) == []
    assert database.patch([]) == []
    assert database.delete([]) == []
    assert database.embed(SPACE.space_id, []) == []
    assert database.head() == 0


def test_a_picture_is_kept_as_long_as_a_product_shows_it(database: Database) -> None:
    put(database, Entry(product("a"), b"one"), Entry(product("b"), b"one"), Entry(product("c", image="c.png"), b"two"))
    first, second, third = database.stored(["a", "b", "c"])
    assert database.picture(first, 100) == database.picture(second, 100) == b"one"
    assert database.picture(third, 1) == b"tw"
    put(database, entry("a"))
    assert database.picture(first, 100) == b"one"
    database.delete(["b", "c"])
    assert database.picture(first, 100) is None
    assert database.picture(third, 100) is None


def test_a_picture_is_gone_with_the_upsert_that_comes_without_one(database: Database) -> None:
    put(database, Entry(product("a"), b"one"))
    (before,) = database.stored(["a"])
    put(database, Entry(product("a"), b"two"), Entry(product("a"), b""))
    (after,) = database.stored(["a"])
    assert after.picture is None
    assert database.picture(after, 100) is database.picture(before, 100) is None


def test_spaces_are_registered_once(database: Database) -> None:
    database.register(SPACE)
    with pytest.raises(BadEntry, match=r"space-one.*text_dim=9.*allowed: as it is registered.*text_dim=3"):
        database.register(Space(SPACE.space_id, 9, 2, SPACE.text_fields))
    assert database.spaces() == {SPACE.space_id: SPACE}
    assert database.head() == 0
