"""How far the embedding has come, and whom it leaves out for now; it outlives lost connections."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from catalogue.database import Stored

RETRY_S = 300.0
LONGEST_RETRY_S = 6 * 3600.0
# A server may have troubles of its own: only so many in a row are held against what was sent.
PATIENCE = 3


@dataclass(frozen=True)
class _PutOff:
    """A product that is left out for a while.

    Args:
        content: Its content; another one is tried at once.
        until: When it is tried again.
        pause_s: How long it is left out.
        alone: Whether it must not take others with it when it is tried again.
    """

    content: int
    until: float
    pause_s: float
    alone: bool


class Progress:
    """Where the embedding of one space stands.

    Args:
        batch: Products a request, at most.
        clock: Seconds, monotonic.
    """

    def __init__(self, batch: int, clock: Callable[[], float] = time.monotonic) -> None:
        self.clock = clock
        self.limit = self._batch = batch
        self.release: int | None = None
        self.after, self.seen = 0, -1
        self.count, self.since = 0, 0.0
        self._told: dict[str, int] = {}
        self._put_off: dict[str, _PutOff] = {}
        self._again_at, self._failures = math.inf, 0

    def turn_to(self, release: int) -> None:
        """Begin anew where it is another release, and look at everything again where that is due."""
        if release != self.release:
            self.release = release
            self._told.clear()
            self._put_off.clear()
        elif self.clock() < self._again_at:
            return
        self.after, self.seen = 0, -1
        waiting = [one.until for one in self._put_off.values() if one.until > self.clock()]
        self._again_at = min(waiting, default=math.inf)

    def is_news(self, product_id: str, content: int) -> bool:
        """Whether nothing was told of this content yet; from now on something was."""
        known = self._told.get(product_id) == content
        self._told[product_id] = content
        return not known

    def choose(self, found: Sequence[Stored]) -> tuple[list[Stored], int]:
        """Those to send now, and the content up to which all have had their turn then."""
        chosen: list[Stored] = []
        upto = self.after
        for stored in found:
            known = self._known(stored)
            if known is not None and known.alone and known.until <= self.clock():
                return (chosen, upto) if chosen else ([stored], stored.content)
            if known is None or known.until <= self.clock():
                chosen.append(stored)
            upto = stored.content
        return chosen, upto

    def put_off(self, stored: Stored, *, alone: bool = False) -> None:
        """Leave a product out for a while, each time for longer."""
        known = self._known(stored)
        pause = RETRY_S if known is None else min(2 * known.pause_s, LONGEST_RETRY_S)
        self._put_off[stored.product.id] = _PutOff(stored.content, self.clock() + pause, pause, alone)
        self.again_in(pause)

    def again_in(self, pause_s: float) -> None:
        """Look at everything again after so many seconds, at the latest."""
        self._again_at = min(self._again_at, self.clock() + pause_s)

    def succeeded(self) -> None:
        """Note that the server had an answer: step by step it is sent as much as before.

        Until it is, the product at fault may be ahead still: the next failure is held against what was sent.
        """
        self.limit = min(self._batch, 2 * self.limit)
        self._failures = 0 if self.limit == self._batch else PATIENCE - 1

    def failed(self, sent: Sequence[Stored]) -> Stored | None:
        """Note that the server broke over some products.

        Returns:
            The one at fault, once that is clear. Until then fewer and fewer are sent.
        """
        self._failures += 1
        alone = sent[0] if len(sent) == 1 else None
        if alone is not None and (self._failures >= PATIENCE or self._known(alone) is not None):
            self._failures = 0
            return alone
        if self._failures >= PATIENCE:
            self.limit = max(1, len(sent) // 2)
        return None

    def _known(self, stored: Stored) -> _PutOff | None:
        known = self._put_off.get(stored.product.id)
        return known if known is not None and known.content == stored.content else None
