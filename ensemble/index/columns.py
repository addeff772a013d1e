"""Columns over the slots, in the kinds that filters need: words, numbers, flags, and the ids."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from functools import reduce
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from ensemble.index.growing import Growing
from ensemble.index.names import ABSENT, Names
from ensemble.words import as_word

Kind = Literal["word", "number", "flag"]
Mask = NDArray[np.bool_]
Numbers = NDArray[np.int64]

MISSING_CODE = -1
NOWHERE = -2
# numpy compares with up to so many values one by one; with more it sorts the whole column, which takes longer.
ONE_BY_ONE = 48
TYPES: dict[Kind, set[type]] = {"number": {int, float, type(None)}, "flag": {bool, type(None)}}
ALLOWED: dict[Kind, str] = {"word": "a string", "number": "a finite number", "flag": "true or false"}


class Misfit(ValueError):
    """A value that a column's kind cannot hold.

    Args:
        place: Which of the values.
        kind: What the column holds.
    """

    def __init__(self, place: int, kind: Kind) -> None:
        self.place, self.kind = place, kind
        super().__init__(f"value {place} is not {ALLOWED[kind]}")


class Column(Protocol):
    """One field of every slot, as filters see it. ``slots`` are those that are asked about; None for all."""

    kind: Kind

    def equals(self, value: Any, slots: Numbers | None = None) -> Mask:
        """Whose value is ``value``; those without one never are."""

    def is_in(self, values: Sequence[Any], slots: Numbers | None = None) -> Mask:
        """Whose value is one of ``values``."""


class Stored:
    """A column with an array of its own, whose values may be replaced in place.

    Args:
        kind: What the values are.
        values: ``(slots,)``. ``word``: int32 codes, -1 where missing; ``number``: float64, NaN where missing;
            ``flag``: int8, 0 or 1, -1 where missing.
        words: The vocabulary of a ``word`` column, which only grows.
    """

    def __init__(self, kind: Kind, values: NDArray[Any], words: Names | None = None) -> None:
        self.kind, self.words = kind, Names() if words is None else words
        self._values = Growing(values)

    @classmethod
    def missing(cls, kind: Kind, slots: int) -> Stored:
        """A column in which no slot has a value."""
        types = {"word": np.int32, "number": np.float64, "flag": np.int8}
        return cls(kind, np.full(slots, np.nan if kind == "number" else MISSING_CODE, types[kind]))

    @property
    def values(self) -> NDArray[Any]:
        """``(slots,)``, as in the class's docstring."""
        return self._values.view

    def encoded(self, values: Sequence[Any]) -> NDArray[Any]:
        """Values as the column stores them, None for a missing one; new words enter the vocabulary.

        Raises:
            Misfit: A value is of another type.
        """
        if self.kind == "word":
            return self._coded([None if value is None else as_word(value) for value in values])
        if not set(map(type, values)) <= TYPES[self.kind]:
            raise Misfit(next(n for n, value in enumerate(values) if type(value) not in TYPES[self.kind]), self.kind)
        if self.kind == "flag":
            return np.array([MISSING_CODE if value is None else value for value in values], np.int8)
        return np.array([np.nan if value is None else _real(value) for value in values], np.float64)

    def stage(self, encoded: NDArray[Any]) -> None:
        """Write the values of slots to come."""
        self._values.stage(encoded)

    def extend(self, count: int) -> None:
        """Let ``count`` staged slots be seen."""
        self._values.extend(count)

    def put(self, slots: Numbers, encoded: NDArray[Any]) -> None:
        """Replace the values of slots."""
        self.values[slots] = encoded

    def equals(self, value: Any, slots: Numbers | None = None) -> Mask:
        """See ``Column.equals``."""
        wanted = next(iter(self.codes([value])), NOWHERE) if self.kind == "word" else float(value)
        mask: Mask = self._at(slots) == wanted
        return mask

    def is_in(self, values: Sequence[Any], slots: Numbers | None = None) -> Mask:
        """See ``Column.is_in``."""
        if self.kind == "word":
            return self.coded_in(self.codes(values), slots)
        wanted, held = np.unique(np.array(values, self.values.dtype)), self._at(slots)
        if len(wanted) <= ONE_BY_ONE:
            return np.isin(held, wanted)
        mask: Mask = wanted[np.minimum(np.searchsorted(wanted, held), len(wanted) - 1)] == held
        return mask

    def within(self, low: float, high: float, slots: Numbers | None = None) -> Mask:
        """Whose number is at least ``low`` and at most ``high``."""
        values = self._at(slots)
        mask: Mask = (values >= low) & (values <= high)
        return mask

    def coded_in(self, codes: Sequence[int], slots: Numbers | None = None) -> Mask:
        """Whose word has one of the codes."""
        values = self._at(slots)
        if len(codes) <= 2:
            return reduce(np.logical_or, (values == code for code in codes), np.zeros(len(values), np.bool_))
        wanted = np.zeros(len(self.words) + 1, np.bool_)  # the last is for MISSING_CODE, which wraps around to it
        wanted[list(codes)] = True
        return wanted.take(values, mode="wrap")

    def codes(self, words: Sequence[str]) -> list[int]:
        """Codes of those words that are in the vocabulary."""
        found = self.words.find(words, remember=True)
        known: list[int] = found[found != ABSENT].tolist()
        return known

    def _at(self, slots: Numbers | None) -> NDArray[Any]:
        return self.values if slots is None else self.values[slots]

    def _coded(self, words: Sequence[str | None]) -> NDArray[np.int32]:
        different = list(dict.fromkeys(word for word in words if word is not None))
        codes = self.words.find(different, remember=True)
        self.words.add(word for word, code in zip(different, codes.tolist(), strict=True) if code == ABSENT)
        code_of = dict(zip(different, self.words.find(different).tolist(), strict=True))
        return np.array([MISSING_CODE if word is None else code_of[word] for word in words], np.int32)


class IdColumn:
    """The product's id as a column: the one slot that an id is at, found by hash.

    Args:
        ids: The ids by slot.
    """

    kind: Kind = "word"

    def __init__(self, ids: Names) -> None:
        self._ids = ids

    def equals(self, value: Any, slots: Numbers | None = None) -> Mask:
        """See ``Column.equals``."""
        return self.is_in([value], slots)

    def is_in(self, values: Sequence[Any], slots: Numbers | None = None) -> Mask:
        """See ``Column.is_in``. Older slots of a product, which are dead, do not count."""
        found = self._ids.find(values)
        places = found[found != ABSENT]
        if slots is not None:
            return np.isin(slots, places)
        mask = np.zeros(len(self._ids), np.bool_)
        mask[places] = True
        return mask


def as_floats(values: NDArray[Any], kind: Kind) -> NDArray[np.float64]:
    """Values of a ``Stored`` column as float64: numbers as they are, flags as 0 and 1, codes of words; NaN for none."""
    floats = values.astype(np.float64, copy=False)
    if kind != "number":
        floats[values == MISSING_CODE] = np.nan
    return floats


def accepts(kind: Kind, value: object) -> bool:
    """Whether a filter may compare a column of this kind with a value."""
    if kind == "word":
        return isinstance(value, str)
    if kind == "flag":
        return isinstance(value, bool)
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= sys.float_info.max


def _real(value: float) -> float:
    try:
        return float(value)
    except OverflowError:  # a whole number beyond all floats
        return np.inf if value > 0 else -np.inf
