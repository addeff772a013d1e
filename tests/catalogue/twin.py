"""The slow twin: a catalogue as plain Python, that remembers its state at every sequence number."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np

from catalogue import Product
from catalogue.database import Change, Database, Embedded, Entry, Journal, Kind, Patch
from catalogue.database.kinds import kind_of
from tests.catalogue.making import SPACE, product, row, vector

Result = int | None
IDS = tuple("abcdefgh")


@dataclass(frozen=True)
class Operation:
    """One call of a write, as numbers.

    Args:
        kind: Which.
        items: Products, each with a number that tells what is written.
    """

    kind: Literal["upsert", "patch", "delete", "embed"]
    items: tuple[tuple[str, int], ...]


@dataclass(frozen=True)
class Held:
    """A product as the twin has it.

    Args:
        product: It.
        content: Number of its last upsert.
        row: What its row was made of; None where it has none.
    """

    product: Product
    content: int
    row: int | None = None


State = dict[str, Held]


@dataclass
class Twin:
    """A catalogue in memory.

    Args:
        states: By sequence number.
        kinds: Of its attributes, by sequence number.
    """

    states: list[State] = field(default_factory=lambda: [{}])
    kinds: list[dict[str, Kind]] = field(default_factory=lambda: [{}])

    @property
    def seq(self) -> int:
        return len(self.states) - 1

    def apply(self, operation: Operation) -> list[Result]:
        """What the database answers: a number for each item, None where it is refused or left out."""
        before = self.states[-1]
        return [self._apply(operation.kind, name, number, before) for name, number in operation.items]

    def _apply(self, kind: str, name: str, number: int, before: State) -> Result:
        state, kinds = dict(self.states[-1]), dict(self.kinds[-1])
        held = state.get(name)
        if kind == "upsert":
            given = made(name, number)
            kept = None if held is None else held.row
            state[name] = Held(given, self.seq + 1, number if has_row(number) else kept)
            attributes: dict[str, Any] = dict(given.attributes)
        elif held is None:
            return None
        elif kind == "patch":
            attributes = size(number)
            merged = {**held.product.attributes, **attributes}
            state[name] = replace(held, product=replace(held.product, price=float(number), attributes=merged))
        elif kind == "delete":
            del state[name]
            attributes = {}
        else:
            if before[name].content != held.content or is_stale(number):
                return None
            state[name] = replace(held, row=number)
            attributes = {}
        for column, value in attributes.items():
            if kinds.setdefault(column, kind_of(value)) not in ("word", kind_of(value)):
                return None
        self.states.append(state)
        self.kinds.append(kinds)
        return self.seq


def write(database: Database, operation: Operation) -> list[Result]:
    """The same on a database."""
    items = operation.items
    if operation.kind == "upsert":
        entries = [
            Entry(made(name, number), vector=vector(number) if has_row(number) else None) for name, number in items
        ]
        return _numbers(database.upsert(entries))
    if operation.kind == "patch":
        changes = [Patch(name, {"price": number, "attributes": size(number)}) for name, number in items]
        return _numbers(database.patch(changes))
    if operation.kind == "delete":
        return [one.seq if one.found else None for one in database.delete([name for name, _ in items])]
    contents = {stored.product.id: stored.content for stored in database.stored(name for name, _ in items)}
    rows = [Embedded(name, contents.get(name, 0) - is_stale(number), row(number)) for name, number in items]
    return list(database.embed(SPACE.space_id, rows))


def made(name: str, number: int) -> Product:
    return product(name, price=float(number), attributes={"number": number})


def size(number: int) -> dict[str, Any]:
    """An attribute that is a word where the number says so, and is refused where it was a number before."""
    return {"size": "large" if number % 5 == 0 else number}


def has_row(number: int) -> bool:
    return number % 3 > 0


def is_stale(number: int) -> bool:
    return number % 4 == 0


def operation(random: np.random.Generator) -> Operation:
    """Any operation."""
    kind: Any = random.choice(["upsert", "upsert", "patch", "delete", "embed"])
    count = 1 if kind == "embed" else int(random.integers(1, 6))
    return Operation(kind, tuple((str(random.choice(IDS)), int(random.integers(1, 100))) for _ in range(count)))


Told = dict[str, tuple[bytes, list[float] | None]]


def told(state: State) -> Told:
    """A state as an index has it: documents and rows."""
    from catalogue.database.checking import document_of

    return {
        name: (document_of(held.product).encode(), None if held.row is None else row(held.row).tolist())
        for name, held in state.items()
    }


def followed(before: Told, changes: Sequence[Change]) -> Told:
    """A state after changes, as an index applies them."""
    after = dict(before)
    for change in changes:
        _, kept = after.pop(change.id, (b"", None))
        if change.document is None:
            continue
        if change.row is not None:
            kept = change.row.tolist() if change.row.size else None
        after[change.id] = (change.document, kept)
    return after


def check(database: Database, journal: Journal, twin: Twin, afters: Sequence[int]) -> None:
    """Hold a database to its twin: its present state, and what its journal tells since some numbers."""
    state = twin.states[-1]
    with database.reading() as reading:
        assert reading.seq == twin.seq
        assert reading.kinds == twin.kinds[-1]
        assert {one.product.id: (one.product, one.content) for one in reading.products()} == {
            name: (held.product, held.content) for name, held in state.items()
        }
        assert [line.seq for line in reading.entries(0, twin.seq + 1)] == list(range(1, twin.seq + 1))
    with journal.everything() as everything:
        whole = list(everything.changes)
    assert (everything.seq, followed({}, whole)) == (twin.seq, told(state))
    for after in afters:
        changes = journal.changes(after)
        assert (changes.seq, changes.kinds) == (twin.seq, twin.kinds[-1])
        assert followed(told(twin.states[after]), changes.changes) == told(state)
        order = [change.id for change in changes.changes if change.document is not None]
        assert order == [change.id for change in whole if change.id in set(order)]


def _numbers(results: Sequence[object]) -> list[Result]:
    return [result if isinstance(result, int) else None for result in results]
