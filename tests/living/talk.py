"""Writers and searchers of a served shop, whose every word is kept for the twin."""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random

from clients import NO_RETRIES, Client, Deleted
from clients import Answer as Told
from ensemble.pipeline import Encoders
from ensemble.retrieval import query_rows
from ensemble.settings import SpaceSettings
from tests import tiny
from tests.living.shop import PICTURES, Operation, Shop, filters
from tests.living.twin import Answer, Change, Floats, Found

TIMEOUT_S = 30.0


def client_of(url: str) -> Client:
    """A client that never sends a write twice: what it acknowledges has one sequence number."""
    return Client(url, timeout_s=TIMEOUT_S, retries=NO_RETRIES)


@dataclass
class Writer:
    """Changes its part of a shop, one change after the other.

    Args:
        client: Of the server.
        shop: The products that are its own.
        encoders: Towers of the release, in this process; without them changes have no rows.
        changes: What was acknowledged.
        in_flight: What was sent last, and whether it was done nobody knows if the server died.
    """

    client: Client
    shop: Shop
    encoders: Encoders | None = None
    changes: list[Change] = field(default_factory=list)
    in_flight: Operation | None = None

    def write(self) -> Change:
        """Send one change; returns when it is acknowledged."""
        operation = self.in_flight = self.shop.draw()
        seq = send(self.client, operation)
        self.in_flight = None
        self.shop.take(operation)
        row = None
        if operation.kind == "upsert" and self.encoders is not None and operation.after is not None:
            (row,) = self.encoders.embed_product([operation.after], [operation.picture or b""])
        change = Change(seq, operation.id, operation.after, row)
        self.changes.append(change)
        return change


def send(client: Client, operation: Operation) -> int:
    """Send a change; its sequence number."""
    if operation.kind == "delete":
        deleted: Deleted = client.delete(operation.id)
        assert deleted.found, f"{operation.id} was there, and was not found"
        return deleted.seq
    if operation.kind == "patch":
        return client.patch(operation.id, **operation.patch).seq
    assert operation.after is not None
    return client.upsert(operation.after, operation.picture).seq


@dataclass
class Searcher:
    """Asks for texts, photos and both, with filters and counts of its choice.

    Args:
        client: Of the server.
        random: Decides everything.
        encoders: Towers of the release, in this process.
        space: The release's space.
        answers: What was answered.
    """

    client: Client
    random: Random
    encoders: Encoders
    space: SpaceSettings
    answers: list[Answer] = field(default_factory=list)

    def ask(self, min_seq: int | None = None) -> Answer:
        """Search once; the answer knows of ``min_seq`` and of all that this searcher was told before."""
        text, image = self._question()
        k, expression = self.random.choice((1, 3, 10, 50)), filters(self.random)
        told = self.client.search(text=text, image=image, k=k, filter=expression, min_seq=min_seq)
        answer = Answer(told.seq, self._row(text, image), k, expression, found_of(told))
        least = max(min_seq or 0, self.answers[-1].seq if self.answers else 0)
        assert answer.seq >= least, f"an answer of {answer.seq} after {least} was known"
        self.answers.append(answer)
        return answer

    def _question(self) -> tuple[str | None, bytes | None]:
        text = " ".join(self.random.choices(tiny.WORDS, k=self.random.randrange(1, 4)))
        image = PICTURES[self.random.choice(list(PICTURES))]
        return self.random.choice([(text, None), (text, None), (None, image), (text, image)])

    def _row(self, text: str | None, image: bytes | None) -> Floats:
        texts = None if text is None else self.encoders.embed_text([text])
        images = None if image is None else self.encoders.embed_image([image])
        row: Floats = query_rows(texts, images, None, self.space)[0]
        return row


def found_of(told: Told) -> tuple[Found, ...]:
    """The products of an answer, as the twin knows them."""
    return tuple(
        Found(result.id, result.score, {name: value for name, value in result.to_dict().items() if name in _KNOWN})
        for result in told.results
    )


_KNOWN = ("id", "title", "category", "price", "available", "attributes")
