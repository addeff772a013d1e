"""When to try a request again: one decision for the sync and the async client.

Any request may be sent twice: searches only read, and writes give values as they shall be, never a change to what is
there. What a retry can do is put an older value back, where another writer came between; who has several writers for
one product takes care of their order. A deletion whose answer was lost and that is sent again finds nothing any more:
``Deleted.found`` is False then, though this very call deleted it. What is tried again is what may pass by itself: no
server, a full queue, a model that is being reloaded, a catalogue that cannot be written to, an index that is behind.
Bad input and server faults are not.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from clients.errors import BadSetting, TandemError, Unavailable


@dataclass(frozen=True)
class RetryPolicy:
    """Exponential back-off with full jitter: the pause is drawn evenly from zero to a bound that doubles.

    Args:
        tries: Attempts in all; 1 means no retry.
        first_pause_s: Upper bound of the pause after the first attempt, in seconds.
        longest_pause_s: The bound never grows beyond this, in seconds.
        refused_share: Retries of calls that a full server refused, as a part of all calls of the client in the last ten
            seconds, see `clients.retry_budget`; ten are always allowed.

    Raises:
        BadSetting: A value is out of its range.
    """

    tries: int = 6
    first_pause_s: float = 0.4
    longest_pause_s: float = 2.0
    refused_share: float = 0.5

    def __post_init__(self) -> None:
        if self.tries < 1:
            raise BadSetting(f"tries: {self.tries}; allowed: 1 or more")
        for name, unit in (("first_pause_s", " of seconds"), ("longest_pause_s", " of seconds"), ("refused_share", "")):
            value = getattr(self, name)
            if not (math.isfinite(value) and value >= 0):
                raise BadSetting(f"{name}: {value}; allowed: a finite number{unit}, 0 or more")

    def bound_s(self, attempt: int) -> float:
        """Longest pause after attempt number ``attempt`` (the first is 1), in seconds."""
        # ldexp overflows past 2**1023, long after any bound is reached
        return min(self.longest_pause_s, math.ldexp(self.first_pause_s, min(attempt - 1, 64)))

    def pause_s(self, error: TandemError, attempt: int, *, left_s: float, draw: float) -> float | None:
        """Seconds to wait before the next attempt, or None to give up and raise ``error``.

        Args:
            error: What attempt number ``attempt`` (the first is 1) ended with.
            attempt: How many attempts were made.
            left_s: Seconds until the deadline of the whole call.
            draw: A random number in [0, 1).
        """
        if not isinstance(error, Unavailable) or attempt >= self.tries:
            return None
        pause = draw * self.bound_s(attempt)
        return pause if pause < left_s else None


NO_RETRIES = RetryPolicy(tries=1)
