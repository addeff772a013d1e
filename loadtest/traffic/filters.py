"""Filters that select something: drawn from the catalogue, and held against every product of an answer."""

from __future__ import annotations

import math
import random
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import accumulate
from typing import Any, Protocol

from loadtest.errors import BadTraffic
from loadtest.traffic.shop import Product

LEAST, MOST = 0.01, 0.5
"""Shares of the catalogue that a filter lets pass."""
WINDOWS = (0.02, 0.1, 0.3)
"""Widths of price ranges, in shares of the prices."""
STEPS = 10
"""How many ranges of each width there are."""

Expression = Mapping[str, Any]


class Described(Protocol):
    """What a filter speaks of: a product of the file, or one of an answer."""

    @property
    def id(self) -> str:
        """Its id."""

    @property
    def category(self) -> str:
        """A path."""

    @property
    def price(self) -> float | None:
        """None where there is none."""

    @property
    def available(self) -> bool | None:
        """None where nothing is said."""

    @property
    def attributes(self) -> Mapping[str, object]:
        """Whatever else is told."""


def holds(expression: Expression, product: Described) -> bool:
    """Whether a filter lets a product pass; a product without the field never matches ``eq``, ``in`` or ``range``."""
    ((operator, operand),) = expression.items()
    if operator in {"and", "or"}:
        return (all if operator == "and" else any)(holds(part, product) for part in operand)
    if operator == "not":
        return not holds(operand, product)
    value = _value(product, operand[0])
    return value is not None and _MATCHES[operator](value, *operand[1:])


def share(expression: Expression, products: Sequence[Described]) -> float:
    """Which part of the products a filter lets pass."""
    return sum(holds(expression, product) for product in products) / len(products)


def draw_filters(products: Sequence[Product], seed: int = 0) -> tuple[Expression, ...]:
    """Filters over categories, prices, availability and attributes that let 1% to 50% of the products pass.

    Each of them is used by itself and, where that still selects something, together with a price range. Popular ones
    (first) are of all forms, as they are shuffled.

    Raises:
        BadTraffic: The catalogue has nothing to filter by.
    """
    sample = products[:: max(1, len(products) // 5_000)]
    prices = list(_prices(sample))
    single = [*_categories(sample), *prices, {"eq": ["available", True]}, {"eq": ["available", False]}]
    single += _attributes(sample)
    both = [{"and": [one, prices[place % len(prices)]]} for place, one in enumerate(single)] if prices else []
    # A pair of one range with another is a range again
    both = [pair for pair in both if "range" not in pair["and"][0]]
    kept = [expression for expression in (*single, *both) if LEAST <= share(expression, sample) <= MOST]
    if not kept:
        raise BadTraffic("catalogue: no category, price, availability or attribute that 1% to 50% of its products have")
    random.Random(seed).shuffle(kept)  # noqa: S311 - the same filters every time
    return tuple(kept)


def _categories(products: Sequence[Product]) -> Iterable[Expression]:
    paths: set[str] = set()
    for product in products:
        paths.update(accumulate(product.category.split("/"), "{}/{}".format))
    return ({"under": ["category", path]} for path in sorted(paths - {""}))


def _prices(products: Sequence[Product]) -> Iterable[Expression]:
    prices = sorted(product.price for product in products if product.price is not None)
    for width in WINDOWS if prices else ():
        for step in range(STEPS):
            start = step / STEPS * (1 - width)
            low, high = (prices[int(at * (len(prices) - 1))] for at in (start, start + width))
            yield {"range": ["price", low, high]}


def _attributes(products: Sequence[Product]) -> Iterable[Expression]:
    words = ((name, value) for one in products for name, value in one.attributes.items() if isinstance(value, str))
    return ({"eq": [name, value]} for (name, value), _ in Counter(words).most_common(200))


def _value(product: Described, name: str) -> object:
    return getattr(product, name) if name in {"id", "category", "price", "available"} else product.attributes.get(name)


def _equal(value: object, wanted: object) -> bool:
    if isinstance(value, str) and isinstance(wanted, str):
        return value.strip() == wanted.strip()
    return value == wanted


def _between(value: object, low: float | None, high: float | None) -> bool:
    """Inclusive; prices of an answer may have been rounded to float32."""
    if not isinstance(value, (int, float)):
        return False
    above = low is None or value >= low or math.isclose(value, low, rel_tol=1e-6)
    return above and (high is None or value <= high or math.isclose(value, high, rel_tol=1e-6))


def _under(value: object, path: str) -> bool:
    return f"{value}/".startswith(f"{path}/")


def _in(value: object, wanted: Sequence[object]) -> bool:
    return any(_equal(value, one) for one in wanted)


_MATCHES: Mapping[str, Callable[..., bool]] = {"eq": _equal, "in": _in, "under": _under, "range": _between}
