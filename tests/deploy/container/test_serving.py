"""Process 1 over a real server: the bundled one, which is older than the image's."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy import procfs
from deploy.control import Control
from deploy.errors import RequestFailed
from deploy.secret import GRPC_HEADER, Secret
from tests.deploy.conftest import search, wait_for
from tests.deploy.container.running import Container
from tests.deploy.shop import make_store, write_probe, write_release

SECRET = "s" * 43


@pytest.fixture(scope="module")
def container(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Container]:
    """Release 1 of a store that has a release 2; with a secret that the operator knows."""
    folder = tmp_path_factory.mktemp("container")
    store = make_store(folder / "var")
    write_release(store, 2, versions=(1, 2), ids=["x5", "y5"])
    (folder / "secret").write_text(SECRET)
    running = Container(store, folder, {"TANDEM_RELEASE": "1", "TANDEM_SECRET_FILE": str(folder / "secret")})
    try:
        running.wait_ready()
        yield running
    finally:
        running.kill()


def test_the_release_that_was_asked_for_answers_over_both_protocols(container: Container) -> None:
    assert container.asking.infer("search_text", {"TEXT": "hello"}, 5.0)["PRODUCT_ID"] == ["p5", "q5"]
    control = Control("127.0.0.1", container.grpc)
    assert search(control, "hello")[0] == ["p5", "q5"]
    control.close()
    assert container.health_says("/live")[0] == 200


def test_nobody_can_load_a_model_whatever_they_know(container: Container) -> None:
    for secret, said in ((None, "restricted"), (Secret(SECRET), "not allowed")):
        control = Control("127.0.0.1", container.grpc, secret)
        with pytest.raises(RequestFailed, match=said):
            control.load("length", 5.0)
        control.close()
    assert Secret(SECRET).headers() == {GRPC_HEADER: SECRET}


def test_the_secret_stands_in_no_list_of_processes(container: Container) -> None:
    words = procfs.command_line(container.server)
    assert any("tandem-control=" in word for word in words)
    if "no ptrace here" not in container.log:
        assert not any(SECRET in word for word in words)


def test_what_its_models_do_is_seen(container: Container) -> None:
    asking = container.asking
    assert asking.steps("search_text") == {"length", "rank"}
    assert asking.steps("length") == {"length"}
    before = asking.progress()
    asking.infer("search_text", {"TEXT": "hello"}, 5.0)
    after = asking.progress()
    assert all(after[model] > before[model] for model in ("search_text", "length", "rank"))


def test_what_the_old_server_does_not_know_is_told(container: Container) -> None:
    assert "too old for --http-max-input-size=16777216, --allow-client-shm=false" in container.log


def test_a_dead_stub_takes_the_replica_away(tmp_path: Path) -> None:
    container = Container(make_store(tmp_path / "var"), tmp_path)
    try:
        container.wait_ready()
        stubs = [child.pid for child in procfs.children(container.server)]
        for stub in stubs:
            os.kill(stub, signal.SIGKILL)
        wait_for(lambda: container.health_says("/ready")[0] == 503)
        assert container.health_says("/live")[0] == 200
        assert container.process.poll() is None
    finally:
        container.kill()


def test_sigterm_lets_the_request_in_flight_finish_and_leaves_nothing(tmp_path: Path) -> None:
    container = Container(make_store(tmp_path / "var"), tmp_path)
    try:
        container.wait_ready()
        assert container.regions()
        before, answers = container.asking.finished(), []
        asker = threading.Thread(
            target=lambda: answers.append(container.asking.infer("search_text", {"TEXT": "sleep"}, 30.0))
        )
        asker.start()
        server = container.server
        wait_for(lambda: "sleep" in str(answers) or container.asking.finished() >= before)
        assert container.stop() == 0
        asker.join()
        assert answers[0]["PRODUCT_ID"] == ["p5", "q5"]
        assert "nothing is in flight" in container.log
        assert procfs.read(server) is None
        assert not container.regions()
        assert not list(tmp_path.glob("tandem-*"))
    finally:
        container.kill()


def test_a_release_that_answers_otherwise_never_becomes_ready(tmp_path: Path) -> None:
    store = make_store(tmp_path / "var")
    write_probe(store, ["p6", "q6"])
    container = Container(store, tmp_path)
    try:
        wait_for(lambda: "the release says" in container.health_says("/ready")[1])
        assert container.health_says("/ready")[0] == 503
    finally:
        container.kill()


def test_a_container_that_cannot_start_says_why(tmp_path: Path) -> None:
    container = Container(make_store(tmp_path / "var"), tmp_path, {"TANDEM_RELEASE": "9"})
    try:
        assert container.process.wait(30) == 1
        assert "holds no release 9; there are: 1" in container.log
    finally:
        container.kill()
