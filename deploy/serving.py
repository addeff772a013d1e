"""What a server has to answer from, whatever process it has: it outlives every restart."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from deploy.audit import Audit
from deploy.errors import CannotStart
from deploy.events import logger
from deploy.live import Live, forget_live, now, read_live, write_live
from deploy.probe import Probe, read_probes
from deploy.store import Release, before, find_release, whole_releases


@dataclass(frozen=True)
class Served:
    """A release, and what is known of its answers.

    Args:
        release: The release.
        probes: Requests with known answers.
        live: The same as it is, or would be, in ``live.json``.
    """

    release: Release
    probes: Sequence[Probe]
    live: Live

    @classmethod
    def of(cls, release: Release, live: Live) -> Served:
        """Read the probes.

        Raises:
            NoRelease: They cannot be read.
        """
        return cls(release, tuple(read_probes(release.probe)), live)


class Serving:
    """Holds what is served now. Threads may share it.

    Args:
        store: The store.
        served: What is served first.
    """

    def __init__(self, store: Path, served: Served) -> None:
        self._store, self._served = store, served
        self._lock = threading.Lock()
        self._fell_back_to: int | None = None
        self._at_fault: dict[int, str] = {}

    @property
    def now(self) -> Served:
        """What is served."""
        with self._lock:
            return self._served

    def become(self, served: Served) -> None:
        """From now on something else is served, also after a restart.

        Raises:
            OSError: It cannot be written down; nothing changed.
        """
        write_live(self._store, served.live)
        with self._lock:
            self._served = served

    @contextlib.contextmanager
    def moving_to(self, served: Served) -> Iterator[None]:
        """Write down what is to be served, and serve it once the body has moved to it.

        It is written first: a crash in between comes back with a release that is proved already.

        Raises:
            OSError: It cannot be written down; the body was not run.
        """
        before = read_live(self._store)
        write_live(self._store, served.live)
        try:
            yield
        except BaseException:
            self._write_back(before)
            raise
        with self._lock:
            self._served = served
            self._at_fault.pop(served.release.number, None)

    def fall_back(self, reason: str) -> int | None:
        """Serve the release before, since a server of the live one does not stay up.

        Where that one does not stay up either, the release is not the cause: it goes no further back.

        Args:
            reason: Why, for the audit log.

        Returns:
            The number of that release; None where there is none, or it cannot be served.
        """
        live = self.now.live
        if live.previous is None or live.release == self._fell_back_to or live.previous in self.at_fault():
            return None
        try:
            release = find_release(self._store, live.previous)
            with self.moving_to(Served.of(release, going_back(self._store, release.number))):
                self._fell_back_to = release.number
        except (CannotStart, OSError) as error:
            logger.warning("release %d cannot be served instead: %s", live.previous, error)
            return None
        self._write_fall_back(live, reason)
        return release.number

    def blame(self, release: int, reason: str) -> None:
        """Note that the processes of a release which is not live do not stay up."""
        with self._lock:
            self._at_fault[release] = reason

    def at_fault(self) -> dict[int, str]:
        """The releases that were blamed, and why."""
        with self._lock:
            return dict(self._at_fault)

    def _write_back(self, before: Live | None) -> None:
        """As the file was; where that cannot be, the first mistake is the one to be told."""
        try:
            if before is None:
                forget_live(self._store)
            else:
                write_live(self._store, before)
        except OSError:
            logger.exception("what is live cannot be written down; it is release %d", self.now.live.release)

    def _write_fall_back(self, live: Live, why: str) -> None:
        told = f"release {live.release} does not stay up"
        try:
            Audit(self._store).add(
                "deploy", "fall_back", live.release, live.previous, why=why, outcome="done", seconds=0.0, told=told
            )
        except OSError:
            logger.exception("the audit log cannot be written: %s", told)


def going_back(store: Path, release: int) -> Live:
    """What is live after going back to a release: the way leads further back from there, never forth again."""
    return Live(release, before(whole_releases(store), release), now())
