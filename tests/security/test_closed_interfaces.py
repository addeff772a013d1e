"""The model repository, shared memory, tracing and logging are open to ``deploy`` alone, over both protocols."""

from __future__ import annotations

import http.client
import re
import stat
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tritonclient.grpc as triton_grpc
from tritonclient.grpc import InferenceServerClient as Client
from tritonclient.utils import InferenceServerException

from deploy import procfs
from deploy.errors import RequestFailed
from deploy.secret import GRPC_HEADER, KEY, PLACEHOLDER, Secret
from deploy.server import Server
from tests.deploy.conftest import SHM, connect_to, wait_for

CLOSED_HTTP = [
    ("POST", "/v2/repository/index"),
    ("POST", "/v2/repository/models/length/load"),
    ("POST", "/v2/repository/models/length/unload"),
    ("POST", "/v2/repository/models/..%2f..%2fetc/load"),
    ("POST", "/v2/repository/models/a%2Fb%2F..%2Fc/load"),
    ("GET", "/v2/systemsharedmemory/status"),
    ("POST", "/v2/systemsharedmemory/region/mine/register"),
    ("POST", "/v2/systemsharedmemory/unregister"),
    ("GET", "/v2/cudasharedmemory/status"),
    ("POST", "/v2/cudasharedmemory/region/mine/register"),
    ("POST", "/v2/cudasharedmemory/unregister"),
    ("GET", "/v2/trace/setting"),
    ("POST", "/v2/trace/setting"),
    ("POST", "/v2/models/length/trace/setting"),
    ("GET", "/v2/logging"),
    ("POST", "/v2/logging"),
]
# Spellings of a path that a proxy or a server may take for another
DISGUISED = [
    "//v2/repository/index",
    "/v2//repository/index",
    "/v2/./repository/index",
    "/v2/models/../repository/index",
    "/v2/repository/index/",
    "/v2/repository/index?x=1",
    "/v2/repository%2findex",
    "/V2/REPOSITORY/INDEX",
    "/v2/repository/index;x",
    "/v2/repository/index%00",
    "http://elsewhere/v2/repository/index",
]


def ask(server: Server, method: str, path: str, headers: dict[str, str] | None = None) -> tuple[int, bytes]:
    address = server.http_url.removeprefix("http://")
    with closing(http.client.HTTPConnection(address, timeout=10)) as connection:
        connection.request(method, path, b"{}" if method == "POST" else None, headers or {})
        with connection.getresponse() as response:
            return response.status, response.read()


@pytest.fixture
def raw(plain: Server) -> Iterator[Client]:
    with closing(Client(plain.grpc_url.removeprefix("grpc://"))) as client:
        yield client


@pytest.mark.parametrize(("method", "path"), CLOSED_HTTP)
def test_http_is_refused_without_the_secret(plain: Server, method: str, path: str) -> None:
    status, told = ask(plain, method, path)
    assert status == 403, told
    assert b"restricted" in told


@pytest.mark.parametrize(
    "secret", ["", "x", PLACEHOLDER, "true", Secret.make().value], ids=["empty", "x", "placeholder", "true", "made"]
)
def test_a_guess_is_no_secret(plain: Server, secret: str) -> None:
    assert ask(plain, "POST", "/v2/repository/index", {KEY: secret})[0] == 403
    assert ask(plain, "POST", "/v2/repository/index", {GRPC_HEADER: secret})[0] == 403
    with (
        closing(Client(plain.grpc_url.removeprefix("grpc://"))) as client,
        pytest.raises(InferenceServerException) as caught,
    ):
        client.get_model_repository_index(headers={GRPC_HEADER: secret})
    assert caught.value.status() == "StatusCode.UNAVAILABLE"


@pytest.mark.parametrize("path", DISGUISED)
def test_a_disguised_path_does_not_get_there(plain: Server, path: str) -> None:
    status, told = ask(plain, "POST", path)
    assert status in (400, 403, 404, 405), told
    assert b"READY" not in told


REFUSED_GRPC: dict[str, Callable[[Client], Any]] = {
    "index": lambda client: client.get_model_repository_index(),
    "load": lambda client: client.load_model("length"),
    "load a path": lambda client: client.load_model("../../../../tmp/evil"),
    "load a name with slashes": lambda client: client.load_model("a/../b"),
    "load files of the caller": lambda client: client.load_model(
        "evil", config='{"backend": "python"}', files={"file:1/model.py": b"import os"}
    ),
    "unload": lambda client: client.unload_model("search_text"),
    "system memory": lambda client: client.register_system_shared_memory("mine", "/mine", 64),
    "system memory of a model": lambda client: client.register_system_shared_memory("mine", "/../../etc/passwd", 64),
    "cuda memory": lambda client: client.register_cuda_shared_memory("mine", b"A" * 64, 0, 64),
    "memory status": lambda client: client.get_system_shared_memory_status(),
    "unregister": lambda client: client.unregister_system_shared_memory(),
    "trace": lambda client: client.update_trace_settings(settings={"trace_file": "mine.json"}),
    "read trace": lambda client: client.get_trace_settings(),
    "log": lambda client: client.update_log_settings({"log_file": "mine.log", "log_verbose_level": 1}),
    "read log": lambda client: client.get_log_settings(),
}  # fmt: skip


@pytest.mark.parametrize("call", REFUSED_GRPC)
def test_grpc_is_refused_without_the_secret(raw: Client, call: str) -> None:
    with pytest.raises(InferenceServerException) as caught:
        REFUSED_GRPC[call](raw)
    assert caught.value.status() == "StatusCode.UNAVAILABLE"
    assert "restricted" in str(caught.value)


def test_memory_of_the_server_cannot_be_named_in_a_request(raw: Client) -> None:
    wanted = triton_grpc.InferInput("TEXT", [1, 1], "BYTES")
    wanted.set_shared_memory("mine", 64)
    with pytest.raises(InferenceServerException, match="Unable to find shared memory region"):
        raw.infer("search_text", [wanted])


def test_what_callers_need_is_open(plain: Server, raw: Client) -> None:
    assert raw.is_server_live()
    assert raw.is_server_ready()
    assert raw.is_model_ready("search_text")
    assert raw.get_model_metadata("search_text").name == "search_text"
    assert raw.get_model_config("search_text").config.name == "search_text"
    assert raw.get_inference_statistics().model_stats
    assert ask(plain, "GET", "/v2/health/ready")[0] == 200
    assert ask(plain, "GET", "/v2/models/search_text/config")[0] == 200
    with closing(connect_to(plain.grpc_url)) as control:
        given = {"TEXT": np.array([[b"hello"]], object)}
        assert control.infer("search_text", given, 10)["PRODUCT_ID"].tolist() == [[b"p5", b"q5"]]
        with pytest.raises(RequestFailed, match="restricted"):
            control.states()


def secret_of(server: Server) -> str:
    process = server._now_running().process
    assert process.concealed
    return process.secret.value


def test_deploy_itself_is_let_in(plain: Server) -> None:
    with closing(plain.connect()) as control, closing(control.another()) as another:
        assert control.states()["search_text", 1] == "READY"
        assert another.ready_versions() == control.ready_versions()
        control.load("length", 30)
    assert ask(plain, "POST", "/v2/repository/index", {KEY: secret_of(plain)})[0] == 200


def test_no_list_of_processes_no_environment_and_no_file_holds_the_secret(plain: Server) -> None:
    secret = secret_of(plain).encode()
    seen = 0
    for process in Path("/proc").glob("[0-9]*"):
        for name in ("cmdline", "environ"):
            try:
                content = (process / name).read_bytes()
            except OSError:
                continue  # it has ended meanwhile
            seen += PLACEHOLDER.encode() in content
            assert secret not in content, process / name
    assert seen >= 1, "the server's own command line, which shows the placeholder, was not looked at"
    files = [path for path in plain._store.rglob("*") if path.is_file()]
    assert any(path.name == "triton.log" for path in files)
    assert not [path for path in files if secret in path.read_bytes()]


def test_the_secret_is_not_shown_by_its_objects(plain: Server) -> None:
    secret = secret_of(plain)
    assert secret not in repr(Secret(secret))
    assert secret not in str(vars(plain))
    assert re.fullmatch(r"[A-Za-z0-9_-]{43}", secret)
    with pytest.raises(ValueError, match="32 or more letters"):
        Secret("short")
    with pytest.raises(ValueError, match="32 or more letters"):
        Secret("x" * 32 + ",grpc")


def test_the_error_of_a_refused_call_does_not_hold_it(plain: Server) -> None:
    with closing(plain.connect()) as control, pytest.raises(RequestFailed) as caught:
        control.load("nothing", 10)
    assert secret_of(plain) not in str(caught.value)


def test_other_users_cannot_read_what_callers_ask(plain: Server) -> None:
    pids = (plain.pid, *(child.pid for child in procfs.children(plain.pid)))
    regions = {SHM / name for pid in pids for name in procfs.shm_regions(pid)}
    assert regions
    # The guard closes them when it sees them, at most a second after they were made
    wait_for(lambda: {stat.S_IMODE(region.stat().st_mode) for region in regions if region.exists()} == {0o600}, 10)
