"""The embedded server as one object, for the command line, the tests and the benchmarks alike."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Self

from deploy.control import Control
from deploy.drain import drain_at
from deploy.embedded import find_embedded
from deploy.engine_stamp import check_target
from deploy.errors import DeployError, GaveUp
from deploy.events import Event, EventLog
from deploy.keep.options import KeepOptions
from deploy.keep.process import KeeperProcess
from deploy.launch import Launcher, Running, launch_first
from deploy.living import Living, find_living
from deploy.options import Endpoints, ServeOptions, WatchOptions, choose_endpoints
from deploy.serving import Served, Serving
from deploy.store import check_release, find_release, live_of
from deploy.supervising import Supervisor
from deploy.switching.catching_up import CatchUp
from deploy.switching.hands import Hands
from deploy.switching.standby import Standby
from deploy.switching.switchboard import Switchboard
from deploy.switching.values import Status
from deploy.watch import Watcher


class Server:
    """A Triton server over a store, started with ``with`` (or ``start``) and gone without a trace afterwards.

    Args:
        store: The store; its live release is served, also after a repair or a restart, until it is switched.
        release: The one to serve instead of the live one.
        catalogue: URL of the database that the index follows; by default the store's own, where it has one. Empty for
            an index that stays as it was released.
        http_port: None or 0 chooses a free one; so for the others.
        grpc_port: Port of the gRPC service.
        metrics_port: Port of the Prometheus metrics.
        supervisor_port: Port of more of them, of the releases and of what happened to the server; on loopback.
        host: Address to listen at: loopback, or what ``options.access`` allows.
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
        release: int | None = None,
        catalogue: str | None = None,
        http_port: int | None = None,
        grpc_port: int | None = None,
        metrics_port: int | None = None,
        supervisor_port: int | None = None,
        host: str = "127.0.0.1",
        log: Path | None = None,
        watch: bool = True,
        keep: KeepOptions | None = None,
        options: ServeOptions | None = None,
        watch_options: WatchOptions | None = None,
    ) -> None:
        self._store, self._host, self._log, self._watch = Path(store), host, log, watch
        self._catalogue, self._keep, self._number = catalogue, keep, release
        self._living: Living | None = None
        self._ports, self._supervisor_port = (http_port, grpc_port, metrics_port), supervisor_port
        self._options = options or ServeOptions()
        self._watch_options = watch_options or WatchOptions()
        self._abort, self._done = threading.Event(), threading.Event()
        self._running: Running | None = None
        self._watcher: Watcher | None = None
        self._keeper: KeeperProcess | None = None
        self._endpoints: Endpoints | None = None
        self._serving: Serving | None = None
        self._switchboard: Switchboard | None = None
        self._standby: Standby | None = None
        self._supervisor: Supervisor | None = None
        self._events: EventLog | None = None
        self._failure: GaveUp | None = None
        self._up = False

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
        release = find_release(self._store, self._number)
        check_release(release)
        check_target(release)
        self._serving = Serving(self._store, Served.of(release, live_of(self._store, release.number)))
        self._events = EventLog(release.run / "events.jsonl")
        self._supervisor = Supervisor(self._store, self._status, self._events, port=self._supervisor_port or 0)
        self._supervisor.start()
        self._living = find_living(self._store, self._catalogue)
        launcher, running = self._launch(self._serving)
        self._up = True
        seconds = time.monotonic() - started
        self._events.add("started", f"serving release {release.number} after {seconds:.1f} s", seconds=seconds)
        if self._watch:
            self._watcher = Watcher(running, launcher, self._events, self._watch_options, self._give_up)
            self._watcher.start()
        self._start_switching(self._serving, self._events)
        if self._keep is not None and self._living is not None:
            self._keeper = KeeperProcess(
                self._store, self._living, self.grpc_url, self._keep, self._events, running.control.tls
            )
            self._keeper.start()

    def _start_switching(self, serving: Serving, events: EventLog) -> None:
        alone = self._alone if self._watcher is None else self._watcher.switching
        hands = Hands(self._now_running, alone, self._abort)
        catch_up = None
        if self._living is not None:
            models, tls = self._store.resolve() / "models", self._now_running().control.tls
            catch_up = CatchUp(self._living.catalogue, models, self.grpc_url, events, self._abort, tls)
        self._switchboard = Switchboard(self._store, serving, hands, events, catch_up)
        self._standby = Standby(self._switchboard, serving, hands, events, wanted=self._options.standby)
        self._standby.start()

    def _launch(self, serving: Serving) -> tuple[Launcher, Running]:
        embedded, options = find_embedded(), self._options
        if self._log is not None:
            self._log.parent.mkdir(parents=True, exist_ok=True)

        def launcher() -> Launcher:
            self._endpoints = choose_endpoints(self._host, *self._ports, options.access)
            return Launcher(embedded, serving, self._endpoints, options, self._log, self._abort, self._living)

        return launch_first(launcher, self._adopt, chosen=not all(self._ports))

    def stop(self) -> None:
        """Let the requests in flight finish, then end the server; no process and no shared memory is left."""
        self._abort.set()
        if self._keeper is not None:
            self._keeper.stop()
        if self._watcher is not None:
            self._watcher.join()
        running = self._current()
        if running is not None:
            running.control.close()  # a switch that is under way ends with it
        if self._standby is not None:
            self._standby.join()
        if running is not None:
            running.process.stop(self._drain(running))
        if self._events is not None and self._up:
            self._events.add("stopped", "stopped")
        self._up = False
        if self._supervisor is not None:
            self._supervisor.stop()
        self._done.set()

    def _drain(self, running: Running) -> float:
        """Let the requests in flight finish; seconds that are left for it."""
        if self._endpoints is None or not self._up or running.process.returncode is not None:
            return self._options.exit_timeout_s
        return drain_at(running.control, self._options.exit_timeout_s)

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

    def connect(self) -> Control:
        """A connection that may also load and unload models, which is closed to callers."""
        return self._now_running().control.another()

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
    def supervisor_url(self) -> str:
        """Such as ``http://127.0.0.1:8003/metrics``."""
        if self._supervisor is None:
            raise DeployError("the server has not been started")
        return self._supervisor.url

    @property
    def loopback(self) -> bool:
        """Whether only this machine can reach the server."""
        return self._started_endpoints().loopback

    @property
    def pid(self) -> int:
        """Process id of ``tritonserver``; another one after a restart."""
        return self._now_running().process.pid

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
        """Number of the release that is live."""
        return self.switchboard.status().live

    @property
    def switchboard(self) -> Switchboard:
        """Switches its releases."""
        if self._switchboard is None:
            raise DeployError("the server has not been started")
        return self._switchboard

    @property
    def events(self) -> list[Event]:
        """What has happened so far, oldest first."""
        return [] if self._events is None else self._events.all()

    def listen(self, told: Callable[[Event], None]) -> None:
        """Have a function called with everything that happens from now on, in the thread where it happens."""
        if self._events is None:
            raise DeployError("the server has not been started")
        self._events.listen(told)

    def _status(self) -> Status:
        if not self._up or self._now_running().process.returncode is not None:
            raise DeployError("the server does not answer")
        return self.switchboard.status()

    def _current(self) -> Running | None:
        return self._running if self._watcher is None else self._watcher.running

    def _now_running(self) -> Running:
        running = self._current()
        if running is None:
            raise DeployError("the server has not been started")
        return running

    @contextlib.contextmanager
    def _alone(self) -> Iterator[Running]:
        yield self._now_running()

    def _adopt(self, running: Running) -> None:
        self._running = running

    def _give_up(self, failure: GaveUp) -> None:
        self._failure = failure
        self._up = False
        self._done.set()

    def _started_endpoints(self) -> Endpoints:
        if self._endpoints is None:
            raise DeployError("the server has not been started")
        return self._endpoints
