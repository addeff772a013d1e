from __future__ import annotations

import socket

import pytest

from deploy.errors import PortTaken
from deploy.options import Endpoints, ServeOptions, WatchOptions, choose_endpoints


def test_free_ports_are_chosen_and_differ() -> None:
    endpoints = choose_endpoints("127.0.0.1", None, 0, None)
    assert len({endpoints.http, endpoints.grpc, endpoints.metrics}) == 3
    assert endpoints.http_url == f"http://127.0.0.1:{endpoints.http}"
    assert endpoints.grpc_url == f"grpc://127.0.0.1:{endpoints.grpc}"


@pytest.mark.parametrize(("position", "service", "flag"), [(0, "HTTP", "--http-port 0"), (1, "gRPC", "--grpc-port 0")])
def test_a_taken_port_is_named_with_the_way_out(position: int, service: str, flag: str) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        ports = [None, None, None]
        ports[position] = port
        with pytest.raises(PortTaken, match=f"the {service} port {port} of 127.0.0.1.*in use.*`{flag}` chooses"):
            choose_endpoints("127.0.0.1", *ports)


def test_the_same_port_twice_is_refused() -> None:
    with pytest.raises(ValueError, match="three different ports"):
        Endpoints("127.0.0.1", 8000, 8000, 8002)


def test_a_server_on_all_addresses_is_reached_over_loopback() -> None:
    everywhere = Endpoints("0.0.0.0", 1, 2, 3)  # noqa: S104 -- nothing is bound
    assert everywhere.grpc_url == "grpc://127.0.0.1:2"
    assert not everywhere.loopback


def test_a_name_becomes_an_address() -> None:
    endpoints = choose_endpoints("localhost", None, None, None)
    assert (endpoints.host, endpoints.loopback) == ("127.0.0.1", True)


@pytest.mark.parametrize(
    ("kind", "values", "field"),
    [
        (ServeOptions, {"shm_bytes": 0}, "shm_bytes"),
        (ServeOptions, {"start_timeout_s": 0.0}, "start_timeout_s"),
        (WatchOptions, {"probe_interval_s": -1.0}, "probe_interval_s"),
        (WatchOptions, {"max_restarts": 0}, "max_restarts"),
    ],
)
def test_senseless_options_are_refused(kind: type, values: dict[str, float], field: str) -> None:
    with pytest.raises(ValueError, match=f"`{field}` must be"):
        kind(**values)


def test_a_server_listens_when_all_three_services_do() -> None:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(3)]
    endpoints = Endpoints("127.0.0.1", *(sock.getsockname()[1] for sock in sockets))
    assert endpoints.all_listen()
    sockets[0].close()
    assert not endpoints.all_listen()
    for sock in sockets[1:]:
        sock.close()
