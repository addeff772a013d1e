"""The moves of a switch on one running server, each of which can be taken back."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

from deploy.bytecode import compile_models
from deploy.errors import CannotSwitch, DeployError, NoAnswer, RequestFailed, SwitchFailed
from deploy.events import logger
from deploy.launch import Running
from deploy.probe import Probe
from deploy.store import Release
from deploy.switching.values import Tell
from deploy.view import SUFFIX, asked_directly, parts, read_configs

_PROBE_TIMEOUT_S = 10.0
_BUSY_POLL_S = 0.2
# A server that is overloaded may still be switched: that may be why it is.
_BUSY_PATIENCE_S = 20.0


@dataclass(frozen=True)
class Stage:
    """One running server, and how to have other releases answer from it.

    Args:
        running: The server.
        load_timeout_s: Time for loading one model.
        tell: Told what is being done.
    """

    running: Running
    load_timeout_s: float
    tell: Tell

    def hold(self, releases: Sequence[Release]) -> None:
        """Load the parts of these releases, and let go of all others; what is live goes on answering.

        Raises:
            CannotSwitch: A model could not be loaded, or they cannot stand side by side: the live one is held alone.
            UnusableRelease: Files are missing.
        """
        view = self.running.view
        if {release.number for release in releases} == set(view.loaded):
            return
        try:
            models = view.hold(releases)
            compile_models(view.folder)
            self._load(models)
            self._check_ready(releases)
            view.loaded = view.held
        except (DeployError, OSError) as error:
            self._hold_the_live_one()
            raise _cannot(error) from error

    def prove(self, release: Release, probes: Sequence[Probe], *, lenient: bool = False) -> None:
        """Have a release that is held answer its requests with known answers, by names that no caller uses.

        Args:
            release: The release.
            probes: The requests.
            lenient: Whether a server that is too busy to answer them is no obstacle.

        Raises:
            CannotSwitch: It answers otherwise, or not at all.
        """
        try:
            if not self.running.view.shadows:
                self._load(self.running.view.shadow(release, 0.0))
            self.tell(f"asking release {release.number} what it must know")
            for probe in probes:
                self._ask(replace(probe, model=probe.model + SUFFIX), lenient=lenient)
        except (DeployError, OSError) as error:
            raise _cannot(error) from error

    def shadow(self, release: Release, share: float) -> None:
        """Have a release that is held answer by the names of a canary.

        Raises:
            CannotSwitch: The server did not load them.
        """
        try:
            self._load(self.running.view.shadow(release, share))
        except (DeployError, OSError) as error:
            raise _cannot(error) from error

    def unshadow(self) -> None:
        """Take these names away; who asks for one is told that there is no such model."""
        for name in self.running.view.shadows:
            try:
                self.running.control.unload(name, self.load_timeout_s)
            except RequestFailed as error:
                logger.warning("%s is not gone: %s", name, error)
        self.running.view.unshadow()

    def flip(self, release: Release) -> None:
        """Have the public names answer from a release that is held.

        Raises:
            SwitchFailed: They do not; those of before do again, unless the server is gone.
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
        try:
            self._load(self.running.view.pin(release))
        except (DeployError, OSError) as error:
            logger.warning("release %d could not be put back, a restart will: %s", release.number, error)

    def _hold_the_live_one(self) -> None:
        view = self.running.view
        try:
            self.unshadow()
            self._load(view.hold([view.pinned]))
        except (DeployError, OSError) as error:
            logger.warning("what was loaded in vain is still there: %s", error)

    def _load(self, models: Sequence[str]) -> None:
        for model in models:
            self.tell(f"loading {model}")
            self.running.control.load(model, self.load_timeout_s)

    def _check_ready(self, releases: Sequence[Release]) -> None:
        """A public name that is moved to a version which is not loaded would be gone altogether."""
        ready = self.running.control.ready_versions()
        for release in releases:
            configs = read_configs(release)
            steps = set(parts(configs)) - set(asked_directly(configs))
            missing = sorted(name for name in steps if (name, release.number) not in ready)
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


def _cannot(error: Exception) -> DeployError:
    """The error as it is told to who asked for a switch: nothing that answers was touched."""
    return error if isinstance(error, CannotSwitch) else CannotSwitch(str(error))
