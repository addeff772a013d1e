"""The keeper's jobs, each in a thread of its own: a long snapshot does not hold up new products."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from catalogue.database import Database
from catalogue.errors import CatalogueError
from clients.errors import TandemError
from deploy.errors import DeployError, KeeperBroken, ServerAway
from deploy.events import Event, EventLog, logger
from deploy.keep.embedding import Embedding
from deploy.keep.indexes import OpenIndex, recommended_index, searched_index
from deploy.keep.options import KeepOptions
from deploy.keep.progress import Progress
from deploy.keep.served import ServedEncoder, Space, server_of
from deploy.keep.snapshots import Snapshotting
from deploy.living import Living
from deploy.store import find_release
from ensemble.errors import ChangesRefused, EnsembleError, SnapshotFailed, WrongCatalogue

_LONGEST_PAUSE_S = 30.0
_ASK_S = 30.0

# What passes by itself, or when someone mends it: the database or the server is away, a disk is full.
TROUBLE = (CatalogueError, TandemError, DeployError, EnsembleError, OSError)

Step = Callable[[], bool]
Job = Callable[[], contextlib.AbstractContextManager[Step]]


class Keeper:
    """Keeps the snapshots of one store new, and its catalogue embedded.

    Args:
        store: The store.
        living: Its catalogue and the folder of its snapshots.
        server: ``grpc://host:port`` of the server; None for the one that says it serves the store.
        options: How often.
    """

    def __init__(self, store: Path, living: Living, server: str | None, options: KeepOptions) -> None:
        self._store, self._living, self._server, self._options = store.resolve(), living, server, options
        self._events = EventLog(self._store / "run" / "events.jsonl")
        self._progress = Progress(options.batch)
        self._stop = threading.Event()
        self._broken: str | None = None
        self._space: Space | None = None
        self._ask_again = 0.0

    def stop(self) -> None:
        """Have ``run`` return soon. May be called from a signal handler."""
        self._stop.set()

    def run(self) -> None:
        """Work until ``stop``; troubles are told once and waited out.

        Raises:
            KeeperBroken: A job ended unasked. The others were stopped too: who starts it again gets all.
        """
        threads = [threading.Thread(target=self._live, args=(job,)) for job in (*self._writers, self._embeddings)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if self._broken is not None:
            raise KeeperBroken(self._broken)

    def once(self) -> list[Event]:
        """Embed what can be embedded, then write snapshots if they are wanted and enough changed.

        Returns:
            What came of it.

        Raises:
            CatalogueError: The database is away.
            TandemError: The server went away.
            DeployError: So, or there is no release.
            EnsembleError: A file of the release is damaged, or the snapshot could not be written.
        """
        try:
            self._finish(self._embeddings)
        except ServerAway as error:
            logger.warning("nothing is embedded: %s", error)
        for job in self._writers:
            if not self._stop.is_set():
                self._finish(job)
        return self._events.all()

    @property
    def _writers(self) -> tuple[Job, ...]:
        """The jobs that write snapshots: of the index that is searched only where they are wanted."""
        searched = (self._snapshots,) if self._options.snapshots else ()
        return (*searched, self._recommender_snapshots)

    def _finish(self, job: Job) -> None:
        with job() as step:
            while step() and not self._stop.is_set():
                pass

    def _live(self, job: Job) -> None:
        try:
            self._every(job)
        except BaseException as error:
            logger.critical("a thread of the keeper ended", exc_info=error)
            self._broken = f"a thread of the keeper ended: {type(error).__name__}: {error}"
        finally:
            self._stop.set()

    def _every(self, job: Job) -> None:
        pause, told = self._options.poll_s, ""
        while not self._stop.is_set():  # whatever a step raises: nobody would miss a thread that ended
            try:
                with job() as step:
                    while not self._stop.wait(self._take(step)):
                        pause, told = self._options.poll_s, ""
            except Exception as error:
                if repr(error) != told:
                    self._tell(job, error)
                pause, told = min(2 * pause, _LONGEST_PAUSE_S), repr(error)
                self._stop.wait(pause)

    def _take(self, step: Step) -> float:
        """Take a step; seconds until the next, which leave half of the encoders' time to searches."""
        started = time.monotonic()
        more = step()
        return time.monotonic() - started if more else self._options.poll_s

    def _tell(self, job: Job, error: Exception) -> None:
        is_trouble = isinstance(error, TROUBLE)
        if not is_trouble:
            logger.error("a fault of the keeper's own; it goes on", exc_info=error)
        is_snapshot = job in self._writers and not is_trouble
        if is_snapshot or isinstance(error, SnapshotFailed | ChangesRefused | WrongCatalogue):
            self._events.add("snapshot_failed", f"no snapshot was written: {str(error) or repr(error)}")
        else:
            logger.warning("waiting, since %s", str(error) or repr(error))

    @contextlib.contextmanager
    def _embeddings(self) -> Iterator[Step]:
        with (
            contextlib.closing(ServedEncoder(self._server or server_of(self._store))) as encoder,
            contextlib.closing(Database.open(self._living.catalogue)) as database,
        ):
            models, batch = self._store / "models", self._options.batch
            yield Embedding(database, encoder, models, events=self._events, batch=batch, progress=self._progress).step

    @contextlib.contextmanager
    def _snapshots(self, open_index: OpenIndex = searched_index) -> Iterator[Step]:
        with contextlib.closing(
            Snapshotting(self._living, self._served_space, self._events, self._options, open_index=open_index)
        ) as snapshotting:
            yield snapshotting.step

    def _recommender_snapshots(self) -> contextlib.AbstractContextManager[Step]:
        return self._snapshots(recommended_index)

    def _served_space(self) -> Space:
        """Of the release that is served; it is asked for now and then."""
        now = time.monotonic()
        if self._space is None or now >= self._ask_again:
            self._space, self._ask_again = self._ask_space(), now + _ASK_S
        return self._space

    def _ask_space(self) -> Space:
        """Of the release that is served, or else of the newest."""
        newest = find_release(self._store)
        try:
            with contextlib.closing(ServedEncoder(self._server or server_of(self._store))) as encoder:
                return Space.of(newest.models, encoder.release())
        except DeployError:
            return Space.of(newest.models, newest.number)
