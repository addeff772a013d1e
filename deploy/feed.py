"""Feeds a Milvus: one process applies the catalogue's journal, and all servers search what it wrote."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import suppress

from catalogue.database import Journal
from catalogue.errors import CatalogueError, JournalTrimmed
from deploy.events import logger
from ensemble.errors import EnsembleError, WrongCatalogue
from ensemble.index.milvus import AnotherFeeder, MilvusEmpty, MilvusIndex, Stopped
from ensemble.index.milvus.lease import BEAT_S, Lease

LOOK_S = 1.0
FIRST_PAUSE_S = 0.1
LONGEST_PAUSE_S = 10.0
# So often one who runs once tries in trouble, before it gives up: about 13 s.
TRIES_ONCE = 8
# Changes are held in main memory; where there are more, the catalogue is read from end to end instead, in parts.
MOST_CHANGES = 1_000_000

# What passes by itself, or when someone mends it: the database or Milvus is away, a product cannot be taken.
_TROUBLE = (CatalogueError, EnsembleError, OSError)


class Feed:
    """Keeps a collection up with the catalogue.

    What cannot be applied is not skipped: the collection stays at its last state, the log says why once, and it is
    tried again, at the latest after 10 s. Nothing is lost meanwhile, since the journal has it.

    Args:
        index: What is fed; this process alone does so.
        journal: Of the collection's space and catalogue.
        fill: Fills an empty collection.
        beat_s: How often the right to feed is renewed, in seconds.
    """

    def __init__(
        self, index: MilvusIndex, journal: Journal, fill: Callable[[MilvusIndex], None], *, beat_s: float = BEAT_S
    ) -> None:
        self.index, self._journal, self._fill = index, journal, fill
        self._lease = Lease(index.states, beat_s=beat_s)
        self._beat_s = beat_s
        self._stopping = threading.Event()
        self._told: str | None = None
        self._begun = False

    def run(self, *, once: bool = False) -> bool:
        """Feed until ``stop``.

        Args:
            once: End as soon as the collection holds all that the journal had.

        Returns:
            Whether it ended by itself, which it does ``once``; False where it was stopped.

        Raises:
            AnotherFeeder: Another process feeds the collection.
            WrongCatalogue: The journal can never be followed from the state that the collection holds.
            CatalogueError, EnsembleError, OSError: ``once``, and the trouble does not pass.
        """
        try:
            self._lease.acquire()
        except Stopped:
            return False
        self._begun, self.index.turn = False, self._lease
        ended = threading.Event()
        beating = threading.Thread(target=self._beat, args=(ended,), name="lease", daemon=True)
        beating.start()
        try:
            return self._follow(once=once)
        except Stopped:
            return False
        finally:
            ended.set()
            beating.join()
            self._let_go()

    def stop(self) -> None:
        """End after the write under way; what it was a part of is done again by the next feeder."""
        self._stopping.set()
        self._lease.give_up()
        self._journal.nudge()

    def _follow(self, *, once: bool) -> bool:
        pause_s, tries = FIRST_PAUSE_S, 0
        while not self._stopping.is_set():
            trouble = self._step()
            tries += 1
            if trouble is None:
                if once:
                    return True
                pause_s = FIRST_PAUSE_S
                self._journal.wait(LOOK_S)
            elif once and tries >= TRIES_ONCE:
                raise trouble
            else:
                self._stopping.wait(pause_s)
                pause_s = min(2 * pause_s, LONGEST_PAUSE_S)
        return False

    def _step(self) -> Exception | None:
        """Apply what is new; returns what was wrong, which was told."""
        try:
            self._advance()
        except (AnotherFeeder, Stopped, WrongCatalogue):
            raise
        except _TROUBLE as error:
            self._tell(str(error))
            return error
        self._tell(None)
        return None

    def _advance(self) -> None:
        self._lease.check()
        if not self._begun:
            self._begin()
        elif self.index.settle():
            logger.warning("another process wrote to the collection: fed again from %s", f"{self.index.seq:,}")
        head = self._journal.head()
        if head < self.index.seq:
            raise WrongCatalogue(
                f"the journal ends at {head:,}, before the collection, which holds {self.index.seq:,}: the catalogue "
                "was put back to an older state. Bring back the newer one, or fill another collection"
            )
        if head - self.index.seq > MOST_CHANGES:
            self._timed("filled anew, since there were too many changes", self._replace)
        try:
            self.index.apply(self._journal.changes(self.index.seq))
        except JournalTrimmed:
            self._timed("filled anew, since the journal was trimmed", self._replace)

    def _begin(self) -> None:
        """Look where the one before has ended: it may have gone on until the right to feed was got."""
        with suppress(MilvusEmpty):
            self.index.refresh()
        if not self.index.state.filled:
            self._timed("filled", lambda: self._fill(self.index))
        self._begun = True

    def _replace(self) -> None:
        with self._journal.everything() as everything:
            self.index.replace(everything.changes, seq=everything.seq, kinds=everything.kinds)

    def _timed(self, what: str, fill: Callable[[], None]) -> None:
        begun = time.monotonic()
        fill()
        seconds = time.monotonic() - begun
        logger.info("%s at %s: %s products in %.1f s", what, f"{self.index.seq:,}", f"{self.index.live:,}", seconds)

    def _beat(self, ended: threading.Event) -> None:
        while not ended.wait(self._beat_s):
            try:
                self._lease.renew()
            except AnotherFeeder:  # the next write finds it out too
                self._journal.nudge()
                return
            except _TROUBLE:  # the step tells what is wrong with Milvus
                continue

    def _let_go(self) -> None:
        try:
            self._lease.release()
        except EnsembleError as error:
            logger.warning("the collection could not be let go of, so the next feeder waits for a while: %s", error)

    def _tell(self, trouble: str | None) -> None:
        if trouble is None and self._told is not None:
            logger.info("fed again, from %s", f"{self.index.seq:,}")
        if trouble is not None and self._told is None:
            logger.warning("cannot be fed, and stays at %s: %s", f"{self.index.seq:,}", trouble)
        self._told = trouble
