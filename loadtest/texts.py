"""Texts to search for: a built-in list, the lines of a file, or the titles of a catalogue."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

from loadtest.errors import BadTraffic

COLOURS = ("red", "green", "blue", "white", "black", "yellow", "grey", "brown", "pink", "orange")
STYLES = ("small", "large", "plain", "striped", "round", "classic", "modern", "light", "soft", "sturdy")
THINGS = (
    "mug", "bowl", "lamp", "chair", "sofa", "vase", "basket", "backpack", "boot", "shoe",
    "hat", "shirt", "jumper", "ball", "kettle", "pan", "teapot", "cushion", "clock", "plant pot",
)  # fmt: skip


def built_in() -> tuple[str, ...]:
    """2,000 texts as shoppers type them: ``small red mug``. Neighbours in the list differ in every word."""
    words = itertools.product(range(len(STYLES)), range(len(COLOURS)), range(len(THINGS)))
    return tuple(
        f"{STYLES[(style + thing) % len(STYLES)]} {COLOURS[(colour + thing) % len(COLOURS)]} {THINGS[thing]}"
        for style, colour, thing in words
    )


def read_texts(path: Path) -> tuple[str, ...]:
    """The lines of a text file, or the titles of a ``.jsonl`` catalogue; empty lines are left out.

    Raises:
        BadTraffic: The file cannot be read, has no text, or a row of it has no title.
    """
    try:
        lines = [line.strip() for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    except (OSError, UnicodeDecodeError) as error:
        raise BadTraffic(f"--queries: cannot read {str(path)!r}: {error}") from None
    texts = tuple(_title(line, path) for line in lines) if path.suffix == ".jsonl" else tuple(lines)
    if not texts:
        raise BadTraffic(f"--queries: {str(path)!r} has no text; give one query a line")
    return texts


def _title(line: str, path: Path) -> str:
    try:
        return str(json.loads(line)["title"])
    except (ValueError, KeyError, TypeError):
        raise BadTraffic(f"--queries: {str(path)!r}: not a product with a title: {line[:60]!r}") from None
