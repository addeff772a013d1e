"""Switches the releases of a running server."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from deploy.audit import Audit
from deploy.errors import CannotSwitch
from deploy.events import EventLog
from deploy.keep.served import EMBED_PRODUCT
from deploy.launch import Running
from deploy.serving import Served, Serving, going_back
from deploy.store import find_release
from deploy.switching.catching_up import CatchUp
from deploy.switching.checking import read_checked
from deploy.switching.hands import Hands
from deploy.switching.stage import Stage
from deploy.switching.turns import Turn, Turns
from deploy.switching.values import Action, By, Canary, Status, Switched, Tell, silent

_LOAD_TIMEOUT_S = 600.0


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
        with self._turns.take(tell, lambda: self._turn("activate", release, by, tell)) as turn:
            self._refuse(release)
            self._move(self._checked(release, tell), turn)
        return self._turns.done(turn, f"release {release} is live, before it was {turn.before}")

    def rollback(self, by: By, tell: Tell) -> Switched:
        """Go back to the release that was live before; a canary is ended.

        Raises:
            CannotSwitch: There is none, or it cannot be loaded; what is live was not touched.
            SwitchFailed: It went wrong; the release of before answers.
        """
        with self._turns.take(tell, lambda: self._turn("rollback", self._previous(), by, tell)) as turn:
            if not turn.after:
                raise CannotSwitch(f"there is no release before {turn.before} to go back to; name one: `activate N`")
            release = find_release(self._store, turn.after)
            self._end_trial(turn, "all go back")
            self._move(Served.of(release, going_back(self._store, turn.after)), turn)
        return self._turns.done(turn, f"back on release {turn.after}, away from {turn.before}")

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
        canary = Canary(release, share)
        with self._turns.take(tell, lambda: self._turn("canary", release, by, tell)) as turn:
            self._refuse(release)
            stage = self._stage(tell)
            on_trial = self._canary() is not None
            if not on_trial:
                self._hold_proved(stage, self._checked(release, tell), lenient=False)
            try:
                stage.shadow(find_release(self._store, release), share)
            except BaseException:
                if not on_trial:
                    stage.unshadow()
                    self._let_go(stage)
                raise
            self._trial = _Trial(stage.running, canary)
        return self._turns.done(turn, f"release {release} is on trial for {share:.4g} of the callers' keys")

    def end_canary(self, by: By, tell: Tell) -> Switched:
        """Have all callers answered from the live release again.

        Raises:
            CannotSwitch: None is on trial.
        """

        def make() -> Turn:
            canary, live = self._canary(), self._serving.now.live.release
            return Turn("end_canary", live if canary is None else canary.release, live, by, tell)

        with self._turns.take(tell, make) as turn:
            if self._canary() is None:
                raise CannotSwitch("no release is on trial")
            stage = self._stage(tell)
            stage.unshadow()
            self._trial = None
            self._let_go(stage)
        return self._turns.done(turn, f"release {turn.before} is no longer on trial, all ask release {turn.after}")

    def hold_previous(self) -> bool:
        """Load the release to go back to beside the live one, so that going back takes a moment.

        Returns:
            Whether it is there now.

        Raises:
            CannotSwitch: It cannot be loaded, or not beside the live one.
            NoRelease: It is not whole.
        """
        served = self._serving.now
        with self._turns.background(f"loading release {served.live.previous} to go back to") as mine:
            if not mine or served is not self._serving.now or served.live.previous is None:
                return False
            previous = find_release(self._store, served.live.previous)
            self._stage(silent).hold([served.release, previous])
            return True

    def drop(self, release: int, reason: str) -> None:
        """Let go of a release that is loaded but not live, since its processes do not stay up; a trial of it ends."""
        with self._turns.background(f"letting go of release {release}") as mine:
            if not mine or release == self._serving.now.live.release:
                return
            turn = self._turn("end_canary", self._serving.now.live.release, By("deploy", reason), silent)
            self._end_trial(turn, reason)
            self._stage(silent).hold_live_alone()

    def note_restart(self) -> None:
        """Take note of a canary that a restart has ended."""
        trial = self._trial
        if trial is not None and trial.running is not self._hands.running():
            self._trial = None
            self._tell_end(trial.canary.release, By("deploy", "a restart"), "the server was started again")

    def _move(self, served: Served, turn: Turn) -> None:
        """Load, prove, move the public names, and take the others away."""
        stage = self._stage(turn.tell)
        self._hold_proved(stage, served, lenient=turn.action == "rollback")
        turn.tell(f"moving to release {turn.after}")
        try:
            with self._hands.alone() as running:
                if running is not stage.running:
                    raise CannotSwitch("the server was started again meanwhile; try once more")
                with self._serving.moving_to(served):
                    stage.flip(served.release)
        finally:
            stage.unshadow()
            self._trial = None

    def _hold_proved(self, stage: Stage, served: Served, *, lenient: bool) -> None:
        """Have a release held beside the live one, and proved by names that no caller uses, or that a canary has.

        Args:
            stage: The server.
            served: The release.
            lenient: Whether it is urgent: then what is lacking is left to the keeper to embed.

        Raises:
            CannotSwitch: It cannot be; a canary is as it was, else the live release is held alone.
        """
        stage.hold([self._serving.now.release, served.release], urgent=lenient)
        on_trial = self._canary() is not None
        catch_up = None if lenient else self._catch_up
        try:
            if not on_trial:
                # Each name costs the callers a moment when it is loaded, and another when it is taken away.
                asked = {probe.model for probe in served.probes}
                stage.shadow(served.release, 0.0, only=asked if catch_up is None else asked | {EMBED_PRODUCT})
            stage.prove(served.release, served.probes, lenient=lenient)
            if catch_up is not None:
                catch_up.run(stage.tell)
        except BaseException:
            if not on_trial:
                stage.unshadow()
                self._let_go(stage)
            raise

    def _let_go(self, stage: Stage) -> None:
        """Let go of a release that nobody asks, unless it is the one to go back to."""
        previous = self._serving.now.live.previous
        if previous not in stage.running.view.loaded:
            stage.hold_live_alone()

    def _end_trial(self, turn: Turn, reason: str) -> None:
        canary = self._canary()
        if canary is not None:
            self._stage(turn.tell).unshadow()
            self._trial = None
            self._tell_end(canary.release, turn.by, reason)

    def _tell_end(self, release: int, by: By, reason: str) -> None:
        told = f"release {release} is no longer on trial: {reason}"
        self._events.add("canary_ended", told)
        self._turns.write(Turn("end_canary", release, self._serving.now.live.release, by, silent), "done", told)

    def _checked(self, release: int, tell: Tell) -> Served:
        tell(f"checking the files of release {release}")
        return read_checked(self._store, release, self._serving.now.live)

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

    def _previous(self) -> int:
        """The release to go back to; 0 where there is none."""
        return self._serving.now.live.previous or 0

    def _turn(self, action: Action, after: int, by: By, tell: Tell) -> Turn:
        return Turn(action, self._serving.now.live.release, after, by, tell)

    def _stage(self, tell: Tell) -> Stage:
        return Stage(self._hands.running(), _LOAD_TIMEOUT_S, tell, self._turns.pause)
