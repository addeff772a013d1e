"""What is made of the requests around a fault, and how the table shows it."""

from __future__ import annotations

from typing import Any, cast

import pytest

from clients import Answer, Client, NoServer, Result, Written
from tests.faults.book import EVERYTHING, Book
from tests.faults.damage import damage
from tests.faults.document import COLUMNS, render, table
from tests.faults.stream import Asked

ASKED = (
    Asked("text", 1.0, 1.1, "NoServer"),  # before the fault
    Asked("text", 9.9, 10.2),
    Asked("text", 10.1, 10.3, "NoServer"),
    Asked("write", 10.5, 12.0, "Unavailable"),
    Asked("photo", 11.0, 13.5),
    Asked("photo", 14.0, 14.1),
)


def test_damage_counts_from_the_fault_on() -> None:
    found = damage(ASKED, struck=10.0)
    assert found.asked == {"text": 2, "write": 1, "photo": 2}
    assert found.failed == {"text NoServer": 1, "write Unavailable": 1}
    assert (found.slow, found.failures("write"), found.failures("text", "photo")) == (1, 1, 1)
    assert (found.failing_s, found.longest_s, found.normal_s) == pytest.approx((2.0, 2.5, 3.5))


def test_without_a_fault_nothing_is_damaged() -> None:
    found = damage([Asked("text", 11.0, 11.1)], struck=10.0)
    assert (found.failed, found.slow, found.failing_s, found.normal_s) == ({}, 0, 0.0, 0.0)


class Shop:
    """Stands for a client of a server that may do a write and fail all the same."""

    def __init__(self) -> None:
        self.prices: dict[str, float] = {}
        self.seq, self.fails = 0, False

    def patch(self, name: str, *, price: float) -> Written:
        return self.upsert({"id": name, "price": price})

    def upsert(self, product: dict[str, Any]) -> Written:
        self.seq += 1
        self.prices[product["id"]] = product["price"]
        if self.fails:
            raise NoServer("gone")
        return Written(product["id"], self.seq)

    def search(self, *, text: str, k: int, min_seq: int) -> Answer:
        assert (text, k, min_seq) == ("red", EVERYTHING, self.seq)
        return Answer(1, self.seq, tuple(Result(name, 1.0, price=price) for name, price in self.prices.items()))


def test_a_lost_write_is_noticed() -> None:
    shop, book = Shop(), Book()
    client = cast("Client", shop)
    for _ in range(4):
        book.write(client)
    assert (book.acknowledged, book.lost(client)) == (4, [])
    shop.prices["W0001"] = 1.0  # as it was before its price was changed
    assert book.lost(client) == ["W0001"]
    del shop.prices["W0000"]
    assert book.lost(client) == ["W0000", "W0001"]


def test_a_write_that_failed_may_have_been_done() -> None:
    shop, book = Shop(), Book()
    client = cast("Client", shop)
    book.write(client)
    shop.fails = True
    with pytest.raises(NoServer):
        book.write(client)
    shop.seq = book.seq
    assert (shop.prices, book.lost(client)) == ({"W0000": 0.5}, [])
    shop.prices["W0000"] = 0.0
    assert book.lost(client) == []
    shop.prices["W0000"] = 3.0
    assert book.lost(client) == ["W0000"]


ROW = {
    "fault": "a fault", "note": "it was bad", "events": ["stub_died"], "acknowledged": 7, "lost": 0,
    "asked": {"text": 3}, "failed": {"text NoServer": 2}, "slow": 1,
    "failing_s": 0.5, "longest_s": 1.25, "normal_s": 1.5,
}  # fmt: skip
MACHINE = {"date": "2026-11-21T10:00:00+00:00", "processor": "a processor", "cores": 2, "python": "3.11.7"}


def test_the_table_has_a_line_a_fault() -> None:
    lines = table([ROW, {"fault": "refused", "note": "nothing was started"}]).splitlines()
    assert lines[2] == "| a fault | 3 text | 2 text NoServer | 0.5 | 1 | 1.2 | 1.5 | 7 / 0 | `stub_died` |"
    assert [line.count("|") for line in lines] == [len(COLUMNS) + 1] * 4


def test_the_page_tells_of_what_could_not_be_had() -> None:
    page = render([ROW], {"test_the_disk_is_full": "no mount"}, MACHINE)
    assert "- a fault: it was bad." in page
    assert "- test_the_disk_is_full: no mount" in page
    assert "2026-11-21; a processor, 2 cores" in page
