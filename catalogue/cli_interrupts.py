"""Ctrl-C and SIGTERM: what has begun to be committed is not said to be left out."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Interrupts:
    """Turns both signals into ``KeyboardInterrupt``, but not while a write is held together."""

    def __init__(self) -> None:
        self._held = False
        self._asked = False
        self.forced = False

    @contextmanager
    def watched(self) -> Iterator[Interrupts]:
        """Handle the signals."""
        before = [signal.signal(number, self._on_signal) for number in _SIGNALS]
        try:
            yield self
        finally:
            for number, handler in zip(_SIGNALS, before, strict=True):
                signal.signal(number, handler)

    @contextmanager
    def held(self) -> Iterator[None]:
        """Let a write end first, except where ``check`` is called; a second signal ends it at once."""
        self._held = True
        try:
            yield
        finally:
            self._held = False

    def check(self) -> None:
        """End here, before anything is committed, if that is asked for.

        Raises:
            KeyboardInterrupt: It is.
        """
        if self._asked:
            raise KeyboardInterrupt

    def _on_signal(self, *_: object) -> None:
        if self._held and not self._asked:
            self._asked = True
            return
        self.forced = self._held
        raise KeyboardInterrupt
