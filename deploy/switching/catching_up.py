"""Embeds what a release lacks before callers meet it.

A release knows the vectors of the catalogue as it was when the release was made. What was written since was embedded by
the towers that were live: where the new ones make another space, these products could not be found.
"""

from __future__ import annotations

import contextlib
import threading
from dataclasses import dataclass
from pathlib import Path

from catalogue.database import Database
from catalogue.errors import CatalogueError
from clients.errors import TandemError
from clients.tls import Tls
from deploy.errors import CannotSwitch
from deploy.events import EventLog
from deploy.keep.embedding import Embedding
from deploy.keep.served import EMBED_PRODUCT, ServedEncoder
from deploy.switching.values import Tell
from deploy.view import SUFFIX

_BATCH = 32


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
        """Embed until nothing is lacking; what comes meanwhile is left to the keeper.

        Raises:
            CannotSwitch: The database or the server is away.
        """
        tell("embedding what was written since the release was made")
        try:
            with (
                contextlib.closing(ServedEncoder(self.server, EMBED_PRODUCT + SUFFIX, self.tls)) as encoder,
                contextlib.closing(Database.open(self.catalogue)) as database,
            ):
                embedding = Embedding(database, encoder, self.models, events=self.events, batch=_BATCH)
                while embedding.step():
                    if self.stopping.is_set():
                        raise CannotSwitch("the server is being stopped")
        except (CatalogueError, TandemError) as error:
            raise CannotSwitch(f"what was written since the release was made cannot be embedded: {error}") from error
