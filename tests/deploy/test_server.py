"""A real Triton over a small release, from start to end."""

from __future__ import annotations

import threading
import time
import urllib.request
from pathlib import Path

import pytest

from deploy.errors import Aborted, ModelFailed, NoAnswer, PortTaken, RequestFailed, WrongAnswer
from deploy.options import ServeOptions
from deploy.server import Server
from deploy.stubs import stubs_of
from tests.deploy.conftest import FAST, Ask, Traces, connect, processes_of, search
from tests.deploy.shop import write_manifest, write_probe


def test_it_answers_and_leaves_nothing(store: Path) -> None:
    with Server(store, watch_options=FAST) as server:
        control = connect(server)
        assert search(control, "hello") == (["p5", "q5"], [7.5, 5.0])
        control.close()
        with urllib.request.urlopen(f"{server.http_url}/v2/health/ready", timeout=5) as response:  # noqa: S310
            assert response.status == 200
        with urllib.request.urlopen(server.metrics_url, timeout=5) as response:  # noqa: S310
            assert b"nv_inference_request_success" in response.read()
        traces = Traces(server.pid)
        assert len(traces.regions) == 3
        assert len(traces.left()) == 4
        assert {server.pid, *(stub.pid for stub in stubs_of(server.pid))} < set(processes_of(store))
    assert processes_of(store) == []
    assert traces.left() == []
    assert [event.kind for event in server.events] == ["started", "stopped"]


def test_requests_in_flight_finish_when_it_stops(store: Path) -> None:
    answers: list[tuple[list[str], list[float]]] = []
    with Server(store, watch=False) as server:
        control = connect(server)
        asking = threading.Thread(target=lambda: answers.append(search(control, "sleep")))
        asking.start()
        time.sleep(0.5)
        started = time.monotonic()
    assert time.monotonic() - started > 1.5
    asking.join()
    control.close()
    assert answers == [(["p5", "q5"], [7.5, 5.0])]


def test_requests_in_flight_may_not_hold_it_up_for_ever(store: Path) -> None:
    errors: list[RequestFailed] = []

    def ask() -> None:
        try:
            search(control, "hang", 60.0)
        except RequestFailed as error:
            errors.append(error)

    with Server(store, watch=False, options=ServeOptions(exit_timeout_s=1)) as server:
        control = connect(server)
        asking = threading.Thread(target=ask)
        asking.start()
        time.sleep(0.5)
        traces = Traces(server.pid)
        started = time.monotonic()
    assert time.monotonic() - started < 8
    asking.join()
    control.close()
    assert len(errors) == 1
    assert traces.left() == []
    assert processes_of(store) == []


def test_a_wrong_answer_is_refused_with_both(store: Path) -> None:
    write_probe(store, ["p7", "q7"])
    with pytest.raises(WrongAnswer, match=r"PRODUCT_ID = \[p5, q5\], and the release says \[p7, q7\]"), Server(store):
        pass
    assert processes_of(store) == []


def test_an_error_instead_of_an_answer_is_refused(store: Path) -> None:
    script = store / "models" / "rank" / "1" / "model.py"
    script.write_text(
        script.read_text().replace("return [self._answer", "raise ValueError('no index')\n        return [self._answer")
    )
    write_manifest(store)
    with pytest.raises(NoAnswer, match=r"search_text: INTERNAL: .*no index"), Server(store):
        pass


def test_a_model_that_cannot_be_loaded_is_named(store: Path) -> None:
    script = store / "models" / "rank" / "1" / "model.py"
    script.write_text("raise RuntimeError('index of another space')\n")
    write_manifest(store)
    with pytest.raises(ModelFailed, match=r"1 of its models:\n  rank: .*index of another space"), Server(store):
        pass
    assert processes_of(store) == []


def test_a_taken_port_is_refused(store: Path, server: Server) -> None:
    port = int(server.http_url.rsplit(":", 1)[1])
    with pytest.raises(PortTaken, match=f"the HTTP port {port}"), Server(store, http_port=port):
        pass
    assert len(stubs_of(server.pid)) == 3


def test_two_servers_do_not_disturb_each_other(store: Path, server: Server, ask: Ask) -> None:
    traces = Traces(server.pid)
    with Server(store, watch_options=FAST) as second:
        control = connect(second)
        assert search(control, "mug") == (["p3", "q3"], [4.5, 3.0])
        control.close()
        second_traces = Traces(second.pid)
    assert second_traces.left() == []
    assert len(traces.left()) == 4
    assert ask("mug") == (["p3", "q3"], [4.5, 3.0])


def test_a_start_can_be_called_off(store: Path) -> None:
    server = Server(store)
    server.request_stop()
    with pytest.raises(Aborted), server:
        pass
    assert processes_of(store) == []


def test_the_log_is_kept_where_it_was_asked_for(store: Path) -> None:
    log = store / "logs" / "triton.log"
    with Server(store, log=log):
        pass
    assert "successfully loaded 'search_text'" in log.read_text()
