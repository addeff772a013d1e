"""What is to be done about breaches. Pure: from a look and what was known, to what is known now and a decision.

Only a release that was activated is taken back. One that was gone back to stays where it is, and one that was rolled
back from is never gone back to: where both are bad a person is told, and nothing goes to and fro.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from deploy.watching.bounds import Bounds
from deploy.watching.breach import Bound, Breach, Context
from deploy.watching.breaches import breaches, judged
from deploy.watching.observing import Observation, Readings

Kind = Literal["nothing", "rollback", "end_canary", "alarm"]
Role = Literal["live", "canary"]
_KEPT = 8


@dataclass(frozen=True)
class Decision:
    """What is to be done.

    Args:
        kind: ``alarm``: nothing can be done without a person.
        why: In full; empty for ``nothing``.
        release: The release that is to blame.
    """

    kind: Kind
    why: str = ""
    release: int | None = None


NOTHING = Decision("nothing")


@dataclass(frozen=True)
class Streak:
    """A bound that is found breached again and again.

    Args:
        count: How many judgements in a row found it so.
        last: As the last of them found it.
    """

    count: int
    last: Breach


@dataclass(frozen=True)
class State:
    """What is known from earlier looks.

    Args:
        live: The live release and since when, as the status told it.
        canary: The release on trial; None for none.
        canary_since: When it was first seen, in seconds since 1970.
        streaks: The bounds that the last judgement found breached, and in how many judgements in a row.
        measured: The last readings of releases while they were live; kept over restarts by `remembering`.
    """

    live: tuple[int, str] | None = None
    canary: int | None = None
    canary_since: float = 0.0
    streaks: Mapping[tuple[Role, Bound], Streak] = field(default_factory=dict)
    measured: Mapping[int, Readings] = field(default_factory=dict)


def decide(seen: Observation, state: State, bounds: Bounds) -> tuple[State, tuple[Breach, ...], Decision]:
    """Judge one look.

    Returns:
        What is known now, the breaches of this look, those with an excuse among them, and what is to be done.
    """
    state = _followed(seen, state)
    if seen.status.switching is not None:
        return state, (), NOTHING
    live = seen.live.without_times if seen.age_s < bounds.grace_s else seen.live
    state, found, ripe = _judge("live", live, _live_context(seen, state, bounds), state)
    decision = _about_live(seen, ripe, bounds) if ripe else NOTHING
    state = replace(state, measured=_measured(live, state))
    if seen.canary is not None:
        state, more, ripe = _judge("canary", *_canary_context(seen, seen.canary, state, bounds), state)
        found += more
        # First: going back needs the room that the release on trial takes.
        decision = Decision("end_canary", _why(ripe, seen.canary), seen.canary.release) if ripe else decision
    return state, found, _for_a_person(found) if decision is NOTHING else decision


def _for_a_person(found: tuple[Breach, ...]) -> Decision:
    """An alarm where there is nothing to do but to have a look."""
    first = next((one for one in found if one.for_a_person), None)
    return NOTHING if first is None else Decision("alarm", first.sentence, first.release)


def _followed(seen: Observation, state: State) -> State:
    """The state, with nothing left in it of releases that are not what they were."""
    live = (seen.status.live, seen.status.since)
    canary = None if seen.canary is None else seen.canary.release
    if live != state.live:
        state = replace(state, live=live, streaks=_without("live", state))
    if canary != state.canary:
        state = replace(state, canary=canary, canary_since=seen.time, streaks=_without("canary", state))
    return state


def _without(role: Role, state: State) -> dict[tuple[Role, Bound], Streak]:
    return {key: streak for key, streak in state.streaks.items() if key[0] != role}


def _live_context(seen: Observation, state: State, bounds: Bounds) -> Context:
    previous = seen.status.previous
    before = None if previous is None else state.measured.get(previous)
    known = seen.live.after(state.measured.get(seen.live.release)).traffic
    per_s = None if known is None else known.per_s
    return Context(bounds, before, at_once=False, away=seen.away, restarts=seen.restarts, per_s=per_s)


def _canary_context(seen: Observation, canary: Readings, state: State, bounds: Bounds) -> tuple[Readings, Context]:
    """What of the release on trial is judged, and against what."""
    young = seen.time - state.canary_since < bounds.grace_s
    live = seen.live.after(state.measured.get(seen.status.live))
    return canary.without_times if young else canary, Context(bounds, live, at_once=True, away=seen.away)


def _judge(
    role: Role, readings: Readings, context: Context, state: State
) -> tuple[State, tuple[Breach, ...], tuple[Breach, ...]]:
    """Count on; also the breaches of this look, and the bounds that were found breached often enough."""
    found = breaches(readings, context)
    blamed = {one.bound: one for one in found if one.excuse is None}
    streaks = dict(state.streaks)
    for bound in judged(readings):
        before = streaks.pop((role, bound), None)
        if bound in blamed:
            streaks[role, bound] = Streak(1 if before is None else before.count + 1, blamed[bound])
    enough = context.bounds.breaches_in_a_row
    ripe = tuple(one.last for (whose, _), one in streaks.items() if whose == role and one.count >= enough)
    return replace(state, streaks=streaks), found, ripe


def _about_live(seen: Observation, ripe: tuple[Breach, ...], bounds: Bounds) -> Decision:
    why, live = _why(ripe, seen.live), seen.status.live
    hindrance = _hindrance(seen, bounds)
    if hindrance is None:
        return Decision("rollback", why, live)
    return Decision("alarm", f"{why}. It stays live: {hindrance}", live)


def _hindrance(seen: Observation, bounds: Bounds) -> str | None:
    """Why there is no going back; None where there is."""
    previous = seen.status.previous
    if previous is None:
        return "there is no release before it"
    if seen.gone_back:
        return "it was gone back to, and going back once more would help no better"
    if previous in seen.bad:
        return f"release {previous}, which was before it, was rolled back from itself"
    if seen.age_s > bounds.probation_s:
        return f"it has been live for longer than its watch period (probation_s {bounds.probation_s:g})"
    if seen.rolled_back is not None and seen.time - seen.rolled_back < bounds.cooldown_s:
        return f"the last rollback was {seen.time - seen.rolled_back:.0f} s ago (cooldown_s {bounds.cooldown_s:g})"
    return None


def _why(ripe: tuple[Breach, ...], readings: Readings) -> str:
    told = "; ".join(one.told for one in ripe)
    examples = "; ".join(readings.examples)
    return f"{told}. Such as: {examples}" if examples else told


def _measured(readings: Readings, state: State) -> dict[int, Readings]:
    """What was last measured of the releases that were live most recently."""
    others = {release: one for release, one in state.measured.items() if release != readings.release}
    kept = dict(list(others.items())[1 - _KEPT :])
    return {**kept, readings.release: readings.after(state.measured.get(readings.release))}
