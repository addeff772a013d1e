"""Waits until nothing is in flight, before Triton is told to end."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from deploy.container.settings import Times
from deploy.errors import RequestFailed

_POLL_S = 0.25
# No request was finished for so long, so none is under way: the slowest step waits five seconds in its queue at most,
# but something is finished all the while then.
_QUIET_S = 3.0


def wait_until_quiet(
    finished: Callable[[], int],
    times: Times,
    hurry: threading.Event,
    *,
    quiet_s: float = _QUIET_S,
    poll_s: float = _POLL_S,
    clock: Callable[[], float] = time.monotonic,
) -> bool:
    """Let requests in flight finish.

    On SIGTERM, Triton fails the requests that are between two steps of an ensemble. So it gets none until there are
    none: this replica is no longer ready, its Service forgets it, gRPC connections come of age and go elsewhere, and
    what is still finished becomes less, until nothing is.

    Args:
        finished: How many requests have ended so far.
        times: ``settle``: wait at least so long; ``drain``: at most.
        hurry: Set to end at once.
        quiet_s: Nothing may be finished for so long.
        poll_s: Time between two looks.
        clock: Seconds.

    Returns:
        Whether it was quiet at the end; False when time was up, or there was a hurry.
    """
    begin = changed = clock()
    last = -1
    while not hurry.wait(poll_s):
        now = clock()
        if now - begin >= times.drain:
            return False
        try:
            count = finished()
        except RequestFailed:
            return True  # a server that does not answer has nothing to finish
        if count != last:
            last, changed = count, now
        elif now - changed >= quiet_s and now - begin >= times.settle:
            return True
    return False
