"""Embeds what a release lacks before callers meet it.

A release knows the vectors of the catalogue as it was when the release was made. What was written since was embedded by
the towers that were live: where the new ones make another space, these products could not be found.
"""

from __future__ import annotations

import contextlib
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from catalogue.database import Database
from catalogue.errors import CatalogueError
from clients.canary import SUFFIX
from clients.errors import QueueFull, TandemError
from clients.tls import Tls
from deploy.errors import CannotSwitch, RequestFailed
from deploy.events import EventLog
from deploy.keep.embedding import Embedding
from deploy.keep.options import KeepOptions
from deploy.keep.progress import Progress
from deploy.keep.served import EMBED_PRODUCT, ServedEncoder
from deploy.switching.values import Tell
from ensemble.errors import EnsembleError

_BATCH = KeepOptions.batch  # a search that comes meanwhile may have to wait for it
_BUSY_S = 0.5
_PATIENCE = 120


@dataclass(frozen=True)
class CatchUp:
    """Has the towers of a release on trial embed what the catalogue has no vectors of.

    Args:
        catalogue: URL of the database.
        models: Triton's repository of the store.
        server: ``grpc://host:port``.
        events: Is told of products that cannot be embedded.
        stopping: Set when the server is to end.
        tls: Certificates, where the server has TLS.
    """

    catalogue: str
    models: Path
    server: str
    events: EventLog
    stopping: threading.Event
    tls: Tls | None = None

    def run(self, tell: Tell) -> None:
        """Embed what is lacking now; what comes meanwhile is left to the keeper.

        Raises:
            CannotSwitch: The database or the server is away, or the server is being stopped.
        """
        tell("embedding what was written since the release was made")
        try:
            with (
                contextlib.closing(ServedEncoder(self.server, EMBED_PRODUCT + SUFFIX, self.tls)) as encoder,
                contextlib.closing(Database.open(self.catalogue)) as database,
            ):
                self._embed(encoder, database, tell)
        except (CatalogueError, TandemError, RequestFailed, EnsembleError) as error:
            raise CannotSwitch(f"what was written since the release was made cannot be embedded: {error}") from error

    def _embed(self, encoder: ServedEncoder, database: Database, tell: Tell) -> None:
        progress, head = Progress(_BATCH), database.head()
        embedding = Embedding(database, encoder, self.models, events=self.events, batch=_BATCH, progress=progress)
        while self._step(embedding) and progress.after < head:
            if self.stopping.is_set():
                raise CannotSwitch("the server is being stopped")
            if progress.count:
                tell(f"embedded {progress.count:,} products")

    def _step(self, embedding: Embedding) -> bool:
        """One batch, and as long a pause; callers go first where the server is busy, but not for ever."""
        for _ in range(_PATIENCE):
            started = time.monotonic()
            try:
                more = embedding.step()
            except QueueFull:
                if self.stopping.wait(_BUSY_S):
                    break
            else:
                if more:
                    self.stopping.wait(time.monotonic() - started)
                return more
        raise CannotSwitch(
            "the server is too busy to embed what was written since the release was made; switch when it has less to do"
        )
