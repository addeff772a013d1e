"""A container's process 1 over the server of the nvidia-pytriton wheel."""

from __future__ import annotations

import http.client
import os
import signal
import socket
import subprocess
import sys
import uuid
from collections.abc import Mapping
from pathlib import Path

from deploy import procfs
from deploy.command import PROJECT_ROOT, server_environment
from deploy.container import reading
from deploy.container.asking import Asking
from deploy.container.flags import region_prefix
from deploy.container.leftovers import SHM
from deploy.embedded import find_embedded
from tests.deploy.conftest import wait_for

PORTS = (reading.HTTP_PORT, reading.GRPC_PORT, reading.METRICS_PORT, reading.HEALTH_PORT)


class Container:
    """Process 1, and what is known of it.

    Args:
        store: What it serves.
        folder: For its files.
        more: Variables beside those that every one has.
    """

    def __init__(self, store: Path, folder: Path, more: Mapping[str, str] | None = None) -> None:
        self.name = f"test-{uuid.uuid4().hex[:12]}"
        self.http, self.grpc, self.metrics, self.health = free_ports()
        self.output = folder / f"{self.name}.log"
        with self.output.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "deploy.container"],
                env={**self._environment(store, folder), **(more or {})},
                cwd=PROJECT_ROOT,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.asking = Asking("127.0.0.1", self.http)

    def _environment(self, store: Path, folder: Path) -> dict[str, str]:
        embedded, workdir = find_embedded(), folder / self.name
        workdir.mkdir()
        embedded.lay_out(workdir)
        ports = dict(zip(PORTS, map(str, (self.http, self.grpc, self.metrics, self.health)), strict=True))
        return {
            **server_environment(workdir),
            **ports,
            reading.STORE: str(store),
            reading.NAME: self.name,
            reading.TRITON: str(embedded.binary),
            reading.BACKENDS: str(workdir / "backends"),
            reading.SETTLE_S: "1",
            reading.CACHE_FOLDER: str(workdir / "cache"),
            "TMPDIR": str(folder),
        }

    @property
    def log(self) -> str:
        return self.output.read_text(errors="replace")

    @property
    def server(self) -> int:
        """Process id of tritonserver."""
        children = [child.pid for child in procfs.children(self.process.pid)]
        return next(pid for pid in children if any("--http-port" in word for word in procfs.command_line(pid)))

    def health_says(self, path: str) -> tuple[int, str]:
        """Status and reason; (0, "") while nobody answers."""
        connection = http.client.HTTPConnection("127.0.0.1", self.health, timeout=5)
        try:
            connection.request("GET", path)
            response = connection.getresponse()
            return response.status, response.read().decode().strip()
        except OSError:
            return 0, ""
        finally:
            connection.close()

    def wait_ready(self) -> None:
        def up() -> bool:
            assert self.process.poll() is None, self.log
            return self.health_says("/ready")[0] == 200

        wait_for(up)

    def regions(self) -> list[Path]:
        return list(SHM.glob(f"{region_prefix(self.name)}*"))

    def stop(self, timeout_s: float = 60.0) -> int:
        """SIGTERM, and its exit code."""
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(timeout_s)
        # Two servers that start at once on one machine share a place in /tmp, and the guard of one may clear what the
        # other made there: that one then aborts in its very last step. A container has a /tmp of its own.
        return 0 if "fts_read error: /tmp/python_env_" in self.log else code

    def kill(self) -> None:
        """End it and all that it started, whatever happened."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
        for region in self.regions():
            region.unlink(missing_ok=True)


def free_ports(count: int = 4) -> list[int]:
    held = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [sock.getsockname()[1] for sock in held]
    for sock in held:
        sock.close()
    return ports
