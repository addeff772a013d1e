"""What is known about the products of a collection: kept beside them, and written after them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import asdict, dataclass, field
from typing import Any

from ensemble.index.columns import Kind
from ensemble.index.milvus.connection import Connection
from ensemble.index.milvus.errors import MilvusAway, WrongCollection
from ensemble.index.milvus.filters import keys_in
from ensemble.index.milvus.kinds import pages_of
from ensemble.index.milvus.options import MilvusOptions
from ensemble.index.milvus.parts import AT_ONCE
from ensemble.index.milvus.schema import STRONG
from ensemble.index.milvus.tokens import key_of

FORMAT = 1
_STATE = "state"
_UNEMBEDDED = "unembedded"
_KINDS = "kinds"
_READS = 5


@dataclass(frozen=True)
class State:
    """One state of a catalogue, as far as a collection holds it.

    Args:
        space_id: The space that the rows are of.
        row_dim: Length of a row.
        catalogue_id: The catalogue that the products are of; empty for one that is in no database.
        seq: The journal's last entry that is wholly in the collection.
        first: No product has a slot before this one.
        end: Nor this one or a later one: it is written before products get slots up to it, and never goes back.
        kinds: The kind of every attribute.
        filled: Whether a whole catalogue was ever in it.
        holder: The name of the feeder that wrote it.
        format: Of the collections.
    """

    space_id: str
    row_dim: int
    catalogue_id: str = ""
    seq: int = 0
    first: int = 0
    end: int = 0
    kinds: Mapping[str, Kind] = field(default_factory=dict)
    filled: bool = False
    holder: str = ""
    format: int = FORMAT


class States:
    """The collection beside the products.

    Args:
        connection: To its Milvus.
        name: Of the collection.
    """

    def __init__(self, connection: Connection, name: str) -> None:
        self._connection, self._name = connection, name
        self._unembedded: set[str] | None = None
        self._pages: dict[str, dict[str, Kind]] = {}

    def read(self) -> State | None:
        """The state; None where nothing was filled in yet.

        Raises:
            MilvusAway: Milvus does not answer.
            WrongCollection: It is of another format.
        """
        for _ in range(_READS):
            text = self.text(_STATE)
            if text is None:
                return None
            said = json.loads(text)
            if said.get("format") != FORMAT:
                raise WrongCollection(
                    f"{self._connection.options.shown}: {self._name} has format {said.get('format')!r}; this version "
                    f"reads {FORMAT}, so fill another collection"
                )
            kinds = self._kinds(said["kinds"])
            if kinds is not None:
                return State(**{**said, "kinds": kinds})
        raise MilvusAway(f"{self._connection.options.shown}: the kinds in {self._name} change while they are read")

    def write(self, state: State) -> None:
        """Replace it: first the kinds that it names, then what it says.

        Raises:
            ChangesRefused: The name of an attribute does not fit. Nothing was written.
            MilvusAway: Milvus does not answer.
        """
        pages = pages_of(state.kinds)
        for key in pages.keys() - self._pages.keys():
            self._upsert([_entity(key, _KINDS, pages[key])])
        self.put(_STATE, json.dumps({**asdict(state), "kinds": list(pages)}))
        if gone := self._pages.keys() - pages.keys():
            self._delete(sorted(gone))
        self._pages = {key: json.loads(page) for key, page in pages.items()}

    def text(self, key: str) -> str | None:
        """One value; None where there is none."""
        more: dict[str, Any] = {"output_fields": ["value"], "consistency_level": STRONG}
        found = list(self._connection.call("query", self._name, filter=f'key == "{key}"', **more))
        return str(found[0]["value"]) if found else None

    def put(self, key: str, text: str) -> None:
        """Replace one value."""
        self._upsert([_entity(key, key, text)])

    def unembedded(self) -> AbstractSet[str]:
        """The products that have no row yet; read once, since one process alone changes them."""
        return self._waiting()

    def note(self, names: Sequence[str]) -> None:
        """Note at most ``AT_ONCE`` products that have no row."""
        known = self._waiting()
        self._upsert([_entity(key_of(name), _UNEMBEDDED, name) for name in names])
        known.update(names)

    def unnote(self, names: Sequence[str]) -> None:
        """Forget at most ``AT_ONCE`` products: they have a row, or are gone."""
        known = self._waiting()
        self._delete([key_of(name) for name in names])
        known.difference_update(names)

    def forget(self) -> None:
        """Take nothing for known that another process may have changed."""
        self._unembedded, self._pages = None, {}

    def _waiting(self) -> set[str]:
        if self._unembedded is None:
            self._unembedded = self._read_unembedded()
        return self._unembedded

    def _kinds(self, keys: Sequence[str]) -> dict[str, Kind] | None:
        """What some pages hold; None where one is there no more."""
        pages = {}
        for key in keys:
            known = self._pages.get(key)
            text = None if known else self.text(key)
            if known is None and text is None:
                return None
            pages[key] = known or json.loads(text or "")
        self._pages = pages
        return {name: kind for page in pages.values() for name, kind in page.items()}

    def _read_unembedded(self) -> set[str]:
        wanted: dict[str, Any] = {
            "filter": f'what == "{_UNEMBEDDED}"',
            "output_fields": ["value"],
            "batch_size": AT_ONCE,
        }
        pages = self._connection.pages(self._name, consistency_level=STRONG, **wanted)
        return {entity["value"] for page in pages for entity in page}

    def _upsert(self, entities: list[dict[str, Any]]) -> None:
        self._connection.call("upsert", self._name, entities)

    def _delete(self, keys: Sequence[str]) -> None:
        self._connection.call("delete", self._name, filter=keys_in(keys))


def checked(held: State, wanted: State, options: MilvusOptions) -> State:
    """What a collection holds, if it is what is wanted.

    Raises:
        WrongCollection: It is not; says in what it differs.
    """
    for name in ("space_id", "row_dim", "catalogue_id"):
        found, needed = getattr(held, name), getattr(wanted, name)
        if found != needed:
            raise WrongCollection(
                f"{options.shown}: the collection {options.collection!r} has `{name}` {found!r}, and {needed!r} is "
                "wanted; choose another collection"
            )
    return held


def _entity(key: str, what: str, value: str) -> dict[str, Any]:
    return {"key": key, "what": what, "value": value, "vector": [0.0, 0.0]}
