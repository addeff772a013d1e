"""What a command does that works step by step, when it is asked to end."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from types import FrameType


def stop_on_signals(stop: Callable[[], None]) -> None:
    """SIGINT and SIGTERM let the step under way finish; a second one ends the process at once.

    Args:
        stop: Has the work end after this step. What a step leaves must be whole, or be done again by the next process.
    """
    asked = False

    def on_signal(number: int, _frame: FrameType | None) -> None:
        nonlocal asked
        if asked:
            os._exit(128 + number)
        asked = True
        stop()
        os.write(sys.stderr.fileno(), b"ends after this step; Ctrl-C again ends it at once\n")

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, on_signal)
