"""A Milvus as the source that retrieval takes its index from."""

from __future__ import annotations

import logging
import threading
import time

from ensemble.index.milvus.index import MilvusIndex

log = logging.getLogger(__name__)

LOOK_S = 0.5
# Between two looks while someone waits for a sequence number.
WAIT_S = 0.02
# How long to wait where nothing comes: for a number that nobody was given, or that the feeder is far from.
BEYOND_S = 0.5
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
        self._progress = threading.Condition()
        self._wanted = threading.Event()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._follow, name="milvus", daemon=True)

    def start(self) -> None:
        """Begin to look, in a thread."""
        self._thread.start()

    def stop(self) -> None:
        """End the thread, and close the connection."""
        self._stopping.set()
        self._wanted.set()
        if self._thread.is_alive():
            self._thread.join(STOP_S)
        self.index.close()

    def catch_up(self, seq: int, timeout_s: float) -> bool:
        """Wait until the collection holds a sequence number, as far as the thread sees.

        It ends early where Milvus cannot be followed at the moment, and where nothing came for ``BEYOND_S``: one who
        waits for what does not come would hold up all searches.

        Args:
            seq: The number.
            timeout_s: The longest wait, however slowly Milvus answers.

        Returns:
            Whether the collection holds it.
        """
        called = time.monotonic()
        with self._progress:
            seen, since = self.index.seq, called
            while self.index.seq < seq and self.trouble is None:
                now = time.monotonic()
                if self.index.seq > seen:
                    seen, since = self.index.seq, now
                left = min(called + timeout_s, since + BEYOND_S) - now
                if left <= 0:
                    break
                self._wanted.set()
                self._progress.wait(min(left, WAIT_S))
        return self.index.seq >= seq

    def look(self) -> bool:
        """Look once; whether Milvus answered. Who waits is told."""
        before = self.index.seq, self.trouble
        answered = self._look()
        if (self.index.seq, self.trouble) != before:  # only then: who is told asks for another look at once
            with self._progress:
                self._progress.notify_all()
        return answered

    def _look(self) -> bool:
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
        while not self._stopping.is_set():
            self._wanted.clear()
            self.look()
            self._wanted.wait(self._look_s)
