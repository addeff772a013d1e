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
        self._lock = threading.RLock()

    def call(self, name: str, *given: Any, timeout_s: float | None = None, **more: Any) -> Any:
        """Call a method of ``pymilvus.MilvusClient``.

        Args:
            name: Its name.
            given: Its arguments.
            timeout_s: The longest that it may take, connecting included; None for the options' ``timeout_s``.
            **more: Its arguments by name.

        Raises:
            MilvusAway: No answer in time; the next call connects anew.
            MilvusRefused: An answer that is an error.
        """
        limit = self.options.timeout_s if timeout_s is None else timeout_s
        until = time.monotonic() + limit
        with self._telling(name):
            client = self._connected(name, until)
            return getattr(client, name)(*given, timeout=_left(until), **more)

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
        return self._connected("connect", time.monotonic() + self.options.timeout_s)

    def close(self) -> None:
        """Close the connection; the next call opens another one."""
        with self._lock:
            client, self._client = self._client, None
        if client is not None:
            client.close()

    def _connected(self, name: str, until: float) -> MilvusClient:
        if not self._lock.acquire(timeout=_left(until)):
            raise MilvusAway(f"{self.options.shown}: Milvus does not answer ({name}): others wait for it too")
        try:
            with self._telling(name):  # looks again: while this one waited, another one may have waited in vain
                if self._client is None:
                    from pymilvus import MilvusClient

                    # It logs each error with its traceback; they are told by whoever catches them here.
                    logging.getLogger("pymilvus").setLevel(logging.CRITICAL)
                    self._client = MilvusClient(self.options.uri, token=self.options.token, timeout=_left(until))
                return self._client
        finally:
            self._lock.release()

    @contextmanager
    def _telling(self, name: str) -> Iterator[None]:
        since, words = self._away
        if time.monotonic() - since < QUIET_S:
            raise MilvusAway(words)
        try:
            yield
        except MilvusError:
            raise
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
        from pymilvus.exceptions import MilvusException, ParamError

        words = _words(error)
        for secret, shown in ((self.options.token, "..."), (self.options.uri, self.options.shown)):
            words = words.replace(secret, shown) if secret else words
        code = getattr(error, "code", None)
        lost = isinstance(error, RpcError | OSError) or isinstance(code, StatusCode) or _LOST in words
        wrong = isinstance(error, ParamError) or getattr(error, "is_input_error", False)
        if not wrong and (lost or (code in _PASSING and not self.options.is_lite)):
            return MilvusAway(f"{self.options.shown}: Milvus does not answer ({name}): {words}")
        if isinstance(error, MilvusException):
            return MilvusRefused(f"{self.options.shown}: Milvus refuses {name}: {words}")
        raise error


def _left(until: float) -> float:
    """Seconds until then; a little where they are over, since none would mean that there is no limit."""
    return max(0.001, until - time.monotonic())


def _words(error: Exception) -> str:
    """What an error says, on one line; an RPC error says it by its code and its details."""
    code, details = getattr(error, "code", None), getattr(error, "details", None)
    if callable(code) and callable(details):
        return f"{code().name}: {details()}".partition("\n")[0]
    return str(getattr(error, "message", "") or error).partition("\n")[0]
