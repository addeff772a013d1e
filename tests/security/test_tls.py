"""gRPC over TLS: who may connect, and what a mistake is told as."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import pytest

from catalogue.database import Database
from catalogue.database.values import Entry
from catalogue.product import Product
from clients import NO_RETRIES, AsyncClient, BadSetting, Client, NoServer, NotTrusted, TandemError, Tls
from clients.tensors import Call, Outputs, byte_rows
from deploy.access import Access, ServerTls
from deploy.control import Control
from deploy.errors import BadCertificate, RequestFailed
from deploy.keep.options import KeepOptions
from deploy.keep.served import ServedEncoder
from deploy.options import ServeOptions
from deploy.server import Server
from tests.deploy.conftest import wait_for
from tests.deploy.shop import make_store
from tests.export.conftest import Make
from tests.security.certificates import Pair, expired, issue, needs_openssl
from tests.security.conftest import Certificates

pytestmark = needs_openssl

NAME = "shop.example"
KNOWN = [[b"p5", b"q5"]]


def read_ids(outputs: Outputs) -> list[list[bytes]]:
    ids = outputs.as_numpy("PRODUCT_ID")
    assert ids is not None
    found: list[list[bytes]] = ids.tolist()
    return found


ASK = Call("search_text", (byte_rows("TEXT", [b"hello"]),), read_ids)


def access_of(certificates: Certificates) -> Access:
    tls = ServerTls(certificates.server.cert, certificates.server.key, certificates.clients.cert)
    return Access(tls, Tls(certificates.server.cert, certificates.client.cert, certificates.client.key))


@pytest.fixture(scope="module")
def mutual(certificates: Certificates, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that wants a certificate of its callers."""
    options = ServeOptions(access=access_of(certificates))
    with Server(make_store(tmp_path_factory.mktemp("mutual") / "var"), options=options) as running:
        yield running


def tls_of(certificates: Certificates, own: Pair | None, *, ca: Pair | None = None, name: str | None = NAME) -> Tls:
    trusted = (ca or certificates.authority).cert
    return Tls(trusted, name=name) if own is None else Tls(trusted, own.cert, own.key, name)


def test_a_known_client_is_served(mutual: Server, certificates: Certificates) -> None:
    assert mutual.grpc_url.startswith("grpcs://")
    with Client(mutual.grpc_url, tls=tls_of(certificates, certificates.client)) as client:
        assert client.run(ASK) == KNOWN


async def test_so_is_an_async_one(mutual: Server, certificates: Certificates) -> None:
    async with AsyncClient(mutual.grpc_url, tls=tls_of(certificates, certificates.client)) as client:
        assert await client.run(ASK) == KNOWN


def test_the_environment_names_the_files(
    mutual: Server, certificates: Certificates, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = tls_of(certificates, certificates.client)
    for name, value in told.environment().items():
        monkeypatch.setenv(name, value)
    assert Tls.from_environment() == told
    with Client(mutual.grpc_url) as client:
        assert client.run(ASK) == KNOWN
    with closing(ServedEncoder(mutual.grpc_url)) as encoder, pytest.raises(RequestFailed, match="embed_product"):
        encoder.release()  # this server has no such model, and says so to the keeper


def test_a_client_without_a_certificate_and_one_of_another_authority_are_refused(
    mutual: Server, certificates: Certificates
) -> None:
    for own in (None, certificates.stranger):
        with Client(mutual.grpc_url, tls=tls_of(certificates, own), retries=NO_RETRIES) as client:
            with pytest.raises(NoServer, match="or it refuses this client's certificate"):
                client.run(ASK)
            assert not client.ready()


def test_a_certificate_that_is_renewed_counts_from_the_next_channel_on(
    mutual: Server, certificates: Certificates, tmp_path: Path
) -> None:
    cert, key = tmp_path / "own.crt", tmp_path / "own.key"

    def become(pair: Pair) -> None:
        cert.write_bytes(pair.cert.read_bytes())
        key.write_bytes(pair.key.read_bytes())

    become(certificates.stranger)
    tls = Tls(certificates.authority.cert, cert, key, NAME)
    with Client(mutual.grpc_url, tls=tls, retries=NO_RETRIES) as client, pytest.raises(NoServer):
        client.run(ASK)
    become(certificates.client)
    with Client(mutual.grpc_url, tls=tls) as client:
        assert client.run(ASK) == KNOWN
    key.write_bytes(certificates.stranger.key.read_bytes())
    with pytest.raises(BadSetting, match="key values mismatch"):
        Client(mutual.grpc_url, tls=tls)
    key.unlink()
    with pytest.raises(BadSetting, match=r"own\.key: does not exist"):
        Client(mutual.grpc_url, tls=tls)


def test_a_plain_client_is_refused(mutual: Server) -> None:
    with (
        Client(f"grpc://127.0.0.1:{urlsplit(mutual.grpc_url).port}", retries=NO_RETRIES) as client,
        pytest.raises(TandemError),
    ):
        client.run(ASK)


def test_a_server_that_is_another_is_not_trusted(mutual: Server, certificates: Certificates) -> None:
    wrong = {
        "authority": tls_of(certificates, certificates.client, ca=certificates.other),
        "name": tls_of(certificates, certificates.client, name=None),
    }
    for tls in wrong.values():
        with Client(mutual.grpc_url, tls=tls) as client, pytest.raises(NotTrusted):
            client.run(ASK)


def test_the_server_is_watched_and_controlled_over_tls(mutual: Server) -> None:
    with closing(mutual.connect()) as control:
        assert control.states()["search_text", 1] == "READY"
        given = {"TEXT": np.array([[b"hello"]], object)}
        assert control.infer("search_text", given, 10)["PRODUCT_ID"].tolist() == KNOWN
    assert not [event for event in mutual.events if event.kind == "probe_failed"]


def test_a_certificate_does_not_open_the_closed_interfaces(mutual: Server, certificates: Certificates) -> None:
    address = urlsplit(mutual.grpc_url)
    tls = tls_of(certificates, certificates.client)
    with (
        closing(Control(str(address.hostname), int(address.port or 0), tls=tls)) as control,
        pytest.raises(RequestFailed, match="restricted"),
    ):
        control.states()


def test_old_protocols_are_refused(mutual: Server, certificates: Certificates) -> None:
    import ssl
    import warnings

    context = tls_of(certificates, certificates.client).context()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version, context.maximum_version = ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1
    context.set_ciphers("ALL:@SECLEVEL=0")
    with (
        socket.create_connection(("127.0.0.1", int(urlsplit(mutual.grpc_url).port or 0)), timeout=5) as plain,
        pytest.raises((ssl.SSLError, ConnectionError)),
    ):
        context.wrap_socket(plain, server_hostname=NAME)


def test_certificates_that_cannot_work_are_told_before_the_start(certificates: Certificates, tmp_path: Path) -> None:
    server, clients = certificates.server, certificates.clients
    own, stranger = certificates.client, certificates.stranger
    nothing = tmp_path / "nothing.pem"
    text = tmp_path / "text.pem"
    text.write_text("not a certificate")
    late = expired(tmp_path)
    nameless = issue(certificates.authority, tmp_path, "nameless")
    mutual = ServerTls(server.cert, server.key, clients.cert)
    for access, message in (
        (Access(ServerTls(server.cert, own.key)), "key values mismatch"),
        (Access(ServerTls(nothing, server.key)), "nothing.pem: No such file"),
        (Access(ServerTls(text, server.key)), "text.pem: no certificate"),
        (Access(ServerTls(server.cert, nothing), Tls(server.cert)), "nothing.pem: does not exist"),
        (Access(ServerTls(late.cert, late.key)), "certificate has expired"),
        (Access(ServerTls(nameless.cert, nameless.key)), "names no host"),
        (Access(ServerTls(server.cert, server.key), Tls(certificates.other.cert)), "unable to get local issuer"),
        (Access(mutual), "peer did not return a certificate.*TANDEM_TLS_CERT"),
        (Access(mutual, Tls(server.cert, stranger.cert, stranger.key)), "unable to get local issuer.*TANDEM_TLS_CERT"),
    ):
        with pytest.raises(BadCertificate, match=message):
            access.connection("127.0.0.1")


def test_deploy_expects_the_name_that_the_certificate_holds(certificates: Certificates, tmp_path: Path) -> None:
    def connection(hosts: str) -> Tls | None:
        pair = issue(certificates.authority, tmp_path, "one", hosts)
        return Access(ServerTls(pair.cert, pair.key)).connection("127.0.0.1")

    for hosts, name in (
        ("DNS:shop.example", "shop.example"),
        ("DNS:shop.example,IP:127.0.0.1", None),
        ("DNS:*.shop.example", "tandem.shop.example"),
    ):
        found = connection(hosts)
        assert found is not None
        assert found.name == name
    assert Access().connection("127.0.0.1") is None


def test_a_clients_mistakes_are_told_at_once(certificates: Certificates, tmp_path: Path) -> None:
    own = certificates.client
    with pytest.raises(BadSetting, match="`cert` without `key`"):
        Tls(cert=own.cert)
    with pytest.raises(BadSetting, match="`key` without `cert`"):
        Tls(key=own.key)
    with pytest.raises(BadSetting, match=r"nothing: No such file.*allowed: a PEM file of certificates"):
        Tls(tmp_path / "nothing")
    with pytest.raises(BadSetting, match="key values mismatch"):
        Tls(certificates.authority.cert, own.cert, certificates.other.key)
    for url in ("grpc://localhost:1", "http://localhost:1"):
        with pytest.raises(BadSetting, match=f"{url} has none; allowed: grpcs://"):
            Client(url, tls=Tls(certificates.authority.cert))


@pytest.mark.slow
def test_the_keeper_connects_as_deploy_does(make: Make, certificates: Certificates, tmp_path: Path) -> None:
    store = tmp_path / "var"
    make(store)
    options = ServeOptions(access=access_of(certificates), standby=False)
    with Server(store, options=options, keep=KeepOptions(poll_s=0.2)) as running:
        with Database.open(f"sqlite:///{store / 'catalogue.sqlite'}") as database:
            database.upsert([Entry(Product("unseen", "red mug"))])
        with Client(running.grpc_url, tls=tls_of(certificates, certificates.client)) as client:
            wait_for(lambda: "unseen" in [found.id for found in client.search(text="red mug", k=100).results])
