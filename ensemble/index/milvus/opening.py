"""A Milvus that need not answer yet: it is opened as soon as it does."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from ensemble.errors import Unavailable
from ensemble.index.engine import Hits
from ensemble.index.milvus.errors import MilvusRefused
from ensemble.index.milvus.index import MilvusIndex
from ensemble.index.milvus.options import MilvusOptions
from ensemble.index.milvus.source import LOOK_S, STOP_S, MilvusSource

log = logging.getLogger(__name__)

# All that pymilvus tells of a file whose lock another process holds.
_LOCKED = "Open local milvus failed"


@dataclass(frozen=True)
class Unopened:
    """Stands for an index that could not be opened: whoever searches it is told why.

    Args:
        why: In words.
    """

    why: str
    seq: int = 0
    on_gpu: bool = False

    @contextmanager
    def reading(self) -> Iterator[Unopened]:
        """See ``Searchable.reading``."""
        yield self

    def passing(self, text: bytes) -> bytes:
        """A filter as it came: there are no columns to compile it for."""
        return text

    def boost(self, text: bytes) -> bytes:
        """A business score as it came."""
        return text

    def search(
        self, queries: Any, counts: Sequence[int], passing: Sequence[Any], boosts: Sequence[Any] | None = None
    ) -> list[Hits]:
        """Refuse.

        Raises:
            Unavailable: Always.
        """
        raise Unavailable(f"Milvus cannot be searched: {self.why}")

    def ids(self, hits: Hits) -> list[str]:
        """See ``State.ids``; there are no hits."""
        raise Unavailable(self.why)

    def documents(self, hits: Hits) -> list[bytes]:
        """See ``State.documents``; there are no hits."""
        raise Unavailable(self.why)


class OpeningSource:
    """A ``MilvusSource`` as long as Milvus answers; else searches are refused at once, as unavailable.

    So a server starts while Milvus is away or is not filled yet, and needs no repair when it comes.

    Args:
        open_index: Opens the index.
        look_s: How often to try, and then how often to look for changes, in seconds.
    """

    def __init__(self, open_index: Callable[[], MilvusIndex], *, look_s: float = LOOK_S) -> None:
        self._open, self._look_s = open_index, look_s
        self._source: MilvusSource | None = None
        self._why = "it has not been asked yet"
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._tend, name="milvus-opening", daemon=True)

    @property
    def index(self) -> MilvusIndex | Unopened:
        """See ``IndexSource.index``."""
        source, trouble = self._source, self.trouble
        return Unopened(trouble or self._why) if source is None or trouble is not None else source.index

    @property
    def trouble(self) -> str | None:
        """See ``IndexSource.trouble``."""
        source = self._source
        return self._why if source is None else source.trouble

    def catch_up(self, seq: int, timeout_s: float) -> bool:
        """See ``IndexSource.catch_up``; what is not open is not waited for."""
        source = self._source
        return source is not None and source.catch_up(seq, timeout_s)

    def start(self) -> None:
        """Open it; where Milvus is away or empty, the thread goes on trying.

        Raises:
            MilvusRefused: Milvus answers with an error.
            WrongCollection: The collection is of something else.
        """
        try:
            self._begin()
        except Unavailable as error:
            self._tell(error)
        self._thread.start()

    def stop(self) -> None:
        """End the threads, and close the connection."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(STOP_S)
        if self._source is not None:
            self._source.stop()

    def _tend(self) -> None:
        while not self._stopping.wait(self._look_s):
            try:
                if self._source is None:
                    self._begin()
                    log.info("Milvus is searched, from %d", self.index.seq)
                elif self._source.trouble is not None:  # opening loads the collections, if Milvus was started again
                    self._open().close()
            except Exception as error:  # as a collection of another catalogue: someone may mend it
                self._tell(error)

    def _begin(self) -> None:
        source = MilvusSource(self._open(), look_s=self._look_s)
        source.start()
        self._source = source

    def _tell(self, error: Exception) -> None:
        if self._source is None and str(error) != self._why:
            log.warning("Milvus cannot be searched at the moment: %s", error)
        self._why = str(error)


@contextmanager
def one_process(options: MilvusOptions) -> Iterator[None]:
    """Tell whoever opens a file of milvus-lite that another process has, what pymilvus does not tell.

    Raises:
        MilvusRefused: It is so.
    """
    try:
        yield
    except MilvusRefused as error:
        if options.is_lite and _LOCKED in str(error):
            raise MilvusRefused(
                f"{error}. One process at a time can open a file of milvus-lite: a server beside a feeder needs a "
                "Milvus that runs by itself, http://host:19530"
            ) from error
        raise
