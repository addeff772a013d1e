"""Calls to a Milvus: each with a time limit, and with errors of this package."""

from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from ensemble.index.milvus.errors import MilvusAway, MilvusError, MilvusRefused
from ensemble.index.milvus.options import MilvusOptions

if TYPE_CHECKING:
    from pymilvus import MilvusClient

# Codes of pymilvus and Milvus (pkg/util/merr) for what passes by itself: no connection, not ready, no memory left,
# too many requests, a collection that is not loaded, or whose channels are being moved.
_PASSING = frozenset({1, 2, 3, 4, 8, 101, 503})
_LOST = "should create connection first"
# Who asks again so soon after Milvus did not answer is told so at once: requests must not wait for it one by one.
QUIET_S = 1.0


class Connection:
    """A client that is made when it is needed, and anew after Milvus was away. Threads may share it.

    Args:
        options: Where Milvus is.
    """

    def __init__(self, options: MilvusOptions) -> None:
        self.options = options
        self._client: MilvusClient | None = None
        self._away: tuple[float, str] = (-math.inf, "")
        self._lock = threading.Lock()

    def call(self, name: str, *given: Any, timeout_s: float | None = None, **more: Any) -> Any:
        """Call a method of ``pymilvus.MilvusClient``.

        Args:
            name: Its name.
            given: Its arguments.
            timeout_s: The longest that it may take; None for the options' ``timeout_s``.
            **more: Its arguments by name.

        Raises:
            MilvusAway: No answer in time; the next call connects anew.
            MilvusRefused: An answer that is an error.
        """
        limit = self.options.timeout_s if timeout_s is None else timeout_s
        with self._telling(name):
            return getattr(self._connected(limit), name)(*given, timeout=limit, **more)

    def pages(self, *given: Any, **more: Any) -> Iterator[list[dict[str, Any]]]:
        """What ``pymilvus.MilvusClient.query_iterator`` finds, some at a time.

        Args:
            given: Its arguments.
            **more: Its arguments by name.

        Raises:
            MilvusAway: No answer in time.
            MilvusRefused: An answer that is an error.
        """
        pages = self.call("query_iterator", *given, **more)
        while True:
            with self._telling("query_iterator"):
                page = list(pages.next())
            if not page:
                return
            yield page

    def client(self) -> MilvusClient:
        """The client itself, for what calls nothing, such as making a schema.

        Raises:
            MilvusAway: It cannot be connected.
        """
        with self._telling("connect"):
            return self._connected(self.options.timeout_s)

    def close(self) -> None:
        """Close the connection; the next call opens another one."""
        with self._lock:
            client, self._client = self._client, None
        if client is not None:
            client.close()

    def _connected(self, limit_s: float) -> MilvusClient:
        with self._lock:
            if self._client is None:
                from pymilvus import MilvusClient

                # It logs each error with its traceback; they are told by whoever catches them here.
                logging.getLogger("pymilvus").setLevel(logging.CRITICAL)
                self._client = MilvusClient(self.options.uri, token=self.options.token, timeout=limit_s)
            return self._client

    @contextmanager
    def _telling(self, name: str) -> Iterator[None]:
        since, words = self._away
        if time.monotonic() - since < QUIET_S:
            raise MilvusAway(words)
        try:
            yield
        except Exception as error:
            told = self._told(error, name)
            if isinstance(told, MilvusAway):
                self._away = time.monotonic(), str(told)
                self.close()
            raise told from error

    def _told(self, error: Exception, name: str) -> MilvusError:
        if isinstance(error, ModuleNotFoundError):
            raise error
        from grpc import RpcError, StatusCode
        from pymilvus.exceptions import MilvusException

        words = str(getattr(error, "message", "") or error).partition("\n")[0]
        for secret, shown in ((self.options.token, "..."), (self.options.uri, self.options.shown)):
            words = words.replace(secret, shown) if secret else words
        code = getattr(error, "code", None)
        lost = isinstance(error, RpcError | OSError) or isinstance(code, StatusCode) or _LOST in words
        if lost or (code in _PASSING and not self.options.is_lite):
            return MilvusAway(f"{self.options.shown}: Milvus does not answer ({name}): {words}")
        if isinstance(error, MilvusException):
            return MilvusRefused(f"{self.options.shown}: Milvus refuses {name}: {words}")
        raise error
