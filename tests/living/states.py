"""What a catalogue and a server hold, told in the twin's words."""

from __future__ import annotations

import json
from contextlib import closing
from pathlib import Path

from catalogue.database import Database
from clients import Client
from ensemble.pipeline import Encoders
from tests.living.talk import found_of
from tests.living.twin import Document, Twin

EVERYTHING = 1_000


def database_of(store: Path) -> str:
    """URL of a store's own catalogue."""
    return f"sqlite:///{store / 'catalogue.sqlite'}"


def kinds_of_events(store: Path) -> list[str]:
    """What happened to the server over a store and to its keeper, oldest first."""
    return [json.loads(line)["kind"] for line in (store / "run" / "events.jsonl").read_text().splitlines()]


def documents_in(url: str) -> tuple[int, dict[str, Document]]:
    """The head of a catalogue, and every product by its id, without its picture's name."""
    with closing(Database.open(url)) as database, database.reading() as reading:
        documents = [stored.product.as_dict() for stored in reading.products()]
        return reading.seq, {document["id"]: _plain(document) for document in documents}


def documents_served(client: Client, min_seq: int) -> tuple[int, dict[str, Document]]:
    """The sequence number of an answer, and every product that the server finds."""
    told = client.search(text="red", k=EVERYTHING, min_seq=min_seq)
    found = found_of(told)
    assert len({one.id for one in found}) == len(found), "a product was found twice"
    return told.seq, {one.id: one.document for one in found}


def twin_of(url: str, encoders: Encoders, max_bytes: int = 1 << 22) -> Twin:
    """The twin at a catalogue's head, its rows encoded in this process."""
    with closing(Database.open(url)) as database, database.reading() as reading:
        stored = list(reading.products())
        documents = [one.product.as_dict() for one in stored]
        pictures = [database.picture(one, max_bytes) or b"" for one in stored]
        rows = encoders.embed_product(documents, pictures)
        ids = [document["id"] for document in documents]
        twin = Twin(reading.seq, dict(zip(ids, map(_plain, documents), strict=True)))
    twin.rows = {name: row.astype("float16").astype("float64") for name, row in zip(ids, rows, strict=True)}
    return twin


def _plain(document: Document) -> Document:
    return {name: value for name, value in document.items() if name != "image"}
