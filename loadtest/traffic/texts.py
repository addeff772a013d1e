"""Texts to search for: a built-in list, the lines of a file, or the titles of a catalogue."""

from __future__ import annotations

import itertools
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from loadtest.errors import BadTraffic
from loadtest.traffic.shop import Product

COLOURS = ("red", "green", "blue", "white", "black", "yellow", "grey", "brown", "pink", "orange")
STYLES = ("small", "large", "plain", "striped", "round", "classic", "modern", "light", "soft", "sturdy")
THINGS = (
    "mug", "bowl", "lamp", "chair", "sofa", "vase", "basket", "backpack", "boot", "shoe",
    "hat", "shirt", "jumper", "ball", "kettle", "pan", "teapot", "cushion", "clock", "plant pot",
)  # fmt: skip


@dataclass(frozen=True)
class Told:
    """A text to search for.

    Args:
        text: The text.
        known: Ids of the products that it means; empty where nobody knows.
    """

    text: str
    known: tuple[str, ...] = ()


def built_in() -> tuple[Told, ...]:
    """2,000 texts as shoppers type them: ``small red mug``. Neighbours in the list differ in every word."""
    words = itertools.product(range(len(STYLES)), range(len(COLOURS)), range(len(THINGS)))
    return tuple(
        Told(f"{STYLES[(style + thing) % len(STYLES)]} {COLOURS[(colour + thing) % len(COLOURS)]} {THINGS[thing]}")
        for style, colour, thing in words
    )


def titles(products: Sequence[Product]) -> tuple[Told, ...]:
    """The titles of products, each once; the products of that title are known to be right."""
    known: dict[str, list[str]] = {}
    for product in products:
        known.setdefault(product.title, []).append(product.id)
    return tuple(Told(title, tuple(ids)) for title, ids in known.items())


def read_queries(path: Path) -> tuple[Told, ...]:
    """The lines of a text file, or of a ``.jsonl`` file the rows that have a ``text``.

    Such a row may name the right ``products``: ``{"text": "red mug", "products": ["M1"]}``.

    Raises:
        BadTraffic: The file cannot be read, has no text, or a row of it is none.
    """
    try:
        lines = [line.strip() for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    except (OSError, UnicodeDecodeError) as error:
        raise BadTraffic(f"queries: cannot read {str(path)!r}: {error}") from None
    read = (_row(line, path) for line in lines) if path.suffix == ".jsonl" else map(Told, lines)
    texts = tuple(told for told in read if told is not None)
    if not texts:
        raise BadTraffic(f"queries: {str(path)!r} has no text; give one query a line")
    return texts


def _row(line: str, path: Path) -> Told | None:
    try:
        row = json.loads(line)
        if row.get("text") is None:
            return None
        return Told(str(row["text"]), tuple(map(str, row.get("products") or ())))
    except (ValueError, TypeError, AttributeError):
        raise BadTraffic(f"queries: {str(path)!r}: not a query with a text: {line[:60]!r}") from None
