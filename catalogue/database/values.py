"""What goes into the database and what comes out of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from catalogue.database.kinds import Kind
from catalogue.product import Product

JournalKind = Literal["upsert", "patch", "delete", "embed"]
Row = NDArray[np.float16]
AnyRow = NDArray[np.float16] | NDArray[np.float32]


@dataclass(frozen=True)
class Space:
    """A space that vectors may be of.

    Args:
        space_id: Its hash.
        text_dim: Length of the text half of a row.
        image_dim: Length of the image half.
        text_fields: Fields of a product that the text half is made of.

    Raises:
        ValueError: A value is not allowed.
    """

    space_id: str
    text_dim: int
    image_dim: int
    text_fields: tuple[str, ...] = ("title",)

    def __post_init__(self) -> None:
        object.__setattr__(self, "text_fields", tuple(self.text_fields))
        if not self.space_id:
            raise ValueError("`space_id` must not be empty")
        if self.text_dim < 0 or self.image_dim < 0 or self.row_dim == 0:
            raise ValueError(f"`text_dim` and `image_dim` must be lengths, got {self.text_dim} and {self.image_dim}")

    @property
    def row_dim(self) -> int:
        """Length of a row."""
        return self.text_dim + self.image_dim


@dataclass(frozen=True)
class Vector:
    """A product's row in one space.

    Args:
        space_id: The space; it must be registered.
        row: ``(row_dim,)`` float16 or float32, finite.
    """

    space_id: str
    row: AnyRow


@dataclass(frozen=True)
class Entry:
    """One product to be written, with all that comes with it.

    Args:
        product: It replaces the product of the same id as a whole.
        picture: Encoded bytes of its picture; None or empty where none comes with it.
        vector: Its row; None leaves the row of the former content in place until a new one is embedded.
    """

    product: Product
    picture: bytes | None = None
    vector: Vector | None = None


@dataclass(frozen=True)
class Patch:
    """Changes of a product that leave its vectors as they are.

    Args:
        id: The product.
        changes: ``price`` (None: unknown), ``available``, ``attributes`` (merged; None removes one).
    """

    id: str
    changes: Mapping[str, Any]

    def __post_init__(self) -> None:
        object.__setattr__(self, "changes", MappingProxyType(dict(self.changes)))


@dataclass(frozen=True)
class Embedded:
    """A row that was made from a stored product.

    Args:
        id: The product.
        content: ``Stored.content`` of what the row was made of.
        row: ``(row_dim,)`` float16 or float32, finite.
    """

    id: str
    content: int
    row: AnyRow


@dataclass(frozen=True)
class Stored:
    """A product as the database has it.

    Args:
        product: The product.
        content: Sequence number of its last upsert.
        picture: Key of the picture that came with it; None where none did.
    """

    product: Product
    content: int
    picture: str | None = None


@dataclass(frozen=True)
class Deleted:
    """What became of one deletion.

    Args:
        seq: From this sequence number on the product is gone.
        found: Whether it was there.
    """

    seq: int
    found: bool


@dataclass(frozen=True)
class Change:
    """What became of one product.

    Args:
        id: The product.
        document: The product as UTF-8 JSON; None where it was deleted.
        row: Its ``(row_dim,)`` row; None where it stayed as it was and only new ones were asked for, ``(0,)`` where it
            has none in this space.
    """

    id: str
    document: bytes | None
    row: Row | None


@dataclass(frozen=True)
class Changes:
    """Everything that changed since a sequence number, as one state of the catalogue.

    Args:
        seq: The last journal entry of this state.
        changes: At most one a product, in the order in which rows get their slots.
        kinds: The kind of every attribute.
        all_rows: Whether products come with their rows also where these stayed as they were.
    """

    seq: int
    changes: tuple[Change, ...]
    kinds: Mapping[str, Kind]
    all_rows: bool = False


@dataclass(frozen=True)
class Everything:
    """One whole state of the catalogue, streamed.

    Args:
        seq: The last journal entry of this state.
        count: How many products it has.
        changes: Each product once, in the order in which rows get their slots; to be read while it is open.
        kinds: The kind of every attribute.
    """

    seq: int
    count: int
    changes: Iterator[Change]
    kinds: Mapping[str, Kind]


@dataclass(frozen=True)
class JournalEntry:
    """One line of the journal.

    Args:
        seq: Its number.
        product_id: What changed.
        kind: How.
        space_id: The space, where only one is concerned.
        at: When it was written, UTC.
    """

    seq: int
    product_id: str
    kind: JournalKind
    space_id: str | None
    at: str
