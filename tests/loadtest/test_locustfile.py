"""Short runs of locust, as one would start them, against a real Triton with scripted answers."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from deploy.options import Endpoints
from tests.clients.conftest import triton

ROOT = Path(__file__).resolve().parents[2]
ROW = {"id": "p0", "title": "mug", "category": "Kitchen/Mugs", "price": 4.5, "available": True}
OTHER = {"id": "p99", "title": "lamp", "category": "Home", "price": 99.0, "available": False}
RECOMMENDED = ("recommend_similar", "recommend_complement", "recommend_inspire", "recommend_new")
ALL = ("text", "title", "photo", "weighted", "ranked", *RECOMMENDED)


@pytest.fixture(scope="module")
def endpoints(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Endpoints]:
    with triton(tmp_path_factory.mktemp("triton")) as running:
        yield running


@pytest.fixture
def mix(tmp_path: Path) -> Any:
    """Writes a mix file of some kinds."""

    def write(*kinds: str, more: str = "", texts: str = "mug\nlamp") -> Path:
        (tmp_path / "shop.jsonl").write_text("".join(json.dumps(row) + "\n" for row in (ROW, OTHER)))
        (tmp_path / "texts.txt").write_text(f"{texts}\n")
        parts = "".join(f"[kinds.{kind}]\ndistinct = 8\n{more}" for kind in kinds)
        path = tmp_path / "mix.toml"
        path.write_text(f'[files]\ncatalogue = "shop.jsonl"\nqueries = "texts.txt"\n{parts}')
        return path

    return write


def locust(endpoints: Endpoints, mix: Path, *args: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "locust", "-f", "loadtest/locustfile.py", "--headless", "--json", "--mix", mix]
    command += ["--grpc-url", endpoints.grpc_url, "--http-url", endpoints.http_url, *args]
    return subprocess.run([*map(str, command)], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)


def stats(run: subprocess.CompletedProcess[str]) -> dict[tuple[str, str], dict[str, Any]]:
    return {(entry["method"], entry["name"]): entry for entry in json.loads(run.stdout)}


def test_both_users_send_all_kinds_of_requests(endpoints: Endpoints, mix: Any) -> None:
    run = locust(endpoints, mix(*ALL), "GrpcUser", "HttpUser", "-u", "4", "-r", "4", "-t", "3s")
    assert run.returncode == 0, run.stderr
    found = stats(run)
    assert found.keys() == {(protocol, kind) for protocol in ("grpc", "http") for kind in ALL}
    for entry in found.values():
        assert entry["num_requests"] > 0
        assert entry["num_failures"] == 0
        assert entry["total_content_length"] / entry["num_requests"] > 10 * 100


def test_a_wrong_answer_is_a_failed_request_under_its_own_name(endpoints: Endpoints, mix: Any) -> None:
    file = mix("text", "filtered", more="k = 1\nzipf = 9\n", texts="few\nrefuse")
    run = locust(endpoints, file, "GrpcUser", "HttpUser", "-u", "4", "-r", "4", "-t", "3s")
    assert run.returncode == 1
    assert all(entry["num_failures"] == entry["num_requests"] > 0 for entry in stats(run).values())
    assert "EmptyAnswer('an answer without products')" in run.stderr
    assert "BadInput('TEXT: refused; give something else')" in run.stderr


@pytest.mark.slow
def test_a_filter_that_does_not_hold_fails_the_request(endpoints: Endpoints, mix: Any) -> None:
    run = locust(endpoints, mix("filtered"), "GrpcUser", "-u", "1", "-t", "4s")
    assert run.returncode == 1
    assert "FilterBroken(" in run.stderr


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--queries", "nowhere.txt"], "queries: cannot read 'nowhere.txt'"),
        (["--grpc-url", "localhost:8001"], "allowed: grpc://host:port"),
    ],
)
def test_an_option_that_cannot_be_used_ends_it_before_the_start(
    endpoints: Endpoints, mix: Any, options: list[str], told: str
) -> None:
    run = locust(endpoints, mix("text"), "-u", "1", "-t", "1s", *options)
    assert run.returncode == 2
    assert told in run.stderr
    assert "Traceback" not in run.stderr


YIELDING = """
import sys
import loadtest.locustfile as users
import gevent
from clients import NO_RETRIES, Client
clients = [Client(sys.argv[1], timeout_s=20, retries=NO_RETRIES) for _ in range(5)]
print(gevent.joinall([gevent.spawn(client.ready) for client in clients], timeout=15) and "together")
"""


def test_users_over_http_wait_together_and_not_one_after_the_other() -> None:
    """The server answers nobody before all five have asked: users that block each other would wait in vain."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        with subprocess.Popen(
            [sys.executable, "-c", YIELDING, url], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        ) as process:
            listening.settimeout(30)
            asking = [listening.accept()[0] for _ in range(5)]
            for one in asking:
                assert one.recv(4096)
            for one in asking:
                one.sendall(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
                one.close()
            out, err = process.communicate(timeout=30)
    assert "together" in out, err


def users(*args: str | Path) -> list[str]:
    return [*map(str, (sys.executable, "-m", "loadtest", "users", *args))]


@pytest.mark.slow
def test_a_master_adds_up_two_workers_and_holds_them_to_the_slo(endpoints: Endpoints, mix: Any, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = str(free.getsockname()[1])
    (tmp_path / "slo.toml").write_text("error_rate = 0.0\nrecall_probe = 0.2\nmin_rps = 1\n")
    common = ("--url", endpoints.grpc_url, "--mix", mix("title"), "--master-port", port)
    workers = [
        subprocess.Popen(users("--worker", *common), cwd=ROOT, stderr=subprocess.PIPE, text=True) for _ in range(2)
    ]
    try:
        master = subprocess.run(
            users("--master", "--expect-workers", "2", "-u", "4", "-t", "8", "--slo", tmp_path / "slo.toml", *common),
            cwd=ROOT, capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        told = [worker.communicate(timeout=30)[1] for worker in workers]
    finally:
        for worker in workers:
            worker.kill()
    assert master.returncode == 0, master.stderr
    assert master.stderr.count("promised at least") == 2
    assert all(f"(index {place}) reported as ready" in master.stderr for place in range(2))
    assert [worker.returncode for worker in workers] == [0, 0], told


@pytest.mark.parametrize(
    ("options", "code", "told"),
    [
        (["--shape", "tide"], 2, "allowed: steady, ramp, spike, soak"),
        (["--master", "--worker"], 2, "a process is one of the two"),
        (["--url", "ftp://x:1"], 2, "one of grpc://host:port"),
        (["--url", "grpc://127.0.0.1:9", "-t", "2", "-u", "1"], 3, "no Tandem server is ready"),
    ],
)
def test_the_command_for_users_tells_mistakes(mix: Any, options: list[str], code: int, told: str) -> None:
    run = subprocess.run(
        users("--mix", mix("text"), *options), cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    assert (run.returncode, told in run.stderr) == (code, True), run.stderr


@pytest.mark.slow
def test_a_shape_changes_the_number_of_users_and_a_broken_slo_ends_with_1(
    endpoints: Endpoints, mix: Any, tmp_path: Path
) -> None:
    (tmp_path / "slo.toml").write_text("min_rps = 100000\n")
    run = subprocess.run(
        users(
            "--url", endpoints.grpc_url, "--mix", mix("text"), "-u", "2", "-t", "5", "--shape", "spike",
            "--slo", tmp_path / "slo.toml",
        ),
        cwd=ROOT, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert run.returncode == 1, run.stderr
    assert "Shape test updating to 8 users" in run.stderr
    assert "promised at least 100000: off by" in run.stderr


@pytest.mark.slow
def test_an_answer_after_the_deadline_is_a_failed_request(endpoints: Endpoints, mix: Any) -> None:
    """The last one: the model goes on sleeping for those that have given up."""
    run = locust(endpoints, mix("text", texts="sleep 9"), "HttpUser", "-u", "1", "-t", "4s", "--deadline", "0.5")
    assert run.returncode == 1
    assert "Timeout('no answer from http" in run.stderr
