"""Keeps an index up with its catalogue: applies the journal, and moves to newer snapshots."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial

from ensemble.errors import WrongCatalogue
from ensemble.index.adoption import Adoption
from ensemble.index.changes import Journal
from ensemble.index.gpu.releasing import release
from ensemble.index.index import Index
from ensemble.index.snapshots import Snapshots

log = logging.getLogger(__name__)

# How long the follower sleeps where nothing happens, which is also how often it looks for a newer snapshot.
LOOK_S = 1.0
FIRST_PAUSE_S = 0.02
LONGEST_PAUSE_S = 1.0
# A nudge that came just before the follower began to wait may be lost: it is given again.
NUDGE_AGAIN_S = 0.02
# How long to wait for a sequence number that the journal does not have: another writer may be about to commit it.
BEYOND_S = 0.5
STOP_S = 10.0


class Follower:
    """A thread that follows the journal for one index.

    What it cannot apply it does not skip: while the catalogue is out of reach, or its changes are refused, the index
    stays at the last good state and goes on answering from it; ``trouble`` says why, the log says it once, and the
    follower tries again at least every second. An index that broke is replaced by the newest snapshot and the journal.

    Args:
        index: Where to begin.
        journal: What to follow; closed by ``stop``.
        snapshots: Where newer snapshots appear; None for nowhere.
        another: Opens a second journal of the same catalogue, from which a newer snapshot is brought up to date while
            the first goes on being followed; None to do both with the first, one after the other.
        fatal: What the journal raises where it can never be followed.
        look_s: How often to look for newer snapshots, in seconds.
        make_ready: Called with an index before it is searched in place of another, in a thread beside the searches.
    """

    def __init__(
        self,
        index: Index,
        journal: Journal,
        snapshots: Snapshots | None = None,
        *,
        another: Callable[[], Journal] | None = None,
        fatal: tuple[type[Exception], ...] = (),
        look_s: float = LOOK_S,
        make_ready: Callable[[Index], None] | None = None,
    ) -> None:
        self.index, self.journal = index, journal
        self.trouble: str | None = None
        self._put_back: WrongCatalogue | None = None
        self._fatal, self._look_s = fatal, look_s
        adoption = partial(Adoption, look_s=look_s, make_ready=make_ready)
        self._adoption = None if snapshots is None else adoption(snapshots, index.seq, another)
        self._begun, self._ended = 0, 0
        self._held_at = time.monotonic()
        self._progress = threading.Condition()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._follow, name="follower", daemon=True)

    @property
    def behind_s(self) -> float:
        """Age of the last look at the journal that the index holds all of, in seconds: older changes can be found.

        Where nothing happens it is little more than ``look_s``. Until the first good look it is the follower's own age.
        """
        return time.monotonic() - self._held_at

    def start(self) -> None:
        """Apply what there is, then go on in a thread. Where the catalogue is out of reach, only the latter.

        Raises:
            WrongCatalogue: The journal is of another catalogue, or ends before the index.
        """
        try:
            self._check()
        except WrongCatalogue:
            self.journal.close()
            raise
        self._advance()
        self._thread.start()

    def stop(self) -> None:
        """End the thread and close the journal; once is enough."""
        if self._stopping.is_set():
            return
        self._stopping.set()
        self.journal.nudge()
        if self._thread.ident is not None:
            self._thread.join(STOP_S)
        if not self._thread.is_alive():
            self.journal.close()

    def catch_up(self, seq: int, timeout_s: float) -> bool:
        """Wait until the index holds a sequence number.

        It ends early where the journal cannot be followed at the moment. A number that the journal does not have yet is
        waited for no longer than ``BEYOND_S``: one that nobody was given would hold up all searches.

        Args:
            seq: The number.
            timeout_s: The longest wait.

        Returns:
            Whether the index holds it.
        """
        called = time.monotonic()
        with self._progress:
            begun = self._begun
            while self.index.seq < seq and self.trouble is None:
                # Read from end to end since the call, the journal does not have it.
                longest_s = min(timeout_s, BEYOND_S) if self._ended > begun else timeout_s
                left = called + longest_s - time.monotonic()
                if left <= 0:
                    break
                self.journal.nudge()
                self._progress.wait(min(left, NUDGE_AGAIN_S))
        return self.index.seq >= seq

    def look(self, timeout_s: float) -> bool:
        """Wait until the journal was read from end to end: the index holds all that was written before the call.

        It takes some milliseconds, and ends early where the journal cannot be followed at the moment.

        Args:
            timeout_s: The longest wait.

        Returns:
            Whether it was read in time.
        """
        called = time.monotonic()
        with self._progress:
            begun = self._begun
            while self._ended <= begun and self.trouble is None and (left := called + timeout_s - time.monotonic()) > 0:
                self.journal.nudge()
                self._progress.wait(min(left, NUDGE_AGAIN_S))
            return self._ended > begun and self.trouble is None

    def _check(self) -> None:
        mine, theirs = self.index.catalogue_id, self.journal.catalogue_id
        if theirs not in (None, mine):
            raise WrongCatalogue(f"the journal is of catalogue {theirs!r}, the index of {mine!r}; make a new release")
        try:
            head = self.journal.head()
        except self._fatal as error:
            raise WrongCatalogue(f"the catalogue cannot be followed: {error}") from error
        except Exception as error:
            self._tell(error)
            return
        if head < self.index.seq:
            raise _older(head, self.index.seq)

    def _follow(self) -> None:
        pause_s = FIRST_PAUSE_S
        while not self._stopping.is_set():
            good = self._advance()
            if self._adoption is not None:
                self._look(self._adoption)
            if good:
                pause_s = FIRST_PAUSE_S
                with suppress(Exception):  # the next read tells what is wrong
                    self.journal.wait(self._look_s)
            else:
                self._stopping.wait(pause_s)
                pause_s = min(2 * pause_s, LONGEST_PAUSE_S)

    def _advance(self) -> bool:
        looked_at = time.monotonic()
        with self._progress:
            self._begun += 1
        try:
            if self._put_back is None:
                self.index.apply(self.journal.changes(self.index.seq))
        except Exception as error:
            self._look_back()
            self._tell(self._put_back or error)
        else:
            self._tell(self._put_back)
            if self._put_back is None:
                self._held_at = looked_at
        with self._progress:
            self._ended = self._begun
            self._progress.notify_all()
        return self.trouble is None

    def _look_back(self) -> None:
        """Note a catalogue that was put back: once its new entries have the old numbers, nobody could tell."""
        with suppress(Exception):  # out of reach: it tells at another time
            head = self.journal.head()
            if head < self.index.seq:
                self._put_back = _older(head, self.index.seq)

    def _look(self, adoption: Adoption) -> None:
        try:
            index = adoption.candidate(self.index)
            if index is not None:
                self._adopt(index, adoption)
        except Exception:  # as where no thread can be started: the journal is followed on
            log.exception("no newer snapshot can be looked for now")
            adoption.drop()

    def _adopt(self, index: Index, adoption: Adoption) -> None:
        """Move to another snapshot, if it can be brought to hold at least what the present index does."""
        with suppress(Exception):  # ``_advance`` tells what is wrong with the journal
            index.apply(self.journal.changes(index.seq))
        if index.is_broken or index.seq < self.index.seq:
            log.warning("a snapshot is given up at %d: the index in use holds %d", index.seq, self.index.seq)
            adoption.drop()
            return
        was_on_gpu = self.index.on_gpu
        with self._progress:
            self.index = index
            self._progress.notify_all()
        adoption.done()
        if was_on_gpu:
            release()
        log.info("moved to another snapshot, with the journal up to %d", index.seq)

    def _tell(self, error: Exception | None) -> None:
        if error is None and self.trouble is not None:
            log.info("the catalogue is followed again, from %d", self.index.seq)
        if error is not None and self.trouble is None:
            log.warning("the catalogue cannot be followed; answers stay at %d: %s", self.index.seq, error)
        self.trouble = None if error is None else str(error)


def _older(head: int, seq: int) -> WrongCatalogue:
    return WrongCatalogue(
        f"the journal ends at {head}, before the index, which holds {seq}: the catalogue was put back to an older "
        "state; make a new release of it"
    )
