"""A steady stream of searches and writes that no fault stops, and what became of each request."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from clients import NO_RETRIES, Client, TandemError
from tests.faults.book import Book
from tests.living.shop import PICTURES

TIMEOUT_S = 15.0
PAUSE_S = 0.04
TEXTS = ("red mug", "blue chair", "green lamp", "small ball")
# Slower than this is not normal, on a machine that other programs use too.
SLOW_S = 1.0

Step = Callable[[Client], object]


@dataclass(frozen=True)
class Asked:
    """One request.

    Args:
        kind: ``text``, ``photo`` or ``write``.
        sent: When, monotonic seconds.
        ended: When its answer or its error was there.
        error: Its name; None for an answer.
    """

    kind: str
    sent: float
    ended: float
    error: str | None = None

    @property
    def bad(self) -> bool:
        """Whether a caller would complain."""
        return self.error is not None or self.ended - self.sent > SLOW_S


class Stream:
    """Two callers by text, one by photo, one who writes; each asks 40 ms after it was answered, and never twice.

    Args:
        url: The server, which may go and come back.
        book: Takes down what was written.
    """

    def __init__(self, url: str, book: Book) -> None:
        self._url, self.book = url, book
        self._asked: list[Asked] = []
        self._waiting: dict[int, float] = {}
        self._stop = threading.Event()
        callers: tuple[tuple[str, Step], ...] = (
            ("text", lambda client: client.search(text=TEXTS[0])),
            ("text", lambda client: client.search(text=TEXTS[1], filter={"eq": ["available", True]})),
            ("photo", lambda client: client.search(image=PICTURES["red"])),
            ("write", book.write),
        )
        self._threads = [threading.Thread(target=self._go_on, args=caller) for caller in callers]

    def asked(self, since: float) -> list[Asked]:
        """All requests that ended after ``since``."""
        return [one for one in self._asked.copy() if one.ended >= since]

    def waits_s(self) -> float:
        """How long the oldest request without an answer has been waiting, in seconds."""
        waiting = list(self._waiting.values())
        return time.monotonic() - min(waiting) if waiting else 0.0

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _go_on(self, kind: str, step: Step) -> None:
        with Client(self._url, timeout_s=TIMEOUT_S, retries=NO_RETRIES) as client:
            while not self._stop.wait(PAUSE_S):
                self._ask(kind, step, client)

    def _ask(self, kind: str, step: Step, client: Client) -> None:
        me, sent, error = threading.get_ident(), time.monotonic(), None
        self._waiting[me] = sent
        try:
            step(client)
        except TandemError as failed:
            error = type(failed).__name__
        del self._waiting[me]
        self._asked.append(Asked(kind, sent, time.monotonic(), error))
