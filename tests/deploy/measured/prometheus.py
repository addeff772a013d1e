"""A Prometheus of Debian's package, alone in a folder, which ends with the test."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

START_S = 60.0
_ENDING_WITH_US = ("setpriv", "--pdeathsig", "KILL")  # of util-linux, which every Debian has


def why_not() -> str | None:
    """Why there is none on this machine."""
    missing = [name for name in ("prometheus", "promtool") if shutil.which(name) is None]
    return f"{' and '.join(missing)} not installed (Debian: `apt install prometheus`)" if missing else None


class Prometheus:
    """One that runs.

    Args:
        url: Where.
    """

    def __init__(self, url: str) -> None:
        self._url = url

    def ready(self) -> bool:
        """Whether it answers."""
        try:
            with urllib.request.urlopen(f"{self._url}/-/ready") as answer:  # noqa: S310 - our own loopback address
                return bool(answer.status == 200)
        except urllib.error.URLError:
            return False

    def query(self, expression: str) -> list[dict[str, Any]]:
        """What an expression gives now. Raises ``AssertionError`` where it cannot be evaluated."""
        return list(self._get("query", query=expression)["result"])

    def health(self) -> dict[str, str]:
        """Of the targets, by job; and what is wrong."""
        targets = self._get("targets")["activeTargets"]
        return {one["labels"]["job"]: one["health"] + one["lastError"] for one in targets}

    def rules(self) -> dict[str, dict[str, Any]]:
        """The rules by name, with what became of them."""
        return {rule["name"]: rule for group in self._get("rules")["groups"] for rule in group["rules"]}

    def _get(self, what: str, **asked: str) -> Any:
        body = urllib.parse.urlencode(asked).encode() if asked else None
        try:
            with urllib.request.urlopen(f"{self._url}/api/v1/{what}", body) as answer:  # noqa: S310 - our own address
                return json.load(answer)["data"]
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{asked}: {error.read().decode()}") from None


@contextmanager
def running(folder: Path, rules: Path, targets: Mapping[str, str]) -> Iterator[Prometheus]:
    """Start one over some addresses, each asked every second.

    Args:
        folder: Where it keeps what it needs; its own.
        rules: A file of rules.
        targets: URLs by job.
    """
    jobs = [
        {"job_name": job, "static_configs": [{"targets": [urllib.parse.urlsplit(url).netloc]}]}
        for job, url in targets.items()
    ]
    every = {"scrape_interval": "1s", "evaluation_interval": "1s"}
    config = {"global": every, "rule_files": [str(rules)], "scrape_configs": jobs}
    (folder / "prometheus.yml").write_text(json.dumps(config))  # JSON is YAML
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    arguments = [f"--config.file={folder / 'prometheus.yml'}", f"--storage.tsdb.path={folder / 'data'}"]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [*_ENDING_WITH_US, "prometheus", *arguments, f"--web.listen-address={address}"],
            stdout=log,
            stderr=subprocess.STDOUT,
            cwd=folder,
        )
    try:
        prometheus = Prometheus(f"http://{address}")
        deadline = time.monotonic() + START_S
        while not prometheus.ready():
            assert process.poll() is None, (folder / "log").read_text()[-2_000:]
            assert time.monotonic() < deadline, (folder / "log").read_text()[-2_000:]
            time.sleep(0.1)
        yield prometheus
    finally:
        process.kill()
        process.wait()
