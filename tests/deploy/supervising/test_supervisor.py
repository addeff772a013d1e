from __future__ import annotations

import socket
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from deploy.audit import Audit
from deploy.errors import DeployError, PortTaken
from deploy.events import EventLog
from deploy.supervising import Supervisor
from deploy.supervising.figures import GateFigure, gate_figures
from deploy.switching.values import Canary, Status
from ensemble.release import Manifest, manifest_path

STATUS = Status(live=3, previous=2, canary=Canary(4, 0.1), loaded=(3, 4), since="2026-11-21T00:00:00.000+00:00")
TOWERS: dict[str, Any] = {
    "text": {
        "chosen": "int8",
        "recipe": "static",
        "candidates": [
            {"precision": "fp32", "recipe": "source", "recall_at_10": 1.0},
            {"precision": "int8", "recipe": "static", "recall_at_10": 0.99, "bytes": 22, "passed": True, "worst": []},
        ],
    }
}


def manifest(**changed: Any) -> Manifest:
    figures = {"text_max_abs_diff": 1e-7}
    return Manifest(3, "now", "cpu", "0" * 64, {}, {}, {}, **{"figures": figures, "steps": (), **changed})


class Place:
    """A store with release 3, and what is known of it."""

    def __init__(self, store: Path) -> None:
        self.store, self.events, self.audit = store, EventLog(store / "events.jsonl"), Audit(store)
        self.answer: Status | DeployError = STATUS
        path = manifest_path(store, 3)
        path.parent.mkdir(parents=True)
        manifest(towers=TOWERS).save(path)
        self.supervisor = Supervisor(store, self.status, self.events)

    def status(self) -> Status:
        if isinstance(self.answer, DeployError):
            raise self.answer
        return self.answer

    def samples(self) -> dict[tuple[str, ...], float]:
        """Value by name and the values of the labels, in the order of their names."""
        with urllib.request.urlopen(self.supervisor.url) as answer:  # noqa: S310 - our own loopback address
            families = text_string_to_metric_families(answer.read().decode())
            return {
                (one.name, *(one.labels[name] for name in sorted(one.labels))): one.value
                for family in families
                for one in family.samples
            }


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    place = Place(tmp_path)
    place.supervisor.start()
    yield place
    place.supervisor.stop()


def test_what_is_served_is_told(place: Place) -> None:
    samples = place.samples()
    told = {name[0]: value for name, value in samples.items() if len(name) == 1}
    assert told["tandem_up"] == 1
    assert told["tandem_live_release"] == 3
    assert told["tandem_previous_release"] == 2
    assert told["tandem_canary_release"] == 4
    assert told["tandem_canary_share"] == 0.1
    assert told["tandem_switching"] == 0
    assert told["process_resident_memory_bytes"] > 0
    assert {name for name in samples if name[0] == "tandem_loaded"} == {("tandem_loaded", "3"), ("tandem_loaded", "4")}


def test_no_canary_and_no_release_before_are_zero(place: Place) -> None:
    place.answer = Status(live=3, previous=None, canary=None, loaded=(3,), since="")
    samples = place.samples()
    assert [samples[name,] for name in ("tandem_previous_release", "tandem_canary_release")] == [0, 0]
    assert samples["tandem_canary_share",] == 0


def test_a_server_that_does_not_answer_is_down(place: Place) -> None:
    place.answer = DeployError("the server has not been started")
    samples = place.samples()
    assert samples["tandem_up",] == 0
    assert ("tandem_live_release",) not in samples


def test_the_gate_of_the_live_release(place: Place) -> None:
    samples = place.samples()
    assert samples["tandem_gate_figure", "recall_at_10", "3", "text"] == 0.99
    place.answer = Status(live=9, previous=3, canary=None, loaded=(3, 9), since="")
    assert not [name for name in place.samples() if name[0] == "tandem_gate_figure"]


def test_events_are_counted_from_zero(place: Place) -> None:
    assert place.samples()["tandem_events_total", "stub_died"] == 0
    place.events.add("stub_died", "the stub died", model="retrieve")
    place.events.add("recovered", "it recovered", model="retrieve", seconds=1.0)
    place.events.add("restarted", "it is back", seconds=4.0)
    samples = place.samples()
    assert samples["tandem_events_total", "stub_died"] == 1
    assert samples["tandem_repairs_total",] == samples["tandem_restarts_total",] == 1


def test_switches_are_counted_beyond_a_restart(place: Place) -> None:
    assert place.samples()["tandem_switches_total", "activate", "done"] == 0
    for outcome in ("done", "refused", "done"):
        place.audit.add("ann", "activate", 2, 3, why="", outcome=outcome, seconds=1.0, told="")
    place.audit.add("deploy", "fall_back", 3, 2, why="", outcome="done", seconds=0.0, told="")
    again = Supervisor(place.store, place.status, place.events)
    place.supervisor.stop()
    place.supervisor = again
    again.start()
    samples = place.samples()
    assert samples["tandem_switches_total", "activate", "done"] == 2
    assert samples["tandem_switches_total", "activate", "refused"] == 1
    assert samples["tandem_switches_total", "fall_back", "done"] == 1
    assert samples["tandem_switches_total", "rollback", "failed"] == 0


def test_a_port_that_is_taken_is_refused(place: Place) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        second = Supervisor(place.store, place.status, place.events, port=port)
        with pytest.raises(PortTaken, match=f"the supervisor's port {port} of 127.0.0.1"):
            second.start()
        second.stop()


def test_stopped_it_listens_no_more_and_leaves_no_thread(place: Place) -> None:
    url, before = place.supervisor.url, threading.active_count()
    place.supervisor.stop()
    place.supervisor.stop()
    assert threading.active_count() == before - 1
    with pytest.raises(urllib.error.URLError):
        urllib.request.urlopen(url)  # noqa: S310 - our own loopback address
    with pytest.raises(RuntimeError, match="not served"):
        _ = place.supervisor.url


def test_figures_of_what_was_chosen() -> None:
    told = list(gate_figures(manifest(towers=TOWERS)))
    assert told == [
        GateFigure("text", "max_abs_diff", 1e-7),
        GateFigure("text", "recall_at_10", 0.99),
        GateFigure("text", "bytes", 22.0),
    ]


def test_a_release_that_nobody_judged_has_none() -> None:
    assert list(gate_figures(manifest(figures={}, towers={"text": {"chosen": "fp32", "candidates": []}}))) == []
