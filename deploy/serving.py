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
from deploy.live import Live, now, write_live
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
        self._fell_back = False

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
        before = self.now
        write_live(self._store, served.live)
        try:
            yield
        except BaseException:
            write_live(self._store, before.live)
            raise
        with self._lock:
            self._served = served

    def fall_back(self, reason: str) -> int | None:
        """Serve the release before, since a server of the live one does not stay up.

        Only once: where that does not stay up either, the release is not the cause.

        Args:
            reason: Why, for the audit log.

        Returns:
            The number of that release; None where there is none, or it cannot be served.
        """
        served = self.now
        if self._fell_back or served.live.previous is None:
            return None
        self._fell_back = True
        try:
            release = find_release(self._store, served.live.previous)
            self.become(Served.of(release, going_back(self._store, release.number)))
            Audit(self._store).add(
                "deploy",
                "fall_back",
                served.release.number,
                release.number,
                why=reason,
                outcome="done",
                seconds=0.0,
                told=f"release {served.release.number} does not stay up",
            )
        except (CannotStart, OSError) as error:
            logger.warning("release %d cannot be served instead: %s", served.live.previous, error)
            return None
        return release.number


def going_back(store: Path, release: int) -> Live:
    """What is live after going back to a release: the way leads further back from there, never forth again."""
    return Live(release, before(whole_releases(store), release), now())
