"""What can be switched while no server runs: which release the next start serves."""

from __future__ import annotations

import time
from pathlib import Path

from deploy.audit import Audit, Outcome
from deploy.errors import CannotSwitch, DeployError, NoRelease
from deploy.live import Live, now, read_live, write_live
from deploy.operate.client import silent, this_user
from deploy.operate.talk import signed
from deploy.serving import going_back
from deploy.store import before, check_release, find_live, find_release, whole_releases
from deploy.switching.values import Action, By, Status, Switched, Tell


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
            NoRelease: There is no such release, or its files are not those that were made.
        """
        served = self._served()
        live = served.then(release) if release != served.release else Live(release, served.previous, now())
        return self._written("activate", served, live, by, tell)

    def rollback(self, by: By, tell: Tell = silent) -> Switched:
        """Have the next start serve the release that was live before.

        Raises:
            CannotSwitch: There is none.
            NoRelease: It is gone, or its files are not those that were made.
        """
        served = self._served()
        live = None if served.previous is None else going_back(self._store, served.previous)
        return self._written("rollback", served, live, by, tell)

    def _served(self) -> Live:
        """What would be served; where the note of it cannot be read, so that no server starts, the newest."""
        try:
            return find_live(self._store)
        except NoRelease:
            numbers = whole_releases(self._store)
            if not numbers:
                raise
            return Live(numbers[-1], before(numbers, numbers[-1]), now())

    def _written(self, action: Action, served: Live, live: Live | None, by: By, tell: Tell) -> Switched:
        started = time.monotonic()
        after = None if live is None else live.release

        def note(outcome: Outcome, told: str) -> float:
            seconds, who = time.monotonic() - started, signed(this_user(), by.who)
            Audit(self._store).add(
                who, action, served.release, after, why=by.why, outcome=outcome, seconds=seconds, told=told
            )
            return seconds

        try:
            live = self._checked(served, live, tell)
        except DeployError as error:
            note("refused", str(error))
            raise
        write_live(self._store, live)
        told = f"release {live.release} is what the next start serves; no server runs now"
        return Switched(action, served.release, live.release, note("done", told), told)

    def _checked(self, served: Live, live: Live | None, tell: Tell) -> Live:
        if live is None:
            raise CannotSwitch(f"there is no release before {served.release} to go back to; name one: `activate N`")
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
