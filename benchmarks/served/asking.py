"""What the server answers: every query through the client, and what is wrong with an answer before any comparison."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from clients import Answer, Client
from export.queries import Query

# As many as this at a time, so that the server batches them as it does in a shop.
CONCURRENCY = 8
TIMEOUT_S = 60.0


@dataclass(frozen=True)
class Asked:
    """Whom to ask, and what an answer must be like.

    Args:
        url: Of the server.
        release: Whose answers are wanted.
        seq: Last change of the catalogue that answers may know.
        places: Place of each product by its id.
        k: How many products are asked for.
    """

    url: str
    release: int
    seq: int
    places: Mapping[str, int]
    k: int

    def answers(self, queries: Sequence[Query]) -> list[Answer]:
        """One answer a query, in their order.

        Raises:
            TandemError: The server refuses a query, or does not answer.
        """
        with Client(self.url, timeout_s=TIMEOUT_S) as client, ThreadPoolExecutor(CONCURRENCY) as pool:

            def ask(query: Query) -> Answer:
                image = None if query.image is None else query.image.read_bytes()
                return client.search(text=query.text, image=image, k=self.k)

            return list(pool.map(ask, queries))

    def problem(self, answer: Answer) -> str | None:
        """Why an answer cannot be what was asked for; ``None`` where it can."""
        return next(self._problems(answer), None)

    def _problems(self, answer: Answer) -> Iterator[str]:
        ids = [result.id for result in answer.results]
        scores = [result.score for result in answer.results]
        wanted = min(self.k, len(self.places))
        if answer.release != self.release:
            yield f"answered by release {answer.release}, {self.release} is asked"
        if answer.seq != self.seq:
            yield f"the catalogue has changed since the release was made (seq {answer.seq}, then {self.seq})"
        if len(ids) != wanted:
            yield f"{len(ids)} product(s), {wanted} are asked for"
        if len(set(ids)) != len(ids):
            yield "a product comes twice"
        unknown = [name for name in ids if name not in self.places]
        if unknown:
            yield f"product {unknown[0]!r} is not in the release's index"
        if not all(map(math.isfinite, scores)):
            yield "a score is not a number"
        if scores != sorted(scores, reverse=True):
            yield "not in the order of the scores"


def found(answers: Sequence[Answer], places: Mapping[str, int]) -> NDArray[np.float32]:
    """``(answers, products)``: served scores; -inf where a product was not among the answers.

    Args:
        answers: Without problems.
        places: Place of each product by its id.
    """
    scores = np.full((len(answers), len(places)), -np.inf, np.float32)
    for row, answer in enumerate(answers):
        for result in answer.results:
            scores[row, places[result.id]] = result.score
    return scores
