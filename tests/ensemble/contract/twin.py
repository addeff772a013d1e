"""What an index must answer, worked out product by product."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from hypothesis import strategies as st

from ensemble.found import Found
from tests.ensemble.contract.shop import DEAR, RED, Query, query
from tests.ensemble.contract.subjects import Living, Subject
from tests.ensemble.journal_twin import Held, Product, TwinCatalogue, passes
from tests.ensemble.test_masks import seeds, unslashed


@dataclass(frozen=True)
class Score:
    """A business score.

    Args:
        text: As requests say it.
        factor: What the inner product is multiplied with.
        added: What is added to it; NaN for want of a value.
    """

    text: bytes = b""
    factor: float = 1.0
    added: Callable[[Product], float] = lambda _: 0.0


PLAIN = Score()
SCORES = (
    PLAIN,
    Score(b"3 * similarity", 3.0),
    Score(b"0.5 * similarity + 0.25 * size", 0.5, lambda product: 0.25 * number(product, "size")),
    Score(b"similarity - 2 * new + log1p(fill(price, 7))", 1.0, lambda product: dear(product) - 2 * flag(product)),
)


def number(product: Product, name: str) -> float:
    value = product["attributes"].get(name)
    return np.nan if value is None else float(value)


def flag(product: Product) -> float:
    return number(product, "new")


def dear(product: Product) -> float:
    return float(np.log1p(7 if product["price"] is None else product["price"]))


@dataclass(frozen=True)
class Asked:
    """What one query asks.

    Args:
        query: ``(row_dim,)``, before the score's factor.
        count: How many hits.
        expression: A filter; None for none.
        score: A business score.
    """

    query: Query
    count: int = 1_000
    expression: dict[str, Any] | None = None
    score: Score = PLAIN

    @property
    def row(self) -> Query:
        """As engines get it."""
        scaled: Query = self.query * np.float32(self.score.factor)
        return scaled

    @property
    def filter(self) -> bytes:
        """As requests say it."""
        return b"" if self.expression is None else json.dumps(self.expression).encode()

    def score_of(self, held: Held) -> float:
        """Of a product that has a row."""
        assert held.row is not None
        added = np.float32(self.score.added(held.product))
        return float((held.row.astype(np.float64) * self.row).sum()) + float(added if np.isfinite(added) else 0)


@dataclass(frozen=True)
class Answer:
    """What one query was answered."""

    ids: list[str]
    scores: list[float]
    products: list[Product]
    seq: int

    @classmethod
    def of(cls, found: Found, number: int) -> Answer:
        """To one query of a request."""
        assert found.documents is not None
        products = [json.loads(one) for one in found.documents[number]]
        return cls(found.ids[number], found.hits[number].scores.tolist(), products, found.seq)


def ask(index: Living, *asked: Asked) -> list[Answer]:
    """Search a batch as retrieval does."""
    with index.reading() as state:
        passing = [state.passing(one.filter) for one in asked]
        boosts = [state.boost(one.score.text) for one in asked]
        rows = np.stack([one.row for one in asked])
        found = state.search(rows, [one.count for one in asked], passing, boosts)
        return [
            Answer(state.ids(hits), hits.scores.tolist(), [json.loads(one) for one in state.documents(hits)], state.seq)
            for hits in found
        ]


def check(subject: Subject, index: Living, catalogue: TwinCatalogue, *asked: Asked, seq: int | None = None) -> None:
    """An index answers each query as the catalogue is now, or was at a sequence number."""
    assert index.seq == (catalogue.head if seq is None else seq)
    for one, answer in zip(asked, ask(index, *asked), strict=True):
        assert answer.seq == index.seq
        check_answer(subject, catalogue, one, answer)


def check_all(subject: Subject, index: Living, catalogue: TwinCatalogue) -> None:
    """The index is as the catalogue is now: all of it, and what passes a filter over many fields."""
    without = {"not": {"range": ["price", None, None]}}
    several = [DEAR, {"and": [RED, {"eq": ["available", True]}]}, {"under": ["category", "Sport"]}, without]
    check(subject, index, catalogue, Asked(query(1)), Asked(query(2), expression={"or": several}))


def check_answer(subject: Subject, catalogue: TwinCatalogue, asked: Asked, answer: Answer) -> None:
    """Ids, scores, documents and sequence number of an answer are right."""
    right = best(catalogue, asked, answer.seq)
    state = catalogue.states[answer.seq]
    if subject.ties_by_slot:
        assert answer.ids == list(right)[: asked.count]
    assert len(answer.ids) == len(set(answer.ids)) == min(asked.count, len(right))
    for scores in (list(right.values())[: asked.count], [right[name] for name in answer.ids]):
        np.testing.assert_allclose(answer.scores, scores, rtol=2e-6, atol=2e-6)
    assert answer.products == [state[name].product for name in answer.ids]


def best(catalogue: TwinCatalogue, asked: Asked, seq: int) -> dict[str, float]:
    """Every product that passes with its score, best first; those of one score in the order in which they came."""
    found = {
        name: (-asked.score_of(held), held.row_seq, name)
        for name, held in catalogue.states[seq].items()
        if held.row is not None
        and (asked.expression is None or passes(held.product, asked.expression, catalogue.kinds))
    }
    return {name: -found[name][0] for name in sorted(found, key=lambda name: found[name])}


def asked_for(seeds: Iterable[int], **more: Any) -> list[Asked]:
    """Queries of random numbers."""
    return [Asked(query(seed), **more) for seed in seeds]


counts = st.sampled_from([1, 2, 10, 79, 1_000])
queries = st.one_of(seeds.map(query), seeds.map(lambda seed: -10 * query(seed)), st.just(np.zeros(6, np.float32)))


def asking(scores: tuple[Score, ...], filters: st.SearchStrategy[Any]) -> st.SearchStrategy[list[Asked]]:
    one = st.builds(Asked, queries, counts, filters.map(unslashed), st.sampled_from(scores))
    return st.lists(one, min_size=1, max_size=4)
