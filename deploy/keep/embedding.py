"""Embeds products that have no vector: those of a shop's own SQL, of ``python -m catalogue``, of an older release."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from catalogue.database import Database, Embedded, Stored
from catalogue.errors import UnreadablePicture
from clients.errors import BadInput, ServerFault
from deploy.events import EventLog
from deploy.keep.served import Encoder, Rows, Space

TELL_S = 60.0
# A fault of the server may pass; one of the product does not until it changes.
RETRY_S = 300.0


class Embedding:
    """Has the server embed what has no vector in its space, some products at a time, the oldest content first.

    Args:
        database: The catalogue.
        encoder: The server's encoders.
        models: Triton's repository of the store.
        events: Is told of what was embedded, and once of each product that cannot be.
        batch: Products a request.
        clock: Seconds, monotonic.
    """

    def __init__(
        self,
        database: Database,
        encoder: Encoder,
        models: Path,
        *,
        events: EventLog,
        batch: int,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._database, self._encoder, self._models = database, encoder, models
        self._events, self._batch, self._clock = events, batch, clock
        self._space: Space | None = None
        self._told: dict[str, int] = {}
        self._count, self._since = 0, 0.0
        self._after, self._seen, self._retry_at = 0, -1, math.inf

    def step(self) -> bool:
        """Embed one batch.

        Returns:
            Whether there may be more to do at once.

        Raises:
            CatalogueError: The database is away or does not take the vectors.
            TandemError: The server is away.
            RequestFailed: The server is away.
            DamagedRelease: The settings of the release that is served cannot be read.
        """
        space = self._served_space()
        if self._clock() >= self._retry_at:
            self._rewind()
        head = self._database.head()
        if head == self._seen:
            return False
        found = self._database.unembedded(space.settings.space_id, self._batch, after=self._after)
        if not found:
            self._seen = head
            self._tell(0)
            return False
        self._store(space, self._encoded(found, space))
        if self._encoder.release() == space.release:
            # What was refused is passed over: only content newer than this is looked for from now on.
            self._after = found[-1].content
        return True

    def _rewind(self) -> None:
        """Look at all products again."""
        self._after, self._seen, self._retry_at = 0, -1, math.inf

    def _served_space(self) -> Space:
        release = self._encoder.release()
        if self._space is None or self._space.release != release:
            self._space = Space.of(self._models, release)
            self._told.clear()
            self._rewind()
        return self._space

    def _store(self, space: Space, made: Sequence[tuple[Stored, Rows]]) -> None:
        if self._encoder.release() != space.release:
            return  # switched meanwhile: rows of another space must not get this one's name
        rows = [Embedded(stored.product.id, stored.content, row) for stored, row in made]
        self._tell(sum(seq is not None for seq in self._database.embed(space.settings.space_id, rows)))

    def _encoded(self, found: Sequence[Stored], space: Space) -> list[tuple[Stored, Rows]]:
        pictures: list[tuple[Stored, bytes]] = []
        for stored in found:
            try:
                pictures.append((stored, self._database.picture(stored, space.max_picture_bytes) or b""))
            except UnreadablePicture as error:
                self._refuse(stored, f"its picture {stored.product.image!r} cannot be read; needed: {error}")
        return list(self._rows(pictures))

    def _rows(self, items: Sequence[tuple[Stored, bytes]]) -> Iterable[tuple[Stored, Rows]]:
        """Rows of all that can be encoded: a batch that is refused is halved until the products at fault are found."""
        if not items:
            return
        try:
            rows = self._encoder.rows([(stored.product.as_dict(), picture) for stored, picture in items])
        except (BadInput, ServerFault) as error:
            if len(items) > 1:
                middle = len(items) // 2
                yield from self._rows(items[:middle])
                yield from self._rows(items[middle:])
            elif isinstance(error, BadInput):
                self._refuse(items[0][0], str(error))
            else:
                self._retry_at = min(self._retry_at, self._clock() + RETRY_S)
                self._refuse(items[0][0], f"{error}; it is tried again later")
        else:
            yield from ((stored, row) for (stored, _), row in zip(items, rows, strict=True))

    def _refuse(self, stored: Stored, reason: str) -> None:
        if self._told.get(stored.product.id) != stored.content:
            self._told[stored.product.id] = stored.content
            self._events.add("not_embedded", f"product {stored.product.id!r} cannot be embedded: {reason}")

    def _tell(self, count: int) -> None:
        """Tell how many were embedded, once all are or a minute has passed."""
        if self._count == 0:
            self._since = self._clock()
        self._count += count
        seconds = self._clock() - self._since
        if self._count and (not count or seconds > TELL_S):
            self._events.add("embedded", f"embedded {self._count:,} products that had no vector", seconds=seconds)
            self._count = 0
