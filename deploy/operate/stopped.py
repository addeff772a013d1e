"""What can be switched while no server runs: which release the next start serves."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from deploy.audit import Audit, Outcome
from deploy.errors import CannotSwitch, DeployError, NoRelease
from deploy.live import Live, now, read_live, write_live
from deploy.operate.client import this_user
from deploy.operate.place import kept_stopped
from deploy.operate.pruning import locked
from deploy.operate.talk import signed
from deploy.serving import going_back
from deploy.store import before, check_release, find_live, find_release, whole_releases
from deploy.switching.values import Action, By, Status, Switched, Tell, silent


class Stopped:
    """A store over which no server runs; the methods are those of ``Operator``, as far as they make sense.

    Args:
        store: The store.
    """

    def __init__(self, store: Path) -> None:
        self._store = store

    def status(self) -> Status:
        """What the next start serves.

        Raises:
            NoRelease: There is nothing to serve.
        """
        live = find_live(self._store)
        return Status(live.release, live.previous, None, (), live.since)

    def activate(self, release: int, by: By, tell: Tell = silent) -> Switched:
        """Have the next start serve a release.

        Raises:
            CannotSwitch: It does so already.
            SwitchBusy: A server was started meanwhile, or an export or a prune works in the store.
            NoRelease: There is no such release, or its files are not those that were made.
        """

        def chosen(served: Live) -> Live:
            return served.then(release) if release != served.release else Live(release, served.previous, now())

        return self._switch("activate", chosen, by, tell, after=release)

    def rollback(self, by: By, tell: Tell = silent) -> Switched:
        """Have the next start serve the release that was live before.

        Raises:
            CannotSwitch: There is none.
            SwitchBusy: As ``activate``.
            NoRelease: It is gone, or its files are not those that were made.
        """

        def chosen(served: Live) -> Live:
            if served.previous is None:
                raise CannotSwitch(f"there is no release before {served.release} to go back to; name one: `activate N`")
            return going_back(self._store, served.previous)

        return self._switch("rollback", chosen, by, tell)

    def _served(self) -> Live:
        """What would be served; where the note of it cannot be read, so that no server starts, the newest."""
        try:
            return find_live(self._store)
        except NoRelease:
            numbers = whole_releases(self._store)
            if not numbers:
                raise
            return Live(numbers[-1], before(numbers, numbers[-1]), now())

    def _switch(
        self, action: Action, chosen: Callable[[Live], Live], by: By, tell: Tell, *, after: int | None = None
    ) -> Switched:
        started, served = time.monotonic(), self._served()
        after = after or served.previous

        def note(outcome: Outcome, told: str) -> float:
            seconds, who = time.monotonic() - started, signed(this_user(), by.who)
            Audit(self._store).add(
                who, action, served.release, after, why=by.why, outcome=outcome, seconds=seconds, told=told
            )
            return seconds

        try:
            # No release that is named here is pruned meanwhile: what is live is read again.
            with locked(self._store):
                live = self._checked(chosen, tell)
                with kept_stopped(self._store):
                    write_live(self._store, live)
        except DeployError as error:
            note("refused", str(error))
            raise
        told = f"release {live.release} is what the next start serves; no server runs now"
        return Switched(action, served.release, live.release, note("done", told), told)

    def _checked(self, chosen: Callable[[Live], Live], tell: Tell) -> Live:
        served = self._served()
        live = chosen(served)
        if live.release == served.release and self._is_named(live.release):
            raise CannotSwitch(f"release {live.release} is live already")
        release = find_release(self._store, live.release)
        tell(f"checking the files of release {live.release}")
        check_release(release)
        return live

    def _is_named(self, release: int) -> bool:
        """Whether somebody switched to it; the newest is served unnamed, until there is a newer one."""
        try:
            named = read_live(self._store)
        except NoRelease:
            return False
        return named is not None and named.release == release
