"""What is known about the products of a collection: kept beside them, and written after them."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from ensemble.errors import ChangesRefused
from ensemble.index.columns import Kind
from ensemble.index.milvus.connection import Connection
from ensemble.index.milvus.errors import WrongCollection
from ensemble.index.milvus.filters import keys_in
from ensemble.index.milvus.options import MilvusOptions
from ensemble.index.milvus.parts import AT_ONCE, parts_of
from ensemble.index.milvus.schema import MAX_TEXT_BYTES, STRONG
from ensemble.index.milvus.tokens import key_of

FORMAT = 1
_STATE = "state"
_UNEMBEDDED = "unembedded"


@dataclass(frozen=True)
class State:
    """One state of a catalogue, as far as a collection holds it.

    Args:
        space_id: The space that the rows are of.
        row_dim: Length of a row.
        catalogue_id: The catalogue that the products are of; empty for one that is in no database.
        seq: The journal's last entry that is wholly in the collection.
        first: No product has a slot before this one.
        end: Nor this one or a later one, but those that were written since this state.
        kinds: The kind of every attribute.
        format: Of the collections.
    """

    space_id: str
    row_dim: int
    catalogue_id: str = ""
    seq: int = 0
    first: int = 0
    end: int = 0
    kinds: Mapping[str, Kind] = field(default_factory=dict)
    format: int = FORMAT


class States:
    """The collection beside the products.

    Args:
        connection: To its Milvus.
        name: Of the collection.
    """

    def __init__(self, connection: Connection, name: str) -> None:
        self._connection, self._name = connection, name
        self._unembedded: frozenset[str] | None = None

    def read(self) -> State | None:
        """The state; None where nothing was filled in yet.

        Raises:
            MilvusAway: Milvus does not answer.
            WrongCollection: It is of another format.
        """
        text = self.text(_STATE)
        if text is None:
            return None
        said = json.loads(text)
        if said.get("format") != FORMAT:
            raise WrongCollection(
                f"{self._connection.options.shown}: {self._name} has format {said.get('format')!r}; this version reads "
                f"{FORMAT}, so fill another collection"
            )
        return State(**said)

    def write(self, state: State) -> None:
        """Replace it.

        Raises:
            ChangesRefused: There are more attributes than fit.
            MilvusAway: Milvus does not answer.
        """
        text = json.dumps(asdict(state), ensure_ascii=False)
        if len(text.encode()) > MAX_TEXT_BYTES:
            raise ChangesRefused(
                f"{len(state.kinds):,} attributes: their names take more than the {MAX_TEXT_BYTES:,} bytes that Milvus "
                "has for them"
            )
        self.put(_STATE, text)

    def text(self, key: str) -> str | None:
        """One value; None where there is none."""
        more: dict[str, Any] = {"output_fields": ["value"], "consistency_level": STRONG}
        found = list(self._connection.call("query", self._name, filter=f'key == "{key}"', **more))
        return str(found[0]["value"]) if found else None

    def put(self, key: str, text: str) -> None:
        """Replace one value."""
        self._upsert([_entity(key, key, text)])

    def unembedded(self) -> frozenset[str]:
        """The products that have no row yet; read once, since one process alone changes them."""
        if self._unembedded is None:
            self._unembedded = self._read_unembedded()
        return self._unembedded

    def note_unembedded(self, more: Collection[str], less: Collection[str]) -> None:
        """Note products that have no row, and others that have one, or are gone."""
        known = self.unembedded()
        for part in parts_of(sorted(more)):
            self._upsert([_entity(key_of(name), _UNEMBEDDED, name) for name in part])
        for part in parts_of(sorted(less)):
            self._connection.call("delete", self._name, filter=keys_in([key_of(name) for name in part]))
        self._unembedded = (known | frozenset(more)) - frozenset(less)

    def forget(self) -> None:
        """Read the products without a row anew: another process may have changed them."""
        self._unembedded = None

    def _read_unembedded(self) -> frozenset[str]:
        wanted: dict[str, Any] = {
            "filter": f'what == "{_UNEMBEDDED}"',
            "output_fields": ["value"],
            "batch_size": AT_ONCE,
        }
        pages = self._connection.pages(self._name, consistency_level=STRONG, **wanted)
        return frozenset(entity["value"] for page in pages for entity in page)

    def _upsert(self, entities: list[dict[str, Any]]) -> None:
        self._connection.call("upsert", self._name, entities)


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
