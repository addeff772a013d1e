"""What goes into a recommendation and what comes out of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from clients.errors import BadInput
from clients.values import Filter, Image, Product, Result

Liked = str | tuple[str, float]
"""A product's id, or an id and how much it counts; a negative weight means "not like this one"."""


@dataclass(frozen=True)
class Recommend:
    """One question for recommendations: about products of the catalogue, or about one that is not in it yet.

    The server refuses what a task does not allow, and names the bounds.

    Args:
        products: One id, or several products, the newest first where nothing else is said. They are never in the
            answer.
        times: When each of them was seen or bought, in Unix seconds; one a product, or none at all.
        task: A profile of the release's ``tasks.toml``: what is wanted, and where in the shop it stands.
        k: How many products to return.
        filter: Which products may be returned; by default all.
        seen: Ids of more products that are not to be returned.
        categories: Categories to complement the products with, as in ``Kitchen/Teas``; by default those that go with
            the products' own.
        nearest: How many clusters next to the history are looked into, of the task ``inspire``.
        skip: How many of these, the nearest ones, are left out.
        diversity: How much products of one answer are to differ: 0 for not at all, 1 for as much as they can.
        per_category: Most products of one category; 0 for any number.
        per_brand: Most products of one brand; 0 for any number.
        min_seq: The least state of the catalogue that may answer; see `clients.Query`.
        product: A product that is not in the catalogue, in place of ``products``.
        image: Its picture.
        key: Whose question it is, to choose whom a release on trial answers; see `clients.Query`.

    Raises:
        BadInput: What stands for a product is none, times of other products, both products and a product, or an image
            without one.
    """

    products: str | Sequence[Liked] = ()
    times: Sequence[int] = ()
    task: str = "similar"
    k: int = 10
    filter: Filter | None = None
    seen: str | Sequence[str] = ()
    categories: str | Sequence[str] = ()
    nearest: int | None = None
    skip: int | None = None
    diversity: float | None = None
    per_category: int | None = None
    per_brand: int | None = None
    min_seq: int | None = None
    product: Product | None = None
    image: Image | None = None
    key: str | None = None

    def __post_init__(self) -> None:
        for liked in self.weighted:
            _check_liked(liked)
        if self.times and len(self.times) != len(self.weighted):
            raise BadInput(f"TIMES: {len(self.times)} for {len(self.weighted)} products; give one a product, or none")
        if self.product is not None and (self.products or self.times):
            raise BadInput("PRODUCT_ID and PRODUCT: both given; give ids of the catalogue, or a product not in it")
        if self.image is not None and self.product is None:
            raise BadInput("IMAGE: given without PRODUCT; it is the picture of a product that is not in the catalogue")

    @property
    def model(self) -> str:
        """The ensemble that answers this kind of question."""
        return "recommend" if self.product is None else "recommend_product"

    @property
    def weighted(self) -> tuple[tuple[str, float], ...]:
        """The products, each with its weight: 1 where none is given."""
        liked = (self.products,) if isinstance(self.products, str) else self.products
        return tuple((one, 1.0) if isinstance(one, str) else one for one in liked)


def _check_liked(liked: object) -> None:
    match liked:
        case (str(), int() | float()):
            return
    raise BadInput(f"PRODUCT_ID: {liked!r}; allowed: an id, or a pair of an id and its weight, as in ('M1', -0.5)")


@dataclass(frozen=True)
class Hit(Result):
    """One product that is recommended.

    Args:
        rule: What put it there: ``similar``, ``complement:CATEGORY``, ``inspire:CLUSTER``, or ``popular:CATEGORY``,
            whose category is empty for the whole shop.
    """

    rule: str = ""


@dataclass(frozen=True)
class Recommendations:
    """The products that answer one `Recommend`, in the order to show them.

    Args:
        release: Number of the release that answered.
        seq: Sequence number of the catalogue's journal that the answer knows.
        hits: The products. Their scores are comparable within one rule, so they need not descend.
        reason: Empty where the task filled the answer by itself; else what fell back, or why there are fewer.
    """

    release: int
    seq: int
    hits: tuple[Hit, ...]
    reason: str = ""

    def to_dict(self) -> dict[str, object]:
        """All fields, ready for JSON."""
        hits = [hit.to_dict() for hit in self.hits]
        return {"release": self.release, "seq": self.seq, "reason": self.reason, "hits": hits}
