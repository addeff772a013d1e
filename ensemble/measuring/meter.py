"""What a model holds to measure itself: a board, and the thread that tells Triton."""

from __future__ import annotations

import atexit
import logging
import os
import threading
import time
from collections.abc import Callable, Collection, Mapping
from typing import Any

from ensemble.measuring.board import Board, buckets
from ensemble.measuring.families import REPORTED, Family
from ensemble.measuring.told import Told

log = logging.getLogger(__name__)

REPORT_S = 1.0
_STOP_S = 5.0


class Meter:
    """Measures one process of a model, until it is closed.

    Nothing that goes wrong here reaches a request: the log tells it once.

    Args:
        pb_utils: Triton's module.
        args: What Triton hands to ``initialize``.
        board: What requests add to; None for a new one.
        look: Called before each report, to put on the board what is not told by requests.
        histograms: Shown from the start.
        report_s: Time between two reports.

    Attributes:
        board: What requests add to.
    """

    def __init__(
        self,
        pb_utils: Any,
        args: Mapping[str, str],
        *,
        board: Board | None = None,
        look: Callable[[Board], None] | None = None,
        histograms: Collection[Family] = (),
        report_s: float = REPORT_S,
    ) -> None:
        self.board = Board() if board is None else board
        self._look, self._report_s, self._troubled = look, report_s, False
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        if not hasattr(pb_utils, "MetricFamily"):
            return
        labels = {"model": args["model_name"], "release": args["model_version"], "process": str(os.getpid())}
        self._told, self._known = Told(pb_utils, labels), [each for one in histograms for each in buckets(one)]
        self._thread = threading.Thread(target=self._report, name="meter", daemon=True)
        self._thread.start()
        # Of a model that is never closed: an interpreter that ends must not find the thread in the middle of a message.
        atexit.register(self._stop)

    def close(self) -> None:
        """Tell what is left, and have the server forget this process; once is enough."""
        if self._stop():
            self._tell(self._report_once)
            self._tell(self._told.close)

    def _stop(self) -> bool:
        """End the thread; whether that was still to be done, and the server can be told more."""
        atexit.unregister(self._stop)
        if self._thread is None:
            return False
        thread, self._thread = self._thread, None
        self._stopping.set()
        thread.join(_STOP_S)
        return not thread.is_alive()

    def _report(self) -> None:
        self._tell(lambda: self._told.know(self._known))
        while True:
            self._tell(self._report_once)
            if self._stopping.wait(self._report_s):
                return

    def _report_once(self) -> None:
        if self._look is not None:
            self._look(self.board)
        counters, gauges = self.board.take()
        try:
            while counters:
                series, amount = next(iter(counters.items()))
                self._told.increment(series, amount)
                del counters[series]
            while gauges:
                family, value = next(iter(gauges.items()))
                self._told.set(family, value)
                del gauges[family]
        finally:
            self.board.put_back(counters, gauges)
        self._told.set(REPORTED, time.time())

    def _tell(self, step: Callable[[], None]) -> None:
        try:
            step()
        except Exception:
            if not self._troubled:
                log.exception("what this model measures cannot be told; going on")
            self._troubled = True
