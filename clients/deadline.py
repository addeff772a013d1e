"""The one deadline of a call, which covers all of its attempts."""

from __future__ import annotations

import math
import random
import time

from clients.errors import BadSetting, NoServer, QueueFull, TandemError, Timeout
from clients.retry import RetryPolicy
from clients.retry_budget import RetryBudget
from clients.url import Address


def check_timeout(timeout_s: float) -> float:
    """The timeout, if it is one.

    Raises:
        BadSetting: Not a positive, finite number of seconds.
    """
    if not (math.isfinite(timeout_s) and timeout_s > 0):
        raise BadSetting(f"timeout_s: {timeout_s}; allowed: a finite number of seconds above 0")
    return timeout_s


class Attempts:
    """The attempts of one call: how long the next may take, and whether there is a next.

    Args:
        address: For the messages.
        policy: When to try again.
        timeout_s: For all attempts and pauses together, in seconds.
        budget: The client's, for what a full server refused.
    """

    def __init__(self, address: Address, policy: RetryPolicy, timeout_s: float, budget: RetryBudget) -> None:
        self._address, self._policy, self._timeout_s, self._budget = address, policy, timeout_s, budget
        budget.note_call()
        self._ends = time.monotonic() + timeout_s
        self._made = 0
        self._before: TandemError | None = None

    def left_s(self) -> float:
        """Seconds until the deadline."""
        return self._ends - time.monotonic()

    def pause_s(self, error: TandemError) -> float:
        """Seconds to wait before the next attempt.

        Raises:
            TandemError: There is no next attempt: ``error``, with the address where that helps.
        """
        self._made += 1
        draw = random.random()  # noqa: S311 - spreads the clients out in time, hides nothing
        pause = self._policy.pause_s(error, self._made, left_s=self.left_s(), draw=draw)
        if pause is None:
            raise self._told(error) from None
        if isinstance(error, QueueFull) and not self._budget.take():
            raise QueueFull(f"{error}; not tried again, as too many calls of this client were refused lately") from None
        self._before = self._told(error)
        return pause

    def _told(self, error: TandemError) -> TandemError:
        if isinstance(error, Timeout):
            told = f"no answer from {self._address} within {self._timeout_s:g} s"
            return Timeout(told if self._before is None else f"{told}; the attempt before: {self._before}")
        if isinstance(error, NoServer):
            cause = str(error).rsplit(": ", 1)[-1]  # gRPC tells every step that led to it
            refused = ", or it refuses this client's certificate" if self._address.scheme == "grpcs" else ""
            return NoServer(f"no server at {self._address}{refused}: {cause}")
        return error
