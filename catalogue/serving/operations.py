"""The three kinds of writes: what a request asks for, how it is written, and what is answered."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from catalogue.database import Database, Deleted, Entry, Patch, Space
from catalogue.errors import CatalogueError
from catalogue.serving.parsing import entries_of, ids_of, patches_of
from ensemble.serving import Tensors

T = TypeVar("T")
R = TypeVar("R")
T_contra = TypeVar("T_contra", contravariant=True)
R_co = TypeVar("R_co", covariant=True)


class Write(Protocol[T_contra, R_co]):
    """Writes items in one transaction."""

    def __call__(
        self, database: Database, items: Sequence[T_contra], /, *, whole: bool
    ) -> Sequence[R_co | CatalogueError]:
        """A result for each item, or why it was refused; with ``whole``, all are written or none."""


@dataclass(frozen=True)
class Operation(Generic[T, R]):
    """One kind of writes.

    Args:
        name: The input that tells what is to be written.
        parse: The items of one request, from its inputs.
        write: Writes items in one transaction.
        answer: The outputs of one request, from its items and their results.
    """

    name: str
    parse: Callable[[Tensors], list[T]]
    write: Write[T, R]
    answer: Callable[[Sequence[T], Sequence[R]], Tensors]


def upserts(space: Space, release: int) -> Operation[Entry, int]:
    """Products with their rows of a space; the release's number is told with every one."""

    def answer(entries: Sequence[Entry], seqs: Sequence[int]) -> Tensors:
        told = _written([entry.product.id for entry in entries], seqs)
        return {**told, "RELEASE": _integers([release] * len(seqs))}

    return Operation("PRODUCT", lambda inputs: entries_of(inputs, space), Database.upsert, answer)


def patches() -> Operation[Patch, int]:
    """Changes of products that leave their rows as they are."""

    def answer(changed: Sequence[Patch], seqs: Sequence[int]) -> Tensors:
        return _written([patch.id for patch in changed], seqs)

    return Operation("PATCH", patches_of, Database.patch, answer)


def deletions() -> Operation[str, Deleted]:
    """Deletions, which nothing refuses: a product that is not there is as it shall be."""

    def write(database: Database, ids: Sequence[str], *, whole: bool) -> list[Deleted]:
        del whole  # none can be refused
        return database.delete(ids)

    def answer(_ids: Sequence[str], deleted: Sequence[Deleted]) -> Tensors:
        found = np.array([[each.found] for each in deleted], np.bool_)
        return {"SEQ": _integers([each.seq for each in deleted]), "FOUND": found}

    return Operation("PRODUCT_ID", ids_of, write, answer)


def _written(ids: Sequence[str], seqs: Sequence[int]) -> Tensors:
    return {"PRODUCT_ID": np.array([[name.encode()] for name in ids], object), "SEQ": _integers(seqs)}


def _integers(values: Sequence[int]) -> NDArray[np.int64]:
    return np.array(values, np.int64).reshape(-1, 1)
