"""Many writers at once: numbers without gaps, in the order in which they can be seen, and every state the twin's."""

from __future__ import annotations

from contextlib import closing

import pytest

from catalogue.database import Database, Journal
from tests.catalogue.making import SPACE
from tests.catalogue.twin import Operation, Told, Twin, followed, told
from tests.catalogue.writers import Writer

WRITERS = 3
Written = list[tuple[int, Operation]]


def watched(url: str, writers: list[Writer], count: int) -> tuple[list[tuple[int, Told]], Written]:
    """Every state that a follower sees while they write, and what each number was given for."""
    states: list[tuple[int, Told]] = [(0, {})]
    written: Written = []
    left = [(writer, writer.operations()) for writer in writers]
    missing = count * len(writers)
    with Database.open(url) as database, closing(Journal(url, SPACE.space_id)) as journal:
        while True:
            finished = not any(writer.process.is_alive() for writer in writers)
            seen, state = states[-1]
            changes = journal.changes(seen)
            with database.reading() as reading:
                entries = reading.entries(seen, 10_000)
                assert [entry.seq for entry in entries] == list(range(seen + 1, reading.seq + 1))
                assert reading.seq >= changes.seq >= seen
            states.append((changes.seq, followed(state, changes.changes)))
            for writer, operations in left:
                for results in writer.acknowledged():
                    missing -= 1
                    made = operations()
                    singles = [Operation(made.kind, (item,)) for item in made.items]
                    written += [(seq, one) for seq, one in zip(results, singles, strict=True) if seq is not None]
            if finished:
                assert missing == 0, "a writer has failed"
                return states, written
            journal.wait(0.02)


@pytest.mark.parametrize("count", [15, pytest.param(400, marks=pytest.mark.slow)])
def test_every_state_that_a_follower_sees_is_the_twins(database_url: str, count: int) -> None:
    with Database.open(database_url, create=True) as made:
        made.register(SPACE)
    writers = [Writer(database_url, seed, count) for seed in range(WRITERS)]
    states, written = watched(database_url, writers, count)
    for writer in writers:
        writer.process.join()
        writer.kill()
    written.sort(key=lambda entry: entry[0])
    assert [seq for seq, _ in written] == list(range(1, len(written) + 1))
    twin = Twin()
    for seq, one in written:
        assert twin.apply(one) == [seq]
    assert states[-1][0] == twin.seq
    assert all(state == told(twin.states[seq]) for seq, state in states)
    assert len({seq for seq, _ in states}) > WRITERS
