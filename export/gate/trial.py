"""What a tower is judged on: held-out inputs to ask with, and products to find."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, Protocol

import numpy as np

from export.errors import TooLittle
from export.gate.neighbours import MIN_PRODUCTS, Places

Kind = Literal["text", "vision", "product"]
Raw = str | bytes

KINDS = ("text", "vision", "product")
# With fewer inputs than this, a percentile and a mean say nothing.
MIN_INPUTS = 8


@dataclass(frozen=True)
class Item:
    """One raw input.

    Args:
        label: What a reader knows it as.
        read: Gives the text, the encoded picture, or the id of a product whose row and document are at hand.
        same: Equal where inputs are known to be equal.
        product: Id of the product that it was taken from; ``None`` for a real query.
        right: Ids of the products that are right answers to it; empty where that is not known.
    """

    label: str
    read: Callable[[], Raw]
    same: str
    product: str | None = None
    right: tuple[str, ...] = ()


@dataclass(frozen=True)
class Limits:
    """How much is judged; part of ``[gate]`` in ``towers.toml``.

    Args:
        products: At most so many are to be found, but never fewer than labels name.
        held_out: So many inputs there shall be, where the catalogue must help out with some.
    """

    products: int = 2000
    held_out: int = 256

    def __post_init__(self) -> None:
        if self.products < MIN_PRODUCTS:
            raise ValueError(f"`products` must be at least {MIN_PRODUCTS}, got {self.products}")
        if self.held_out < MIN_INPUTS:
            raise ValueError(f"`held_out` must be at least {MIN_INPUTS}, got {self.held_out}")


@dataclass(frozen=True)
class Trial:
    """Inputs that the candidates of one tower are judged on.

    Args:
        kind: Which tower.
        inputs: Distinct, and none of them seen by calibration.
        corpus: Products to find, in the order of the catalogue.

    Raises:
        TooLittle: There are too few of either.
    """

    kind: Kind
    inputs: tuple[Item, ...]
    corpus: tuple[Item, ...]

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"`kind` must be one of {', '.join(KINDS)}, got {self.kind!r}")
        if len({one.same for one in self.inputs}) != len(self.inputs):
            raise ValueError("`inputs` must be distinct")
        advice = "give a larger catalogue, or the path of `queries` in [gate]"
        if len(self.inputs) < MIN_INPUTS:
            raise TooLittle(
                f"{self.kind} tower: {len(self.inputs)} distinct held-out input(s), at least {MIN_INPUTS} are needed: "
                + advice
            )
        if len(self.corpus) < MIN_PRODUCTS:
            raise TooLittle(
                f"{self.kind} tower: {len(self.corpus)} product(s) to find, at least {MIN_PRODUCTS} are needed: "
                "give a larger catalogue"
            )

    @cached_property
    def places(self) -> Mapping[str, int]:
        """Place in the corpus by the product's id."""
        return {str(one.product): at for at, one in enumerate(self.corpus)}

    @cached_property
    def own(self) -> Places:
        """``(inputs,)`` place in the corpus of the product that an input was taken from, or -1."""
        return np.array([self.places.get(one.product or "", -1) for one in self.inputs], np.int64)

    @cached_property
    def right(self) -> dict[int, list[int]]:
        """Places of the right answers by place of the input; a product that the tower does not see is left out."""
        found = {
            at: [self.places[name] for name in one.right if name in self.places] for at, one in enumerate(self.inputs)
        }
        return {at: places for at, places in found.items() if places}


class Trials(Protocol):
    """Where held-out inputs and products to find come from."""

    @property
    def limits(self) -> Limits:
        """How much is judged."""

    def trial(self, kind: Kind) -> Trial:
        """What the tower of a kind is judged on.

        Raises:
            BadEvaluation: There is too little to judge by.
        """
