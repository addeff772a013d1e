"""Many writers at once: numbers without gaps, in the order in which they can be seen, and every state the twin's."""

from __future__ import annotations

from contextlib import closing

import pytest

from catalogue.database import Database, Journal
from tests.catalogue.making import SPACE
from tests.catalogue.twin import Operation, Result, Told, Twin, followed, told
from tests.catalogue.writers import Writer

WRITERS = 3
Seen = tuple[int, Told]
Written = list[tuple[int, Operation]]


def watched(url: str, writers: list[Writer], count: int) -> tuple[list[Seen], Written]:
    """Every state that a follower sees while they write, and what each number was given for."""
    states: list[Seen] = [(0, {})]
    written: Written = []
    acknowledged = 0
    operations = [writer.operations() for writer in writers]
    with Database.open(url) as database, closing(Journal(url, SPACE.space_id)) as journal:
        finished = False
        while not finished:
            finished = not any(writer.process.is_alive() for writer in writers)
            states.append(looked_at(database, journal, *states[-1]))
            for writer, made in zip(writers, operations, strict=True):
                for results in writer.acknowledged():
                    acknowledged += 1
                    written += numbered(made(), results)
            journal.wait(0.02)
    assert acknowledged == count * len(writers), "a writer has failed"
    return states, written


def looked_at(database: Database, journal: Journal, seen: int, state: Told) -> Seen:
    """The present state, by what changed since the last one."""
    changes = journal.changes(seen)
    with database.reading() as reading:
        entries = reading.entries(seen, 10_000)
        assert [entry.seq for entry in entries] == list(range(seen + 1, reading.seq + 1))
        assert reading.seq >= changes.seq >= seen
    return changes.seq, followed(state, changes.changes)


def numbered(made: Operation, results: list[Result]) -> Written:
    """What each of an operation's numbers was given for."""
    singles = [Operation(made.kind, (item,)) for item in made.items]
    return [(seq, one) for seq, one in zip(results, singles, strict=True) if seq is not None]


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
