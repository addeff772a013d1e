"""Threads that do one thing again and again until they are told to stop, and whose mistakes are not lost."""

from __future__ import annotations

import threading
from collections.abc import Callable
from types import TracebackType
from typing import Self


class Hands:
    """Runs each step in a thread of its own.

    Args:
        steps: What is done again and again.
        forgiven: Errors that end a thread in peace.
        pause_s: Between two steps.
    """

    def __init__(
        self, *steps: Callable[[], object], forgiven: tuple[type[Exception], ...] = (), pause_s: float = 0.0
    ) -> None:
        self._stop, self._forgiven, self._pause_s = threading.Event(), forgiven, pause_s
        self._errors: list[BaseException] = []
        self._threads = [threading.Thread(target=self._go_on, args=(step,)) for step in steps]

    def stop(self) -> None:
        """Wait for the steps in progress; raises the first mistake."""
        self._stop.set()
        for thread in self._threads:
            thread.join()
        if self._errors:
            raise self._errors[0]

    def check(self) -> None:
        """Raise the first mistake so far."""
        if self._errors:
            raise self._errors[0]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if error is None:
            self.stop()
            return
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _go_on(self, step: Callable[[], object]) -> None:
        try:
            while not self._stop.wait(self._pause_s):
                step()
        except self._forgiven:
            return
        except BaseException as error:
            self._errors.append(error)
            self._stop.set()
