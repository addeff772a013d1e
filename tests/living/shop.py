"""One writer's part of a shop: random changes of it, and what each leaves, known beforehand."""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random
from typing import Any, Literal

from tests import tiny
from tests.living.twin import Document

CATEGORIES = ("Kitchen/Mugs", "Kitchen", "Home/Chairs", "Home/Lamps", "Sport")
PICTURES = {colour: tiny.picture(rgb, seed) for seed, (colour, rgb) in enumerate(tiny.COLOURS.items())}


def seeded(seed: float) -> Random:
    """What decides in a test; the same seed decides the same."""
    return Random(seed)  # noqa: S311 -- nothing is hidden by it


@dataclass(frozen=True)
class Operation:
    """One change.

    Args:
        kind: What is done.
        id: The product.
        after: The product as it is afterwards; None where it is gone.
        patch: What is changed, of a patch.
        picture: The picture that comes with an upsert.
    """

    kind: Literal["upsert", "patch", "delete"]
    id: str
    after: Document | None
    patch: dict[str, Any] = field(default_factory=dict)
    picture: bytes | None = None


@dataclass
class Shop:
    """Products whose ids begin with ``prefix``: no one else changes them.

    Args:
        random: Decides everything.
        prefix: Of the ids.
        size: How many ids there are.
        documents: The products that are there.
    """

    random: Random
    prefix: str
    size: int
    documents: dict[str, Document] = field(default_factory=dict)

    def draw(self) -> Operation:
        """The next change; ``take`` it once it is acknowledged."""
        name = f"{self.prefix}{self.random.randrange(self.size):03}"
        kind = self.random.choices(("upsert", "patch", "delete"), (5, 3, 2))[0]
        if kind == "upsert" or name not in self.documents:
            picture = PICTURES[self.random.choice(list(PICTURES))] if self.random.random() < 0.4 else None
            return Operation("upsert", name, self._product(name), picture=picture)
        return Operation("delete", name, None) if kind == "delete" else self._patch(name)

    def take(self, operation: Operation) -> None:
        """Remember what an acknowledged change leaves."""
        if operation.after is None:
            self.documents.pop(operation.id, None)
        else:
            self.documents[operation.id] = operation.after

    def _product(self, name: str) -> Document:
        random, colour = self.random, self.random.choice(list(tiny.COLOURS))
        return {
            "id": name,
            "title": " ".join(random.choices(tiny.WORDS, k=random.randrange(1, 6))),
            "category": random.choice(CATEGORIES),
            "price": None if random.random() < 0.2 else round(random.uniform(0, 50), 2),
            "available": random.random() < 0.7,
            "attributes": {"color": colour, "number": float(random.randrange(40)), "new": random.random() < 0.5},
        }

    def _patch(self, name: str) -> Operation:
        before = self.documents[name]
        patch: dict[str, Any] = {}
        if self.random.random() < 0.7:
            patch["price"] = None if self.random.random() < 0.1 else round(self.random.uniform(0, 50), 2)
        if self.random.random() < 0.5:
            patch["available"] = self.random.random() < 0.5
        if not patch or self.random.random() < 0.4:
            patch["attributes"] = {"number": self.random.choice([None, 1.0, 7.5])}
        attributes = before["attributes"] | patch.get("attributes", {})
        kept = {attribute: value for attribute, value in attributes.items() if value is not None}
        return Operation("patch", name, {**before, **patch, "attributes": kept}, patch)


def filters(random: Random) -> dict[str, Any] | None:
    """A filter over what the products have; often none."""
    low = random.uniform(0, 40)
    return random.choice([
        None,
        None,
        {"eq": ["available", True]},
        {"range": ["price", low, low + 15]},
        {"under": ["category", random.choice(("Kitchen", "Home", "Sport", "Home/Lamps"))]},
        {"in": ["color", random.sample(list(tiny.COLOURS), 2)]},
        {"not": {"range": ["number", None, 20.0]}},
        {"and": [{"eq": ["new", True]}, {"or": [{"range": ["price", None, low]}, {"eq": ["color", "red"]}]}]},
    ])  # fmt: skip
