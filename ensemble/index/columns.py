"""Columns over the slots, in the three kinds that filters need: words, numbers and flags."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ensemble.words import as_word

Kind = Literal["word", "number", "flag"]
Mask = NDArray[np.bool_]

MISSING_CODE = -1
KEY_FIELDS = ("id", "category", "price", "available")


@dataclass(frozen=True)
class Column:
    """One field of every slot.

    Args:
        kind: What the values are.
        values: ``(slots,)``. ``word``: int32 codes into ``words``, -1 where missing; ``number``: float64, NaN where
            missing; ``flag``: int8, 0 or 1, -1 where missing.
        words: The vocabulary of a ``word`` column, sorted.
    """

    kind: Kind
    values: NDArray[Any]
    words: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "_codes", {word: code for code, word in enumerate(self.words)})

    def code(self, word: str) -> int:
        """Code of a word; one that no slot has matches nothing."""
        codes: dict[str, int] = self._codes  # type: ignore[attr-defined]
        return codes.get(word, MISSING_CODE - 1)

    def allowed(self) -> str:
        """What a filter may compare this column with, for error messages."""
        return {"word": "a string", "number": "a finite number", "flag": "true or false"}[self.kind]

    def accepts(self, value: object) -> bool:
        """Whether a filter's value has this column's type."""
        if self.kind == "word":
            return isinstance(value, str)
        if self.kind == "flag":
            return isinstance(value, bool)
        return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= sys.float_info.max

    def equals(self, value: Any) -> Mask:
        """Slots whose value is ``value``; those without one never are."""
        wanted = self.code(value) if self.kind == "word" else value
        mask: Mask = self.values == wanted
        return mask


def word_column(values: Sequence[str | None]) -> Column:
    """A column of strings, dictionary-coded."""
    words = tuple(sorted({value for value in values if value is not None}))
    codes = {word: code for code, word in enumerate(words)}
    coded = [MISSING_CODE if value is None else codes[value] for value in values]
    return Column("word", np.array(coded, np.int32), words)


def number_column(values: Sequence[float | None]) -> Column:
    """A column of numbers."""
    return Column("number", np.array([np.nan if value is None else value for value in values], np.float64))


def flag_column(values: Sequence[bool | None]) -> Column:
    """A column of booleans."""
    return Column("flag", np.array([-1 if value is None else int(value) for value in values], np.int8))


def columns_of(products: Sequence[Mapping[str, Any]]) -> dict[str, Column]:
    """The key fields and every attribute of a catalogue as columns, one slot a product.

    An attribute named like a key field is left out: the key field has its name. One whose values are of several types
    becomes words.
    """
    names = sorted({name for product in products for name in product.get("attributes", {})} - set(KEY_FIELDS))
    attributes = {name: [product.get("attributes", {}).get(name) for product in products] for name in names}
    return {
        "id": word_column([product["id"] for product in products]),
        "category": word_column([product.get("category") or None for product in products]),
        "price": number_column([product.get("price") for product in products]),
        "available": flag_column([product.get("available", True) for product in products]),
        **{name: _attribute_column(values) for name, values in attributes.items()},
    }


def _attribute_column(values: Sequence[Any]) -> Column:
    present = [value for value in values if value is not None]
    if all(isinstance(value, bool) for value in present):
        return flag_column(values)
    if all(isinstance(value, int | float) and not isinstance(value, bool) for value in present):
        return number_column(values)
    return word_column([None if value is None else as_word(value) for value in values])
