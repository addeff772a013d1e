"""Opens newer snapshots in a thread beside the index that is searched, and brings them up to date.

Where that index is broken, the newest one is opened, be it newer or not.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import closing, suppress

from ensemble.errors import InvalidInput
from ensemble.index.changes import Journal
from ensemble.index.gpu.releasing import release
from ensemble.index.index import Index
from ensemble.index.snapshots import Snapshots

log = logging.getLogger(__name__)

# Fewer changes than this are left to the one who follows: they take it some milliseconds.
FEW = 256
MOST_ROUNDS = 20
AGAIN_S = 60


class Adoption:
    """Looks for a snapshot newer than the one in use.

    Args:
        snapshots: Where they appear.
        seq: The sequence number of the snapshot in use.
        another: Opens a journal for the thread; None to leave all changes to the one who follows.
        look_s: How often to look, in seconds.
        make_ready: Called with an index that is to be used.
    """

    def __init__(
        self,
        snapshots: Snapshots,
        seq: int,
        another: Callable[[], Journal] | None,
        *,
        look_s: float,
        make_ready: Callable[[Index], None] | None = None,
    ) -> None:
        self._snapshots, self._seq, self._another, self._look_s = snapshots, seq, another, look_s
        self._make_ready = make_ready
        self._next_look = time.monotonic() + look_s
        self._thread: threading.Thread | None = None
        self._opened: Index | None = None
        self._opening = 0

    def candidate(self, current: Index) -> Index | None:
        """A snapshot that is open, or None; begins to open one where it is time to."""
        if self._thread is not None and self._thread.is_alive():
            return None
        if self._opened is None and time.monotonic() >= self._next_look:
            self._next_look = time.monotonic() + self._look_s
            newer = self._snapshots.newer(self._seq)
            if newer is not None or current.is_broken:
                self._thread = threading.Thread(target=self._open, args=(newer, current), name="adoption", daemon=True)
                self._thread.start()
            return None
        return self._opened

    def done(self) -> None:
        """Note that the candidate is in use."""
        self._seq, self._opened, self._thread = self._opening, None, None

    def drop(self) -> None:
        """Give the candidate up, and look again in a while: another snapshot may be there by then."""
        self._opened, self._next_look = None, time.monotonic() + AGAIN_S

    def _open(self, newer: int | None, current: Index) -> None:
        """Open a newer snapshot, or the newest again."""
        space_id, catalogue_id = current.space_id, current.catalogue_id
        try:
            engine = current.choice_again
            if newer is None:
                index: Index | None = self._snapshots.newest(space_id, catalogue_id=catalogue_id, engine=engine)
            else:
                index = self._snapshots.at(newer, space_id, catalogue_id=catalogue_id, engine=engine)
            if index is None:
                return
            self._opening = index.seq
            if self._another is not None:
                _replay(index, self._another)
            _warm(index, current.terms.texts(), current.terms.scores())
            if self._make_ready is not None:
                self._make_ready(index)
        except Exception:
            log.exception("a snapshot cannot be opened; tried again in %d s", AGAIN_S)
            self.drop()
        else:
            self._opened = index
            return
        # Not within `except`: until its end the error holds what was made on a GPU.
        index = None
        release()


def _replay(index: Index, another: Callable[[], Journal]) -> None:
    """Come close to the journal's end, as far as it can be read; new entries arrive meanwhile."""
    try:
        with closing(another()) as journal:
            for _ in range(MOST_ROUNDS):
                changes = journal.changes(index.seq)
                index.apply(changes)
                if len(changes.changes) <= FEW:
                    return
    except Exception as error:
        log.warning("a snapshot is at %d: it cannot be brought further: %s", index.seq, error)


def _warm(index: Index, filters: Iterable[bytes], scores: Iterable[bytes]) -> None:
    """Evaluate the filters and the business scores in use, so that no search pays for them."""
    with index.reading() as state:
        for evaluate, texts in ((state.passing, filters), (state.boost, scores)):
            for text in texts:
                with suppress(InvalidInput):
                    evaluate(text)
