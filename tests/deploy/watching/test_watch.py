"""The loop over scripted sources: what it does, tells and survives."""

from __future__ import annotations

import logging
import socket
import urllib.request
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from deploy.drift import DriftReport, Statistic
from deploy.errors import CannotSwitch, PortTaken, SwitchBusy
from deploy.switching.values import Status
from deploy.watching.bounds import Bounds
from deploy.watching.looking import Looker
from deploy.watching.metrics import WatchMetrics, serving
from deploy.watching.observing import Latency, Readings, Recall, Traffic
from deploy.watching.remembering import Memory
from deploy.watching.sources import Sources
from deploy.watching.uptime import Uptime
from deploy.watching.watch import Watch
from tests.deploy.watching.scripted import START
from tests.deploy.watching.scripted_server import OnTrial, Server
from tests.deploy.watching.test_questions import write

BOUNDS = Bounds(interval_s=0.2, questions_per_s=50.0, breaches_in_a_row=2, grace_s=0.0)


@pytest.fixture
def store(tmp_path: Path) -> Path:
    write(tmp_path, {"text": "mug", "products": ["M1"]}, recall=1.0)
    (tmp_path / "releases" / "0002").rename(tmp_path / "releases" / "0001")
    write(tmp_path, {"text": "mug", "products": ["M1"]}, recall=1.0)
    return tmp_path


class Program:
    """``deploy watch`` over a scripted server, for some looks."""

    def __init__(self, server: Server, *, dry_run: bool = False) -> None:
        self.server, self.registry = server, CollectorRegistry()
        sources = Sources(server, server, server, OnTrial(server), server)
        looker = Looker(server.store, BOUNDS, sources, lambda: server.time)
        switches = None if dry_run else server
        self.watch = Watch(server.store, BOUNDS, looker, switches, WatchMetrics(self.registry))

    def run(self, looks: int) -> None:
        """Look so often, and end."""
        left = [looks]
        status = self.server.status

        def counted() -> Status:
            left[0] -= 1
            if left[0] < 0:
                self.watch.stop()
            return status()

        self.server.status = counted  # type: ignore[method-assign]
        self.watch.run()

    def value(self, sample: str, /, **labels: str) -> float | None:
        return self.registry.get_sample_value(sample, labels)


def test_a_bad_release_is_rolled_back_and_the_metrics_show_it(store: Path) -> None:
    server = Server(store)
    program = Program(server)
    program.run(12)
    ((action, by),) = server.switches
    assert (action, by.who) == ("rollback", "watch")
    assert "recall@10 is 0.000 over" in by.why
    assert server.live == 1
    assert program.value("tandem_watch_rollbacks_total") == 1.0
    assert program.value("tandem_watch_breaches_total", bound="recall_drop") == 2.0
    assert program.value("tandem_watch_breaches_total", bound="drift") == 0.0
    for gauge in ("recall", "recall_baseline", "questions", "questions_known"):
        assert program.value(f"tandem_probe_{gauge}", release="2") is None, "nobody measures it any more"
    assert program.value("tandem_probe_recall_baseline", release="1") == 1.0
    assert program.value("tandem_probe_questions_known", release="1") == 1.0
    assert program.value("tandem_probe_recall", release="1") == 1.0
    assert program.value("tandem_probe_questions", release="1") >= 10.0  # type: ignore[operator]
    assert program.value("tandem_watch_last_look_timestamp_seconds") > START  # type: ignore[operator]
    assert program.value("tandem_probe_answered_ratio") == 1.0


def test_a_bad_release_on_trial_is_taken_away(store: Path) -> None:
    server = Server(store, live=1, previous=None, canary=2)
    program = Program(server)
    program.run(12)
    assert [action for action, _ in server.switches] == ["end_canary"]
    assert program.value("tandem_watch_canaries_ended_total") == 1.0


def test_a_dry_run_tells_and_switches_nothing(store: Path, caplog: pytest.LogCaptureFixture) -> None:
    server = Server(store)
    with caplog.at_level(logging.INFO, "deploy"):
        Program(server, dry_run=True).run(16)
    assert server.switches == []
    told = [record.getMessage() for record in caplog.records if "dry run" in record.getMessage()]
    assert len(told) == 1
    assert "it would be a rollback: release 2: recall@10" in told[0]


def test_a_refusal_is_told_and_not_tried_again_at_every_look(store: Path, caplog: pytest.LogCaptureFixture) -> None:
    server = Server(store, refusal=CannotSwitch("release 1 is damaged"))
    program = Program(server)
    program.run(20)
    assert len(server.switches) == 1
    assert "could not be made: release 1 is damaged" in caplog.text
    assert program.value("tandem_watch_alarm") == 1.0


def test_a_trial_that_cannot_be_ended_is_an_alarm_and_not_tried_at_every_look(
    store: Path, caplog: pytest.LogCaptureFixture
) -> None:
    server = Server(store, live=1, previous=None, canary=2, refusal=CannotSwitch("busy with another"))
    program = Program(server)
    program.run(20)
    assert len(server.switches) == 1
    assert caplog.text.count("the end of the trial could not be made: busy with another") == 1
    assert program.value("tandem_watch_alarm") == 1.0


@pytest.mark.parametrize("trouble", [RuntimeError("odd"), KeyError("since"), EOFError()])
def test_nothing_ends_the_watch(store: Path, caplog: pytest.LogCaptureFixture, trouble: Exception) -> None:
    server = Server(store, trouble=trouble)
    program = Program(server)
    program.run(3)
    assert program.value("tandem_watch_errors_total") == 4.0, "that one too during which it was ended"
    assert caplog.text.count("a look failed; going on") == 1
    server.trouble = None
    again = Program(server)
    again.run(12)
    assert server.live == 1


def test_what_was_measured_is_kept_over_a_restart(store: Path) -> None:
    latencies = {"search_text": Latency(1_000, 40.0, (40.0, 41.0))}
    measured = {1: Readings(1, Traffic(10.0, 1_000, 5, 2, 0.1, 3), latencies, Recall(9.5, 10, 0.9), 20, 1, 2)}
    memory = Memory(store)
    assert memory.read() == {}
    memory.write(measured, START)
    assert Memory(store).read() == measured
    memory.write({}, START + 59.0)
    assert Memory(store).read() == measured
    (store / "run" / "watch.json").write_text('{"format": 1, "measured": {"1": {}}}')
    assert Memory(store).read() == {}


def test_another_switch_that_is_being_made_is_waited_for(store: Path) -> None:
    server = Server(store, refusal=SwitchBusy("activate 3"))
    Program(server).run(12)
    assert len(server.switches) > 1


def test_a_server_that_is_away_is_told_once_waited_for_and_counted(
    store: Path, caplog: pytest.LogCaptureFixture
) -> None:
    server = Server(store, live=1, previous=None, away=True)
    with caplog.at_level(logging.INFO, "deploy"):
        Program(server).run(4)
        assert caplog.text.count("cannot be looked at; waiting for it: no server runs") == 1
        assert Uptime(store).share is None, "it was never there"
        server = Server(store, live=1, previous=None)
        Program(server).run(4)
        assert Uptime(store).share == 1.0
        server.away = True
        Program(server).run(4)
    assert 0.0 < (Uptime(store).share or 0.0) < 1.0


def test_drift_is_shown_and_told(store: Path, caplog: pytest.LogCaptureFixture) -> None:
    statistic = Statistic("query_text", 0.4, 0.1, alarm=True)
    report = DriftReport(1, START, 300, (statistic,), True, "texts are of another kind", ("'x'",))
    server = Server(store, live=1, previous=None, drift=report)
    program = Program(server)
    program.run(6)
    assert program.value("tandem_drift_statistic", release="1", name="query_text") == 0.4
    assert program.value("tandem_watch_excused_total", bound="drift") >= 1.0  # type: ignore[operator]
    assert caplog.text.count("texts are of another kind") == 1
    assert "'x'" not in caplog.text, "what shoppers type is shown by `deploy drift` alone"
    assert server.switches == []
    server.drift = None
    again = Program(server)
    again.watch._metrics.show_drift(report)
    again.run(2)
    assert again.value("tandem_drift_statistic", release="1", name="query_text") is None


def test_metrics_are_served_on_loopback_and_a_taken_port_is_told() -> None:
    registry = CollectorRegistry()
    WatchMetrics(registry)
    with serving(registry, port := _free()):
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics") as answer:
            assert b"tandem_watch_rollbacks_total 0.0" in answer.read()
        with pytest.raises(PortTaken, match=f"the metrics port {port} cannot be used"), serving(registry, port):
            pass
    with serving(registry, 0):
        pass


def _free() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])
