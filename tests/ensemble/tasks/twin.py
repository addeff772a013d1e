"""The tasks again, read plainly: one product after another, in Python, over the whole catalogue."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ensemble.tasks import Shop
from ensemble.tasks.profile import Profile
from tests.ensemble.journal_twin import passes
from tests.ensemble.tasks.shops import Product

Doubles = NDArray[np.float64]
Chosen = list[tuple[str, str]]


@dataclass(frozen=True)
class Wish:
    """A row of a request: what ``Asked`` is, read by hand."""

    ids: Sequence[str]
    weights: Sequence[float]
    ages_days: Sequence[float] | None = None
    k: int = 10
    filter: Mapping[str, Any] | None = None
    seen: Sequence[str] = ()
    categories: Sequence[str] = ()
    nearest: int = 3
    skip: int = 0
    diversity: float = 0.0
    per_category: int = 0
    per_brand: int = 0


@dataclass
class List:
    """Candidates of one rule: all that pass, the best first."""

    rule: str
    numbers: list[int]
    scores: list[float]
    is_ranked: bool = True


class Twin:
    """Answers slowly.

    Args:
        products: In the order of their slots.
        vectors: Of each.
        shop: Its profiles, head and clusters are used; the rest is given raw.
        complements: As in the file.
        popular: As in the file.
    """

    def __init__(
        self,
        products: Sequence[Product],
        vectors: NDArray[np.float32],
        shop: Shop,
        complements: Mapping[str, Any],
        popular: Mapping[str, Sequence[str]],
    ) -> None:
        self.products, self.shop, self.complements, self.popular = products, shop, complements, popular
        self.vectors = vectors.astype(np.float16).astype(np.float64)
        self.cosines = self.vectors @ self.vectors.T
        self.numbers = {product["id"]: number for number, product in enumerate(products)}

    def answer(self, profile: Profile, wish: Wish) -> Chosen:
        """Ids with their rules."""
        own = [self.numbers[name] for name in wish.ids]
        weights = np.array(wish.weights, np.float64)
        if wish.ages_days is not None and profile.half_life_days is not None:
            weights = weights * 0.5 ** (np.array(wish.ages_days) / profile.half_life_days)
        picking = Picking(self, profile, wish, own)
        for task in dict.fromkeys([profile.task, *profile.fallback]):
            if task == "popular":
                for one in self.popular_lists(profile, wish, own, weights):
                    picking.take([one])
            else:
                picking.take(list(getattr(self, task)(profile, wish, own, weights)))
        return [(self.products[number]["id"], rule) for number, rule in picking.chosen]

    def similar(self, profile: Profile, wish: Wish, own: list[int], weights: Doubles) -> Iterator[List]:
        if own:
            yield self.ranked("similar", self.mixed(own, weights), self.passing(profile, wish))

    def complement(self, profile: Profile, wish: Wish, own: list[int], weights: Doubles) -> Iterator[List]:
        targets = list(wish.categories) or self.targets(profile, own, weights)
        for target in targets:
            query = self.mixed(own, weights)
            if self.shop.head is not None:
                query = self.shop.head.queries(query[None].astype(np.float32), [target])[0].astype(np.float64)
            below = [number for number in self.passing(profile, wish) if is_under(self.category(number), target)]
            yield self.ranked(f"complement:{target}", query, below)

    def targets(self, profile: Profile, own: list[int], weights: Doubles) -> list[str]:
        lists: dict[str, list[str]] = {}
        for number, weight in zip(own, weights, strict=True):
            levels = self.category(number).split("/")
            while weight > 0 and levels and "/".join(levels) not in self.complements:
                levels.pop()
            if weight > 0 and "/".join(levels) in self.complements:
                lists["/".join(levels)] = [entry["category"] for entry in self.complements["/".join(levels)]]
        targets: list[str] = []
        for rank in range(max(map(len, lists.values()), default=0)):
            for one in lists.values():
                if rank < len(one) and one[rank] not in targets:
                    targets.append(one[rank])
        return targets[: profile.categories]

    def inspire(self, profile: Profile, wish: Wish, own: list[int], weights: Doubles) -> Iterator[List]:
        assert self.shop.clusters is not None
        centroids = self.shop.clusters.centroids.astype(np.float64)
        standing: dict[Any, Doubles] = {}
        for place, number in enumerate(own):
            is_young = wish.ages_days is None or wish.ages_days[place] <= profile.max_age_days
            if weights[place] > 0 and is_young:
                levels = self.category(number).split("/")[: profile.category_level or None]
                away = [other for other, weight in enumerate(weights) if weight < 0 or other == place]
                vector = (
                    self.mixed([own[one] for one in away], weights[away]) if len(away) > 1 else self.vectors[number]
                )
                standing.setdefault("/".join(levels) or place, vector)
        order = [np.argsort(-(centroids @ vector), kind="stable")[wish.skip :] for vector in standing.values()]
        turns = [
            (vector, near[rank])
            for rank in range(wish.nearest)
            for vector, near in zip(standing.values(), order, strict=True)
            if rank < len(near)
        ]
        home = np.argmax(self.vectors @ centroids.T, axis=1)
        for vector, cluster in turns[:64]:
            query = vector + centroids[cluster]
            members = [number for number in self.passing(profile, wish) if home[number] == cluster]
            yield self.ranked(f"inspire:{cluster}", query / np.linalg.norm(query), members)

    def popular_lists(self, profile: Profile, wish: Wish, own: list[int], weights: Doubles) -> Iterator[List]:
        liked = [number for number, weight in zip(own, weights, strict=True) if weight > 0]
        paths = [category.split("/") for number in liked if (category := self.category(number))]
        deepest = max(map(len, paths), default=0)
        names = ["/".join(path[: len(path) - up]) for up in range(deepest) for path in paths if len(path) > up]
        allowed = set(self.passing(profile, wish))
        for name in dict.fromkeys([*names, ""]):
            listed = [self.numbers[one] for one in self.popular.get(name, []) if one in self.numbers]
            kept = [number for number in listed if number in allowed]
            yield List(f"popular:{name}", kept, [0.0] * len(kept), is_ranked=False)

    def ranked(self, rule: str, query: Doubles, among: Sequence[int]) -> List:
        scores = {number: float((self.vectors[number] * query).sum()) for number in among}
        order = sorted(among, key=lambda number: (-scores[number], number))
        return List(rule, order, [scores[number] for number in order])

    def mixed(self, own: Sequence[int], weights: Doubles) -> Doubles:
        total: Doubles = sum(
            (weight * self.vectors[number] for number, weight in zip(own, weights, strict=True)), np.zeros(1)
        )
        unit: Doubles = (total / np.linalg.norm(total)).astype(np.float32).astype(np.float64)
        return unit

    def passing(self, profile: Profile, wish: Wish) -> list[int]:
        filters = [one for one in (profile.filter, wish.filter) if one is not None]
        numbered = enumerate(self.products)
        return [number for number, product in numbered if all(passes(product, one) for one in filters)]

    def category(self, number: int) -> str:
        return self.products[number]["category"] or ""


class Picking:
    """The products chosen so far."""

    def __init__(self, twin: Twin, profile: Profile, wish: Wish, own: Sequence[int]) -> None:
        self.twin, self.profile, self.wish, self.own = twin, profile, wish, own
        self.chosen: list[tuple[int, str]] = []
        self.most = 1_000

    def take(self, lists: Sequence[List]) -> None:
        """Choose from lists in turns."""
        if not lists:
            return
        share = -(-(self.wish.k - len(self.chosen)) // len(lists))
        widths = {id(one): max(20, 5 * share) for one in lists}
        self.most = max(self.wish.k, 1_000 // len(lists))
        out = {*self.own, *(self.twin.numbers[name] for name in self.wish.seen if name in self.twin.numbers)}
        kept = {id(one): [at for at, number in enumerate(one.numbers) if number not in out] for one in lists}
        going = list(lists)
        while going:
            for one in list(going):
                if len(self.chosen) == self.wish.k:
                    return
                best = self.best(one, kept[id(one)], widths)
                if best is None:
                    going.remove(one)
                else:
                    self.chosen.append((one.numbers[best], one.rule))

    def best(self, one: List, places: list[int], widths: dict[int, int]) -> int | None:
        """Where the next product of a list stands; the list is looked at further where none is left."""
        is_mixed = self.wish.diversity > 0 and one.is_ranked
        while True:
            width = min(widths[id(one)], self.most) if is_mixed else self.most
            allowed = [at for at in places[:width] if self.is_allowed(one.numbers[at])]
            if allowed:
                return max(allowed, key=lambda at: (self.value(one, at), -at)) if is_mixed else allowed[0]
            if width >= min(self.most, len(places)):
                return None
            widths[id(one)] = min(self.most, 4 * width)

    def value(self, one: List, at: int) -> float:
        """Marginal relevance."""
        d = self.wish.diversity
        cosines = [self.twin.cosines[one.numbers[at], number] for number, _ in self.chosen]
        return (1 - d) * one.scores[at] - d * float(max(cosines, default=0.0))

    def is_allowed(self, number: int) -> bool:
        taken = [chosen for chosen, _ in self.chosen]
        if number in taken or any(self.is_variant(number, other) for other in [*self.own, *taken]):
            return False
        level = self.profile.category_level or None
        category = "/".join(self.twin.category(number).split("/")[:level])
        alike = ["/".join(self.twin.category(other).split("/")[:level]) for other in taken]
        if self.wish.per_category and category and alike.count(category) >= self.wish.per_category:
            return False
        brand = self.attribute(number, self.profile.brand)
        brands = [self.attribute(other, self.profile.brand) for other in taken]
        return not (self.wish.per_brand and brand is not None and brands.count(brand) >= self.wish.per_brand)

    def is_variant(self, number: int, other: int) -> bool:
        value = self.attribute(number, self.profile.variants_by)
        if value is not None and value == self.attribute(other, self.profile.variants_by):
            return True
        most = self.profile.near_duplicates
        return most is not None and bool(self.twin.cosines[number, other] > most)

    def attribute(self, number: int, name: str) -> Any:
        return self.twin.products[number]["attributes"].get(name)


def is_under(category: str, target: str) -> bool:
    return category == target or category.startswith(f"{target}/")
