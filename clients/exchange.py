"""What a client does for one call: which requests it sends, when again, and which of them to a release on trial.

Nothing here waits. Each function is a generator that yields what is to be done next, and is given what came of it; the
sync client does it at once, the async client awaits it. So both do the same.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from typing import Any, Self, TypeVar

from clients.canary import Canary, Keyed, check_canary, never, to_canary, unloaded, withdrawn
from clients.deadline import Attempts, check_timeout
from clients.errors import NoCanary, NotServed, TandemError, Timeout, Unavailable
from clients.retry import RetryPolicy
from clients.retry_budget import RetryBudget
from clients.tensors import Call
from clients.url import Address

T = TypeVar("T")
Q = TypeVar("Q", bound=Keyed)


@dataclass(frozen=True)
class Infer:
    """Send a request within so many seconds; its output tensors come of it, or an error."""

    call: Call[Any]
    timeout_s: float


@dataclass(frozen=True)
class Pause:
    """Wait; nothing comes of it."""

    seconds: float


@dataclass(frozen=True)
class FindTrial:
    """Find out, within so many seconds, which queries a release on trial answers: their rows come of it."""

    queries: Sequence[Keyed]
    timeout_s: float


@dataclass(frozen=True)
class ForgetTrial:
    """Forget the release on trial, which was withdrawn; nothing comes of it."""


Step = Infer | Pause | FindTrial | ForgetTrial
Steps = Generator[Step, Any, T]


@dataclass(frozen=True)
class Exchange:
    """The calls of one client.

    Args:
        address: Where the server is.
        timeout_s: Deadline of one call, its retries included, in seconds.
        retries: When to try again.
        canary: What to do about a release on trial.
        budget: How many refused calls may be tried again.
    """

    address: Address
    timeout_s: float
    retries: RetryPolicy
    canary: Canary
    budget: RetryBudget

    @classmethod
    def of(cls, url: str, timeout_s: float, retries: RetryPolicy | None, canary: Canary) -> Self:
        """The calls of a client with these settings; without ``retries``, those of `RetryPolicy` are made.

        Raises:
            BadUrl: ``url`` is not one of the allowed forms.
            BadSetting: ``timeout_s`` is not above 0, or ``canary`` is no such setting.
        """
        address, timeout_s = Address.parse(url), check_timeout(timeout_s)
        policy = RetryPolicy() if retries is None else retries
        return cls(address, timeout_s, policy, check_canary(canary), RetryBudget(policy.refused_share))

    def plain(self, call: Call[T]) -> Steps[T]:
        """One request, sent again where that may help, and its answer."""
        return self._send(call, self._attempts())

    def routed(self, make: Callable[[Sequence[Q]], Call[list[T]]], queries: Sequence[Q]) -> Steps[list[T]]:
        """One answer a query: by one request, or by one to each of two releases where their keys fall to both.

        Args:
            make: The request for some queries.
            queries: What is asked; they are checked as a whole before a part of them is sent.
        """
        whole, attempts = make(queries), self._attempts()
        trial: list[int] = yield FindTrial(queries, attempts.left_s())
        if not trial:
            return (yield from self._send(whole, attempts))
        tried = yield from self._try(make([queries[row] for row in trial]), attempts)
        found = dict(zip(trial, tried, strict=True))
        if rest := [row for row in range(len(queries)) if row not in found]:
            others = yield from self._send(make([queries[row] for row in rest]), attempts)
            found.update(zip(rest, others, strict=True))
        return [found[row] for row in range(len(queries))]

    def _attempts(self) -> Attempts:
        return Attempts(self.address, self.retries, self.timeout_s, self.budget)

    def _send(self, call: Call[T], attempts: Attempts, final: Callable[[TandemError], bool] = never) -> Steps[T]:
        """Send one request, again where that may help and ``final`` does not say that it is of no use."""
        while True:
            try:
                return call.parse((yield Infer(call, attempts.left_s())))
            except (Unavailable, Timeout) as error:
                if final(error):
                    raise
                yield Pause(attempts.pause_s(error))

    def _try(self, call: Call[T], attempts: Attempts) -> Steps[T]:
        """Send one request to the release on trial, at once to the public one where there is none any more."""
        only = self.canary == "only"
        try:
            return (yield from self._send(to_canary(call), attempts, unloaded if only else withdrawn))
        except (NotServed, Unavailable) as error:
            if only and unloaded(error):
                raise NoCanary(f"no release is on trial at {self.address}") from None
            if only or not withdrawn(error):
                raise
        yield ForgetTrial()
        return (yield from self._send(call, attempts))
