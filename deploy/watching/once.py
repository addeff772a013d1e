"""One look that changes nothing: how well are the releases just now?"""

from __future__ import annotations

from deploy.watching.bounds import Bounds
from deploy.watching.breach import Breach, Context
from deploy.watching.breaches import breaches
from deploy.watching.observing import Observation


def judge_once(seen: Observation, bounds: Bounds) -> tuple[Breach, ...]:
    """Every bound that is breached in this one look; the live release is held against no other."""
    live = Context(bounds, away=seen.away, restarts=seen.restarts)
    found = breaches(seen.live, live)
    if seen.canary is not None:
        found += breaches(seen.canary, Context(bounds, seen.live, at_once=True, away=seen.away))
    return found
