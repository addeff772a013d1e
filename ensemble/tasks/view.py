"""One state of an index, with what the rules of a profile ask of its products."""

from __future__ import annotations

import json
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ensemble.errors import InvalidInput
from ensemble.features.categories import path_of
from ensemble.index import Filter, Reading, parse_filter
from ensemble.index.columns import MISSING_CODE, Numbers
from ensemble.index.filter_size import LIMITS, FilterLimits, FilterSize
from ensemble.index.values import KEY_FIELDS
from ensemble.tasks.names import MOST_CATEGORY_CHARACTERS
from ensemble.words import as_word

Floats = NDArray[np.float32]
Value = Hashable | None

# A filter is joined with others by two levels of `and`, and with a category and those below it: what that takes of the
# limits is kept free.
JOINT = FilterSize(characters=8 * MOST_CATEGORY_CHARACTERS, operators=3, leaves=1)
ROOM = replace(LIMITS.beside(JOINT), depth=LIMITS.depth - 2)


@dataclass(frozen=True)
class View:
    """What a row is answered from.

    Args:
        state: Open as long as this is used.
    """

    state: Reading
    _found: dict[str, int] = field(default_factory=dict, init=False, repr=False)
    _compiled: dict[bytes, Filter | None] = field(default_factory=dict, init=False, repr=False)

    def find(self, names: Sequence[str]) -> Numbers:
        """``(names,)``: the slot of each product; -1 where there is none. What was found is remembered."""
        new = [name for name in names if name not in self._found]
        if new:
            self._found.update(zip(new, self.state.slots.find(new).tolist(), strict=True))
        return np.array([self._found[name] for name in names], np.int64)

    def vectors(self, slots: Numbers) -> Floats:
        """``(slots, dim)`` float32."""
        return self.state.slots.rows(slots).astype(np.float32)

    def value(self, name: str, slot: int) -> Value:
        """A field of a product as its column holds it; None where it has none."""
        column = self.state.slots.stored.get(name)
        if column is None:
            return None
        value: Value = column.values[slot].item()
        missing = value != value if column.kind == "number" else value == MISSING_CODE  # noqa: PLR0124 -- NaN
        return None if missing else value

    def held(self, name: str, given: Any) -> Value:
        """A value as the column of a field holds it; None where it cannot, or no product has it."""
        column = self.state.slots.stored.get(name)
        if column is None or given is None:
            return None
        if column.kind == "word":
            return next(iter(column.codes([as_word(given)])), None)
        return None if isinstance(given, str) else float(given)

    def category(self, slot: int) -> str:
        """The category of a product; empty where it has none."""
        column = self.state.slots.stored["category"]
        code = int(column.values[slot])
        return "" if code == MISSING_CODE else column.words[code]

    def passes(self, text: bytes, slots: Numbers) -> NDArray[np.bool_]:
        """``(slots,)``: which are valid and pass a filter; for few slots, as nothing is kept."""
        valid = self.state.slots.valid[slots]
        if text not in self._compiled:
            self._compiled[text] = parse_filter(text, self.state.slots.columns)
        compiled = self._compiled[text]
        return valid if compiled is None else valid & compiled.mask(self.state.slots.columns, slots)

    def canonical(self, text: bytes, name: str, limits: FilterLimits = ROOM) -> tuple[bytes, FilterSize]:
        """A filter in the one form that it is kept in, and its size.

        Args:
            text: The expression; empty for none.
            name: How errors call it.
            limits: How large it may be, so that it can be joined.

        Raises:
            InvalidInput: It cannot be compiled; names the place in it.
        """
        compiled = parse_filter(text, self.state.slots.columns, name=name, limits=limits)
        if compiled is None:
            return b"", FilterSize(0)
        kept = _written(json.loads(text))
        if len(kept) > limits.nbytes:
            told = f"{len(kept):,} bytes with all numbers written out; at most {limits.nbytes:,} are allowed"
            raise InvalidInput(name, told)
        return kept, replace(compiled.size, characters=len(kept))


def joined(*texts: bytes) -> bytes:
    """One filter that lets pass what all of them do; empty ones do not count.

    >>> joined(b"", b'{"eq":["new",true]}')
    b'{"eq":["new",true]}'
    >>> joined(b'{"eq":["new",true]}', b'{"range":["price",null,9]}')
    b'{"and":[{"eq":["new",true]},{"range":["price",null,9]}]}'
    """
    given = [text for text in texts if text]
    return b"".join(given) if len(given) < 2 else b'{"and":[' + b",".join(given) + b"]}"


@lru_cache(maxsize=1024)
def under(category: str) -> bytes:
    """A filter for a category and those below it.

    >>> under("Kitchen/Mugs")
    b'{"under":["category","Kitchen/Mugs"]}'
    """
    return _written({"under": ["category", category]})


def _written(expression: Any) -> bytes:
    return json.dumps(expression, separators=(",", ":"), ensure_ascii=False).encode("utf-8", "surrogatepass")


def upper(category: str, level: int) -> str:
    """A category up to a level of its path; all of it where the level is 0.

    >>> upper("Kitchen/Mugs/Large", 2), upper("Kitchen", 2), upper("Kitchen/Mugs", 0)
    ('Kitchen/Mugs', 'Kitchen', 'Kitchen/Mugs')
    """
    make = _upper if len(category) <= MOST_CATEGORY_CHARACTERS else _upper.__wrapped__
    return make(category, level)


@lru_cache(maxsize=4096)
def _upper(category: str, level: int) -> str:
    return "/".join(path_of(category)[: level or None])


def value_in(product: Mapping[str, Any], name: str) -> Any:
    """A field of a product in full: of its own, or an attribute."""
    return product.get(name) if name in KEY_FIELDS else product["attributes"].get(name)
