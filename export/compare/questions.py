"""Labelled queries by kind, held to the catalogue before anything is built."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from catalogue.errors import MAX_LISTED
from export.compare.metrics import Bools
from export.errors import BadComparison
from export.queries import Query

KINDS = ("text", "image")


@dataclass(frozen=True)
class Questions:
    """Queries of one kind.

    Args:
        kind: ``text`` or ``image``.
        names: What a reader knows each as.
        asked: Texts, or encoded pictures.
        right: ``(queries, products)``, which products are right.
    """

    kind: str
    names: tuple[str, ...]
    asked: tuple[str | bytes, ...]
    right: Bools

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"`kind` must be one of {', '.join(KINDS)}, got {self.kind!r}")
        if not len(self.names) == len(self.asked) == len(self.right):
            raise ValueError("`names`, `asked` and `right` must be of one length")


def questions(queries: Sequence[Query], ids: Sequence[str], kinds: Sequence[str] = ()) -> list[Questions]:
    """Sort queries by kind.

    Args:
        queries: Those of the file.
        ids: Of the products, in the catalogue's order.
        kinds: Which kinds are wanted; those that there are, where none is named.

    Raises:
        BadComparison: A query has no label, or one that the catalogue lacks, or there is none of a kind; lists them.
    """
    problems = [*_unknown_kinds(kinds), *_listed(list(_bad_labels(queries, set(ids))))]
    grouped = {kind: [query for query in queries if _kind(query) == kind] for kind in KINDS}
    wanted = kinds or [kind for kind in KINDS if grouped[kind]]
    problems += [f"queries: none of kind {kind!r}" for kind in wanted if not grouped.get(kind, True)]
    if not queries:
        problems.append("queries: there are none")
    if problems:
        raise BadComparison(problems)
    places = {name: place for place, name in enumerate(ids)}
    return [_questions(kind, grouped[kind], places) for kind in wanted]


def _questions(kind: str, queries: Sequence[Query], places: Mapping[str, int]) -> Questions:
    right = np.zeros((len(queries), len(places)), bool)
    for row, query in enumerate(queries):
        right[row, [places[name] for name in query.products]] = True
    asked = tuple(query.text if query.image is None else query.image.read_bytes() for query in queries)
    return Questions(kind, tuple(query.label for query in queries), asked, right)  # type: ignore[arg-type]


def _kind(query: Query) -> str:
    return "text" if query.image is None else "image"


def _unknown_kinds(kinds: Sequence[str]) -> Iterator[str]:
    for kind in kinds:
        if kind not in KINDS:
            yield f"--kind {kind!r}; allowed: {', '.join(KINDS)}"


def _bad_labels(queries: Sequence[Query], ids: set[str]) -> Iterator[str]:
    for number, query in enumerate(queries, 1):
        named = f"query {number}, {query.label}"
        if not query.products:
            yield f'{named}: has no label; give the right ones as "products"'
        unknown = [name for name in query.products if name not in ids]
        if unknown:
            yield f"{named}: products {unknown} are not in the catalogue"


def _listed(problems: list[str]) -> list[str]:
    rest = len(problems) - MAX_LISTED
    return problems if rest <= 0 else [*problems[:MAX_LISTED], f"and {rest:,} more queries with such problems"]
