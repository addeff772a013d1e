"""The server as the keeper sees it: which release it serves, and its own encoders."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from clients import Client, messages
from clients.connect import tls_for
from clients.retry import NO_RETRIES
from clients.tls import Tls
from clients.url import Address
from deploy.control import Control
from deploy.errors import ServerAway
from ensemble.settings import ImageSettings, SpaceSettings, read

# Each attempt at products that the server breaks over may cost a process of it: the keeper has its own pauses.
_TIMEOUT_S = 60.0
EMBED_PRODUCT = "embed_product"

Rows = NDArray[np.float32]
Item = tuple[Mapping[str, Any], bytes]


@dataclass(frozen=True)
class Space:
    """The space of one release.

    Args:
        release: Its number.
        index: Its own index, as it was released.
        settings: The space's id and dimensions.
        max_picture_bytes: Largest picture that its encoders take.
        recommender: Folder of its recommender; None where it has none.
    """

    release: int
    index: Path
    settings: SpaceSettings
    max_picture_bytes: int
    recommender: Path | None = None

    @classmethod
    def of(cls, models: Path, release: int) -> Space:
        """Read it from a Triton repository.

        Raises:
            DamagedRelease: A file is missing or cannot be used.
        """
        retrieve = models / "retrieve" / str(release)
        image = read(models / "product_preprocess" / str(release) / "settings.json", "image", ImageSettings)
        settings = read(retrieve / "settings.json", "space", SpaceSettings)
        recommender = models / "recommender" / str(release)
        there = recommender if recommender.is_dir() else None
        return cls(release, retrieve / "index", settings, image.max_bytes, there)


class Encoder(Protocol):
    """Makes index rows of products."""

    def release(self) -> int:
        """Number of the release whose towers encode now."""

    def rows(self, items: Sequence[Item]) -> Rows:
        """Rows ``(products, row_dim)`` of products with their pictures, an empty one where there is none."""


class ServedEncoder:
    """The running server's ``embed_product``.

    Args:
        url: ``grpc://host:port``, or ``grpcs://host:port``.
        ensemble: The name that is asked: another one for the towers of a release on trial.
        tls: Certificates; by default those of the environment.
    """

    def __init__(self, url: str, ensemble: str = EMBED_PRODUCT, tls: Tls | None = None) -> None:
        address = Address.parse(url)
        self._ensemble = ensemble
        self._control = Control(address.host, address.port, tls=tls_for(address, tls))
        self._client = Client(url, timeout_s=_TIMEOUT_S, retries=NO_RETRIES, tls=tls)

    def release(self) -> int:
        """See ``Encoder``.

        Raises:
            RequestFailed: The server is away.
        """
        return self._control.pinned_version(self._ensemble)

    def rows(self, items: Sequence[Item]) -> Rows:
        """See ``Encoder``.

        Raises:
            TandemError: As its tree says.
        """
        call = messages.embed_product([(product, picture or None) for product, picture in items])
        return self._client.run(replace(call, model=self._ensemble))

    def close(self) -> None:
        """Close the connections."""
        self._client.close()
        self._control.close()


def server_of(store: Path) -> str:
    """The address of the server over a store.

    Raises:
        ServerAway: None says that it serves the store.
    """
    path = store / "run" / "serve.json"
    try:
        return str(json.loads(path.read_text())["grpc"])
    except (OSError, ValueError, KeyError):
        raise ServerAway(f"no server over {store} runs ({path}): name one with --server, or start it") from None
