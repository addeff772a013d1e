"""The kind of every attribute: what filters may compare it with.

The first value of an attribute decides: a flag, a number or a word. Later upserts and patches of another kind are
refused, except that a column of words takes anything, written as a word. A bulk load may widen a column: one whose
values are all flags is ``flag``, all numbers ``number``, and anything else, mixed ones too, ``word``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal

from catalogue.errors import plain, shown
from catalogue.product import Attribute, Product

Kind = Literal["word", "number", "flag"]

_ALLOWED: Mapping[Kind, str] = {"word": "a string", "number": "a number", "flag": "true or false"}


def kind_of(value: Attribute) -> Kind:
    """The kind that a value is of."""
    if isinstance(value, bool):
        return "flag"
    return "number" if isinstance(value, int | float) else "word"


def kinds_of(products: Iterable[Product]) -> dict[str, Kind]:
    """The kind of every attribute of a whole catalogue."""
    kinds: dict[str, Kind] = {}
    for product in products:
        for name, value in product.attributes.items():
            kind = kind_of(value)
            if kinds.setdefault(name, kind) != kind:
                kinds[name] = "word"
    return dict(sorted(kinds.items()))


def widened(kinds: Mapping[str, Kind], more: Mapping[str, Kind]) -> dict[str, Kind]:
    """Kinds that hold the values of both."""
    both: dict[str, Kind] = {name: kind if kinds.get(name, kind) == kind else "word" for name, kind in more.items()}
    return {**kinds, **both}


def misfits(attributes: Mapping[str, Attribute], kinds: Mapping[str, Kind]) -> list[str]:
    """What is wrong with attributes whose values are of another kind than their column."""
    return [
        f"attributes.{plain(name)} = {shown(value)}; allowed: {_ALLOWED[kinds[name]]}, as in the other products"
        for name, value in attributes.items()
        if kinds.get(name, "word") not in ("word", kind_of(value))
    ]


def new_kinds(attributes: Mapping[str, Attribute], kinds: Mapping[str, Kind]) -> dict[str, Kind]:
    """The kinds of attributes that no column has yet."""
    return {name: kind_of(value) for name, value in attributes.items() if name not in kinds}
