"""Who feeds a collection: one process at a time.

Milvus has no locks. The one who feeds counts up in the state collection; who wants to feed waits, to see whether that
goes on. So no clocks are compared. Two that begin in the same instant may both see nobody: each looks again after it
wrote its name, and the one whose name is not there gives up.
"""

from __future__ import annotations

import json
import logging
import math
import threading
import time
import uuid
from dataclasses import asdict, dataclass, replace

from ensemble.index.milvus.errors import AnotherFeeder, Stopped
from ensemble.index.milvus.state import States

log = logging.getLogger(__name__)

BEAT_S = 5.0
# So many beats must be missing before another process takes over.
PATIENCE = 3
_KEY = "feeder"


@dataclass(frozen=True)
class Beat:
    """What the feeder writes.

    Args:
        holder: Its name; empty where it ended by itself.
        count: One more each time.
    """

    holder: str
    count: int = 0


class Lease:
    """The right to feed one collection: the ``Turn`` of its holder.

    Args:
        states: Beside the products.
        beat_s: How often it is renewed, in seconds.
    """

    def __init__(self, states: States, *, beat_s: float = BEAT_S) -> None:
        self._states, self._beat_s = states, beat_s
        self._mine = Beat(uuid.uuid4().hex)
        self._renewed = -math.inf
        self._ending = threading.Event()

    @property
    def holder(self) -> str:
        """The name of this process."""
        return self._mine.holder

    @property
    def is_fresh(self) -> bool:
        """Whether nobody else can have taken it yet."""
        return time.monotonic() - self._renewed < self._beat_s * (PATIENCE - 1)

    def acquire(self) -> None:
        """Take it, as soon as nobody else holds it.

        Raises:
            AnotherFeeder: Somebody does, and lives.
            Stopped: ``give_up`` was called while it waited.
            MilvusAway: Milvus does not answer.
        """
        held = self._read()
        patience_s = PATIENCE * self._beat_s
        if held.holder and held.holder != self._mine.holder:
            log.info("another process feeds the collection, or was killed: that takes up to %g s to see", patience_s)
        until = time.monotonic() + patience_s
        while held.holder and held.holder != self._mine.holder and time.monotonic() < until:
            if self._ending.wait(self._beat_s / 4):
                raise Stopped("ended before the collection could be taken over")
            if self._read() != held:
                raise _another()
        self._write(replace(self._mine, count=held.count + 1))
        self._ending.wait(self._beat_s / 10)
        self._check()

    def renew(self) -> None:
        """Say that this process goes on.

        Raises:
            AnotherFeeder: Another one took over meanwhile.
            MilvusAway: Milvus does not answer.
        """
        self._check()
        self._write(replace(self._mine, count=self._mine.count + 1))

    def check(self) -> None:
        """See ``Turn.check``: renews it where another process may have taken it meanwhile."""
        if self._ending.is_set():
            raise Stopped("the feeder was asked to end")
        if not self.is_fresh:
            self.renew()

    def pause(self, seconds: float) -> None:
        """See ``Turn.pause``."""
        self._ending.wait(seconds)

    def release(self) -> None:
        """Let go of it, so that the next one need not wait.

        Raises:
            MilvusAway: Milvus does not answer: the next one waits.
        """
        if self._read().holder == self._mine.holder:
            self._write(Beat("", self._mine.count + 1))

    def give_up(self) -> None:
        """Let an ``acquire`` in another thread end, or the write after the one that it makes."""
        self._ending.set()

    def _check(self) -> None:
        if self._read().holder != self._mine.holder:
            self._renewed = -math.inf
            raise _another()

    def _read(self) -> Beat:
        text = self._states.text(_KEY)
        return Beat("") if text is None else Beat(**json.loads(text))

    def _write(self, beat: Beat) -> None:
        begun = time.monotonic()
        self._states.put(_KEY, json.dumps(asdict(beat)))
        if beat.holder:
            self._mine, self._renewed = beat, begun


def _another() -> AnotherFeeder:
    return AnotherFeeder("another process feeds this collection; one is enough, and two would undo each other's work")
