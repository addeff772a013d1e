"""The moves of a switch on one running server."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

from clients.canary import SUFFIX
from deploy.bytecode import compile_models
from deploy.command import beside
from deploy.configs import parts, read_configs
from deploy.errors import CannotSwitch, DeployError, NoAnswer, RequestFailed, SwitchFailed
from deploy.events import logger
from deploy.launch import Running
from deploy.probe import Probe
from deploy.store import Release
from deploy.switching.values import Tell

_PROBE_TIMEOUT_S = 10.0
_BUSY_POLL_S = 0.2
# A server that is overloaded may still be switched: that may be why it is.
_BUSY_PATIENCE_S = 20.0
_LONGEST_PAUSE_S = 0.5
_END_S = 2.0  # between the last sign of life of a server that ended and the end of its clean-up


@dataclass(frozen=True)
class Stage:
    """One running server, and how to have other releases answer from it.

    Args:
        running: The server.
        load_timeout_s: Time for loading one model.
        tell: Told what is being done.
        pause: Waits for so many seconds, or until somebody waits for this to end: whether somebody does.
    """

    running: Running
    load_timeout_s: float
    tell: Tell
    pause: Callable[[float], bool]

    def hold(self, releases: Sequence[Release], *, urgent: bool = False) -> None:
        """Load the parts of these releases, and let go of all others; what is live goes on answering.

        Args:
            releases: The live one among them.
            urgent: Whether to load one part right after the other at once, though callers have to wait for it.

        Raises:
            CannotSwitch: A model could not be loaded, or they cannot stand side by side: the live one is held alone.
        """
        view = self.running.view
        if {release.number for release in releases} == set(view.loaded):
            return
        try:
            with self._loading():
                models = view.hold(releases)
                compile_models(view.folder)
                self._load(models) if urgent else self._load_gently(models)
                self._check_ready(releases)
                view.loaded = view.held
        except (DeployError, OSError) as error:
            self.hold_live_alone()
            raise _cannot(error) from error

    def hold_live_alone(self) -> None:
        """Let go of all but the live release, as far as that can be done."""
        view = self.running.view
        try:
            self._load(view.hold([view.pinned]))
        except (DeployError, OSError) as error:
            logger.warning("what nobody asks is still loaded: %s", error)

    def prove(self, release: Release, probes: Sequence[Probe], *, lenient: bool = False) -> None:
        """Have a release that is held answer its requests with known answers, by the names of a canary.

        Args:
            release: The release.
            probes: The requests.
            lenient: Whether a server that is too busy to answer them is no obstacle.

        Raises:
            CannotSwitch: It answers otherwise, or not at all.
        """
        self.tell(f"asking release {release.number} what it must know")
        try:
            for probe in probes:
                self._ask(replace(probe, model=probe.model + SUFFIX), lenient=lenient)
        except DeployError as error:
            raise _cannot(error) from error

    def shadow(self, release: Release, share: float, only: Collection[str] | None = None) -> None:
        """Have a release that is held answer by the names of a canary.

        Args:
            release: The release.
            share: Of the callers' keys.
            only: The ensembles that are wanted, by their public names; None for all.

        Raises:
            CannotSwitch: The server did not load them.
        """
        try:
            self._load(self.running.view.shadow(release, share, only))
        except (DeployError, OSError) as error:
            raise _cannot(error) from error

    def unshadow(self) -> None:
        """Take these names away, as far as that can be done; who asks for one is told that there is no such model."""
        try:
            for name in self.running.view.shadows:
                self.running.control.unload(name, self.load_timeout_s)
            self.running.view.unshadow()
        except (RequestFailed, OSError) as error:
            logger.warning("the names of a release on trial are not gone: %s", error)

    def flip(self, release: Release) -> None:
        """Have the public names answer from a release that is held.

        Raises:
            SwitchFailed: They do not. Those of before do again, or the server has been ended, to be started with them.
        """
        before = self.running.view.pinned
        try:
            self._load(self.running.view.pin(release))
            self._check_public()
        except (DeployError, OSError) as error:
            self._flip_back(before)
            raise SwitchFailed(
                f"release {release.number} was not switched to, release {before.number} stays live: {error}"
            ) from error

    def _flip_back(self, release: Release) -> None:
        """Names that answered from two releases would go on to do so: rather none answers for some seconds."""
        try:
            self._load(self.running.view.pin(release))
            self._check_public()
        except (DeployError, OSError) as error:
            logger.warning("release %d could not be put back; the server is started anew: %s", release.number, error)
            self.running.process.kill()

    @contextmanager
    def _loading(self) -> Iterator[None]:
        view = self.running.view
        view.loading = True
        try:
            yield
        except RequestFailed:
            # Who starts the server again wants to know what it ended of.
            view.loading = self.running.process.wait(_END_S)
            raise
        finally:
            view.loading = view.loading and self.running.process.returncode is not None

    def _load(self, models: Sequence[str]) -> None:
        for model in models:
            self.tell(f"loading {model}")
            self.running.control.load(model, self.load_timeout_s)

    def _load_gently(self, models: Sequence[str]) -> None:
        """Load at the least priority, and have those who waited meanwhile answered before the next."""
        mark, took_s = beside(self.running.view.folder.parent), 0.0
        mark.touch()
        try:
            for model in models:
                if self.pause(min(took_s, _LONGEST_PAUSE_S)):
                    mark.unlink(missing_ok=True)
                started = time.monotonic()
                self._load([model])
                took_s = time.monotonic() - started
        finally:
            mark.unlink(missing_ok=True)

    def _check_ready(self, releases: Sequence[Release]) -> None:
        """A public name that is moved to a version which is not loaded would be gone altogether."""
        ready = self.running.control.ready_versions()
        for release in releases:
            missing = [name for name in parts(read_configs(release)) if (name, release.number) not in ready]
            if missing:
                raise CannotSwitch(f"release {release.number} is not ready: {', '.join(missing)}")

    def _check_public(self) -> None:
        ready = {model for model, _ in self.running.control.ready_versions()}
        missing = sorted(set(read_configs(self.running.view.pinned)) - ready)
        if missing:
            raise CannotSwitch(f"not ready: {', '.join(missing)}")

    def _ask(self, probe: Probe, *, lenient: bool) -> None:
        deadline = time.monotonic() + _BUSY_PATIENCE_S
        while True:
            try:
                probe.send(self.running.control, _PROBE_TIMEOUT_S)
            except NoAnswer as error:
                busy = error.busy or error.timed_out
                if error.away or (busy and lenient):
                    return
                if not busy or time.monotonic() > deadline:
                    raise
                time.sleep(_BUSY_POLL_S)
            else:
                return


def _cannot(error: Exception) -> CannotSwitch:
    """The error as it is told to who asked for a switch: nothing that answers was touched."""
    return error if isinstance(error, CannotSwitch) else CannotSwitch(str(error))
