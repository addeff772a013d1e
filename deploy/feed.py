"""Feeds a Milvus: one process applies the catalogue's journal, and all servers search what it wrote."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from catalogue.database import Journal
from catalogue.errors import CatalogueError, JournalTrimmed
from deploy.events import logger
from ensemble.errors import EnsembleError, WrongCatalogue
from ensemble.index.milvus import AnotherFeeder, MilvusIndex
from ensemble.index.milvus.lease import BEAT_S, Lease

LOOK_S = 1.0
FIRST_PAUSE_S = 0.1
LONGEST_PAUSE_S = 10.0

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
        self._lost: AnotherFeeder | None = None
        self._told: str | None = None
        self._begun = False

    def run(self, *, once: bool = False) -> None:
        """Feed until ``stop``.

        Args:
            once: End as soon as the collection holds all that the journal had.

        Raises:
            AnotherFeeder: Another process feeds the collection.
            WrongCatalogue: The journal can never be followed from the state that the collection holds.
        """
        self._lease.acquire()
        self._begun = False
        ended = threading.Event()
        beating = threading.Thread(target=self._beat, args=(ended,), name="lease", daemon=True)
        beating.start()
        try:
            self._follow(once=once)
        finally:
            ended.set()
            beating.join()
            self._let_go()

    def stop(self) -> None:
        """End after the step under way."""
        self._stopping.set()
        self._lease.give_up()
        self._journal.nudge()

    def _follow(self, *, once: bool) -> None:
        pause_s = FIRST_PAUSE_S
        while not self._stopping.is_set():
            if self._step():
                if once:
                    return
                pause_s = FIRST_PAUSE_S
                self._journal.wait(LOOK_S)
            else:
                self._stopping.wait(pause_s)
                pause_s = min(2 * pause_s, LONGEST_PAUSE_S)

    def _step(self) -> bool:
        """Apply what is new; whether that went well. If not, it was told."""
        try:
            self._advance()
        except (AnotherFeeder, WrongCatalogue):
            raise
        except _TROUBLE as error:
            self._tell(str(error))
            return False
        self._tell(None)
        return True

    def _advance(self) -> None:
        self._keep_lease()
        if not self._begun:
            self._begin()
        head = self._journal.head()
        if head < self.index.seq:
            raise WrongCatalogue(
                f"the journal ends at {head:,}, before the collection, which holds {self.index.seq:,}: the catalogue "
                "was put back to an older state. Bring back the newer one, or fill another collection"
            )
        try:
            self.index.apply(self._journal.changes(self.index.seq))
        except JournalTrimmed:
            self._timed("filled anew, since the journal was trimmed", self._replace)

    def _begin(self) -> None:
        """Look where the one before has ended: it may have gone on until the right to feed was got."""
        if self.index.is_filled:
            self.index.refresh()
        else:
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

    def _keep_lease(self) -> None:
        if self._lost is not None:
            raise self._lost
        if not self._lease.is_fresh:  # Milvus was away for long: another one may have begun meanwhile
            self._lease.renew()

    def _beat(self, ended: threading.Event) -> None:
        while not ended.wait(self._beat_s):
            try:
                self._lease.renew()
            except AnotherFeeder as error:
                self._lost = error
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
