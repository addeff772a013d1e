"""What runs beside each other over one catalogue: a writer, the keeper, and a follower that answers searches.

Each runs for ever in a process of its own, and tells by a record what it did; it is ended by SIGKILL.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Container, Iterator, Sequence
from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from random import Random

import numpy as np

from catalogue import Product
from catalogue.database import Database, Deleted, Entry, Patch, Vector
from clients.errors import BadInput
from deploy.events import EventLog
from deploy.keep.embedding import Embedding
from deploy.keep.options import KeepOptions
from deploy.keep.served import Item, Rows
from deploy.keep.snapshots import Snapshotting
from ensemble.errors import InvalidInput
from ensemble.index import Index
from ensemble.index.follower import Follower
from ensemble.pipeline import Encoders
from ensemble.retrieval import query_rows
from tests import tiny
from tests.living.place import RELEASE, Place
from tests.living.shop import Operation, Shop, filters
from tests.living.twin import Answer, Found

KEEP = KeepOptions(snapshot_every_s=0.05, min_changes=3)
LOOK_S = 0.02
PAUSE_S = 0.002


def write(place: Place, shop: Shop, encoders: Encoders) -> None:
    """Change a shop, and tell each number that was acknowledged."""
    with closing(Database.open(place.catalogue)) as database, place.record(shop.prefix).open("ab", buffering=0) as told:
        while True:
            operation = shop.draw()
            seq = send(database, operation, encoders)
            told.write(seq.to_bytes(8, "little"))
            shop.take(operation)
            time.sleep(PAUSE_S)


def acknowledged(place: Place, shop: Shop) -> list[int]:
    """The numbers that ``write`` told, in their order."""
    path = place.record(shop.prefix)
    data = path.read_bytes() if path.exists() else b""
    return [int.from_bytes(data[at : at + 8], "little") for at in range(0, len(data) // 8 * 8, 8)]


def send(database: Database, operation: Operation, encoders: Encoders) -> int:
    """Write one change to the catalogue; its sequence number."""
    seq: object
    if operation.kind == "delete":
        (deleted,) = database.delete([operation.id])
        assert isinstance(deleted, Deleted)
        assert deleted.found
        return deleted.seq
    if operation.kind == "patch":
        (seq,) = database.patch([Patch(operation.id, operation.patch)])
    else:
        assert operation.after is not None
        vector = Vector(tiny.SPACE.space_id, encoders.embed_product([operation.after], [b""])[0])
        brings = vector if brings_vector(operation) else None
        (seq,) = database.upsert([Entry(Product(**operation.after), operation.picture, brings)])
    assert isinstance(seq, int), seq
    return seq


def brings_vector(operation: Operation) -> bool:
    """Whether an upsert comes with its vector; the others are left to the keeper."""
    return operation.kind == "upsert" and operation.picture is None


class Towers:
    """The release's encoders in place of a server's, refusing as it does."""

    def __init__(self, encoders: Encoders) -> None:
        self._encoders = encoders

    def release(self) -> int:
        return RELEASE

    def rows(self, items: Sequence[Item]) -> Rows:
        try:
            return self._encoders.embed_product([product for product, _ in items], [picture for _, picture in items])
        except InvalidInput as error:
            raise BadInput(str(error)) from None


def keep(place: Place, encoders: Encoders) -> None:
    """Embed, and write snapshots."""
    events = EventLog(place.folder / "events.jsonl")
    with closing(Database.open(place.catalogue)) as database:
        embedding = Embedding(database, Towers(encoders), place.models, events=events, batch=8)
        snapshotting = Snapshotting(place.living, lambda: place.space, events, KEEP)
        while True:
            embedding.step()
            snapshotting.step()
            time.sleep(PAUSE_S)


def follow(place: Place, random: Random, encoders: Encoders) -> None:
    """Follow the journal, search all the time, and tell each answer."""
    snapshots, journal = place.snapshots(), place.journal()
    index = snapshots.newest(tiny.SPACE.space_id)
    follower = Follower(index, journal, snapshots, another=place.journal, look_s=LOOK_S)
    follower.start()
    with place.record("answers").open("ab", buffering=0) as told:
        while True:
            answer = ask(follower.index, random, encoders)
            told.write(json.dumps(asdict(answer) | {"query": answer.query.tolist()}).encode() + b"\n")
            time.sleep(PAUSE_S)


def ask(index: Index, random: Random, encoders: Encoders) -> Answer:
    """Search once, by chance."""
    text = " ".join(random.choices(tiny.WORDS, k=random.randrange(1, 4)))
    query = query_rows(encoders.embed_text([text]), None, None, tiny.SPACE)
    k, expression = random.choice((1, 5, 50)), filters(random)
    with index.reading() as state:
        passing = state.passing(json.dumps(expression).encode() if known(state.slots.columns, expression) else b"")
        (hits,) = state.search(query, [k], [passing])
        slots = hits.slots.tolist()
        documents = [state.slots.product(slot) for slot in slots]
        plain = [{name: value for name, value in one.items() if name != "image"} for one in documents]
        found = zip(state.slots.ids(hits.slots), hits.scores.tolist(), plain, strict=True)
        used = expression if known(state.slots.columns, expression) else None
        return Answer(state.seq, query[0], k, used, tuple(Found(*one) for one in found))


def answers(path: Path) -> Iterator[Answer]:
    """What ``follow`` told; a line that was cut off is left out."""
    for line in path.read_bytes().split(b"\n")[:-1]:
        told = json.loads(line)
        found = tuple(Found(**one) for one in told["found"])
        yield Answer(told["seq"], np.array(told["query"]), told["k"], told["filter"], found)


def known(columns: Container[str], expression: object) -> bool:
    """Whether an expression asks for columns that are there: the first products bring them."""
    text = json.dumps(expression)
    return expression is not None and all(name in columns for name in ("color", "number", "new") if f'"{name}"' in text)


def size(path: Path) -> int:
    """Bytes of a record; 0 where there is none yet."""
    return os.stat(path).st_size if path.exists() else 0  # noqa: PTH116 -- one call
