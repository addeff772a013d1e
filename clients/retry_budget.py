"""How many refused calls of one client may be tried again.

A full server refuses at once. Where every refused call comes back a few times, a server that is a little too busy gets
several times the requests, spends its time on refusing them, and stays full: more tries, fewer answers. So those that
come back are a part of the client's calls at the most, as in Finagle's ``RetryBudget`` and in Beyer et al., "Site
Reliability Engineering", 2016, chapter 21. A burst of refusals is still tried again; a server that cannot carry its
load gets little more than that load.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

WINDOW_S = 10
# A client that calls seldom may still try again.
A_SECOND = 1.0

Clock = Callable[[], float]


class RetryBudget:
    """Counts the calls of the last ten seconds, and the retries that they pay for. Threads may share it.

    Args:
        share: Retries a call, on average, at the most.
        clock: Seconds, monotonic.
    """

    def __init__(self, share: float, clock: Clock = time.monotonic) -> None:
        self._share, self._clock = share, clock
        self._lock = threading.Lock()
        # One slot a second.
        self._calls, self._retries = [0] * WINDOW_S, [0] * WINDOW_S
        self._second = int(clock())

    def note_call(self) -> None:
        """Count a call."""
        with self._lock:
            self._calls[self._turn()] += 1

    def take(self) -> bool:
        """Whether a refused call may be tried again; if so, it is counted."""
        with self._lock:
            now = self._turn()
            allowed = self._share * sum(self._calls) + A_SECOND * WINDOW_S
            granted = sum(self._retries) + 1 <= allowed
            self._retries[now] += granted
            return granted

    def _turn(self) -> int:
        """The slot of this second; those that have become older than the window are empty again."""
        second = int(self._clock())
        for passed in range(self._second + 1, min(second, self._second + WINDOW_S) + 1):
            self._calls[passed % WINDOW_S] = self._retries[passed % WINDOW_S] = 0
        self._second = max(self._second, second)
        return self._second % WINDOW_S
