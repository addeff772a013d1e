"""Removes old releases from a store: what nobody serves, tries or would go back to.

Removed are ``releases/NNNN``, ``snapshots/NNNN`` and the versions ``models/*/NNNN``. What is kept elsewhere stays: the
rows of a release's vector space in the catalogue's database, which other stores may share (``python -m catalogue
forget SPACE`` removes them), collections in a Milvus, and the audit log. A server that serves the same store from
another machine is not seen.
"""

from __future__ import annotations

import fcntl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from deploy.audit import Audit
from deploy.errors import SwitchBusy
from deploy.operate.client import this_user
from deploy.operate.planning import Served, needed, plan_pruning
from deploy.operate.removing import Remover
from deploy.operate.talk import signed
from deploy.switching.values import By, Tell

# The one that `python -m export` holds.
LOCK = ".export.lock"


@dataclass(frozen=True)
class Pruned:
    """What was removed.

    Args:
        removed: The releases, oldest first.
        freed: Bytes.
    """

    removed: tuple[int, ...]
    freed: int


def prune(store: Path, keep: int, served: Served, by: By, tell: Tell) -> Pruned:
    """Remove all but the newest ``keep`` releases and what is needed; first, what one that was killed has left.

    Args:
        store: The store.
        keep: How many of the newest stay, at least 1.
        served: What is served; asked again for each release, so that none goes that was switched to meanwhile.
        by: Who wants it.
        tell: Told of each release.

    Raises:
        CannotSwitch: As ``plan_pruning``.
        SwitchBusy: An export works in the store, or releases are being switched.
        OSError: Files cannot be removed; the next one goes on with it.
    """
    pruning = _Pruning(store, served, tell)
    started = time.monotonic()
    try:
        with locked(store):
            plan = plan_pruning(store, keep, served)
            pruning.finish()
            for release in plan.remove:
                pruning.remove(release)
    finally:
        done = pruning.done
        if done.removed:
            told = f"removed {', '.join(map(str, done.removed))}: {done.freed:,} bytes"
            who, seconds = signed(this_user(), by.who), time.monotonic() - started
            Audit(store).add(who, "prune", None, None, why=by.why, outcome="done", seconds=seconds, told=told)
    return done


class _Pruning:
    """Removes releases one by one, and keeps count."""

    def __init__(self, store: Path, served: Served, tell: Tell) -> None:
        self._store, self._served, self._tell = store, served, tell
        self._remover = Remover(store)
        self.done = Pruned((), 0)

    def finish(self) -> None:
        """Go on with what one that was killed has left."""
        left, needs = self._remover.left(), needed(self._store, self._served)
        for release in left:
            # Never put back: a part of it may be gone.
            if release not in needs:
                self._remove(release)

    def remove(self, release: int) -> None:
        """Take a release out and remove it, unless it is needed now.

        That is asked after it was taken out: whoever switches to it from then on does not find it.
        """
        self._remover.take_out(release)
        try:
            reason = needed(self._store, self._served).get(release)
        except BaseException:
            self._remover.put_back(release)
            raise
        if reason is None:
            self._remove(release)
        else:
            self._remover.put_back(release)
            self._tell(f"release {release} stays: it is {reason} now")

    def _remove(self, release: int) -> None:
        freed = self._remover.remove(release)
        self.done = Pruned((*self.done.removed, release), self.done.freed + freed)
        self._tell(f"release {release} is removed")


@contextmanager
def locked(store: Path) -> Iterator[None]:
    """Keep exports out of a store, and prunings, and the naming of what the next start serves.

    Raises:
        SwitchBusy: One works here.
    """
    with (store / LOCK).open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise SwitchBusy(f"{store}: an export, a prune or a switch works here; wait for it") from None
        yield
