"""Upserts products at a steady rate: ``python -m benchmarks.retrieval.writer URL COUNT SECONDS``.

Each line that it prints is a sequence number and when the writer was told that it is durable, in monotonic seconds.
"""

from __future__ import annotations

import sys
import time

from benchmarks.retrieval.shop import Shop
from benchmarks.retrieval.systems.tandem import SPACE
from catalogue.database import Database, Entry, Vector
from catalogue.product import Product

UPSERTS_A_SECOND = 1_000
# As many as the server's dynamic batcher commits together when they come at this rate.
UPSERTS_A_COMMIT = 20


def write(url: str, shop: Shop, seconds: float) -> None:
    """Give products the rows of others, 20 in a transaction, 50 transactions a second."""
    entries = [
        Entry(Product(**product), vector=Vector(SPACE.space_id, shop.rows[(number + 1) % len(shop)]))
        for number, product in enumerate(shop.products)
    ]
    with Database.open(url) as database:
        start, first = time.monotonic(), 0
        while time.monotonic() - start < seconds:
            batch = [entries[at % len(entries)] for at in range(first, first + UPSERTS_A_COMMIT)]
            numbers = database.upsert(batch)
            told = time.monotonic()
            sys.stdout.writelines(f"{number} {told}\n" for number in numbers)
            first += UPSERTS_A_COMMIT
            time.sleep(max(0.0, start + first / UPSERTS_A_SECOND - time.monotonic()))


if __name__ == "__main__":
    write(sys.argv[1], Shop.open(int(sys.argv[2])), float(sys.argv[3]))
