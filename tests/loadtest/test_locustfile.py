"""Short runs of locust, as one would start them, against a real Triton with scripted answers."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from deploy.options import Endpoints
from tests.clients.conftest import triton

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def endpoints(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Endpoints]:
    with triton(tmp_path_factory.mktemp("triton")) as running:
        yield running


def locust(endpoints: Endpoints, *args: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "locust", "-f", "loadtest/locustfile.py", "--headless", "--json"]
    command += ["--grpc-url", endpoints.grpc_url, "--http-url", endpoints.http_url, *map(str, args)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)


def stats(run: subprocess.CompletedProcess[str]) -> dict[tuple[str, str], dict[str, Any]]:
    return {(entry["method"], entry["name"]): entry for entry in json.loads(run.stdout)}


def test_both_users_send_all_kinds_of_queries(endpoints: Endpoints) -> None:
    run = locust(endpoints, "-u", "2", "-r", "2", "-t", "3s")
    assert run.returncode == 0, run.stderr
    found = stats(run)
    assert found.keys() == {
        (protocol, model) for protocol in ("grpc", "http") for model in ("search_text", "search_image", "search")
    }
    for entry in found.values():
        assert entry["num_requests"] > 0
        assert entry["num_failures"] == 0
        assert entry["total_content_length"] / entry["num_requests"] > 10 * 100
        assert 0 < entry["min_response_time"] <= entry["max_response_time"] < 3000
    for protocol in ("grpc", "http"):
        text, photo = (found[protocol, model]["num_requests"] for model in ("search_text", "search_image"))
        assert text > photo


@pytest.mark.parametrize(
    ("user", "query", "deadline", "told"),
    [
        ("GrpcUser", "refuse", "20", "BadInput('TEXT: refused; give something else')"),
        ("HttpUser", "few", "20", "EmptyAnswer('search_text: an answer without products')"),
        ("HttpUser", "sleep 9", "0.5", "Timeout('no answer from http"),
    ],
)
def test_a_failed_request_is_counted_and_fails_the_run(
    endpoints: Endpoints, tmp_path: Path, user: str, query: str, deadline: str, told: str
) -> None:
    (tmp_path / "queries.txt").write_text(f"{query}\n")
    queries = ["--queries", str(tmp_path / "queries.txt"), "--repeat", "1", "--distinct", "1"]
    run = locust(
        endpoints, user, "-u", "1", "-t", "5s", "--tags", "text", "--products", "1", "--deadline", deadline, *queries
    )
    (entry,) = stats(run).values()
    assert run.returncode == 1
    assert entry["num_failures"] == entry["num_requests"] > 0
    assert told in run.stderr


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--queries", "nowhere.txt"], "--queries: cannot read 'nowhere.txt'"),
        (["--pictures", "nowhere"], "--pictures: no *.jpg"),
        (["--repeat", "-1"], "--repeat -1.0"),
        (["--grpc-url", "localhost:8001"], "allowed: grpc://host:port or http://host:port"),
        (["--deadline", "0"], "timeout_s: 0.0"),
    ],
)
def test_an_option_that_cannot_be_used_ends_it_before_the_start(
    endpoints: Endpoints, options: list[str], told: str
) -> None:
    run = locust(endpoints, "-u", "1", "-t", "1s", *options)
    assert run.returncode == 2
    assert told in run.stderr
    assert "Traceback" not in run.stderr
