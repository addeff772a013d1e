from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from ensemble.index import Follower, Index, Snapshots
from tests.ensemble.followed import LOOK_S
from tests.ensemble.journal_twin import TwinJournal


@pytest.fixture
def following() -> Iterator[Callable[..., Follower]]:
    """Makes followers that are stopped in the end."""
    made: list[Follower] = []

    def make(index: Index, journal: TwinJournal, snapshots: Snapshots | None = None, **options: Any) -> Follower:
        made.append(Follower(index, journal, snapshots, look_s=LOOK_S, **options))
        return made[-1]

    yield make
    for follower in made:
        follower.stop()
