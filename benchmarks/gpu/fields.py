"""The fields of the benchmark's products: each is worked out from the product's number alone, on any device."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Literal

import torch

# Values of `lot` and of `shelf`: a range over so many passes as many thousandths of the products.
PARTS = 1_000
CATEGORIES = 200
PRICES = 10_000

Field = Literal["lot", "shelf"]


@dataclass(frozen=True)
class Range:
    """A filter: products whose number in a field lies between two, both among them.

    Args:
        field: ``lot`` is spread evenly over the products; ``shelf`` ascends with them, as where products of one
            category were added together.
        first: The least.
        last: The most.
    """

    field: Field
    first: int
    last: int

    @property
    def text(self) -> bytes:
        """As a request gives it."""
        return self.beside(0.0)

    def beside(self, by: float) -> bytes:
        """A text that was perhaps never asked, and lets the same products pass while ``by`` is below 1."""
        return json.dumps({"range": [self.field, self.first - by, self.last]}).encode()

    def passes(self, slots: torch.Tensor, count: int) -> torch.Tensor:
        """``(slots,)`` bool.

        Args:
            slots: ``(slots,)`` int64.
            count: How many products there are.
        """
        held = lots(slots) if self.field == "lot" else shelves(slots, count)
        return (held >= self.first) & (held <= self.last)


def lots(slots: torch.Tensor) -> torch.Tensor:
    """``(slots,)`` int64 below ``PARTS``."""
    return _mixed(slots) % PARTS


def shelves(slots: torch.Tensor, count: int) -> torch.Tensor:
    """``(slots,)`` int64 below ``PARTS``, ascending."""
    return slots * PARTS // count


def categories(slots: torch.Tensor, count: int) -> torch.Tensor:
    """``(slots,)`` int64 below ``CATEGORIES``: products of one category lie together."""
    return slots * CATEGORIES // count


def prices(slots: torch.Tensor) -> torch.Tensor:
    """``(slots,)`` float64, from 1.00 to 100.99."""
    return 1 + (_mixed(slots + 1) % PRICES).to(torch.float64) / 100


def available(slots: torch.Tensor) -> torch.Tensor:
    """``(slots,)`` bool: nine of ten are."""
    return _mixed(slots + 2) % 10 != 0


def _mixed(slots: torch.Tensor) -> torch.Tensor:
    """A number below 2**32 for each, without an order."""
    product = (slots * 2_654_435_761) & 0xFFFF_FFFF
    return product ^ (product >> 15)
