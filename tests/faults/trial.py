"""One fault: it strikes a server under a stream, and is over when callers have had peace for a while."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from tests.faults.book import lost_in_the_end
from tests.faults.damage import Damage, damage
from tests.faults.stream import SLOW_S, Stream
from tests.living.states import kinds_of_events

Record = Callable[[str, object], None]

PEACE_S = 3.0
PATIENCE_S = 90.0
HOLD_S = 30.0


@dataclass
class Trial:
    """What is known of one fault.

    Args:
        fault: What happened, as the table says it.
        stream: The requests.
        store: Of the server.
        note: A sentence for the table, beside the figures.
        told: Kinds of the events that it led to, each once.
        lost: Acknowledged writes that are not found afterwards.
    """

    fault: str
    stream: Stream
    store: Path
    note: str = ""
    told: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    struck: float = field(default_factory=time.monotonic)
    damage: Damage | None = None

    @property
    def seen(self) -> Damage:
        """What callers saw so far, or in all."""
        return self.damage or damage(self.stream.asked(self.struck), self.struck)

    def wait(self, event: str, timeout_s: float = PATIENCE_S) -> None:
        """Until an event of this kind came after the fault."""
        deadline = time.monotonic() + timeout_s
        while event not in self.events():
            assert time.monotonic() < deadline, f"{self.fault}: no {event!r} within {timeout_s} s, but {self.events()}"
            time.sleep(0.05)

    def events(self) -> list[str]:
        """Kinds of the events since the fault, each once, in their order."""
        return list(dict.fromkeys(kinds_of_events(self.store)[self._before :]))

    def row(self) -> dict[str, Any]:
        """A row of the table."""
        return {
            "fault": self.fault,
            "note": self.note,
            "events": self.told,
            "acknowledged": self.stream.book.acknowledged,
            "lost": len(self.lost),
            **asdict(self.seen),
        }

    def __post_init__(self) -> None:
        self._before = len(kinds_of_events(self.store))

    def until_peace(self) -> None:
        """Wait until nobody has had reason to complain for a while.

        Raises:
            AssertionError: That takes too long.
        """
        deadline = time.monotonic() + PATIENCE_S
        while True:
            now = time.monotonic()
            recent = self.stream.asked(now - PEACE_S)
            quiet = now - self.struck > PEACE_S and self.stream.waits_s() < SLOW_S
            kinds = {one.kind for one in recent}
            if quiet and kinds == {"text", "photo", "write"} and not any(one.bad for one in recent):
                return
            assert now < deadline, f"{self.fault}: not normal after {PATIENCE_S} s: {self.seen}, {self.events()}"
            time.sleep(0.1)


@contextmanager
def trial(fault: str, stream: Stream, store: Path, url: str, record: Record) -> Iterator[Trial]:
    """Break something inside; afterwards it is waited for, and everything acknowledged is looked for.

    Args:
        fault: What is broken.
        stream: Runs already.
        store: Of the server.
        url: Of the server.
        record: Takes the row of the table (pytest's ``record_property``).
    """
    time.sleep(PEACE_S / 3)
    tried = Trial(fault, stream, store)
    yield tried
    tried.until_peace()
    tried.damage, tried.told = tried.seen, tried.events()
    tried.lost = lost_in_the_end(url, stream.book, HOLD_S)
    record("fault", tried.row())
    assert tried.lost == [], f"{fault}: acknowledged, and not found afterwards"
