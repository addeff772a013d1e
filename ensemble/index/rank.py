"""Business scores: ``similarity + 0.2 * log1p(popularity) - 0.01 * price``, an expression over similarity and columns.

The score of a product is ``a * similarity + f(columns)``. ``a`` goes into the query row; ``f`` is one number a slot
that engines add to the inner product, so that the products found are those of the highest business score, and not the
most similar ones in another order. The language: numbers, columns of numbers and flags (0 and 1) by their names,
``column("NAME")`` for names that are no identifiers, ``+ - * /``, ``log1p``, ``sqrt``, ``exp``, ``abs``, ``min(a, b)``,
``max(a, b)``, ``clip(x, low, high)``, and ``fill(column, number)`` for products without a value. Where ``f`` is not
finite in float32, as for want of a value, it counts as 0.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from ensemble.errors import InvalidInput
from ensemble.index.columns import Column
from ensemble.index.rank_linear import SIMILARITY
from ensemble.index.rank_nodes import Arrays, Part, evaluate, fields_of
from ensemble.index.rank_reading import MAX_BYTES, read_expression

# Query rows are multiplied with the factor, and stay well inside float32.
LEAST_FACTOR, MOST_FACTOR = 1e-6, 1e6
READ = 256


@dataclass(frozen=True)
class Rank:
    """A business score. It stays right while columns are added and change their values; not when one changes its kind.

    Args:
        similarity: What the inner product is multiplied with, above 0.
        added: What is added to it; None for nothing.
    """

    similarity: float
    added: Part | None

    @property
    def fields(self) -> frozenset[str]:
        """The columns that are used."""
        return fields_of(self.added)

    def boost(self, values: Mapping[str, Any], xp: Arrays = np) -> Any:
        """What is added to the inner product of each product.

        Args:
            values: For each of ``fields`` ``(slots,)`` float64, NaN where a product has no value; flags are 0 and 1.
            xp: The library that the arrays are of: ``numpy``, or ``torch``.

        Returns:
            ``(slots,)`` float32, all of it finite; of no dimension where no column is used.
        """
        if self.added is None:
            return xp.asarray(0.0, dtype=xp.float32)
        with np.errstate(all="ignore"):
            boost = xp.asarray(evaluate(self.added, values, xp), dtype=xp.float32)
        return xp.where(xp.isfinite(boost), boost, xp.zeros_like(boost))


def parse_rank(text: str | bytes, columns: Mapping[str, Column], *, name: str = "RANK") -> Rank | None:
    """Compile a business score against a catalogue's columns.

    Args:
        text: The expression; an empty one is none.
        columns: The fields that exist.
        name: How errors call the input.

    Returns:
        The score, or None where the text is empty.

    Raises:
        InvalidInput: Not an expression, too large a one, one in which ``similarity`` is not a term with a factor, or an
            unknown column; names the place.
    """
    if not text:
        return None
    rank = read_rank(text, name)
    for field in sorted(rank.fields):
        if field not in columns or columns[field].kind == "word":
            problem = "is no number" if field in columns else "is no column"
            raise InvalidInput(name, f"{field!r} {problem}; this catalogue has {_usable(columns)}")
    return rank


def factor_of(text: str | bytes, *, name: str = "RANK") -> float:
    """What a business score multiplies the inner product with, whatever the columns are; 1 where the text is empty.

    Raises:
        InvalidInput: As ``parse_rank`` does, but for columns.
    """
    return read_rank(text, name).similarity if text else 1.0


@lru_cache(READ)
def read_rank(text: str | bytes, name: str = "RANK") -> Rank:
    """Read a business score that is not empty, before it is known which columns there are.

    Raises:
        InvalidInput: It is not one.
    """
    size = len(text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass"))
    if size > MAX_BYTES:
        raise InvalidInput(name, f"{size:,} bytes; at most {MAX_BYTES:,} are allowed")
    said = read_expression(_line(text, name), name)
    if said.similarity is None:
        raise InvalidInput(
            name, f"{SIMILARITY} does not occur; exactly once is needed, as in {SIMILARITY} - 0.1 * price"
        )
    if not LEAST_FACTOR <= said.similarity <= MOST_FACTOR:
        allowed = f"{LEAST_FACTOR:g} to {MOST_FACTOR:g}"
        raise InvalidInput(name, f"{SIMILARITY} has the factor {said.similarity:g}; {allowed} are allowed")
    return Rank(said.similarity, said.rest)


def _line(text: str | bytes, name: str) -> str:
    try:
        line = (text.decode() if isinstance(text, bytes) else text).strip()
        line.encode()
    except UnicodeError:
        raise InvalidInput(name, "not UTF-8 text") from None
    if len(line.splitlines()) != 1:
        raise InvalidInput(name, "one line is needed")
    return line


def _usable(columns: Mapping[str, Column]) -> str:
    return ", ".join(sorted(name for name, column in columns.items() if column.kind != "word"))
