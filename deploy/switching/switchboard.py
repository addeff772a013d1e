"""Switches the releases of a running server."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from deploy.audit import Audit
from deploy.engine_stamp import check_target
from deploy.errors import CannotSwitch
from deploy.events import EventLog, logger
from deploy.launch import Running
from deploy.serving import Served, Serving, going_back
from deploy.store import check_release, find_release
from deploy.switching.catching_up import CatchUp
from deploy.switching.stage import Stage
from deploy.switching.turns import Turn, Turns
from deploy.switching.values import Action, By, Canary, Status, Switched, Tell

_LOAD_TIMEOUT_S = 600.0


@dataclass(frozen=True)
class Hands:
    """How the switchboard gets hold of the server.

    Args:
        running: The server as it is now; another one after a restart.
        alone: The same, with nothing repaired and no answer judged meanwhile.
        stopping: Set when the server is to end.
    """

    running: Callable[[], Running]
    alone: Callable[[], AbstractContextManager[Running]]
    stopping: threading.Event


@dataclass(frozen=True)
class _Trial:
    """The canary of one server process; a restart ends it."""

    running: Running
    canary: Canary


class Switchboard:
    """Switches between the releases of a store, one switch at a time. Threads may share it.

    Args:
        store: The store.
        serving: What is served, told of every switch.
        hands: The server.
        events: Is told of every switch.
        catch_up: Embeds what a release lacks; None where there is no catalogue.
    """

    def __init__(
        self, store: Path, serving: Serving, hands: Hands, events: EventLog, catch_up: CatchUp | None = None
    ) -> None:
        self._store, self._serving, self._hands, self._events = store.resolve(), serving, hands, events
        self._catch_up = catch_up
        self._turns = Turns(Audit(self._store), events, hands.stopping)
        self._trial: _Trial | None = None

    def status(self) -> Status:
        """What the server answers from."""
        live, loaded = self._serving.now.live, self._hands.running().view.loaded
        return Status(live.release, live.previous, self._canary(), loaded, live.since, self._turns.doing)

    def activate(self, release: int, by: By, tell: Tell) -> Switched:
        """Have all callers answered from a release: load it beside the live one, prove it, and move the names to it.

        Raises:
            CannotSwitch: It cannot be: nothing that answers was touched.
            SwitchFailed: It went wrong; the release of before answers.
        """
        turn = self._turn("activate", release, by, tell)
        with self._turns.take(turn):
            self._refuse(release)
            self._move(self._checked(release, tell), turn, lenient=False)
        return self._turns.done(turn, f"release {release} is live, before it was {turn.before}")

    def rollback(self, by: By, tell: Tell) -> Switched:
        """Go back to the release that was live before; a canary is ended.

        Raises:
            CannotSwitch: There is none, or it cannot be loaded; nothing that answers was touched.
            SwitchFailed: It went wrong; the release of before answers.
        """
        previous = self._serving.now.live.previous
        turn = self._turn("rollback", previous or 0, by, tell)
        with self._turns.take(turn):
            if previous is None:
                raise CannotSwitch(f"there is no release before {turn.before} to go back to; name one: `activate N`")
            release = find_release(self._store, previous)
            if self._canary() is not None:
                self._withdraw(self._stage(tell))
            self._move(Served.of(release, going_back(self._store, previous)), turn, lenient=True)
        return self._turns.done(turn, f"back on release {previous}, away from {turn.before}")

    def canary(self, release: int, share: float, by: By, tell: Tell) -> Switched:
        """Have a share of the callers, and those who ask by name, answered from a release.

        Args:
            release: The release.
            share: 0 to 1 of the callers' keys.
            by: Who wants it.
            tell: Told what is being done.

        Raises:
            CannotSwitch: It cannot be loaded, or is live, or another one is on trial.
        """
        canary, turn = Canary(release, share), self._turn("canary", release, by, tell)
        with self._turns.take(turn):
            self._refuse(release)
            stage = self._stage(tell)
            if self._canary() is None:
                served = self._checked(release, tell)
                stage.hold([self._serving.now.release, served.release])
                self._prove(stage, served, lenient=False)
            stage.shadow(find_release(self._store, release), share)
            self._trial = _Trial(stage.running, canary)
        return self._turns.done(turn, f"release {release} is on trial for {share:.4g} of the callers' keys")

    def end_canary(self, by: By, tell: Tell) -> Switched:
        """Have all callers answered from the live release again.

        Raises:
            CannotSwitch: None is on trial.
        """
        canary, live = self._canary(), self._serving.now.live.release
        turn = Turn("end_canary", live if canary is None else canary.release, live, by, tell)
        with self._turns.take(turn):
            if canary is None:
                raise CannotSwitch("no release is on trial")
            self._withdraw(self._stage(tell))
        return self._turns.done(turn, f"release {canary.release} is no longer on trial, all ask release {live}")

    def hold_previous(self) -> None:
        """Load the release to go back to beside the live one, so that going back takes a moment.

        Raises:
            CannotSwitch: It cannot be loaded, or not beside the live one.
            NoRelease: It is not whole.
        """
        served = self._serving.now
        with self._turns.background(f"loading release {served.live.previous} to go back to") as mine:
            if mine and served.live.previous is not None:
                previous = find_release(self._store, served.live.previous)
                self._stage(_quiet).hold([served.release, previous])

    def note_restart(self) -> None:
        """Take note of a canary that a restart has ended."""
        trial = self._trial
        if trial is None or trial.running is self._hands.running():
            return
        self._trial = None
        told = f"the server was started again: release {trial.canary.release} is no longer on trial"
        self._events.add("canary_ended", told)
        turn = self._turn("end_canary", trial.canary.release, By("deploy", "a restart"), _quiet)
        self._turns.write(turn, "done", told)

    def _move(self, served: Served, turn: Turn, *, lenient: bool) -> None:
        """Load, prove, move the public names, and take the others away."""
        stage, before = self._stage(turn.tell), self._serving.now
        stage.hold([before.release, served.release])
        try:
            self._prove(stage, served, lenient=lenient)
            turn.tell(f"moving to release {turn.after}")
            with self._hands.alone() as running:
                if running is not stage.running:
                    raise CannotSwitch("the server was started again meanwhile; try once more")
                with self._serving.moving_to(served):
                    stage.flip(served.release)
            self._embed_the_rest(turn)
        finally:
            self._withdraw(stage)

    def _prove(self, stage: Stage, served: Served, *, lenient: bool) -> None:
        """By names that no caller uses. Who is in a hurry to go back leaves what is lacking to the keeper."""
        try:
            stage.prove(served.release, served.probes, lenient=lenient)
            if self._catch_up is not None and not lenient:
                self._catch_up.run(stage.tell)
        except CannotSwitch:
            self._withdraw(stage)
            raise

    def _embed_the_rest(self, turn: Turn) -> None:
        """What was written while the names were moved; the switch is made, and a keeper would come to it later."""
        if self._catch_up is not None and turn.action == "activate":
            try:
                self._catch_up.run(turn.tell)
            except CannotSwitch as error:
                logger.warning("left to the keeper: %s", error)

    def _withdraw(self, stage: Stage) -> None:
        stage.unshadow()
        self._trial = None

    def _checked(self, release: int, tell: Tell) -> Served:
        tell(f"checking the files of release {release}")
        found = find_release(self._store, release)
        check_release(found)
        check_target(found)
        return Served.of(found, self._serving.now.live.then(release))

    def _refuse(self, release: int) -> None:
        """Refuse what is live already, and a release beside another one that is on trial."""
        if release == self._serving.now.live.release:
            raise CannotSwitch(f"release {release} is live already")
        canary = self._canary()
        if canary is not None and canary.release != release:
            raise CannotSwitch(f"release {canary.release} is on trial; end that first: `canary --end`")

    def _canary(self) -> Canary | None:
        trial = self._trial
        return trial.canary if trial is not None and trial.running is self._hands.running() else None

    def _turn(self, action: Action, after: int, by: By, tell: Tell) -> Turn:
        return Turn(action, self._serving.now.live.release, after, by, tell)

    def _stage(self, tell: Tell) -> Stage:
        return Stage(self._hands.running(), _LOAD_TIMEOUT_S, tell)


def _quiet(_: str) -> None:
    """Where nobody is to be told."""
