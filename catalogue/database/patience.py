"""How long a database is waited for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


def uninterrupted() -> None:
    """Nobody asks to stop."""


@dataclass(frozen=True)
class Patience:
    """How long to wait for a database, and who may end the wait before.

    Args:
        lock_s: For a lock that another writer holds.
        connect_s: For a server to take a connection, whole seconds.
        answer_s: For a server to answer one statement; None for as long as it takes, as statements over a whole
            catalogue do. Longer than ``lock_s``, for that is a wait for an answer too.
        check: Called now and then while a SQLite file is locked, and before each commit; what it raises ends the write,
            and nothing is written.

    Raises:
        ValueError: A value is not allowed.
    """

    lock_s: float = 20.0
    connect_s: int = 5
    answer_s: float | None = None
    check: Callable[[], None] = uninterrupted

    def __post_init__(self) -> None:
        if self.answer_s is not None and self.answer_s <= self.lock_s:
            raise ValueError(f"`answer_s` must be above `lock_s`, got {self.answer_s} and {self.lock_s}")


PATIENT = Patience()
