"""What goes into a search and what comes out of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from enum import Enum
from pathlib import Path
from typing import Final

from clients.errors import BadInput

Text = str | bytes
"""A text; bytes are sent as they are, be they UTF-8 or not."""

Image = bytes | Path
"""An encoded picture (JPEG, PNG, WebP) or the file that holds one. It is sent as it is, never decoded here."""

Product = Mapping[str, object]
"""A product as the catalogue has it: id, title, category, price, available, image, attributes."""

Filter = Mapping[str, object] | str | bytes
"""A filter expression: a mapping, or its JSON text."""


@dataclass(frozen=True)
class Query:
    """One search: by a text, by a photo, or by both.

    Args:
        text: What to look for, in words.
        image: What to look for, as a photo.
        weights: How much text and photo count; by default equally. A negative one means "less like this".
        k: How many products to return.
        filter: Which products may be returned; by default all.
        rank: The business score that products are chosen and ordered by, as in
            ``similarity + 0.2 * log1p(popularity) - 0.01 * price``; by default the similarity.
        min_seq: The least state of the catalogue that may answer, as in ``Written.seq``: the server waits for it for a
            moment, then refuses with `Behind`. By default any state.
        key: Whose search it is, such as a user's id, to choose whom a release on trial answers; see `clients.canary`.
            It is not sent. Without one, or with an empty one, it is never the release on trial.

    Raises:
        BadInput: Neither text nor image, or weights without both.
    """

    text: Text | None = None
    image: Image | None = None
    weights: tuple[float, float] | None = None
    k: int = 10
    filter: Filter | None = None
    min_seq: int | None = None
    rank: Text | None = None
    key: str | None = None

    def __post_init__(self) -> None:
        if self.text is None and self.image is None:
            raise BadInput("TEXT and IMAGE: both missing; give a text, an image, or both")
        if self.weights is not None and (self.text is None or self.image is None):
            raise BadInput("WEIGHTS: given for one input; they weigh a text against an image, so give both")

    @property
    def model(self) -> str:
        """The ensemble that answers this kind of query."""
        if self.image is None:
            return "search_text"
        return "search_image" if self.text is None else "search"


class Keep(Enum):
    """The type of `KEEP`."""

    KEEP = "keep"


KEEP: Final = Keep.KEEP
"""A value that a patch leaves as it is; None would say that there is none."""

Attribute = str | int | float | bool


@dataclass(frozen=True)
class Patch:
    """New values of some fields of a product.

    Args:
        id: The product's id.
        price: Its price; None: it has none.
        available: Whether it can be bought.
        attributes: Attributes that change; None removes one. Those that are not named stay.

    Raises:
        BadInput: It changes nothing.
    """

    id: str
    price: float | Keep | None = KEEP
    available: bool | Keep = KEEP
    attributes: Mapping[str, Attribute | None] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if len(self.to_dict()) == 1:
            raise BadInput("PATCH: changes nothing; give a price, available or attributes")

    def to_dict(self) -> dict[str, object]:
        """What it changes, and of which product, ready for JSON."""
        told: dict[str, object] = {"id": self.id}
        told |= {} if self.price is KEEP else {"price": self.price}
        told |= {} if self.available is KEEP else {"available": self.available}
        return told | ({"attributes": dict(self.attributes)} if self.attributes else {})


@dataclass(frozen=True)
class Written:
    """A write that is durable.

    Args:
        id: The product's id.
        seq: Its place in the catalogue's journal. Give it as ``min_seq`` to a search that must know of it.
    """

    id: str
    seq: int

    def to_dict(self) -> dict[str, object]:
        """All fields, ready for JSON."""
        return {"id": self.id, "seq": self.seq}


@dataclass(frozen=True)
class Deleted:
    """A product is not in the catalogue, and that is durable.

    Args:
        found: Whether it was there before. Where an answer was lost and the call was made again, it may be False though
            this very call deleted it.
        seq: As in `Written`; where nothing was found, the journal's end.
    """

    found: bool
    seq: int

    def to_dict(self) -> dict[str, object]:
        """All fields, ready for JSON."""
        return {"found": self.found, "seq": self.seq}


@dataclass(frozen=True)
class Result:
    """One product found.

    Args:
        id: The product's id in the catalogue.
        score: Weighted similarity, or the business score where one was asked for; higher is better.
        title: Name of the product.
        category: A path, as in ``Kitchen/Mugs``.
        price: In the shop's currency.
        available: Whether it can be bought.
        image: Path of its picture, relative to the catalogue's folder.
        attributes: Whatever else the catalogue tells.
    """

    id: str
    score: float
    title: str = ""
    category: str = ""
    price: float | None = None
    available: bool | None = None
    image: str | None = None
    attributes: Mapping[str, object] = field(default_factory=dict)

    def to_dict(self) -> dict[str, object]:
        """All fields, ready for JSON."""
        return {item.name: getattr(self, item.name) for item in fields(self)} | {"attributes": dict(self.attributes)}


@dataclass(frozen=True)
class Answer:
    """The products of one query, best first.

    Args:
        release: Number of the release that answered.
        seq: Sequence number of the catalogue's journal that the answer knows.
        results: The products; fewer than ``k`` where fewer pass the filter.
    """

    release: int
    seq: int
    results: tuple[Result, ...]

    def to_dict(self) -> dict[str, object]:
        """All fields, ready for JSON."""
        return {"release": self.release, "seq": self.seq, "results": [result.to_dict() for result in self.results]}
