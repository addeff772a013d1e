"""Waits until an index is fresh enough for a request, and judges each request of a batch by itself."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from ensemble.errors import Behind
from ensemble.index import Follower, IndexSource

MAX_WAIT_S = 2.0
# All searches of a batch, and those behind it, wait with the one that asks for a number: after a wait in vain the next
# are this short until the index moves, and for a second where it moved by less than what is still missing.
STUCK_WAIT_S = 0.05
STUCK_FOR_S = 1.0

# Who asks for a product that is not there may have written it just now: the journal is read once more, which takes some
# milliseconds. Where it takes longer than this, as while a database stands still, nobody waits for it for a second.
# And all searches behind it wait meanwhile: there is one such look in 50 ms.
GLANCE_S = 0.5
GLANCE_EVERY_S = 0.05
GLANCE_AGAIN_S = 1.0

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")


class Patience:
    """Waits for an index to come to sequence numbers.

    Args:
        source: Tells which index to search.
        max_wait_s: The longest wait, in seconds.
    """

    def __init__(self, source: IndexSource, *, max_wait_s: float = MAX_WAIT_S) -> None:
        self._source, self._max_wait_s = source, max_wait_s
        self._vain_seq: int | None = None
        self._vain_at = -math.inf

    def wait(self, min_seq: int) -> float:
        """Let the index come to a sequence number; the seconds that it took."""
        seq = self._source.index.seq
        if min_seq <= seq:
            return 0.0
        begun = time.monotonic()
        is_short = self._is_vain(min_seq, seq, begun)
        longest_s = min(self._max_wait_s, STUCK_WAIT_S) if is_short else self._max_wait_s
        if not self._source.catch_up(min_seq, longest_s) and not is_short:
            self._vain_seq, self._vain_at = self._source.index.seq, time.monotonic()
        return time.monotonic() - begun

    def behind(self, min_seq: int, seq: int, waited_s: float) -> Behind:
        """What a request is told that wants more than an index holds."""
        return Behind(
            f"MIN_SEQ: {min_seq} is wanted, this replica has applied {seq} after {waited_s:.1f} s; {self._why_behind()}"
        )

    def _is_vain(self, min_seq: int, seq: int, now_s: float) -> bool:
        """Whether a long wait is not worth it, as the last one was in vain."""
        if self._vain_seq is None:
            return False
        moved = seq - self._vain_seq
        return moved <= 0 or (min_seq - seq > moved and now_s - self._vain_at < STUCK_FOR_S)

    def _why_behind(self) -> str:
        if self._source.trouble is not None:
            return "the catalogue cannot be followed at the moment, so ask again later"
        return "ask again, with a number that a write was acknowledged with"


class Glance:
    """Looks once what the catalogue has by now, for what an index does not hold.

    Args:
        source: Tells which index to search.
    """

    def __init__(self, source: IndexSource) -> None:
        self._source = source
        self._again_at = -math.inf

    def wait(self) -> None:
        """Let the index come to all that was written so far, where it follows a catalogue, and no look was just now."""
        if not isinstance(self._source, Follower) or time.monotonic() < self._again_at:
            return
        pause_s = GLANCE_EVERY_S if self._source.look(GLANCE_S) else GLANCE_AGAIN_S
        self._again_at = time.monotonic() + pause_s


def result_of(
    make: Callable[Arguments, Result], *arguments: Arguments.args, **more: Arguments.kwargs
) -> Result | Exception:
    """What a call gives, or why it failed: each request of a batch succeeds or fails alone."""
    try:
        return make(*arguments, **more)
    except Exception as error:
        return error
