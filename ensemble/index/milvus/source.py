"""A Milvus as the source that retrieval takes its index from."""

from __future__ import annotations

import logging
import threading
import time

from ensemble.index.milvus.index import MilvusIndex

log = logging.getLogger(__name__)

LOOK_S = 0.5
# Between two looks of one who waits for a sequence number.
WAIT_S = 0.02
STOP_S = 10.0


class MilvusSource:
    """Looks how far the feeder has come; it changes nothing.

    While Milvus is away, ``trouble`` says so, and the log says it once; searches fail until it is back.

    Args:
        index: Of the Milvus.
        look_s: How often to look, in seconds.
    """

    def __init__(self, index: MilvusIndex, *, look_s: float = LOOK_S) -> None:
        self.index = index
        self.trouble: str | None = None
        self._look_s = look_s
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._follow, name="milvus", daemon=True)

    def start(self) -> None:
        """Begin to look, in a thread."""
        self._thread.start()

    def stop(self) -> None:
        """End the thread, and close the connection."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(STOP_S)
        self.index.close()

    def catch_up(self, seq: int, timeout_s: float) -> bool:
        """See ``IndexSource.catch_up``."""
        until = time.monotonic() + timeout_s
        while self.index.seq < seq and self.look() and time.monotonic() < until:
            if self.index.seq < seq:
                self._stopping.wait(min(WAIT_S, max(0.0, until - time.monotonic())))
        return self.index.seq >= seq

    def look(self) -> bool:
        """Look once; whether Milvus answered."""
        try:
            self.index.refresh()
        except Exception as error:
            if self.trouble is None:
                log.warning("Milvus cannot be followed at the moment: %s", error)
            self.trouble = str(error)
            return False
        if self.trouble is not None:
            log.info("Milvus is followed again, from %d", self.index.seq)
        self.trouble = None
        return True

    def _follow(self) -> None:
        while not self._stopping.wait(self._look_s):
            self.look()
