"""The tickets of one server, in a file that its model processes map.

Every process that takes tickets owns a range of slots: only it writes tickets there, so that takers never race. Who
ends a request writes 0 there, from another process. Both are stores of 8 aligned bytes, which processors of 64 bits do
at once. No lock is held: two processes that count at the same moment may both take the last place, so that as many too
many may be under way as there are such processes.
"""

from __future__ import annotations

import fcntl
import logging
import mmap
import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from random import Random

import numpy as np

from ensemble.admission.standing import YOUNG_S, limit_of
from ensemble.admission.tickets import (
    ALL_SLOTS,
    GENERATIONS,
    LEAK_S,
    MOST_WEIGHT,
    OWNERS,
    SLOTS,
    is_of,
    oldest,
    slot_of,
    ticket_of,
    weight_under_way,
    word_of,
)
from ensemble.variables import GATE

log = logging.getLogger(__name__)

# A request of many rows weighs as many, but never so much that light ones leave no place for it.
_HEAVIEST_SHARE = 8
_WORD_BYTES = 8
_BYTES = (2 + ALL_SLOTS) * _WORD_BYTES

Clock = Callable[[], int]


class Gate:
    """All tickets of a server.

    Args:
        folder: Of one server alone; made where it is missing.
        clock: Nanoseconds, the same in all processes.

    Raises:
        OSError: The folder or the file cannot be used.
    """

    def __init__(self, folder: Path, clock: Clock = time.monotonic_ns) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.folder, self.clock = folder, clock
        self._file = os.open(folder / "tickets", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        # A mapped file that a full disk has no room for would kill the process that writes there.
        os.posix_fallocate(self._file, 0, _BYTES)
        everything = np.frombuffer(mmap.mmap(self._file, _BYTES), np.int64)
        self._owners, self._refused, self.words = everything[:1], everything[1:2], everything[2:]

    def in_flight(self, within_s: float = LEAK_S) -> int:
        """Weight of all that is under way, and was taken in the last seconds."""
        return weight_under_way(self.words[: int(self._owners[0]) * SLOTS], self.clock(), within_s)

    def limit(self, bound: int) -> int:
        """Of a bound, what holds now: less while a queue stands, see `ensemble.admission.standing`."""
        return limit_of(bound, self.clock(), int(self._refused[0]))

    def note_refusal(self) -> None:
        """Have all processes know that a request was refused now."""
        self._refused[0] = self.clock()

    def free(self, ticket: int) -> None:
        """Give a ticket back; nothing happens where that is no ticket, or its slot is another's by now."""
        if ticket >= 0 and is_of(ticket, int(self.words[slot_of(ticket)])):
            self.words[slot_of(ticket)] = 0

    def claim(self) -> tuple[int, int]:
        """Own a range of slots until this process ends, or closes the file.

        Returns:
            The number of the range, and the file that holds it.

        Raises:
            OSError: All are owned.
        """
        fcntl.flock(self._file, fcntl.LOCK_EX)
        try:
            for number in range(OWNERS):
                held = os.open(self.folder / f"owner-{number:02}", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
                try:
                    fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    os.close(held)
                else:
                    self._owners[0] = max(int(self._owners[0]), number + 1)
                    return number, held
            raise OSError(f"{self.folder}: {OWNERS} processes take tickets, as many as there is place for")
        finally:
            fcntl.flock(self._file, fcntl.LOCK_UN)


class Entrance:
    """Where one process takes tickets.

    What a process had taken that was killed stays under way: it is given back as any other, or frees itself. The next
    owner of its slots begins with another generation.

    Args:
        gate: Of the server.
        bound: Weight that may be under way at once, in a burst.
        random: Chooses the first generation.
    """

    def __init__(self, gate: Gate, bound: int, random: Random | None = None) -> None:
        if not 1 <= bound <= SLOTS // 2:
            raise ValueError(f"`bound` must be 1 to {SLOTS // 2}, got {bound}")
        self.gate, self.bound = gate, bound
        self._held: int | None
        self._owned, self._held = gate.claim()
        self._cursor = 0
        self._generation = (random or Random()).randrange(GENERATIONS)  # noqa: S311 -- tells tickets apart, hides none

    def limit(self) -> int:
        """Weight that may be under way now."""
        return self.gate.limit(self.bound)

    def take(self, rows: int, *, places: int = 1) -> int | None:
        """A ticket for a request, or None where too much is under way.

        Args:
            rows: Of the request.
            places: How many times the bound may be under way for this one; where more than once, all of it, even
                while a queue stands.
        """
        weight = min(rows, max(1, self.bound // _HEAVIEST_SHARE), MOST_WEIGHT)
        # Of the last place too much may be taken: a heavy request would else wait for light ones without end.
        if self._is_full(places):
            self.gate.note_refusal()
            return None
        now = self.gate.clock()
        slot = self._free_slot(oldest(now))
        if slot is None:
            return None
        self._generation = (self._generation + 1) % GENERATIONS
        self.gate.words[slot] = word_of(now, weight, self._generation)
        return ticket_of(slot, self._generation)

    def close(self) -> None:
        """Leave the range to another; once is enough."""
        held, self._held = self._held, None
        if held is not None:
            os.close(held)

    def _is_full(self, places: int) -> bool:
        if self.gate.in_flight() >= self.bound * places:
            return True
        limit = self.limit()
        return places == 1 and limit < self.bound and self.gate.in_flight(YOUNG_S) >= limit

    def _free_slot(self, lost: int) -> int | None:
        for _ in range(SLOTS):
            slot = self._owned * SLOTS + self._cursor
            self._cursor = (self._cursor + 1) % SLOTS
            if self.gate.words[slot] < lost:
                return slot
        return None


def open_gate(environment: Mapping[str, str] = os.environ) -> Gate | None:
    """The gate of this server; None where there is none, or it cannot be used, which the log tells."""
    folder = environment.get(GATE)
    if not folder:
        return None
    try:
        return Gate(Path(folder))
    except OSError as error:
        log.warning("requests are not counted, and none is refused: %s", error)
        return None
