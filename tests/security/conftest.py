from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from deploy.options import ServeOptions
from deploy.server import Server
from tests.deploy.shop import make_store
from tests.export.conftest import Make, make, shop, sources, towers
from tests.security.certificates import Pair, issue, make_authority

__all__ = ["make", "shop", "sources", "towers"]


@pytest.fixture(scope="package")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Two Python models, served on loopback."""
    folder = tmp_path_factory.mktemp("plain")
    with Server(make_store(folder / "var"), log=folder / "var" / "run" / "triton.log") as running:
        yield running


@pytest.fixture(scope="package")
def store(make: Make, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with a release of the tiny shop and its own catalogue; alone in its folder, and that in its own."""
    folder = tmp_path_factory.mktemp("store") / "shop" / "var"
    make(folder)
    return folder


@pytest.fixture(scope="package")
def server(store: Path) -> Iterator[Server]:
    """That release, served; with a keeper, which reads what callers wrote."""
    from deploy.keep.options import KeepOptions

    log = store / "run" / "triton.log"
    options = ServeOptions(standby=False)
    with Server(store, log=log, keep=KeepOptions(poll_s=0.2, min_changes=1), options=options) as running:
        yield running


@dataclass(frozen=True)
class Certificates:
    """What a shop has: a server's certificate, a client's, and those that neither side may trust.

    Args:
        authority: Signed ``server``.
        server: For the name ``shop.example`` alone, as a shop's certificate is.
        clients: Signed ``client``.
        client: A caller's own.
        stranger: A caller's own, signed by another authority.
        other: That authority.
    """

    authority: Pair
    server: Pair
    clients: Pair
    client: Pair
    stranger: Pair
    other: Pair


@pytest.fixture(scope="package")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    folder = tmp_path_factory.mktemp("certificates")
    authority, clients, other = (make_authority(folder, name) for name in ("authority", "clients", "other"))
    return Certificates(
        authority,
        issue(authority, folder, "server", "DNS:shop.example"),
        clients,
        issue(clients, folder, "client"),
        issue(other, folder, "stranger"),
        other,
    )
