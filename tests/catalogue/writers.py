"""Processes that write at random and tell what was acknowledged, to be watched or killed.

They are forked from this process, which has imported everything, so that one costs some milliseconds.
"""

from __future__ import annotations

import json
import multiprocessing
from collections.abc import Callable
from contextlib import suppress
from multiprocessing.connection import Connection
from typing import Any

import numpy as np

from catalogue.database import Database
from catalogue.errors import DatabaseUnavailable
from tests.catalogue.making import SPACE, catalogue, product, row
from tests.catalogue.twin import Operation, Result, operation, write

ROLLED_BACK = 0.2
_FORK = multiprocessing.get_context("fork")


class Writer:
    """A process that writes operations which follow from a seed.

    Args:
        url: The database.
        seed: Of its operations.
        count: How many it writes; None for as many as it can.
    """

    def __init__(self, url: str, seed: int, count: int | None = None) -> None:
        self._acknowledged, end = _FORK.Pipe(duplex=False)
        self.process = _FORK.Process(target=_write, args=(url, seed, count, end))
        self._random = np.random.default_rng(seed)
        self.process.start()
        end.close()

    def operations(self) -> Callable[[], Operation]:
        """Gives what it writes, one after the other."""
        return lambda: _next(self._random)[1]

    def acknowledged(self, least: int = 0) -> list[list[Result]]:
        """What is acknowledged since the last call; waits for some."""
        results: list[list[Result]] = []
        with suppress(EOFError):
            while len(results) < least or self._acknowledged.poll():
                results.append(json.loads(self._acknowledged.recv_bytes()))
        return results

    def kill(self) -> list[list[Result]]:
        """End it by SIGKILL; what it had acknowledged."""
        self.process.kill()
        self.process.join()
        results = self.acknowledged()
        self._acknowledged.close()
        return results


def _write(url: str, seed: int, count: int | None, told: Connection) -> None:
    random = np.random.default_rng(seed)
    with suppress(DatabaseUnavailable), Database.open(url) as database:
        while count is None or count > 0:
            gives_up, made = _next(random)
            if gives_up:
                _give_up(database)
            told.send_bytes(json.dumps(write(database, made)).encode())
            count = None if count is None else count - 1


def _next(random: Any) -> tuple[bool, Operation]:
    return bool(random.random() < ROLLED_BACK), operation(random)


def _give_up(database: Database) -> None:
    """A transaction that has numbered its changes and is rolled back."""
    with suppress(InterruptedError), database.replacing(catalogue(product("x")), SPACE, row(1)[None], "c.jsonl"):
        raise InterruptedError
