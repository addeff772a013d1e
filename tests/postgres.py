"""A PostgreSQL server for tests: started from the installed packages, alone in a folder, gone at the end.

One server for all tests that only need a database, and a fresh database for each:

    with shared().database() as url:
        ...

The server runs as another user where the tests run as root, which it refuses. It dies with the process that started it.
"""

from __future__ import annotations

import atexit
import contextlib
import functools
import itertools
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

START_TIMEOUT_S = 60.0
STOP_TIMEOUT_S = 30.0
_NAMES = itertools.count(1)
_SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "fsync": "on",
    "synchronous_commit": "on",
    "shared_buffers": "16MB",
    "max_connections": "60",
    "logging_collector": "off",
    "dynamic_shared_memory_type": "mmap",  # in its folder: what is left of a killed server goes with it
}


def why_not() -> str | None:
    """Why no server can be started here; None where one can."""
    if binaries() is None:
        return "PostgreSQL is not installed: no initdb in /usr/lib/postgresql/*/bin or on PATH"
    if shutil.which("setpriv") is None:
        return "setpriv is not installed, without which the server could outlive the tests"
    return None


def binaries() -> Path | None:
    """The folder of the newest ``initdb`` and ``postgres``."""
    packaged = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: _number(path.parts[-3]))
    on_path = shutil.which("initdb")
    found = packaged[-1] if packaged else Path(on_path) if on_path else None
    return None if found is None else found.resolve().parent


def shared() -> Postgres:
    """The server of this session, started when it is first asked for; the test is skipped where none can be."""
    reason = why_not()
    if reason is not None:
        pytest.skip(reason)
    return _started()


@contextlib.contextmanager
def own() -> Iterator[Postgres]:
    """A server that nobody else asks, to be stopped and killed; the test is skipped where none can be started."""
    reason = why_not()
    if reason is not None:
        pytest.skip(reason)
    server = Postgres()
    try:
        server.start()
        yield server
    finally:
        server.remove()


@functools.cache
def _started() -> Postgres:
    server = Postgres()
    atexit.register(server.remove)
    server.start()
    return server


class Postgres:
    """A server in a folder of its own; it can be stopped, killed and started again with the same data.

    Args:
        settings: More of ``postgresql.conf``.
    """

    def __init__(self, **settings: str) -> None:
        found = binaries()
        if found is None:
            raise RuntimeError(why_not())
        self._binaries = found
        self._settings = _SETTINGS | settings
        self._folder = Path(tempfile.mkdtemp(prefix="tandem-pg-"))
        self._user = _unprivileged()
        self._process: subprocess.Popen[bytes] | None = None
        self.port = _free_port()
        if self._user is not None:
            os.chown(self._folder, self._user.pw_uid, self._user.pw_gid)
        try:
            self._initialise()
        except BaseException:
            self.remove()
            raise

    @property
    def log(self) -> Path:
        """What the server and its programs said."""
        return self._folder / "log"

    def url(self, name: str = "postgres") -> str:
        """Address of one of its databases."""
        return f"postgresql+psycopg://tandem@127.0.0.1:{self.port}/{name}"

    def start(self) -> None:
        """Start it, and wait until it answers."""
        settings = {**self._settings, "port": str(self.port), "unix_socket_directories": str(self._folder)}
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        with self.log.open("ab") as log:
            command = self._as_user("postgres", "-D", str(self._data), *options)
            self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        until = time.monotonic() + START_TIMEOUT_S
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > until:
                self.kill()
                raise RuntimeError(f"PostgreSQL did not start:\n{self.log.read_text()[-2_000:]}")
            time.sleep(0.02)

    def stop(self) -> None:
        """Stop it as an administrator would: connections are cut, what was acknowledged is written."""
        self._end(signal.SIGINT)

    def kill(self) -> None:
        """End it and all its processes by SIGKILL, as a power cut would."""
        if self._process is not None:
            children = _children(self._process.pid)
            self._process.kill()
            for child in children:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(child, signal.SIGKILL)
            self._process.wait(STOP_TIMEOUT_S)
            _wait_until_gone(children)
            self._process = None

    def remove(self) -> None:
        """Stop it, and remove its folder."""
        try:
            self.kill()
        finally:
            shutil.rmtree(self._folder, ignore_errors=True)

    @contextlib.contextmanager
    def database(self) -> Iterator[str]:
        """Address of a fresh, empty database, dropped at the end."""
        name = f"test_{next(_NAMES)}"
        self.run(f"CREATE DATABASE {name}")
        try:
            yield self.url(name)
        finally:
            with contextlib.suppress(psycopg.OperationalError):  # the test left no server
                self.run(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")

    def run(self, statement: str, name: str = "postgres") -> None:
        """Run one statement in one of its databases."""
        address = self.url(name).replace("+psycopg", "")
        with psycopg.connect(address, autocommit=True, connect_timeout=10) as connection:
            connection.execute(statement.encode())

    @property
    def _data(self) -> Path:
        return self._folder / "data"

    def _initialise(self) -> None:
        options = ["--username=tandem", "--auth=trust", "--encoding=UTF8", "--no-locale", "--no-sync"]
        command = self._as_user("initdb", "-D", str(self._data), *options)
        done = subprocess.run(command, check=False, capture_output=True, cwd=self._folder)
        if done.returncode:
            raise RuntimeError(f"initdb failed:\n{done.stderr.decode()}")

    def _as_user(self, program: str, *arguments: str) -> list[str]:
        command = ["setpriv", "--pdeathsig", "INT"]
        if self._user is not None:
            command += ["--reuid", str(self._user.pw_uid), "--regid", str(self._user.pw_gid), "--clear-groups"]
        return [*command, str(self._binaries / program), *arguments]

    def _answers(self) -> bool:
        try:
            psycopg.connect(self.url().replace("+psycopg", ""), connect_timeout=5).close()
        except psycopg.OperationalError:
            return False
        return True

    def _end(self, number: int) -> None:
        if self._process is not None:
            self._process.send_signal(number)
            try:
                self._process.wait(STOP_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                self.kill()
            self._process = None


def _unprivileged() -> pwd.struct_passwd | None:
    """Whom the server runs as; None where the tests' own user will do."""
    if os.geteuid() != 0:
        return None
    try:
        return pwd.getpwnam("postgres")
    except KeyError:
        return pwd.getpwnam("nobody")


def _children(pid: int) -> list[int]:
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return []


def _wait_until_gone(pids: list[int]) -> None:
    """Until they hold the shared memory no more, without which no new server starts."""
    until = time.monotonic() + STOP_TIMEOUT_S
    while time.monotonic() < until and any(_alive(pid) for pid in pids):
        time.sleep(0.01)


def _alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _number(text: str) -> int:
    return int(text) if text.isdigit() else 0
