"""Nothing but loopback is listened at, unless that was asked for in so many words."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest
from typer.testing import CliRunner

from deploy.access import Access, ServerTls
from deploy.cli import app
from deploy.command import CLOSED, server_command
from deploy.embedded import EmbeddedServer
from deploy.errors import BadCertificate, Exposed
from deploy.options import Endpoints, ServeOptions, choose_endpoints
from deploy.server import Server
from tests.deploy.shop import make_store

MAPPED = "0000000000000000FFFF0000"  # before an IPv4 address that an IPv6 socket listens at
EVERYWHERE = "0.0.0.0"  # noqa: S104 -- what is refused
TLS, MUTUAL = ServerTls(Path("c"), Path("k")), ServerTls(Path("c"), Path("k"), Path("a"))
EMBEDDED = EmbeddedServer(Path("/w/tritonserver"), Path("/w/python"), Path("/w/stub"), None)


@pytest.mark.parametrize("access", [Access(), Access(TLS)], ids=["plain", "TLS alone"])
def test_a_network_is_refused_where_anyone_could_connect(access: Access) -> None:
    with pytest.raises(Exposed, match=r"whoever reaches 0\.0\.0\.0 could .*--tls-client-ca.*--trust-network"):
        choose_endpoints(EVERYWHERE, None, None, None, access)


def test_with_mutual_tls_grpc_alone_is_open_to_the_network() -> None:
    endpoints = choose_endpoints(EVERYWHERE, None, None, None, Access(MUTUAL))
    assert (endpoints.host, endpoints.http_host) == (EVERYWHERE, "127.0.0.1")
    assert endpoints.grpc_url == f"grpcs://127.0.0.1:{endpoints.grpc}"
    command = server_command(EMBEDDED, Path("/t"), Path("/m"), endpoints, ServeOptions(access=Access(MUTUAL)))
    assert {"--grpc-address=0.0.0.0", "--http-address=127.0.0.1", "--metrics-address=127.0.0.1"} <= set(command)
    assert {"--grpc-use-ssl=true", "--grpc-use-ssl-mutual=true"} <= set(command)
    assert f"--grpc-root-cert={Path('a').resolve()}" in command


def test_a_trusted_network_is_trusted_with_everything() -> None:
    endpoints = choose_endpoints(EVERYWHERE, None, None, None, Access(trust_network=True))
    assert (endpoints.host, endpoints.http_host, endpoints.loopback) == (EVERYWHERE, EVERYWHERE, False)


def test_the_interfaces_are_closed_whatever_is_asked_for() -> None:
    endpoints = Endpoints("127.0.0.1", 8000, 8001, 8002)
    for access in (Access(), Access(MUTUAL), Access(trust_network=True)):
        command = server_command(EMBEDDED, Path("/t"), Path("/m"), endpoints, ServeOptions(access=access))
        for flag in ("http-restricted-api", "grpc-restricted-protocol"):
            (value,) = [argument.split("=", 1)[1] for argument in command if argument.startswith(f"--{flag}=")]
            assert value.split(":")[0].split(",") == list(CLOSED)
        assert "--allow-sagemaker=false" in command
        assert "--allow-vertex-ai=false" in command


def test_a_started_server_listens_at_loopback_alone(plain: Server) -> None:
    ports = {int(url.split(":")[2].split("/")[0]) for url in (plain.grpc_url, plain.http_url, plain.metrics_url)}
    listening = {
        (address.split(":")[0].removeprefix(MAPPED), int(address.split(":")[1], 16))
        for name in ("tcp", "tcp6")
        for line in Path(f"/proc/{plain.pid}/net/{name}").read_text().splitlines()[1:]
        for address, state in [(line.split()[1], line.split()[3])]
        if state == "0A" and int(address.split(":")[1], 16) in ports
    }
    loopback = socket.inet_aton("127.0.0.1")[::-1].hex().upper()
    assert listening == {(loopback, port) for port in ports}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--host", EVERYWHERE), "whoever reaches 0.0.0.0 could search, and write to the catalogue"),
        (("--tls-cert", "c.pem"), "--tls-cert and --tls-key go together"),
        (("--tls-client-ca", "c.pem"), "--tls-client-ca goes with both"),
        (("--tls-cert", "no.pem", "--tls-key", "no.key"), "no.pem: No such file or directory"),
    ],
)
def test_the_command_line_tells_what_is_missing(tmp_path: Path, arguments: tuple[str, ...], message: str) -> None:
    store = make_store(tmp_path / "var")
    ports = ("--http-port", "0", "--grpc-port", "0", "--metrics-port", "0", "--supervisor-port", "0")
    result = CliRunner().invoke(app, ["serve", "--store", str(store), *ports, *arguments])
    assert result.exit_code == 1
    assert message in result.output
    assert not (store / "run" / "serve.json").exists()


def test_what_deploy_connects_with_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TANDEM_TLS_CERT", "/nowhere/client.pem")
    with pytest.raises(BadCertificate, match="`cert` without `key`"):
        Access.asked(Path("c"), Path("k"), None)
    assert Access.asked(None, None, None) == Access()
