"""What makes any release slow, or fail, so that the one that serves just now is not to blame. Pure."""

from __future__ import annotations

from deploy.watching.breach import Context
from deploy.watching.observing import Readings

# With so many times the requests of before a switch, slow answers and full queues say nothing of the release.
MORE_LOAD = 1.5


def trouble(readings: Readings, context: Context) -> str | None:
    """Why failures and slow answers are not the release's fault just now; None where they may be."""
    surely = sure_trouble(readings, context)
    if surely is not None or context.at_once or not readings.strained or _load(readings, context) is not None:
        return surely
    return "requests wait in full queues, and how many came before the switch is not known"


def sure_trouble(readings: Readings, context: Context) -> str | None:
    """The same, without what is only supposed for lack of a measurement."""
    if context.away is not None:
        return context.away
    other = context.other
    if readings.cut_off and (not context.at_once or (other is not None and other.cut_off)):
        return "the catalogue cannot be followed"
    if not readings.strained:
        return None
    if context.at_once:
        both = other is not None and other.strained
        return f"requests to release {other.release} wait in full queues as well" if other and both else None
    more = more_load(readings, context)
    return None if more is None else f"requests wait in full queues: {more}"


def more_load(readings: Readings, context: Context) -> str | None:
    """How many more requests come than before the switch; None where they are not many more, or not known."""
    load = None if context.at_once else _load(readings, context)
    if load is None or load[0] <= MORE_LOAD * load[1]:
        return None
    return f"{load[0]:.1f} a second come, {load[1]:.1f} came before the switch"


def load_is_known(readings: Readings, context: Context) -> bool:
    """Whether full queues can be told from more requests."""
    return context.at_once or _load(readings, context) is not None


def _load(readings: Readings, context: Context) -> tuple[float, float] | None:
    """Requests a second now, and before the switch."""
    now = context.per_s if readings.traffic is None else readings.traffic.per_s
    before = None if context.other is None else context.other.traffic
    return None if now is None or before is None else (now, before.per_s)
