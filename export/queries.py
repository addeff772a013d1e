"""Queries that were asked for real, with their right answers where they are known: one JSON object a line.

    {"text": "red mug"}
    {"image": "photos/0001.jpg", "products": ["P001", "P002"]}

A picture's path is relative to the file.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from catalogue.errors import shown
from export.errors import BadQueries

KEYS = ("text", "image", "products")


@dataclass(frozen=True)
class Query:
    """One query; a text or a picture, never both.

    Args:
        text: What was typed.
        image: File of the photo.
        products: Ids of the products that are right; empty where that is not known.
    """

    text: str | None
    image: Path | None
    products: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if (self.text is None) == (self.image is None):
            raise ValueError("exactly one of `text` and `image` must be given")
        if self.text is not None and not self.text.strip():
            raise ValueError("`text` must not be empty")
        object.__setattr__(self, "products", tuple(self.products))

    @property
    def label(self) -> str:
        """What a reader knows it as."""
        return shown(self.text) if self.image is None else self.image.name


def read_queries(path: Path) -> list[Query]:
    """Read a queries file.

    Raises:
        BadQueries: The file cannot be read or holds no query, or lines are not valid; lists every problem.
    """
    try:
        lines = path.read_text("utf-8").splitlines()
    except (OSError, ValueError) as error:
        raise BadQueries(str(path), [f"cannot be read: {error}"]) from error
    queries: list[Query] = []
    problems: list[str] = []
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        row, found = _row(line)
        found = found or list(_problems(row, path.parent))
        problems += [f"line {number}: {one}" for one in found]
        if not found:
            queries.append(_query(row, path.parent))
    if not queries and not problems:
        problems.append("holds no query; allowed: one JSON object a line")
    if problems:
        raise BadQueries(str(path), problems)
    return queries


def _row(line: str) -> tuple[dict[str, Any], list[str]]:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError) as error:
        return {}, [f"{shown(line)}: not JSON: {error}"]
    if not isinstance(row, dict):
        return {}, [f"{shown(row)}; allowed: a JSON object"]
    return row, []


def _problems(row: Mapping[str, Any], folder: Path) -> Iterator[str]:
    for key in row:
        if key not in KEYS:
            yield f"{key} = {shown(row[key])}; no such key; allowed: {', '.join(KEYS)}"
    if ("text" in row) == ("image" in row):
        yield f"{shown(dict(row))}; allowed: exactly one of text and image"
    if "text" in row and not (isinstance(row["text"], str) and row["text"].strip()):
        yield f"text = {shown(row['text'])}; allowed: a string that is not empty"
    if "image" in row and not _is_file(row["image"], folder):
        yield f"image = {shown(row['image'])}; allowed: the path of a file, relative to {folder}"
    products = row.get("products", [])
    if not isinstance(products, list) or not all(isinstance(name, str) and name for name in products):
        yield f"products = {shown(products)}; allowed: a list of ids"


def _is_file(image: Any, folder: Path) -> bool:
    return isinstance(image, str) and image != "" and "\x00" not in image and (folder / image).is_file()


def _query(row: Mapping[str, Any], folder: Path) -> Query:
    image = folder / row["image"] if "image" in row else None
    return Query(row.get("text"), image, tuple(row.get("products", ())))
