from __future__ import annotations

import http.client
from collections import Counter

import pytest

from deploy.container.answering import HealthServer
from deploy.container.asking import Asking
from deploy.container.health import Health
from deploy.errors import NoAnswer, RequestFailed, WrongAnswer
from deploy.probe import Probe

PROBE = Probe("search_text", {"TEXT": "hello"}, {"PRODUCT_ID": ["p5"]})


class Scripted(Asking):
    """A server whose answers are set from outside."""

    def __init__(self) -> None:
        super().__init__("127.0.0.1", 1)
        self.up = False
        self.fault: Exception | None = None
        self.done = Counter(dict.fromkeys(("text_tower", "retrieve", "vision_tower"), 7))
        self.does: tuple[str, ...] = ()
        self.tells: list[bool] = []

    def live(self, timeout_s: float = 2.0) -> bool:
        return self.up

    def progress(self, timeout_s: float = 5.0) -> dict[str, int]:
        if self.tells and not self.tells.pop(0):
            raise RequestFailed("DEADLINE_EXCEEDED", "no answer within 5 s")
        return dict(self.done)

    def steps(self, model: str, timeout_s: float = 5.0) -> frozenset[str]:
        return frozenset({"text_tower", "retrieve"})

    def probe(self, probe: Probe, timeout_s: float) -> None:
        self.done.update(self.does)
        if self.fault is not None:
            raise self.fault


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def server() -> Scripted:
    return Scripted()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def health(server: Scripted, clock: Clock) -> Health:
    return Health(server, [PROBE], 60.0, clock=clock)


def get(port: int, path: str) -> tuple[int, str]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", path)
        response = connection.getresponse()
        return response.status, response.read().decode().strip()
    finally:
        connection.close()


def failed(status: str, message: str) -> NoAnswer:
    return NoAnswer("search_text", RequestFailed(status, message))


def test_ready_when_the_probes_are_answered_and_not_before(server: Scripted, health: Health) -> None:
    health.look()
    assert not health.ready().good
    assert health.alive().good
    server.up = True
    health.look()
    assert health.ready().good


@pytest.mark.parametrize(
    "fault",
    [failed("UNKNOWN", "Stub process is not healthy"), WrongAnswer("others"), failed("DEADLINE_EXCEEDED", "5 s")],
)
def test_dead_stubs_and_wrong_answers_take_the_replica_away(
    server: Scripted, health: Health, clock: Clock, fault: Exception
) -> None:
    server.up = True
    health.look()
    server.fault = fault
    health.look()
    assert not health.ready().good
    assert str(fault) in health.ready().reason
    assert health.alive().good
    clock.now = 61.0
    assert not health.alive().good


def test_what_another_replica_would_not_do_better_is_no_fault(server: Scripted, health: Health) -> None:
    server.up, server.fault = True, failed("UNAVAILABLE", "Milvus does not answer")
    health.look()
    assert health.ready().good
    assert health.alive().good


@pytest.mark.parametrize("message", ["overloaded: 16 requests are under way", "Exceeds maximum queue size"])
def test_a_full_server_is_at_work_as_long_as_all_its_steps_are(server: Scripted, health: Health, message: str) -> None:
    server.up = True
    health.look()
    server.fault, server.does = failed("UNAVAILABLE", message), ("text_tower", "retrieve")
    for _ in range(3):
        health.look()
        assert health.ready().good
    server.does = ("text_tower",)  # one step hangs, and callers fill every place that is given back
    health.look()
    health.look()
    assert not health.ready().good


LATE = failed("DEADLINE_EXCEEDED", "no answer within 5 s")


def test_an_overload_takes_no_replica_away_however_long(server: Scripted, health: Health, clock: Clock) -> None:
    server.up = True
    health.look()
    server.fault, server.does = LATE, ("text_tower", "retrieve", "vision_tower")
    for _ in range(30):
        clock.now += 10.0
        health.look()
        assert health.ready().good
        assert health.alive().good


@pytest.mark.parametrize("does", [(), ("vision_tower",), ("text_tower", "vision_tower")])
def test_a_model_that_hangs_does_though_others_work(
    server: Scripted, health: Health, clock: Clock, does: tuple[str, ...]
) -> None:
    server.up = True
    health.look()
    server.fault, server.does = LATE, does
    health.look()
    assert not health.ready().good
    clock.now = 61.0
    assert not health.alive().good
    assert health.alive().reason == "it was last seen at work 61 s ago"


@pytest.mark.parametrize("tells", [[False, False], [True, False], [False, True]])
def test_a_server_that_does_not_tell_has_no_excuse(server: Scripted, health: Health, tells: list[bool]) -> None:
    server.up = True
    health.look()
    server.fault, server.does, server.tells = LATE, ("text_tower", "retrieve"), tells
    health.look()
    assert not health.ready().good


def test_at_a_start_nothing_is_overloaded(server: Scripted, health: Health) -> None:
    server.up, server.fault, server.does = True, LATE, ("text_tower", "retrieve")
    health.look()
    assert not health.ready().good


def test_one_that_stops_is_alive_and_not_ready(server: Scripted, health: Health, clock: Clock) -> None:
    server.up = True
    health.look()
    health.stop()
    clock.now = 1000.0
    assert not health.ready().good
    assert health.alive().good


def test_the_port_says_it_in_a_status(server: Scripted, health: Health) -> None:
    door = HealthServer(health, 7, "127.0.0.1", 0)
    door.start()
    try:
        assert get(door.port, "/live") == (200, "starting")
        assert get(door.port, "/ready") == (503, "the models are being loaded")
        assert get(door.port, "/../etc/passwd")[0] == 404
        assert "tandem_up 0" in get(door.port, "/metrics")[1].splitlines()
        server.up = True
        health.look()
        assert get(door.port, "/ready")[0] == 200
        assert {"tandem_up 1", 'tandem_loaded{release="7"} 1'} <= set(get(door.port, "/metrics")[1].splitlines())
    finally:
        door.stop()


def test_prometheus_reads_its_figures(health: Health) -> None:
    parser = pytest.importorskip("prometheus_client.parser", reason="`pip install prometheus-client`")
    door = HealthServer(health, 7, "127.0.0.1", 0)
    door.start()
    try:
        families = parser.text_string_to_metric_families(get(door.port, "/metrics")[1] + "\n")
        assert {family.name: family.type for family in families} == {"tandem_up": "gauge", "tandem_loaded": "gauge"}
    finally:
        door.stop()
