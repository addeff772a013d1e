"""Embeds products that have no vector: those of a shop's own SQL, of ``python -m catalogue``, of an older release."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from catalogue.database import Database, Embedded, Stored
from catalogue.database import Space as Registered
from catalogue.database.checking import check_row
from catalogue.errors import BadEntry, DatabaseError, UnreadablePicture
from clients.errors import BadInput, NoServer, QueueFull, ServerFault, TandemError, Timeout, Unavailable
from deploy.events import EventLog
from deploy.keep.progress import RETRY_S, Progress
from deploy.keep.served import Encoder, Rows, Space
from deploy.keep.tables import Unfit, lacking

TELL_S = 60.0
_LATER = "it is tried again later"


class Embedding:
    """Has the server embed what has no vector in its space, some products at a time, the oldest content first.

    Args:
        database: The catalogue.
        encoder: The server's encoders.
        models: Triton's repository of the store.
        events: Is told of what was embedded, and once of each product that cannot be.
        batch: Products a request.
        progress: Where an embedding before it, whose connections were lost, left off.
    """

    def __init__(
        self,
        database: Database,
        encoder: Encoder,
        models: Path,
        *,
        events: EventLog,
        batch: int,
        progress: Progress | None = None,
    ) -> None:
        self._database, self._encoder, self._models = database, encoder, models
        self._events, self._progress = events, progress or Progress(batch)
        self._space: Space | None = None

    def step(self) -> bool:
        """Embed one batch.

        Returns:
            Whether there may be more to do at once.

        Raises:
            CatalogueError: The database is away or does not take the vectors.
            TandemError: The server is away, or broke over the batch and the product at fault is not yet known.
            RequestFailed: The server is away.
            DamagedRelease: The settings of the release that is served cannot be read.
        """
        space, progress = self._served_space(), self._progress
        progress.turn_to(space.release)
        head = self._database.head()
        if head == progress.seen:
            return False
        found = lacking(self._database, space.settings.space_id, progress.limit, after=progress.after)
        if isinstance(found, Unfit):
            self._pass_over(found)
            return True
        if not found:
            progress.seen = head
            self._tell(0)
            return False
        chosen, upto = progress.choose(found)
        self._store(space, self._encoded(chosen, space))
        if self._encoder.release() == space.release:
            # What was refused is passed over: only content newer than this is looked for from now on.
            progress.after = upto
        return True

    def _served_space(self) -> Space:
        release = self._encoder.release()
        if self._space is None or self._space.release != release:
            self._space = Space.of(self._models, release)
        return self._space

    def _store(self, space: Space, made: Sequence[tuple[Stored, Rows]]) -> None:
        if self._encoder.release() != space.release:
            return  # switched meanwhile: rows of another space must not get this one's name
        settings = space.settings
        registered = Registered(settings.space_id, settings.text_dim, settings.image_dim)
        rows: list[Embedded] = []
        for stored, row in made:
            try:
                check_row(stored.product.id, row, registered)
            except BadEntry as error:  # it would be refused together with all others
                self._put_off(stored, "; ".join(error.problems))
            else:
                rows.append(Embedded(stored.product.id, stored.content, row))
        self._tell(sum(seq is not None for seq in self._database.embed(settings.space_id, rows)))

    def _encoded(self, chosen: Sequence[Stored], space: Space) -> list[tuple[Stored, Rows]]:
        pictures = [(stored, data) for stored in chosen if (data := self._picture(stored, space)) is not None]
        if not pictures:
            return []
        try:
            made = list(self._rows(pictures))
        except (NoServer, QueueFull):
            raise
        except (Unavailable, Timeout) as error:
            return self._blame([stored for stored, _ in pictures], error)
        self._progress.succeeded()
        return made

    def _picture(self, stored: Stored, space: Space) -> bytes | None:
        """Its picture, empty where it has none; None where it cannot be read."""
        named = f"its picture {stored.product.image!r} cannot be read"
        try:
            return self._database.picture(stored, space.max_picture_bytes) or b""
        except DatabaseError:
            raise
        except UnreadablePicture as error:
            self._refuse(stored.product.id, stored.content, f"{named}; needed: {error}")
        except Exception as error:  # whatever the file system of a URL raises, as where its package is missing
            self._put_off(stored, f"{named}: {type(error).__name__}: {error}")
        return None

    def _rows(self, items: Sequence[tuple[Stored, bytes]]) -> Iterable[tuple[Stored, Rows]]:
        """Rows of all that can be encoded: a batch that is refused is halved until the products at fault are found."""
        if not items:
            return
        try:
            rows = self._encoder.rows([(stored.product.as_dict(), picture) for stored, picture in items])
        except (BadInput, ServerFault) as error:
            stored = items[0][0]
            if len(items) > 1:
                middle = len(items) // 2
                yield from self._rows(items[:middle])
                yield from self._rows(items[middle:])
            elif isinstance(error, BadInput):
                self._refuse(stored.product.id, stored.content, str(error))
            else:
                self._put_off(stored, str(error))
        else:
            yield from ((stored, row) for (stored, _), row in zip(items, rows, strict=True))

    def _blame(self, sent: Sequence[Stored], error: TandemError) -> list[tuple[Stored, Rows]]:
        """Put off the product that the server breaks over; no rows.

        Raises:
            TandemError: ``error``, where it is not yet clear which one it is, or whether it is one of them.
        """
        culprit = self._progress.failed(sent)
        if culprit is None:
            raise error
        self._put_off(culprit, f"the server gave no answer: {error}", alone=True)
        return []

    def _pass_over(self, unfit: Unfit) -> None:
        """Nothing tells when its writer mends it, so that it is looked at again."""
        self._progress.after = unfit.content
        self._progress.again_in(RETRY_S)
        self._refuse(unfit.id, unfit.content, f"its row in the database is no product: {unfit.problem}")

    def _put_off(self, stored: Stored, reason: str, *, alone: bool = False) -> None:
        self._progress.put_off(stored, alone=alone)
        self._refuse(stored.product.id, stored.content, f"{reason}; {_LATER}")

    def _refuse(self, product_id: str, content: int, reason: str) -> None:
        if self._progress.is_news(product_id, content):
            self._events.add("not_embedded", f"product {product_id!r} cannot be embedded: {reason}")

    def _tell(self, count: int) -> None:
        """Tell how many were embedded, once all are or a minute has passed."""
        progress = self._progress
        if progress.count == 0:
            progress.since = progress.clock()
        progress.count += count
        seconds = progress.clock() - progress.since
        if progress.count and (not count or seconds > TELL_S):
            self._events.add("embedded", f"embedded {progress.count:,} products that had no vector", seconds=seconds)
            progress.count = 0
