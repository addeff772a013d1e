"""Which categories complement which: learned from baskets, and edited by hand."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import NormalDist
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ensemble.features.categories import ancestors, path_of
from training.errors import TrainingInputError
from training.product.events import Events
from training.product.pairs import MAX_BASKET

COMPLEMENTS = "complements.json"
_BASKETS_AT_ONCE = 2_048
# Of a category so many products, the most sold ones, are looked at for the one that fits another category best.
_MOST_LOOKED_AT = 50

Source = Literal["learned", "hand"]
Counts = NDArray[np.float64]


@dataclass(frozen=True)
class Complement:
    """One category that complements another.

    Attributes:
        category: the target.
        lift: how many times more often baskets hold both than they would if the two had nothing to do with each other;
            None for one that was set by hand.
        low: lower confidence limit of the lift.
        baskets: that hold both.
        source: "learned", or "hand" for what is kept when the map is learned again.
    """

    category: str
    lift: float | None = None
    low: float | None = None
    baskets: int | None = None
    source: Source = "learned"

    def __post_init__(self) -> None:
        if "/".join(path_of(self.category)) != self.category or not self.category:
            raise TrainingInputError(f"category: got {self.category!r}, must be a path such as 'Kitchen/Mugs'")
        if self.source not in ("learned", "hand"):
            raise TrainingInputError(f"source: got {self.source!r}, must be 'learned' or 'hand'")


@dataclass(frozen=True)
class ComplementMap:
    """Targets by category, the best first.

    Attributes:
        targets: of each category.
    """

    targets: Mapping[str, tuple[Complement, ...]]

    def by_hand(self) -> ComplementMap:
        """What was written by hand alone; an empty list too, which learning never leaves."""
        kept = {name: tuple(one for one in ones if one.source == "hand") for name, ones in self.targets.items()}
        return ComplementMap({name: ones for name, ones in kept.items() if ones or not self.targets[name]})

    def over(self, other: ComplementMap) -> ComplementMap:
        """This map's targets first, then those of another that this one does not have; its empty lists stay empty."""
        names = sorted(set(self.targets) | set(other.targets))
        return ComplementMap({name: _merged(self.targets.get(name), other.targets.get(name, ())) for name in names})

    def save(self, path: Path) -> None:
        """Write as JSON, one target a line, to be read and edited."""
        path.parent.mkdir(parents=True, exist_ok=True)
        lines = []
        for name, targets in self.targets.items():
            listed = ",\n".join(f"    {json.dumps(asdict(one), ensure_ascii=False)}" for one in targets)
            lines.append(f"  {json.dumps(name, ensure_ascii=False)}: " + (f"[\n{listed}\n  ]" if targets else "[]"))
        path.write_text("{\n" + ",\n".join(lines) + "\n}\n", "utf-8")

    @classmethod
    def load(cls, path: Path) -> ComplementMap:
        """Read a file that ``save`` or a hand wrote; an entry without ``source`` is from a hand.

        Raises:
            TrainingInputError: it cannot be read; says where.
        """
        try:
            content: dict[str, list[dict[str, Any]]] = json.loads(path.read_text("utf-8"))
            return cls(
                {name: tuple(Complement(**{"source": "hand", **one}) for one in ones) for name, ones in content.items()}
            )
        except (OSError, ValueError, TypeError, AttributeError) as error:
            raise TrainingInputError(f"complements: {path} cannot be read: {error}") from error


def _merged(first: tuple[Complement, ...] | None, second: tuple[Complement, ...]) -> tuple[Complement, ...]:
    if not first:
        return second if first is None else first
    known = {one.category for one in first}
    return (*first, *(one for one in second if one.category not in known))


def learn_complements(
    events: Events,
    catalogue: Sequence[Mapping[str, Any]],
    *,
    most: int = 10,
    confidence: float = 0.99,
    min_baskets: int = 10,
    max_basket: int = MAX_BASKET,
) -> ComplementMap:
    """Learn which categories are bought together more often than chance would have it.

    A category and one of its ancestors never complement each other. Every ancestor has targets of its own, for products
    of a category that is not known. The bound is the lower confidence limit of the lift, whose logarithm is taken for
    normal with the variance that the delta method gives for a multinomial sample. Lift alone would fill the map with
    the rarest categories, and a category is worth what is shown of it: the targets are those with the greatest lower
    limit times the baskets that hold the category and one product of the target, that with the most of them.

    Args:
        events: purchases are counted, views are not.
        catalogue: with ``id`` and ``category``.
        most: targets a category, the best first.
        confidence: one-sided; the limit must be above 1.
        min_baskets: that hold both.
        max_basket: baskets of more products say nothing of what belongs together.
    """
    of_product = {str(product["id"]): product.get("category") for product in catalogue}
    paths = ["/".join(path_of(of_product.get(name))) for name in events.products]
    names = sorted({node for path in paths for node in ancestors(path)})
    if not names:
        return ComplementMap({})
    together, best, total = _together(events.only(~events.viewed), paths, names, max_basket)
    lift, low = lift_and_limit(together, total, confidence)
    leaves = np.isin(names, sorted(set(paths)))
    apart = np.array([[not _related(one, other) for other in names] for one in names])
    passing = leaves[None, :] & apart & (together >= min_baskets) & (low > 1)
    found = {}
    for row in np.flatnonzero(passing.any(axis=1)).tolist():
        chosen = np.flatnonzero(passing[row])
        worth = low[row, chosen] * best[row, chosen]
        ranked = chosen[np.argsort(-worth, kind="stable")][:most].tolist()
        found[names[row]] = tuple(
            Complement(names[at], round(float(lift[row, at]), 4), round(float(low[row, at]), 4), int(together[row, at]))
            for at in ranked
        )
    return ComplementMap(found)


def lift_and_limit(together: Counts, total: int, confidence: float) -> tuple[Counts, Counts]:
    """Lift of each pair, and the lower confidence limit of it.

    Args:
        together: (n, n) baskets that hold both; the diagonal, those that hold one.
        total: baskets.
        confidence: one-sided.

    Returns:
        (n, n) each; 0 where no basket holds both.
    """
    # A count of nothing has no logarithm; what it gives is not returned.
    share = np.maximum(together, 1.0) / max(total, 1)
    first, second = np.diag(share)[:, None], np.diag(share)[None, :]
    lift = share / (first * second)
    # Of log(share / (first * second)), by the gradient over the four cells of the table.
    variance = (
        share * (1 / share - 1 / first - 1 / second) ** 2
        + (first - share) / first**2
        + (second - share) / second**2
        - 1
    )
    deviation = np.sqrt(np.maximum(variance, 0) / max(total, 1))
    low = lift * np.exp(-NormalDist().inv_cdf(confidence) * deviation)
    return np.where(together > 0, lift, 0.0), np.where(together > 0, low, 0.0)


def _related(one: str, other: str) -> bool:
    return f"{one}/".startswith(f"{other}/") or f"{other}/".startswith(f"{one}/")


def _together(
    events: Events, paths: Sequence[str], names: Sequence[str], max_basket: int
) -> tuple[Counts, Counts, int]:
    """Baskets that hold both of two categories, ancestors counted too; the baskets themselves.

    Returns:
        (n, n) baskets that hold both; (n, n) those that hold the first and one product of the second, that with the
        most; how many baskets there are.
    """
    place = {name: at for at, name in enumerate(names)}
    _, basket, sizes = np.unique(events.basket, return_inverse=True, return_counts=True)
    kept = np.flatnonzero(sizes <= max_basket)
    number = np.full(len(sizes), -1, np.int64)
    number[kept] = np.arange(len(kept))
    in_kept = number[basket] >= 0
    held, product = number[basket[in_kept]], events.product[in_kept]
    nodes = [[place[node] for node in ancestors(path)] for path in paths]
    looked_at = _most_sold(product, paths)
    column = np.full(len(paths), -1, np.int64)
    column[looked_at] = np.arange(len(looked_at))
    together, single = np.zeros((len(names), len(names))), np.zeros((len(names), len(looked_at)))
    order = np.argsort(held, kind="stable")
    held, product = held[order], product[order]
    for start in range(0, len(kept), _BASKETS_AT_ONCE):
        low, high = np.searchsorted(held, [start, start + _BASKETS_AT_ONCE])
        shown = np.zeros((_BASKETS_AT_ONCE, len(names)), np.float32)
        alone = np.zeros((_BASKETS_AT_ONCE, len(looked_at) + 1), np.float32)
        for row, one in zip((held[low:high] - start).tolist(), product[low:high].tolist(), strict=True):
            shown[row, nodes[one]] = 1
            alone[row, column[one]] = 1  # the last column takes what is not looked at
        together += shown.T @ shown
        single += shown.T @ alone[:, :-1]
    best = np.zeros_like(together)
    for at, one in enumerate(looked_at.tolist()):
        for node in nodes[one]:
            np.maximum(best[:, node], single[:, at], out=best[:, node])
    return together, best, len(kept)


def _most_sold(product: NDArray[np.int64], paths: Sequence[str]) -> NDArray[np.int64]:
    """The products of each category that are looked at; those without a category stand in no map."""
    counts = np.bincount(product, minlength=len(paths))
    order = np.argsort(-counts, kind="stable")
    taken: dict[str, int] = {}
    chosen = []
    for one in order.tolist():
        path = paths[one]
        if path and counts[one] and taken.get(path, 0) < _MOST_LOOKED_AT:
            taken[path] = taken.get(path, 0) + 1
            chosen.append(one)
    return np.array(chosen, np.int64)
