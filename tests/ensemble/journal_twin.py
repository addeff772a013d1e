"""A catalogue in dictionaries, its journal, and an index that looks at every product in plain Python."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ensemble.index import Index, IndexBuilder
from ensemble.index.columns import Kind
from ensemble.index.values import kinds_of, wider
from ensemble.settings import SpaceSettings

Product = dict[str, Any]
Row = NDArray[np.float16]

SPACE = SpaceSettings("space-a", 3, 3)
CATALOGUE = "catalogue-a"
NO_ROW: Row = np.empty(0, np.float16)


@dataclass(frozen=True)
class Change:
    """What became of a product."""

    id: str
    document: bytes | None
    row: Row | None


@dataclass(frozen=True)
class Changes:
    """Several, up to a sequence number."""

    seq: int
    changes: Sequence[Change] = ()
    kinds: Mapping[str, Kind] = field(default_factory=dict)
    all_rows: bool = False


@dataclass(frozen=True)
class Held:
    """A product with its row, and when that came."""

    product: Product
    row: Row | None
    row_seq: int


class Trimmed(Exception):
    """The journal does not reach back so far."""


class TwinCatalogue:
    """Products and everything that ever happened to them: ``states[seq]`` is the catalogue at ``seq``."""

    def __init__(self, space: SpaceSettings = SPACE, catalogue_id: str = CATALOGUE) -> None:
        self.space, self.catalogue_id = space, catalogue_id
        self.states: list[dict[str, Held]] = [{}]
        self.entries: list[str] = [""]
        self.kinds: dict[str, Kind] = {}
        self.lock = threading.Condition()

    @property
    def head(self) -> int:
        return len(self.states) - 1

    @property
    def now(self) -> dict[str, Held]:
        return self.states[-1]

    def upsert(self, product: Product, row: NDArray[Any] | None = None) -> int:
        for name, kind in kinds_of([product]).items():
            self.kinds[name] = wider(self.kinds.get(name), kind)
        held = self.now.get(product["id"])
        if row is not None:
            return self._commit(product["id"], Held(product, row.astype(np.float16), self.head + 1))
        kept = Held(product, None, 0) if held is None else replace(held, product=product)
        return self._commit(product["id"], kept)

    def embed(self, name: str, row: NDArray[Any]) -> int:
        return self.upsert(self.now[name].product, row)

    def patch(self, name: str, **changes: Any) -> int:
        return self.upsert(self.now[name].product | changes)

    def delete(self, name: str) -> int:
        return self._commit(name, None)

    def changes(self, after: int) -> Changes:
        with self.lock:
            names = list(dict.fromkeys(self.entries[after + 1 :]))
            state, head = self.now, self.head
        held = sorted((state[name].row_seq, name) for name in names if name in state)
        made = [_change(name, state[name], after) for _, name in held]
        made += [Change(name, None, None) for name in names if name not in state]
        return Changes(head, tuple(made), dict(self.kinds))

    def index(self, **options: Any) -> IndexBuilder:
        """A builder of the index as the catalogue is now."""
        builder = IndexBuilder(self.space, self.kinds, catalogue_id=self.catalogue_id, seq=self.head, **options)
        held = sorted((held for held in self.now.values() if held.row is not None), key=lambda one: one.row_seq)
        rows = [one.row for one in held if one.row is not None]
        empty = np.empty((0, self.space.row_dim), np.float32)
        builder.add([one.product for one in held], np.stack(rows).astype(np.float32) if rows else empty)
        return builder

    def _commit(self, name: str, held: Held | None) -> int:
        with self.lock:
            state = {key: value for key, value in self.now.items() if key != name}
            self.states.append(state if held is None else state | {name: held})
            self.entries.append(name)
            self.lock.notify_all()
            return self.head


def _change(name: str, held: Held, after: int) -> Change:
    document = json.dumps(held.product, ensure_ascii=False).encode()
    if held.row is None:
        return Change(name, document, NO_ROW)
    return Change(name, document, held.row if held.row_seq > after else None)


class TwinJournal:
    """The journal of a twin catalogue; ``broken`` is what every call raises meanwhile."""

    def __init__(self, catalogue: TwinCatalogue, *, catalogue_id: str | None = None) -> None:
        self.catalogue = catalogue
        self.catalogue_id: str | None = catalogue_id or catalogue.catalogue_id
        self.broken: Exception | None = None
        self.trimmed = 0
        self.closed = False
        self.reads: list[int] = []
        self._nudged = False
        self._seen = 0

    def changes(self, after: int) -> Changes:
        self._fail()
        self.reads.append(after)
        if after < self.trimmed:
            raise Trimmed(f"the journal begins after {self.trimmed}")
        changes = self.catalogue.changes(after)
        self._seen = changes.seq
        return changes

    def head(self) -> int:
        self._fail()
        return self.catalogue.head

    def wait(self, timeout_s: float) -> None:
        self._fail()
        with self.catalogue.lock:
            self.catalogue.lock.wait_for(lambda: self._nudged or self.catalogue.head != self._seen, timeout_s)
            self._nudged = False

    def nudge(self) -> None:
        with self.catalogue.lock:
            self._nudged = True
            self.catalogue.lock.notify_all()

    def close(self) -> None:
        self.closed = True

    def _fail(self) -> None:
        if self.broken is not None:
            raise self.broken


class TwinIndex:
    """Answers exactly as a catalogue was at a sequence number."""

    def __init__(self, catalogue: TwinCatalogue) -> None:
        self._catalogue = catalogue

    def search(
        self, seq: int, query: NDArray[np.float32], count: int, expression: dict[str, Any] | None = None
    ) -> list[str]:
        """Ids of the best products, best first."""
        found = [(-score, row_seq, name) for name, row_seq, score in self._scored(seq, query, expression)]
        return [name for _, _, name in sorted(found)[:count]]

    def _scored(
        self, seq: int, query: NDArray[np.float32], expression: dict[str, Any] | None
    ) -> Iterator[tuple[str, int, float]]:
        for name, held in self._catalogue.states[seq].items():
            if held.row is not None and (expression is None or passes(held.product, expression, self._catalogue.kinds)):
                score = float((held.row.astype(np.float64) * query).sum())
                yield name, held.row_seq, score


def passes(product: Mapping[str, Any], expression: Mapping[str, Any], kinds: Mapping[str, Kind] | None = None) -> bool:
    """A filter read plainly, product by product."""
    ((operator, operand),) = expression.items()
    if operator == "and":
        return all(passes(product, part, kinds) for part in operand)
    if operator == "or":
        return any(passes(product, part, kinds) for part in operand)
    if operator == "not":
        return not passes(product, operand, kinds)
    value = value_of(product, operand[0], kinds or {})
    if value is None:
        return False
    if operator == "eq":
        return bool(value == trimmed(operand[0], operand[1]))
    if operator == "in":
        return value in [trimmed(operand[0], wanted) for wanted in operand[1]]
    if operator == "under":
        return bool(value == operand[1]) or str(value).startswith(operand[1] + "/")
    low, high = operand[1:]
    return (low is None or value >= low) and (high is None or value <= high)


def trimmed(name: str, value: Any) -> Any:
    """A value without spaces around it, which words are kept without; ids are kept as they are."""
    return value.strip() if isinstance(value, str) and name != "id" else value


def value_of(product: Mapping[str, Any], name: str, kinds: Mapping[str, Kind]) -> Any:
    """A field as filters see it; an attribute of a column of words as a word."""
    if name == "category":
        return trimmed(name, product.get(name) or None)
    if name in ("id", "price", "available"):
        return product.get(name, True if name == "available" else None)
    value = trimmed(name, product.get("attributes", {}).get(name))
    if value is None or kinds.get(name) != "word":
        return value
    if isinstance(value, bool):
        return str(value).lower()
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def index_of(catalogue: TwinCatalogue) -> Index:
    """A living index of the catalogue as it is now, searched exactly."""
    from ensemble.index import ExactEngine

    slots = catalogue.index().build()
    return Index(slots, ExactEngine(slots))
