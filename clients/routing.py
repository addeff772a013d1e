"""What one client knows of the release on trial: asked for when a search first carries a key, then now and then.

Only the first such search waits for it. Later the client asks in the background, so that nobody waits.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence

from clients.canary import Canary, Keyed, Share, on_trial, read_share, withdrawn
from clients.errors import TandemError

ASK_EVERY_S = 10.0
ASK_TIMEOUT_S = 1.0
ASKING = "tandem-canary"
"""Name of the threads that ask."""

Ask = Callable[[float], Mapping[str, str]]
"""Asks the server for the parameters that tell of a trial, within so many seconds."""
AskAsync = Callable[[float], Awaitable[Mapping[str, str]]]


class Known:
    """The share that was learnt last. Threads may share it.

    Args:
        clock: Seconds, monotonic.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._asked_at: float | None = None
        self.share: Share | None = None

    def claim(self) -> bool:
        """Whether the caller is to ask now; nobody else is until `ASK_EVERY_S` have passed."""
        now = self._clock()
        with self._lock:
            due = self._asked_at is None or now - self._asked_at >= ASK_EVERY_S
            if due:
                self._asked_at = now
        return due

    def learn(self, told: Mapping[str, str] | TandemError) -> None:
        """Take in what the server said. While it cannot be reached, what was known stays."""
        if not isinstance(told, TandemError):
            self.share = read_share(told)
        elif withdrawn(told):
            self.share = None


class Routing:
    """Chooses for each search of a sync client. Threads may share it.

    Args:
        canary: The client's setting.
        ask: Asks the server.
    """

    def __init__(self, canary: Canary, ask: Ask) -> None:
        self._canary, self._ask = canary, ask
        self._known, self._first = Known(), threading.Event()

    def rows(self, queries: Sequence[Keyed], left_s: float) -> list[int]:
        """Rows that the release on trial answers; within ``left_s`` seconds."""
        fixed = fixed_rows(self._canary, queries)
        return on_trial(queries, self._share(left_s)) if fixed is None else fixed

    def forget(self) -> None:
        """The release on trial was withdrawn."""
        self._known.share = None

    def _share(self, left_s: float) -> Share | None:
        if not self._known.claim():
            self._first.wait(left_s)
        elif self._first.is_set():
            threading.Thread(target=self._learn, args=(ASK_TIMEOUT_S,), name=ASKING, daemon=True).start()
        else:
            self._learn(min(left_s, ASK_TIMEOUT_S))
        return self._known.share

    def _learn(self, timeout_s: float) -> None:
        try:
            self._known.learn(self._ask(timeout_s))
        except TandemError as error:
            self._known.learn(error)
        finally:
            self._first.set()


class AsyncRouting:
    """The same for one event loop.

    Args:
        canary: The client's setting.
        ask: Asks the server.
    """

    def __init__(self, canary: Canary, ask: AskAsync) -> None:
        self._canary, self._ask = canary, ask
        self._known, self._first = Known(), asyncio.Event()
        self._asking: asyncio.Task[None] | None = None

    async def rows(self, queries: Sequence[Keyed], left_s: float) -> list[int]:
        """Rows that the release on trial answers; within ``left_s`` seconds."""
        fixed = fixed_rows(self._canary, queries)
        return on_trial(queries, await self._share(left_s)) if fixed is None else fixed

    def forget(self) -> None:
        """The release on trial was withdrawn."""
        self._known.share = None

    async def close(self) -> None:
        """Ask no more."""
        if self._asking is not None:
            self._asking.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._asking

    async def _share(self, left_s: float) -> Share | None:
        if not self._known.claim():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._first.wait(), left_s)
        elif self._first.is_set():
            self._asking = asyncio.create_task(self._learn(ASK_TIMEOUT_S))
        else:
            await self._learn(min(left_s, ASK_TIMEOUT_S))
        return self._known.share

    async def _learn(self, timeout_s: float) -> None:
        try:
            self._known.learn(await self._ask(timeout_s))
        except TandemError as error:
            self._known.learn(error)
        finally:
            self._first.set()


def fixed_rows(canary: Canary, queries: Sequence[Keyed]) -> list[int] | None:
    """Rows that the setting alone decides on; None where the server has to be asked."""
    if canary == "only":
        return list(range(len(queries)))
    if canary == "auto":
        return None if any(query.key for query in queries) else []
    return on_trial(queries, canary)
