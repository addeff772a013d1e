"""Starts a server and proves it; all that a start, a restart and a test have in common."""

from __future__ import annotations

import shutil
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from deploy import serverlog
from deploy.bytecode import compile_models
from deploy.command import server_command, server_environment
from deploy.control import Control
from deploy.embedded import EmbeddedServer
from deploy.errors import Aborted, ModelFailed, NoAnswer, ServerFailed
from deploy.living import Living
from deploy.options import Endpoints, ServeOptions
from deploy.probe import Probe
from deploy.process import TritonProcess
from deploy.serving import Serving
from deploy.view import View

_POLL_S = 0.05
_PORT_RACES = 3
# The first request through a model is slower than all later ones.
_FIRST_PROBE_TIMEOUT_S = 60.0


@dataclass(frozen=True)
class Running:
    """A server that has a process.

    Args:
        process: Its process.
        control: A connection to it.
        view: The repository that it reads.
    """

    process: TritonProcess
    control: Control
    view: View

    def kill(self) -> None:
        """End it at once, without regard for requests in flight."""
        self.control.close()
        self.process.kill()
        self.process.stop(0.0)


@dataclass(frozen=True)
class Launcher:
    """What is needed to start the server, and to start it again.

    Args:
        embedded: The server's files.
        serving: What is served at the time of a start, the last release that was good.
        endpoints: Where to listen.
        options: How to run.
        log: The server's log file; None keeps it in a private directory that is removed at the end.
        abort: Set from outside to call the start off.
        living: The catalogue that the index follows, where it does.
    """

    embedded: EmbeddedServer
    serving: Serving
    endpoints: Endpoints
    options: ServeOptions
    log: Path | None
    abort: threading.Event
    living: Living | None = None

    def launch(self, started: Callable[[Running], None]) -> Running:
        """Start the server, wait until it is ready, and send it all probes.

        Args:
            started: Told of the server as soon as it has a process, so that it can be killed from outside.

        Raises:
            NoRelease: A part of the release is missing or unreadable.
            ServerFailed: It ended, or was not ready in time.
            ModelFailed: It could not load a model.
            ProbeFailed: It does not give the known answers.
            Aborted: ``abort`` was set.
        """
        running = self._run()
        try:
            started(running)
            self._wait_ready(running)
            self._prove(running)
        except BaseException:
            running.kill()
            raise
        return running

    def _run(self) -> Running:
        tls = self.options.access.connection(self.endpoints.reachable_host)
        workdir = Path(tempfile.mkdtemp(prefix="tandem-serve-"))
        release = self.serving.now.release
        try:
            self.embedded.lay_out(workdir)
            view = View(workdir / "models", release, cold=self.options.searching.cold)
            compile_models(view.folder)
            command = server_command(self.embedded, workdir, view.folder, self.endpoints, self.options)
            environment = server_environment(
                workdir, living=self.living, searching=self.options.searching, store=release.models.parent
            )
            process = TritonProcess(command, environment, workdir, self.log or workdir / "triton.log")
        except BaseException:
            shutil.rmtree(workdir, ignore_errors=True)
            raise
        return Running(process, Control(self.endpoints.reachable_host, self.endpoints.grpc, process.secret, tls), view)

    def _wait_ready(self, running: Running) -> None:
        deadline = time.monotonic() + self.options.start_timeout_s
        while not (running.control.ready() and self.endpoints.all_listen()):
            self._check_start(running.process)
            if time.monotonic() > deadline:
                words = running.process.last_words()
                raise ServerFailed(f"the server was not ready within {self.options.start_timeout_s:g} s:\n{words}")
            time.sleep(_POLL_S)

    def _check_start(self, process: TritonProcess) -> None:
        if self.abort.is_set():
            raise Aborted("the start was called off")
        if process.returncode is not None:
            failed = serverlog.failed_models(process.log.text())
            if failed:
                raise ModelFailed(failed)
            raise ServerFailed(
                f"the server ended with code {process.returncode} before it was ready:\n{process.last_words()}"
            )

    def _prove(self, running: Running) -> None:
        for probe in self.serving.now.probes:
            if self.abort.is_set():
                raise Aborted("the start was called off")
            self._prove_one(running, probe)

    def _prove_one(self, running: Running, probe: Probe) -> None:
        deadline = time.monotonic() + _FIRST_PROBE_TIMEOUT_S
        while True:
            try:
                probe.send(running.control, _FIRST_PROBE_TIMEOUT_S)
            except NoAnswer as error:
                self._check_start(running.process)
                if error.away:  # the models are well, and answer when it is back: whoever watches the server tells it
                    return
                # The clients of a server that is started again fill its queues at once.
                if not error.busy or time.monotonic() > deadline:
                    raise
                time.sleep(_POLL_S)
            else:
                return


def launch_first(
    launcher: Callable[[], Launcher], started: Callable[[Running], None], *, chosen: bool
) -> tuple[Launcher, Running]:
    """Start a server for the first time.

    Args:
        launcher: Chooses addresses, and says how to start.
        started: See ``Launcher.launch``.
        chosen: Whether a port of these addresses was chosen for being free: another program may have taken it since,
            and others are tried then.

    Raises:
        DeployError: See ``Launcher.launch``.
    """
    for _ in range(_PORT_RACES - 1):
        attempt = launcher()
        try:
            return attempt, attempt.launch(started)
        except ServerFailed as error:
            if not chosen or "already in use" not in str(error):
                raise
    attempt = launcher()
    return attempt, attempt.launch(started)
