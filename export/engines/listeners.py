"""What TensorRT tells while it builds: log lines and errors, from threads of its own.

Its base classes come from the module at hand, so the classes here are made for it.
"""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass, field
from typing import Any

_log = logging.getLogger("export.engines")
LEVELS = {
    "INTERNAL_ERROR": logging.CRITICAL,
    "ERROR": logging.ERROR,
    "WARNING": logging.WARNING,
    "INFO": logging.INFO,
    "VERBOSE": logging.DEBUG,
}


def make_logger(trt: Any) -> Any:
    """An ``ILogger`` that writes to the log of ``export.engines``."""

    class Logger(trt.ILogger):  # type: ignore[misc]  # the base is known at run time alone
        def __init__(self) -> None:
            trt.ILogger.__init__(self)

        def log(self, severity: Any, msg: str) -> None:
            _log.log(LEVELS[severity.name], "TensorRT: %s", msg)

    return Logger()


@dataclass
class Messages:
    """Errors that TensorRT reported, from any thread."""

    lines: list[tuple[Any, str]] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, code: Any, text: str) -> None:
        """Keep one error."""
        with self._lock:
            self.lines.append((code, text))

    def clear(self) -> None:
        """Forget all."""
        with self._lock:
            self.lines.clear()

    def told(self) -> tuple[str, ...]:
        """One line an error."""
        with self._lock:
            return tuple(f"{code.name}: {text}" for code, text in self.lines)


def make_recorder(trt: Any, messages: Messages) -> Any:
    """An ``IErrorRecorder`` that keeps what is reported in ``messages``."""

    class Recorder(trt.IErrorRecorder):  # type: ignore[misc]
        def __init__(self) -> None:
            trt.IErrorRecorder.__init__(self)

        def report_error(self, code: Any, description: str) -> bool:
            messages.add(code, description)
            return True

        def get_error_code(self, index: int) -> Any:
            return messages.lines[index][0]

        def get_error_desc(self, index: int) -> str:
            return messages.lines[index][1]

        def num_errors(self) -> int:
            return len(messages.lines)

        # The bindings document `num_errors`, and call this one.
        get_num_errors = num_errors

        def has_overflowed(self) -> bool:
            return False

        def clear(self) -> None:
            messages.clear()

    return Recorder()
