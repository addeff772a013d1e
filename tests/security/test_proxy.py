"""The proxy's configuration in front of a real server: what it hands on, and what it does not."""

from __future__ import annotations

import http.client
import json
import os
import shutil
import ssl
import subprocess
import warnings
import zlib
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest

from deploy.options import choose_endpoints
from deploy.server import Server
from tests.deploy.conftest import wait_for
from tests.security.certificates import needs_openssl
from tests.security.conftest import Certificates

CONF = Path(__file__).parents[2] / "deploy" / "proxy" / "tandem.conf"
NGINX = shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
NAME = "shop.example"
WRAP = """
user root;
daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections 128; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    include {folder}/tandem.conf;
}}
"""
SEARCH = json.dumps({"inputs": [{"name": "TEXT", "shape": [1, 1], "datatype": "BYTES", "data": ["hello"]}]}).encode()

pytestmark = [needs_openssl, pytest.mark.skipif(NGINX is None, reason="nginx is not installed (apt install nginx)")]


@dataclass(frozen=True)
class Proxy:
    """A running proxy."""

    port: int
    context: ssl.SSLContext

    def ask(
        self, method: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None
    ) -> tuple[int, bytes]:
        connection = http.client.HTTPSConnection("127.0.0.1", self.port, context=self.context, timeout=20)
        with closing(connection):
            connection.request(method, path, body, headers or {})
            with connection.getresponse() as response:
                return response.status, response.read()


@pytest.fixture(scope="module")
def proxy(plain: Server, certificates: Certificates, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    folder = tmp_path_factory.mktemp("proxy")
    folder.chmod(0o755)
    port = choose_endpoints("127.0.0.1", None, None, None).http
    text = CONF.read_text()
    for old, new in (
        ("listen 443", f"listen 127.0.0.1:{port}"),
        ("127.0.0.1:8000", plain.http_url.removeprefix("http://")),
        ("/etc/tandem/tls/server.crt", str(certificates.server.cert)),
        ("/etc/tandem/tls/server.key", str(certificates.server.key)),
    ):
        assert text.count(old) == 1
        text = text.replace(old, new)
    (folder / "tandem.conf").write_text(text)
    (folder / "nginx.conf").write_text(WRAP.format(folder=folder))
    command = [str(NGINX), "-p", str(folder), "-c", str(folder / "nginx.conf")]
    checked = subprocess.run([*command, "-t"], capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stderr
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    context = ssl.create_default_context(cafile=str(certificates.authority.cert))
    context.check_hostname = False  # the certificate is the shop's, and this is not its address
    running = Proxy(port, context)
    try:
        wait_for(lambda: is_up(running), 20)
        yield running
    finally:
        process.terminate()
        process.wait(10)


def is_up(proxy: Proxy) -> bool:
    try:
        return proxy.ask("GET", "/v2/health/ready")[0] == 200
    except OSError:
        return False


def test_a_search_goes_through(proxy: Proxy) -> None:
    status, told = proxy.ask("POST", "/v2/models/search_text/infer", SEARCH)
    assert status == 200
    (ids,) = [output["data"] for output in json.loads(told)["outputs"] if output["name"] == "PRODUCT_ID"]
    assert ids == ["p5", "q5"]


def test_so_does_one_that_is_larger_than_a_buffer(proxy: Proxy) -> None:
    status, told = proxy.ask("POST", "/v2/models/search_text/infer", SEARCH.replace(b"hello", b"x" * 2_000_000))
    assert status == 200
    assert b"p2000000" in told


def test_and_a_recommendation(proxy: Proxy) -> None:
    _, told = proxy.ask("POST", "/v2/models/recommend/infer", SEARCH)
    assert b"unknown model: 'recommend'" in told, "it did not reach the server, which has no such model here"


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/v2/models/length/infer"),  # a part of the pipeline
        ("POST", "/v2/models/recommender/infer"),
        ("POST", "/v2/models/recommend_product/infer"),  # has a picture encoded
        ("POST", "/v2/models/upsert_product/infer"),
        ("POST", "/v2/models/delete_product/infer"),
        ("POST", "/v2/models/commit_product/infer"),
        ("POST", "/v2/models/search_text/versions/1/infer"),
        ("POST", "/v2/models/search_text/generate"),
        ("GET", "/v2/models/search_text/config"),
        ("GET", "/v2/models/stats"),
        ("GET", "/v2"),
        ("GET", "/metrics"),
        ("POST", "/v2/repository/index"),
        ("POST", "/v2/repository/models/search_text/unload"),
        ("POST", "/v2//repository/index"),
        ("POST", "/v2/models/search_text/infer/../../../repository/index"),
        ("POST", "/v2/models/search_text/infer%2f..%2f..%2f..%2frepository%2findex"),
        ("GET", "/v2/systemsharedmemory/status"),
        ("POST", "/v2/logging"),
        ("GET", "/v2/trace/setting"),
        ("GET", "/"),
    ],
)
def test_nothing_else_does(proxy: Proxy, method: str, path: str) -> None:
    status, told = proxy.ask(method, path, SEARCH if method == "POST" else None)
    assert status == 404
    assert b"restricted" not in told, "it reached the server, which refused it"


def test_nor_another_method(proxy: Proxy) -> None:
    assert proxy.ask("GET", "/v2/models/search_text/infer")[0] == 403
    assert proxy.ask("POST", "/v2/health/ready", b"{}")[0] == 403


def test_a_large_or_packed_request_is_refused_before_the_server_sees_it(proxy: Proxy) -> None:
    large = {"Content-Length": str(22 << 20)}
    assert proxy.ask("POST", "/v2/models/search_text/infer", b"", large)[0] == 413
    packed = {"Content-Encoding": "deflate"}
    assert proxy.ask("POST", "/v2/models/search_text/infer", zlib.compress(SEARCH), packed)[0] == 415


def test_plain_http_and_old_tls_are_refused(proxy: Proxy) -> None:
    with closing(http.client.HTTPConnection("127.0.0.1", proxy.port, timeout=5)) as plain_text:
        plain_text.request("GET", "/v2/health/ready")
        with plain_text.getresponse() as response:
            assert response.status == 400
    old = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    old.check_hostname, old.verify_mode = False, ssl.CERT_NONE
    old.set_ciphers("ALL:@SECLEVEL=0")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        old.minimum_version, old.maximum_version = ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1
    with pytest.raises((ssl.SSLError, ConnectionError)):
        Proxy(proxy.port, old).ask("GET", "/v2/health/ready")
