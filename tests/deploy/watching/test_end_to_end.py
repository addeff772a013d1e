"""A release whose index was shuffled passes every check of a switch, and is taken back by its questions alone."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from clients import Client
from deploy.audit import Audit
from deploy.operate import Operator
from deploy.operate.service import ControlSocket
from deploy.server import Server
from deploy.switching.values import By
from deploy.watching.bounds import Bounds
from deploy.watching.cli import BREACHED, watch
from deploy.watching.looking import Looker
from deploy.watching.metrics import WatchMetrics
from deploy.watching.sources import sources_of
from deploy.watching.watch import Watch
from tests.deploy.conftest import FAST, wait_for
from tests.export.conftest import Make, make, shop, sources, towers
from tests.spoiling import spoil

__all__ = ["make", "shop", "sources", "towers"]

pytestmark = pytest.mark.slow

QUICK = Bounds(
    recall_drop=0.2,
    p99_ms=60_000.0,
    p99_ratio=1_000.0,
    interval_s=0.5,
    questions_per_s=20.0,
    grace_s=0.0,
    breaches_in_a_row=3,
)


@pytest.fixture(scope="module")
def store(make: Make, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two releases of one shop; the second is spoiled, its questions with known answers are not."""
    folder = tmp_path_factory.mktemp("watching") / "var"
    make(folder)
    make(folder)
    spoil(folder, 2)
    return folder


@pytest.fixture(scope="module")
def server(store: Path) -> Iterator[Server]:
    """The sound release, live, with its control socket and what ``deploy serve`` tells other programs."""
    with Server(store, release=1, watch_options=FAST) as running:
        control = ControlSocket(store)
        control.start(running.switchboard)
        state = {"grpc": running.grpc_url, "metrics": running.metrics_url}
        (store / "run" / "serve.json").write_text(json.dumps(state))
        yield running
        control.close()


@contextmanager
def watching(store: Path) -> Iterator[CollectorRegistry]:
    """``deploy watch`` in a thread."""
    registry = CollectorRegistry()
    with sources_of(store) as sources:
        program = Watch(store, QUICK, Looker(store, QUICK, sources), Operator(store), WatchMetrics(registry))
        thread = threading.Thread(target=program.run)
        thread.start()
        try:
            yield registry
        finally:
            program.stop()
            thread.join(30)


def test_a_spoiled_release_is_rolled_back_by_itself_and_never_gone_back_to(store: Path, server: Server) -> None:
    with watching(store) as metrics, Client(server.grpc_url) as client:
        looks = "tandem_watch_last_look_timestamp_seconds"
        wait_for(lambda: bool(metrics.get_sample_value(looks)))
        Operator(store).activate(2, By("test"))
        wait_for(lambda: server.switchboard.status().live == 1)
        wait_for(lambda: metrics.get_sample_value("tandem_watch_rollbacks_total") == 1.0)
        entry = next(entry for entry in Audit(store).all() if entry.action == "rollback")
        assert (entry.before, entry.after, entry.outcome) == (2, 1, "done")
        assert entry.who.endswith("watch")
        assert "recall@10 is 0." in entry.why
        assert "recall_drop 0.2" in entry.why
        assert ", ..., and not P0" in entry.why.partition("Such as: ")[2]
        assert client.search(text="small red mug").release == 1
        assert "question " in entry.why.partition("Such as: ")[2], "by its line, not by its text"
        wait_for(lambda: metrics.get_sample_value("tandem_probe_recall", {"release": "2"}) is None)
        wait_for(lambda: metrics.get_sample_value("tandem_probe_recall", {"release": "1"}) is not None)
        assert metrics.get_sample_value("tandem_watch_breaches_total", {"bound": "recall_drop"}) >= 3  # type: ignore[operator]


def test_a_spoiled_release_on_trial_is_taken_away(store: Path, server: Server) -> None:
    with watching(store):
        Operator(store).canary(2, 0.1, By("test"))
        wait_for(lambda: server.switchboard.status().canary is None)
    entry = Audit(store).all()[-1]
    assert (entry.action, entry.who.rpartition(": ")[2]) == ("end_canary", "watch")
    assert "release 2: recall@10" in entry.why
    assert server.switchboard.status().live == 1


@pytest.mark.usefixtures("server")
def test_one_look_tells_and_sets_the_exit_code(store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bounds = tmp_path / "watch.toml"
    bounds.write_text("interval_s = 0.5\nquestions_per_s = 20.0\np99_ms = 60000.0\nmin_requests = 5\n")
    with pytest.raises(SystemExit) as ended:
        watch(store=store, bounds=bounds, once=True)
    assert ended.value.code == 0
    assert " when made" in capsys.readouterr().out
    bounds.write_text(bounds.read_text().replace("p99_ms = 60000.0", "p99_ms = 0.1"))
    with pytest.raises(SystemExit) as ended:
        watch(store=store, bounds=bounds, once=True)
    assert ended.value.code == BREACHED
    assert " has a p99 of " in capsys.readouterr().out
