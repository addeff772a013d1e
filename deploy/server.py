"""The embedded server as one object, for the command line, the tests and the benchmarks alike."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Self

from deploy.drain import drain_at
from deploy.embedded import find_embedded
from deploy.engine_stamp import check_target
from deploy.errors import DeployError, GaveUp, ServerFailed
from deploy.events import Event, EventLog
from deploy.keep.options import KeepOptions
from deploy.keep.process import KeeperProcess
from deploy.launch import Launcher, Running
from deploy.living import Living, find_living
from deploy.options import Endpoints, ServeOptions, WatchOptions, choose_endpoints
from deploy.probe import read_probes
from deploy.store import Release, check_release, find_release
from deploy.watch import Watcher

_PORT_RACES = 3


class Server:
    """A Triton server over a store, started with ``with`` (or ``start``) and gone without a trace afterwards.

    Args:
        store: The store; the release that is its newest at the start is served, also after a repair or a restart.
        catalogue: URL of the database that the index follows; by default the store's own, where it has one. Empty for
            an index that stays as it was released.
        http_port: None or 0 chooses a free one; so for the others.
        grpc_port: Port of the gRPC service.
        metrics_port: Port of the Prometheus metrics.
        host: Address to listen at. The server has no access control, so anything but loopback belongs behind a proxy.
        log: File for the server's log; None keeps it only as long as the server runs.
        watch: Whether to watch the server and repair it.
        keep: How the keeper works beside it, where there is a catalogue; None leaves it out.
        options: How the server runs.
        watch_options: How it is watched.

    Example:
        ``with Server(Path("var")) as server: print(server.grpc_url)``
    """

    def __init__(  # noqa: PLR0913 -- keywords with defaults, as on the command line
        self,
        store: Path,
        *,
        catalogue: str | None = None,
        http_port: int | None = None,
        grpc_port: int | None = None,
        metrics_port: int | None = None,
        host: str = "127.0.0.1",
        log: Path | None = None,
        watch: bool = True,
        keep: KeepOptions | None = None,
        options: ServeOptions | None = None,
        watch_options: WatchOptions | None = None,
    ) -> None:
        self._store, self._host, self._log, self._watch = Path(store), host, log, watch
        self._catalogue, self._keep = catalogue, keep
        self._living: Living | None = None
        self._ports = (http_port, grpc_port, metrics_port)
        self._options = options or ServeOptions()
        self._watch_options = watch_options or WatchOptions()
        self._abort, self._done = threading.Event(), threading.Event()
        self._running: Running | None = None
        self._watcher: Watcher | None = None
        self._keeper: KeeperProcess | None = None
        self._endpoints: Endpoints | None = None
        self._release: Release | None = None
        self._events: EventLog | None = None
        self._failure: GaveUp | None = None
        self._serving = False

    def start(self) -> None:
        """Start the server, prove that it answers, and watch it.

        Raises:
            CannotStart: Something is missing on this machine or in the store, or a port is taken.
            ServerFailed: The server ended, a model could not be loaded, or it took too long.
            ProbeFailed: The server does not give the answers that the release knows.
            Aborted: ``request_stop`` or ``kill`` was called meanwhile.
        """
        if self._running is not None:
            raise RuntimeError("a Server can be started once")
        started = time.monotonic()
        self._release = find_release(self._store)
        check_release(self._release)
        check_target(self._release)
        self._events = EventLog(self._release.run / "events.jsonl")
        self._living = find_living(self._store, self._catalogue)
        launcher, running = self._launch(self._release)
        self._serving = True
        seconds = time.monotonic() - started
        self._events.add("started", f"serving release {self._release.number} after {seconds:.1f} s", seconds=seconds)
        if self._watch:
            self._watcher = Watcher(running, launcher, self._events, self._watch_options, self._give_up)
            self._watcher.start()
        if self._keep is not None and self._living is not None:
            self._keeper = KeeperProcess(self._store, self._living, self.grpc_url, self._keep, self._events)
            self._keeper.start()

    def _launch(self, release: Release) -> tuple[Launcher, Running]:
        embedded, probes = find_embedded(), tuple(read_probes(release.probe))
        if self._log is not None:
            self._log.parent.mkdir(parents=True, exist_ok=True)
        for attempt in range(_PORT_RACES):
            self._endpoints = choose_endpoints(self._host, *self._ports)
            launcher = Launcher(
                embedded, release, probes, self._endpoints, self._options, self._log, self._abort, self._living
            )
            try:
                return launcher, launcher.launch(self._adopt)
            except ServerFailed as error:
                # Between our choice of a port and the server's start another program may have taken it.
                lost = "already in use" in str(error) and not all(self._ports)
                if not lost or attempt == _PORT_RACES - 1:
                    raise
        raise AssertionError("the last attempt returns or raises")

    def stop(self) -> None:
        """Let the requests in flight finish, then end the server; no process and no shared memory is left."""
        self._abort.set()
        if self._keeper is not None:
            self._keeper.stop()
        if self._watcher is not None:
            self._watcher.join()
        running = self._current()
        if running is not None:
            running.control.close()
            running.process.stop(self._drain(running))
        if self._events is not None and self._serving:
            self._events.add("stopped", "stopped")
        self._serving = False
        self._done.set()

    def _drain(self, running: Running) -> float:
        """Let the requests in flight finish; seconds that are left for it."""
        if self._endpoints is None or not self._serving or running.process.returncode is not None:
            return self._options.exit_timeout_s
        return drain_at(self._endpoints, self._options.exit_timeout_s)

    def request_stop(self) -> None:
        """Have ``wait``, or a ``start`` in progress, return soon. May be called from a signal handler."""
        self._abort.set()
        self._done.set()

    def kill(self) -> None:
        """End the server at once; requests in flight are lost.

        May be called from a signal handler, while ``start`` or ``stop`` runs.
        """
        self._abort.set()
        if self._keeper is not None:
            self._keeper.kill()
        running = self._current()
        if running is not None:
            running.process.kill()

    def wait(self) -> None:
        """Wait until the server has been stopped.

        Raises:
            GaveUp: The server broke and could not be repaired.
        """
        self._done.wait()
        if self._failure is not None:
            raise self._failure

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def http_url(self) -> str:
        """Such as ``http://127.0.0.1:8000``."""
        return self._started_endpoints().http_url

    @property
    def grpc_url(self) -> str:
        """Such as ``grpc://127.0.0.1:8001``."""
        return self._started_endpoints().grpc_url

    @property
    def metrics_url(self) -> str:
        """Such as ``http://127.0.0.1:8002/metrics``."""
        return self._started_endpoints().metrics_url

    @property
    def loopback(self) -> bool:
        """Whether only this machine can reach the server."""
        return self._started_endpoints().loopback

    @property
    def pid(self) -> int:
        """Process id of ``tritonserver``; another one after a restart."""
        running = self._current()
        if running is None:
            raise DeployError("the server has not been started")
        return running.process.pid

    @property
    def catalogue(self) -> str | None:
        """URL of the database that the index follows, with its password; None for an index that stays as it is."""
        return None if self._living is None else self._living.catalogue

    @property
    def keeper_pid(self) -> int | None:
        """Process id of the keeper; None where there is none, or none just now."""
        return None if self._keeper is None else self._keeper.pid

    @property
    def release(self) -> int:
        """Number of the release that is served."""
        if self._release is None:
            raise DeployError("the server has not been started")
        return self._release.number

    @property
    def events(self) -> list[Event]:
        """What has happened so far, oldest first."""
        return [] if self._events is None else self._events.all()

    def _current(self) -> Running | None:
        return self._running if self._watcher is None else self._watcher.running

    def _adopt(self, running: Running) -> None:
        self._running = running

    def _give_up(self, failure: GaveUp) -> None:
        self._failure = failure
        self._serving = False
        self._done.set()

    def _started_endpoints(self) -> Endpoints:
        if self._endpoints is None:
            raise DeployError("the server has not been started")
        return self._endpoints
