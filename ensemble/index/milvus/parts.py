"""Many values, some at a time: Milvus takes messages of 64 MB, and a product has up to 64 KB."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TypeVar

Value = TypeVar("Value")

AT_ONCE = 500


def parts_of(values: Iterable[Value]) -> Iterator[list[Value]]:
    """Values in lists of at most ``AT_ONCE``."""
    remaining = iter(values)
    while part := list(islice(remaining, AT_ONCE)):
        yield part
