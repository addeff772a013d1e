"""``MIN_SEQ`` is waited for, but not again and again while nothing moves: everybody waits with the one who asks."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

from ensemble import waiting
from ensemble.errors import Behind
from ensemble.index.follower import Follower
from ensemble.retrieval import Retrieval
from ensemble.waiting import MAX_WAIT_S, STUCK_FOR_S, STUCK_WAIT_S, Patience
from tests import tiny
from tests.ensemble.journal_twin import TwinCatalogue, TwinJournal, index_of


@dataclass
class Noting:
    """A follower whose journal is read when the test says so, and that notes how long it was waited for.

    Args:
        follower: The real one; its thread does not run.
        waits: Seconds.
    """

    follower: Follower
    waits: list[float] = field(default_factory=list)

    @property
    def index(self) -> Any:
        return self.follower.index

    @property
    def trouble(self) -> str | None:
        return self.follower.trouble

    def catch_up(self, seq: int, timeout_s: float) -> bool:
        self.waits.append(timeout_s)
        return bool(self.index.seq >= seq)


@dataclass
class Clock:
    """Seconds that go by when the test says so.

    Args:
        now_s: Seconds.
    """

    now_s: float = 0.0

    def monotonic(self) -> float:
        return self.now_s


@dataclass
class Moving:
    """A source that never comes to what is wanted, and moves as the test says.

    Args:
        seq: Where its index is.
        waits: Seconds.
    """

    seq: int = 10
    waits: list[float] = field(default_factory=list)
    trouble: str | None = None

    @property
    def index(self) -> Any:
        return self

    def catch_up(self, seq: int, timeout_s: float) -> bool:
        self.waits.append(timeout_s)
        return self.seq >= seq


def test_a_number_that_nobody_was_given_holds_up_others_once_a_second(monkeypatch: pytest.MonkeyPatch) -> None:
    clock, source = Clock(), Moving()
    monkeypatch.setattr(waiting, "time", clock)
    patience = Patience(source)
    patience.wait(2**62)
    for _ in range(3):  # a write a search
        source.seq += 1
        patience.wait(2**62)
    assert source.waits == [MAX_WAIT_S, *[STUCK_WAIT_S] * 3]
    patience.wait(source.seq + 1)  # what is as near as it moved may come
    assert source.waits[4:] == [MAX_WAIT_S]
    clock.now_s += STUCK_FOR_S
    source.seq += 1
    patience.wait(2**62)
    assert source.waits[5:] == [MAX_WAIT_S]


def test_a_stall_is_waited_for_once() -> None:
    catalogue = TwinCatalogue(tiny.SPACE)
    for product in tiny.products(10):
        catalogue.upsert(product, np.ones(tiny.SPACE.row_dim))
    journal = TwinJournal(catalogue)
    source = Noting(Follower(index_of(catalogue), journal))
    retrieval = Retrieval(source, tiny.SPACE)
    wanted = catalogue.delete("P001") + 1

    def ask() -> object:
        vector = np.ones((1, tiny.DIM), np.float32) / np.float32(np.sqrt(tiny.DIM))
        return retrieval.answer([{"TEXT_VECTOR": vector, "MIN_SEQ": np.array([[wanted]], np.int64)}])[0]

    assert isinstance(ask(), Behind)
    assert isinstance(ask(), Behind)
    assert source.waits == [MAX_WAIT_S, STUCK_WAIT_S]
    source.index.apply(journal.changes(source.index.seq))  # it moves: a wait may help again
    assert isinstance(ask(), Behind)
    assert source.waits[2:] == [MAX_WAIT_S]
    assert catalogue.delete("P002") == wanted
    source.index.apply(journal.changes(source.index.seq))
    assert not isinstance(ask(), Exception)
    assert len(source.waits) == 3
